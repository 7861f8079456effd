/* The loops of sides that exclude each other.
 *
 *     static void sem_lock(struct bench_lap *lap) …      must not return before it has the lock
 *     static void sem_unlock(struct bench_lap *lap) …
 *
 *     BENCH_LOCK_LOOPS(sem)
 *
 *     const struct bench_side bench_sem = {.name = "sem_t", …, BENCH_LOCKS(sem)};
 *
 * BENCH_ROBUST_LOCKS is for those that hear of an owner's death: lock then returns with whatever
 * repair it takes already done.
 *
 * The contest checks what a lock is for: both processes step a plain counter under it, and the sum
 * must come out right. */
#ifndef FERRY_BENCH_LOCKS_H
#define FERRY_BENCH_LOCKS_H

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bench/messages.h"

typedef void bench_step(struct bench_lap *lap);

/* The last bytes of lap->shared are the loops' own. */
struct bench_contest {
    uint64_t counter;     /* stepped under the lock, by plain loads and stores */
    uint64_t expected[2]; /* by near and far so far: how often */
    uint32_t owned;       /* take-over: the victim has the lock */
    uint32_t waiting;     /* take-over: near is about to wait for it */
    int64_t killed_ns;    /* take-over: when */
};

static inline struct bench_contest *bench_contest(const struct bench_lap *lap)
{
    return (struct bench_contest *)((char *)lap->shared + BENCH_SHARED_BYTES - BENCH_PAGE);
}

BENCH_INLINE void bench_pair(struct bench_lap *lap, uint64_t count, bench_step *lock,
                             bench_step *unlock)
{
    for (uint64_t i = 0; i < count; i++) {
        lock(lap);
        unlock(lap);
    }
}

/* Ends as soon as one of the two has done all of its share: what the other does alone is no
 * contest. */
BENCH_INLINE void bench_compete(struct bench_lap *lap, uint64_t count, bench_step *lock,
                                bench_step *unlock)
{
    struct bench_contest *contest = bench_contest(lap);
    volatile uint64_t *counter = &contest->counter;
    uint64_t done = 0;
    while (done < count && !__atomic_load_n(lap->stop, __ATOMIC_RELAXED)) {
        lock(lap);
        *counter = *counter + 1;
        unlock(lap);
        done++;
    }
    __atomic_store_n(lap->stop, 1, __ATOMIC_RELAXED);
    contest->expected[lap->role] += done;
    lap->outcome->done = done;
}

/* Both have stopped: every step under the lock must be there. */
static inline void bench_settle_contest(struct bench_lap *lap)
{
    const struct bench_contest *contest = bench_contest(lap);
    uint64_t expected = contest->expected[BENCH_NEAR] + contest->expected[BENCH_FAR];
    if (contest->counter != expected)
        bench_fail(lap, "%llu steps under the lock came to %llu", (unsigned long long)expected,
                   (unsigned long long)contest->counter);
}

/* Spins, but lets others run: for meetings that are not measured. */
BENCH_INLINE void bench_meet(uint32_t *word, uint32_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
        sched_yield();
}

/* Waits for a lock whose owner is about to be killed. */
BENCH_INLINE void bench_survive(struct bench_lap *lap, uint64_t count, bench_step *lock,
                                bench_step *unlock)
{
    struct bench_contest *contest = bench_contest(lap);
    for (uint64_t i = 0; i < count; i++) {
        bench_meet(&contest->owned, 1);
        __atomic_store_n(&contest->waiting, 1, __ATOMIC_RELEASE);
        lock(lap);
        int64_t now_ns = bench_now_ns();
        bench_note(lap, now_ns - __atomic_load_n(&contest->killed_ns, __ATOMIC_ACQUIRE));
        unlock(lap);
        __atomic_store_n(&contest->waiting, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&contest->owned, 0, __ATOMIC_RELEASE);
    }
}

/* A victim with the lock, which waits for its end. */
BENCH_INLINE pid_t bench_victim(struct bench_lap *lap, bench_step *lock)
{
    pid_t victim = fork();
    if (victim < 0)
        bench_fail(lap, "no process to kill could be made");
    if (victim == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        lock(lap);
        __atomic_store_n(&bench_contest(lap)->owned, 1, __ATOMIC_RELEASE);
        for (;;)
            pause();
    }
    return victim;
}

/* Far makes victims and kills them, each a while after near has begun to wait, so that it sleeps. */
BENCH_INLINE void bench_kill_owners(struct bench_lap *lap, uint64_t count, bench_step *lock)
{
    struct bench_contest *contest = bench_contest(lap);
    const struct timespec while_it_falls_asleep = {0, 10000000};
    for (uint64_t i = 0; i < count; i++) {
        bench_meet(&contest->owned, 0);
        pid_t victim = bench_victim(lap, lock);
        bench_meet(&contest->waiting, 1);
        nanosleep(&while_it_falls_asleep, NULL);
        __atomic_store_n(&contest->killed_ns, bench_now_ns(), __ATOMIC_RELEASE);
        kill(victim, SIGKILL);
        waitpid(victim, NULL, 0);
    }
}

#define BENCH_LOCK_LOOPS(side)                                                                     \
    __attribute__((unused)) static void side##_pair(struct bench_lap *lap, uint64_t count)         \
    {                                                                                              \
        bench_pair(lap, count, side##_lock, side##_unlock);                                        \
    }                                                                                              \
    __attribute__((unused)) static void side##_compete(struct bench_lap *lap, uint64_t count)      \
    {                                                                                              \
        bench_compete(lap, count, side##_lock, side##_unlock);                                     \
    }                                                                                              \
    __attribute__((unused)) static void side##_survive(struct bench_lap *lap, uint64_t count)      \
    {                                                                                              \
        bench_survive(lap, count, side##_lock, side##_unlock);                                     \
    }                                                                                              \
    __attribute__((unused)) static void side##_kill_owners(struct bench_lap *lap, uint64_t count)  \
    {                                                                                              \
        bench_kill_owners(lap, count, side##_lock);                                                \
    }

#define BENCH_LOCKS(side)                                                                          \
    .lock_pair = {side##_pair, NULL, NULL},                                                        \
    .lock_contest = {side##_compete, side##_compete, bench_settle_contest}
#define BENCH_ROBUST_LOCKS(side)                                                                   \
    BENCH_LOCKS(side), .take_over = {side##_survive, side##_kill_owners, NULL}

#endif
