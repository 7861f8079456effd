/* The C library's mutexes in shared memory: the plain one, which stays locked forever if its owner
 * dies; the robust one, whose next owner hears of it; and the robust one that lends the owner the
 * priority of those who wait. */
#include <errno.h>
#include <pthread.h>

#include "bench/locks.h"

static pthread_mutex_t *mutex_of(const struct bench_lap *lap)
{
    return (pthread_mutex_t *)lap->shared;
}

static void make(struct bench_lap *lap, int robust, int protocol)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, robust);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    int error = pthread_mutex_init(mutex_of(lap), &attributes);
    if (error)
        bench_unavailable(lap, "pthread_mutex_init: %s", strerror(error));
    pthread_mutexattr_destroy(&attributes);
}

static void make_plain(struct bench_lap *lap)
{
    make(lap, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
}

static void make_robust(struct bench_lap *lap)
{
    make(lap, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
}

static void make_inheriting(struct bench_lap *lap)
{
    make(lap, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT);
}

BENCH_INLINE void mutex_lock(struct bench_lap *lap)
{
    int error = pthread_mutex_lock(mutex_of(lap));
    if (error == EOWNERDEAD)
        error = pthread_mutex_consistent(mutex_of(lap));
    if (error)
        bench_fail(lap, "pthread_mutex_lock: %s", strerror(error));
}

BENCH_INLINE void mutex_unlock(struct bench_lap *lap)
{
    int error = pthread_mutex_unlock(mutex_of(lap));
    if (error)
        bench_fail(lap, "pthread_mutex_unlock: %s", strerror(error));
}

BENCH_LOCK_LOOPS(mutex)

const struct bench_side bench_mutex = {
    .name = "pthread mutex",
    .how = "PTHREAD_PROCESS_SHARED",
    .family = BENCH_LIBC,
    .make = make_plain,
    BENCH_LOCKS(mutex),
};

const struct bench_side bench_robust_mutex = {
    .name = "robust pthread mutex",
    .how = "PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_ROBUST",
    .family = BENCH_LIBC,
    .make = make_robust,
    BENCH_ROBUST_LOCKS(mutex),
};

const struct bench_side bench_inheriting_mutex = {
    .name = "inheriting pthread mutex",
    .how = "PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT",
    .family = BENCH_LIBC,
    .make = make_inheriting,
    BENCH_ROBUST_LOCKS(mutex),
};
