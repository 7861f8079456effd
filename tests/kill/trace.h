/* One victim under ptrace: run it instruction by instruction, or up to an address.
 *
 * The victim is a child of the calling process.  It dies with it (SIGKILL), and no tracee is left
 * over whatever happens.  Processes that the victim forks are not traced and carry no breakpoint.
 * Signals for the victim are passed on.  Victims have one thread and do not exec. */
#ifndef KILL_TRACE_H
#define KILL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tracee {
    pid_t pid;              /* 0 once it is gone */
    uintptr_t address;      /* of the next instruction, when it last stood still */
    int signal;             /* to be delivered when it goes on */
    bool stepping;          /* one instruction at a time, or running */
    int status;             /* TRACE_GONE: as from waitpid() */
    unsigned long last_nap; /* the nap that has been reported already */
};

enum trace_event {
    TRACE_STANDS,   /* it stands before the instruction at `address` */
    TRACE_RETURNED, /* it stands where the operation has returned */
    TRACE_ASLEEP,   /* it has not stopped: it sleeps in a system call; see tracee_await() */
    TRACE_GONE,     /* it exited or died by itself; `status` says how */
};

/* Forks a victim that calls prepare(world), unless that is NULL, and then operation(world), and
 * stops it at the call of operation.  0, or -errno; -EPERM: it may not be traced (perhaps somebody
 * traces it already); -ECHILD: it ended before. */
int tracee_start(struct tracee *ret_tracee, void (*prepare)(void *world),
                 void (*operation)(void *world), void *world);

/* Lets it execute one instruction.  A repeated string instruction counts once per round.  A call into
 * the vdso counts as one: reading the clock begins anew when a tick falls into it, and under
 * single-step one always does. */
enum trace_event tracee_step(struct tracee *tracee);

/* Is the next instruction a system call? */
bool tracee_calls_kernel(const struct tracee *tracee);

/* Sets the address at which tracee_run() stops; 0 for none.  -errno where the processor, or who
 * simulates it, offers no breakpoints. */
int tracee_set_breakpoint(struct tracee *tracee, uintptr_t address);

/* Lets it run, to the breakpoint or to the operation's return. */
enum trace_event tracee_run(struct tracee *tracee);

/* After TRACE_ASLEEP: waits for the end of the step or run that fell asleep.  The same nap is not
 * reported again; the next one is. */
enum trace_event tracee_await(struct tracee *tracee);

/* Lets a standing victim run without waiting for it; tracee_await() does that.  May be called by a
 * signal handler. */
void tracee_release(struct tracee *tracee);

/* Kills it with SIGKILL where it is, and waits until the kernel has let go of it.  Does nothing to
 * one that is gone. */
void tracee_kill(struct tracee *tracee);

#endif
