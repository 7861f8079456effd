/* The floor under a lock that nobody else wants: a compare-and-swap to take it, one to let go.
 *
 * And the least that a lock needs where somebody else does: a third value that says so, and the
 * futex to sleep on.  Neither hears of a death. */
#include <linux/futex.h>
#include <sys/syscall.h>

#include "bench/locks.h"

enum { FREE, TAKEN, CONTENDED };

BENCH_INLINE bool swap(uint32_t *word, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

BENCH_INLINE void swap_lock(struct bench_lap *lap)
{
    if (!swap((uint32_t *)lap->shared, FREE, TAKEN))
        bench_fail(lap, "it is taken");
}

BENCH_INLINE void swap_unlock(struct bench_lap *lap)
{
    if (!swap((uint32_t *)lap->shared, TAKEN, FREE))
        bench_fail(lap, "it is free");
}

static void sleep_for_lock(uint32_t *word)
{
    while (__atomic_exchange_n(word, CONTENDED, __ATOMIC_ACQUIRE) != FREE)
        syscall(SYS_futex, word, FUTEX_WAIT, CONTENDED, NULL, NULL, 0);
}

BENCH_INLINE void futex_mutex_lock(struct bench_lap *lap)
{
    uint32_t *word = (uint32_t *)lap->shared;
    if (!swap(word, FREE, TAKEN))
        sleep_for_lock(word);
}

BENCH_INLINE void futex_mutex_unlock(struct bench_lap *lap)
{
    uint32_t *word = (uint32_t *)lap->shared;
    if (__atomic_exchange_n(word, FREE, __ATOMIC_RELEASE) == CONTENDED)
        syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

BENCH_LOCK_LOOPS(swap)
BENCH_LOCK_LOOPS(futex_mutex)

const struct bench_side bench_swap = {
    .name = "two bare swaps",
    .how = "a compare-and-swap each to take it and to let go",
    .family = BENCH_FLOOR,
    .lock_pair = {swap_pair, NULL, NULL},
};

const struct bench_side bench_futex_mutex = {
    .name = "bare futex mutex",
    .how = "three values of a word, FUTEX_WAKE and FUTEX_WAIT; no spinning",
    .family = BENCH_FLOOR,
    BENCH_LOCKS(futex_mutex),
};
