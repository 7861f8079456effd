/* The C library's semaphores in shared memory: one for each direction to wake up by, and one as a
 * lock.  Nobody hears of it when the lock's owner dies. */
#include <errno.h>
#include <semaphore.h>

#include "bench/locks.h"

/* Each on lines of its own. */
struct semaphores {
    _Alignas(128) sem_t to_near;
    _Alignas(128) sem_t to_far;
    _Alignas(128) sem_t lock;
};

static struct semaphores *semaphores_of(const struct bench_lap *lap)
{
    return (struct semaphores *)lap->shared;
}

static void semaphore_make(struct bench_lap *lap)
{
    struct semaphores *semaphores = semaphores_of(lap);
    if (sem_init(&semaphores->to_near, 1, 0) < 0 || sem_init(&semaphores->to_far, 1, 0) < 0 ||
        sem_init(&semaphores->lock, 1, 1) < 0)
        bench_unavailable(lap, "sem_init: %s", strerror(errno));
}

BENCH_INLINE void semaphore_send(struct bench_lap *lap)
{
    struct semaphores *semaphores = semaphores_of(lap);
    if (sem_post(lap->role == BENCH_NEAR ? &semaphores->to_far : &semaphores->to_near) < 0)
        bench_fail(lap, "sem_post: %s", strerror(errno));
}

BENCH_INLINE unsigned char *semaphore_receive(struct bench_lap *lap)
{
    struct semaphores *semaphores = semaphores_of(lap);
    sem_t *mine = lap->role == BENCH_NEAR ? &semaphores->to_near : &semaphores->to_far;
    while ((lap->waiting == BENCH_SPIN ? sem_trywait(mine) : sem_wait(mine)) < 0) {
        if (errno != EAGAIN)
            bench_fail(lap, "sem_wait: %s", strerror(errno));
        bench_relax();
    }
    return lap->buffer;
}

BENCH_INLINE void semaphore_lock(struct bench_lap *lap)
{
    if (sem_wait(&semaphores_of(lap)->lock) < 0)
        bench_fail(lap, "sem_wait: %s", strerror(errno));
}

BENCH_INLINE void semaphore_unlock(struct bench_lap *lap)
{
    if (sem_post(&semaphores_of(lap)->lock) < 0)
        bench_fail(lap, "sem_post: %s", strerror(errno));
}

BENCH_MESSAGE_LOOPS(semaphore)
BENCH_LOCK_LOOPS(semaphore)

const struct bench_side bench_semaphore = {
    .name = "sem_t",
    .how = "sem_post and sem_wait, shared between processes",
    .family = BENCH_LIBC,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .make = semaphore_make,
    BENCH_SIGNALS(semaphore),
    BENCH_LOCKS(semaphore),
};
