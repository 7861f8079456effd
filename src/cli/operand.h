/* What an operand means, and how failures end the command.
 *
 * Wherever a NAME is meant, these work: a name; `key:0x0104abcd`; `key:PATH:PROJECT`, the key that
 * every program makes from that file and number; and for looking, `held:PID:FD`. */
#ifndef FERRY_CLI_OPERAND_H
#define FERRY_CLI_OPERAND_H

#include <ferry/ferry.h>

/* Complains with what ferry_explain() says and returns the exit status that goes with `error`. */
int report(int error);

/* Finds the name behind an operand: 0, or an exit status after a complaint. */
int operand_name(const char *operand, char ret_name[FERRY_NAME_SIZE]);

/* The kind called `word`, or -1 after a complaint. */
int operand_kind(const char *word);

/* The same, and the kind of what goes by that name: 0 if there is nothing. */
int operand_find(const char *operand, char ret_name[FERRY_NAME_SIZE], int *ret_kind);

/* Attaches to an existing segment: 0, or an exit status after a complaint.  If there is none, the
 * complaint holds the command that makes it. */
int operand_open_segment(ferry_segment **ret_segment, const char *operand, unsigned role);

/* For CLEANUP(). */
void segment_cleanup(ferry_segment **segment);

/* A word as the shell takes it, in memory that the caller frees. */
char *operand_quote(const char *word);

#endif
