/* Command lines: options before, between and after the operands, `--opt=value` or `--opt value`;
 * `--` ends the options.  Every mistake is one line that says what would be right. */
#ifndef FERRY_CLI_OPTIONS_H
#define FERRY_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/verb.h"

/* One option.  Which of the six is set says what it takes. */
struct option {
    const char *name;  /* "timeout"; NULL ends the list */
    char letter;       /* 'f' for -f; 0 for none */
    bool *flag;        /* takes no value */
    uint64_t *size;    /* 4097, 64K */
    uint64_t *number;  /* 17 */
    int64_t *duration; /* 100ms, 2s */
    unsigned *mode;    /* 0640 */
    const char **text; /* any word: a file, a name */
    bool *given;       /* set if it was there; may be NULL */
};

/* Stores what the options say and moves the operands to the front of argv.  Returns how many there
 * are, or -1 after a complaint. */
int options_parse(const struct verb *verb, const struct option *options, int argc, char **argv);

#endif
