/* The floor under taking over: when the kernel itself says that a process is gone, to somebody who
 * sleeps for just that.  There is no lock; the "owner" only leaves its pid. */
#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>

#include "bench/locks.h"

/* The first in line leaves its pid and has it; the next waits for its death. */
static void death_lock(struct bench_lap *lap)
{
    int32_t *owner = (int32_t *)lap->shared;
    if (lap->role == BENCH_FAR) {
        *owner = getpid();
        return;
    }
    struct pollfd death = {.fd = (int)syscall(SYS_pidfd_open, *owner, 0), .events = POLLIN};
    if (death.fd < 0 && errno != ESRCH)
        bench_unavailable(lap, "pidfd_open: %s", strerror(errno));
    if (death.fd >= 0)
        poll(&death, 1, -1);
    close(death.fd);
}

static void death_unlock(struct bench_lap *lap)
{
    (void)lap;
}

BENCH_LOCK_LOOPS(death)

const struct bench_side bench_death = {
    .name = "pidfd",
    .how = "asleep in poll on the victim's pidfd",
    .family = BENCH_FLOOR,
    .take_over = {death_survive, death_kill_owners, NULL},
};
