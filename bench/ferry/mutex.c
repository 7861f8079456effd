/* Ferry's mutexes. */
#include <errno.h>

#include <ferry/ferry.h>

#include "bench/locks.h"

static void make_with(struct bench_lap *lap, unsigned flags)
{
    ferry_mutex *mutex;
    if (ferry_mutex_open(&mutex, NULL, FERRY_MUTEX(.flags = flags)) < 0)
        bench_fail(lap, "%s", ferry_explain());
    lap->own = mutex;
}

static void own_mutex_make(struct bench_lap *lap)
{
    make_with(lap, 0);
}

static void inheriting_make(struct bench_lap *lap)
{
    make_with(lap, FERRY_INHERIT);
}

BENCH_INLINE void own_mutex_lock(struct bench_lap *lap)
{
    ferry_mutex *mutex = (ferry_mutex *)lap->own;
    int r = ferry_mutex_lock(mutex, FERRY_FOREVER);
    if (r == -EOWNERDEAD)
        r = ferry_mutex_repaired(mutex);
    if (r < 0)
        bench_fail(lap, "%s", ferry_explain());
}

BENCH_INLINE void own_mutex_unlock(struct bench_lap *lap)
{
    if (ferry_mutex_unlock((ferry_mutex *)lap->own) < 0)
        bench_fail(lap, "%s", ferry_explain());
}

BENCH_LOCK_LOOPS(own_mutex)

const struct bench_side bench_ferry_mutex = {
    .name = "ferry mutex",
    .how = "ferry_mutex_lock, ferry_mutex_unlock",
    .family = BENCH_FERRY,
    .make = own_mutex_make,
    BENCH_ROBUST_LOCKS(own_mutex),
};

const struct bench_side bench_ferry_inheriting_mutex = {
    .name = "ferry mutex, inheriting",
    .how = "the same, with FERRY_INHERIT: lends the owner the priority of who waits",
    .family = BENCH_FERRY,
    .make = inheriting_make,
    BENCH_ROBUST_LOCKS(own_mutex),
};
