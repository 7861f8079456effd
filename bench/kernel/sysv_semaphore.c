/* A set of System V semaphores: one for each direction to wake up by, and one as a lock.  The lock's
 * operations are undone by the kernel when their process dies, so that its next owner gets it.  The
 * set outlives its processes; the keeper, which made it, removes it. */
#include <errno.h>
#include <sys/sem.h>

#include "bench/locks.h"

/* The first two are for near and far to wait on. */
enum { LOCK = 2, SEMAPHORES = 3 };

static int set;

static void sysv_semaphore_make(struct bench_lap *lap)
{
    set = semget(IPC_PRIVATE, SEMAPHORES, 0600);
    if (set < 0)
        bench_unavailable(lap, "semget: %s", strerror(errno));
    semctl(set, LOCK, SETVAL, 1);
}

static void sysv_semaphore_unmake(struct bench_lap *lap)
{
    (void)lap;
    semctl(set, 0, IPC_RMID);
}

static int change(int semaphore, int by, int flags)
{
    struct sembuf operation = {(unsigned short)semaphore, (short)by, (short)flags};
    return semop(set, &operation, 1);
}

/* A semaphore counts to 32767: one that nobody waits on is set back when it is full. */
BENCH_INLINE void sysv_semaphore_send(struct bench_lap *lap)
{
    int semaphore = lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR;
    while (change(semaphore, 1, 0) < 0)
        if (errno != ERANGE || semctl(set, semaphore, SETVAL, 0) < 0)
            bench_fail(lap, "semop: %s", strerror(errno));
}

BENCH_INLINE unsigned char *sysv_semaphore_receive(struct bench_lap *lap)
{
    while (change((int)lap->role, -1, lap->waiting == BENCH_SPIN ? IPC_NOWAIT : 0) < 0) {
        if (errno != EAGAIN)
            bench_fail(lap, "semop: %s", strerror(errno));
        bench_relax();
    }
    return lap->buffer;
}

BENCH_INLINE void sysv_semaphore_lock(struct bench_lap *lap)
{
    if (change(LOCK, -1, SEM_UNDO) < 0)
        bench_fail(lap, "semop: %s", strerror(errno));
}

BENCH_INLINE void sysv_semaphore_unlock(struct bench_lap *lap)
{
    if (change(LOCK, 1, SEM_UNDO) < 0)
        bench_fail(lap, "semop: %s", strerror(errno));
}

BENCH_MESSAGE_LOOPS(sysv_semaphore)
BENCH_LOCK_LOOPS(sysv_semaphore)

const struct bench_side bench_sysv_semaphore = {
    .name = "System V semaphore",
    .how = "semop; the lock with SEM_UNDO",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .make = sysv_semaphore_make,
    .unmake = sysv_semaphore_unmake,
    BENCH_SIGNALS(sysv_semaphore),
    BENCH_ROBUST_LOCKS(sysv_semaphore),
};
