/* A child that does the work, and its parent, who watches over it.
 *
 * The runner (the child) is survivor and tracer.  Whatever a case does, fail a check, crash or wait
 * for ever, it does to the runner; the supervisor then says what happened, and where. */
#ifndef KILL_SUPERVISE_H
#define KILL_SUPERVISE_H

#include <stdatomic.h>
#include <stdint.h>

#include "harness.h"
#include "sampling.h"

/* How far the runner is, in memory that both share.  The runner writes, the supervisor reads it
 * when the runner is gone.  Strings are literals: a fork has them at the same address. */
struct progress {
    struct kill_report report;
    struct kill_point point;
    struct sampling sampling;
    size_t wreck;       /* recovery: the instruction at which the first victim was killed */
    uintptr_t address;  /* of the victim's next instruction */
    const char *deed;   /* what is done to victims: "killed", "paused" */
    const char *doing;  /* the case's function under way */
    char reason[128];   /* why the runner gave up; "" if it did not */
    bool finished;      /* the runner has come to its end, whatever its exit status says */
    atomic_ulong beats; /* steps at every sign of life */
};

struct progress *progress_new(void);
struct progress *progress_free(struct progress *progress);

/* Runs body(context) in a child and waits for it.  0, or -errno; -ECANCELED: it failed, or showed
 * no sign of life for bound_ms, and progress->report.failure says what happened. */
int supervise(struct progress *progress, void (*body)(void *context), void *context,
              unsigned bound_ms);

#endif
