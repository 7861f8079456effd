/* Processes that each hold an end, and let go of it when they are told, in a given way.
 *
 * Three of them: a child, its child, and another child.  Whatever they leave behind becomes this
 * process's. */
#ifndef FERRY_CONFORMANCE_HOLDERS_H
#define FERRY_CONFORMANCE_HOLDERS_H

#include <stdatomic.h>

#include "back_end.h"

enum { HOLDERS = 3 };

enum way { BY_CLOSING, BY_EXITING, BY_BEING_KILLED, BY_EXEC, WAYS };

/* In memory that all of them share. */
struct holder {
    struct test_gate ready, go, done;
    enum way way;
    _Atomic pid_t pid;
};

struct holders {
    struct ends ends;
    unsigned role; /* FERRY_READ or FERRY_WRITE: what they hold */
    struct holder *each;
    int hello[2]; /* a byte from each program that was executed */
};

/* Once for each case. */
void holders_init(struct holders *holders);
void holders_deinit(struct holders *holders);

/* Starts them.  The case has both ends still. */
void holders_start(struct holders *holders, const struct back_end *back_end, unsigned role);

/* One lets go, which has happened when this returns.  A holder of write ends writes its letter before: 'A', 'B', 'C'. */
void holders_let_go(struct holders *holders, int index, enum way way);

/* Ends and reaps all of them, and closes what the case has. */
void holders_finish(struct holders *holders);

/* Waits until a process, whosever child, is dead and has no descriptors any more. */
void await_death(pid_t pid);

/* Kills a process, whosever child. */
void kill_and_await(pid_t pid);

/* The descriptors that are closed by an exec are; then the byte comes, and the process stays. */
__attribute__((noreturn)) void exec_and_stay(int hello);

/* Dead children, and theirs, become ours; and are reaped until there are none. */
void adopt_orphans(void);
void reap_all(void);

#endif
