/* Queued signals, which nobody handles: they stay blocked, and their receiver fetches them.  The
 * kernel queues a limited number, so that a sender whom nobody hears would soon be refused: there is
 * no row for that. */
#include <errno.h>
#include <signal.h>

#include "bench/messages.h"

static sigset_t fetched;

static pid_t *pids_of(const struct bench_lap *lap)
{
    return (pid_t *)lap->shared;
}

/* The first batch comes when both have joined. */
static void signal_join(struct bench_lap *lap)
{
    sigemptyset(&fetched);
    sigaddset(&fetched, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &fetched, NULL);
    pids_of(lap)[lap->role] = getpid();
}

BENCH_INLINE void signal_send(struct bench_lap *lap)
{
    const union sigval nothing = {0};
    pid_t other = pids_of(lap)[lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR];
    if (sigqueue(other, SIGRTMIN, nothing) < 0)
        bench_fail(lap, "sigqueue: %s", strerror(errno));
}

BENCH_INLINE unsigned char *signal_receive(struct bench_lap *lap)
{
    const struct timespec at_once = {0, 0};
    while (sigtimedwait(&fetched, NULL, lap->waiting == BENCH_SPIN ? &at_once : NULL) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            bench_fail(lap, "sigtimedwait: %s", strerror(errno));
        bench_relax();
    }
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(signal)

const struct bench_side bench_signal = {
    .name = "signals",
    .how = "sigqueue to a process that fetches them with sigtimedwait",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .join = signal_join,
    BENCH_ROUND_TRIPS(signal),
};
