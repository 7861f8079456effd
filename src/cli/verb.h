/* A verb of the command: what it is called, what it takes, and the function that does it.
 *
 * One file per verb defines one `struct verb`; main.c holds the table.  Verbs use the public
 * headers alone, report failures with complain() or report(), and return an exit status. */
#ifndef FERRY_CLI_VERB_H
#define FERRY_CLI_VERB_H

/* Exit statuses (contract U5). */
enum {
    STATUS_DONE = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
    STATUS_NOTHING = 3, /* timed out, or nothing there */
};

struct verb {
    const char *name;
    const char *summary;  /* one line of `ferry help` */
    const char *operands; /* "NAME [TEXT]" */
    int least_operands;
    int most_operands;
    const char *help;                  /* behind the usage line; 80 columns at most */
    int (*run)(int argc, char **argv); /* argv begins behind the verb */
};

extern const struct verb verb_new;
extern const struct verb verb_ls;
extern const struct verb verb_show;
extern const struct verb verb_rm;
extern const struct verb verb_write;
extern const struct verb verb_read;
extern const struct verb verb_send;
extern const struct verb verb_receive;
extern const struct verb verb_tap;
extern const struct verb verb_wait;
extern const struct verb verb_post;
extern const struct verb verb_lock;
extern const struct verb verb_doctor;
extern const struct verb verb_demo;
extern const struct verb verb_bench;
extern const struct verb verb_help;

/* All verbs in the order of `ferry help`; ends with NULL. */
extern const struct verb *const verbs[];

/* The verb called name; NULL, after a complaint, if there is none. */
const struct verb *verb_find(const char *name);

/* Prints a verb's help. */
void verb_print_help(const struct verb *verb);

#endif
