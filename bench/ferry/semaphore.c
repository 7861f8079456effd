/* Ferry's semaphores: one for each direction to wake up by, and one as a lock. */
#include <errno.h>

#include <ferry/ferry.h>

#include "bench/locks.h"

struct semaphores {
    ferry_semaphore *to_near, *to_far, *lock;
};

static struct semaphores *semaphores_of(const struct bench_lap *lap)
{
    return (struct semaphores *)lap->own;
}

static ferry_semaphore *make_one(struct bench_lap *lap, uint32_t value, unsigned flags)
{
    ferry_semaphore *semaphore;
    if (ferry_semaphore_open(&semaphore, NULL, FERRY_SEMAPHORE(.value = value, .flags = flags)) < 0)
        bench_fail(lap, "%s", ferry_explain());
    return semaphore;
}

static void make_all(struct bench_lap *lap, unsigned flags)
{
    static struct semaphores semaphores;
    semaphores = (struct semaphores){make_one(lap, 0, flags), make_one(lap, 0, flags),
                                     make_one(lap, 1, flags)};
    lap->own = &semaphores;
}

static void ferry_semaphore_make(struct bench_lap *lap)
{
    make_all(lap, 0);
}

static void give_back_make(struct bench_lap *lap)
{
    make_all(lap, FERRY_GIVE_BACK);
}

BENCH_INLINE void ferry_semaphore_send(struct bench_lap *lap)
{
    struct semaphores *semaphores = semaphores_of(lap);
    if (ferry_semaphore_post(lap->role == BENCH_NEAR ? semaphores->to_far : semaphores->to_near) <
        0)
        bench_fail(lap, "%s", ferry_explain());
}

BENCH_INLINE unsigned char *ferry_semaphore_receive(struct bench_lap *lap)
{
    struct semaphores *semaphores = semaphores_of(lap);
    ferry_semaphore *mine = lap->role == BENCH_NEAR ? semaphores->to_near : semaphores->to_far;
    int64_t timeout_ns = lap->waiting == BENCH_SPIN ? FERRY_NOW : FERRY_FOREVER;
    int r;
    while ((r = ferry_semaphore_wait(mine, timeout_ns)) < 0) {
        if (r != -EAGAIN)
            bench_fail(lap, "%s", ferry_explain());
        bench_relax();
    }
    return lap->buffer;
}

BENCH_INLINE void ferry_semaphore_lock(struct bench_lap *lap)
{
    if (ferry_semaphore_wait(semaphores_of(lap)->lock, FERRY_FOREVER) < 0)
        bench_fail(lap, "%s", ferry_explain());
}

BENCH_INLINE void ferry_semaphore_unlock(struct bench_lap *lap)
{
    if (ferry_semaphore_post(semaphores_of(lap)->lock) < 0)
        bench_fail(lap, "%s", ferry_explain());
}

BENCH_MESSAGE_LOOPS(ferry_semaphore)
BENCH_LOCK_LOOPS(ferry_semaphore)

const struct bench_side bench_ferry_semaphore = {
    .name = "ferry semaphore",
    .how = "ferry_semaphore_post, ferry_semaphore_wait",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .make = ferry_semaphore_make,
    BENCH_SIGNALS(ferry_semaphore),
    BENCH_LOCKS(ferry_semaphore),
};

const struct bench_side bench_ferry_semaphore_given_back = {
    .name = "ferry semaphore, given back",
    .how = "the same, with FERRY_GIVE_BACK: the next one gets it when the owner dies",
    .family = BENCH_FERRY,
    .make = give_back_make,
    BENCH_ROBUST_LOCKS(ferry_semaphore),
};
