/* The inner lock: guards an object's bookkeeping for tens of nanoseconds at a time (DESIGN, law 3).
 *
 * One word: 0 is free, else the owner's tag, and the top bit while somebody sleeps for it.  Whoever finds
 * the owner dead takes the lock over, and is told so, because the journal may want rolling. */
#ifndef FERRY_LOCK_H
#define FERRY_LOCK_H

#include <stdbool.h>

#include "os/clock.h"
#include "shared/slots.h"

/* In the word, beside its owner's tag: somebody sleeps for the lock.  And: the owner has seen who sleeps for what it is about to
 * do, and will commit by waking them. */
#define LOCK_WAITING (UINT32_C(1) << 31)
#define LOCK_LOUD    (UINT32_C(1) << 30)

/* Takes it if it is free.  As an acquire this pairs with the release in lock_release(): we see what the last owner
 * wrote.  It is sequentially consistent for those to whom the lock is a mark: they look for sleepers next. */
static inline bool lock_try(struct layout_lock *lock, slot_tag tag)
{
    uint32_t word = 0;
    return atomic_compare_exchange_strong_explicit(&lock->word, &word, tag, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

/* 0 taken; 1 taken over from a dead owner; -ETIMEDOUT if a living one keeps it. */
int lock_take(struct layout_lock *lock, struct slots *slots, deadline end);

/* The same for a lock that may be held for long, by somebody who copies, sleeps or was stopped: after
 * a moment, waiters look less and less often whether the owner lives, in the end a few times a second.
 * 2: the condition holds meanwhile (it may be NULL), and the lock is not ours.  -EINTR, if interruptible
 * and a signal handler ran. */
struct lock_wait {
    deadline end;
    bool interruptible;
    bool (*is_needless)(const void *context);
    const void *context;
    bool even_loud; /* lock_await_outcome(): who only wants to know, and will not be woken */
};
int lock_take_patiently(struct layout_lock *lock, struct slots *slots,
                        const struct lock_wait *wait);

/* Wakes one who sleeps for it. */
void lock_wake(struct layout_lock *lock);

static inline void lock_release(struct layout_lock *lock)
{
    /* Release pairs with the acquire in lock_try(). */
    uint32_t word = atomic_exchange_explicit(&lock->word, 0, memory_order_release);
    if ((word & LOCK_WAITING) != 0)
        lock_wake(lock);
}

/* The same by an owner whose lock hardly anybody else wants, without a barrier.  Who says just then that it waits is overlooked
 * if it also falls asleep before the word changes, and looks again within a slice. */
static inline void lock_release_alone(struct layout_lock *lock)
{
    if ((atomic_load_explicit(&lock->word, memory_order_relaxed) & ~TAG_MASK) == 0)
        atomic_store_explicit(&lock->word, 0, memory_order_release);
    else
        lock_release(lock);
}

/* Sets LOCK_LOUD.  With the lock. */
void lock_shout(struct layout_lock *lock);

/* For who is about to sleep and is on the board: waits until whoever had the lock just now, and perhaps did not see it there, has
 * let go of it, is loud (unless that is not enough), or is dead; or the condition holds.  0; -ETIMEDOUT; -EINTR if interruptible. */
int lock_await_outcome(struct layout_lock *lock, struct slots *slots, const struct lock_wait *wait);

/* Lets go of it; if others wait, one of them is given some milliseconds to take it, but not beyond `end`. */
void lock_pass_on(struct layout_lock *lock, deadline end);

#endif
