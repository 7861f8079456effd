/* Running another program for a verb, as `ferry lock` does. */
#ifndef FERRY_CLI_COMMAND_H
#define FERRY_CLI_COMMAND_H

/* Of verbs that run a command, beside its own (contract U5). */
enum {
    STATUS_TIMED_OUT = 124,
    STATUS_OWN_FAILURE = 125,
    STATUS_CANNOT_RUN = 126,
    STATUS_NOT_FOUND = 127,
    STATUS_SIGNAL = 128, /* and the signal's number */
};

/* Runs argv[0] with these arguments and waits for its end: its status, or one of the above after a complaint.  Signals that are
 * sent to us meanwhile go to it; if we are killed, so is it (but not what it has started). */
int command_run(char *const *argv);

#endif
