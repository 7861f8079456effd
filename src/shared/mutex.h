/* The mutex: a robust lock that users hold for as long as they like (contract H5, E5, E7; docs/design/mutex.md).
 *
 * One word in shared memory, like the inner lock's; the difference is in the waiting.  Whoever waits for long must hear of the
 * owner's death at once and cost nothing until then, so who waits does it in a lobby (lobby.h). */
#ifndef FERRY_SHARED_MUTEX_H
#define FERRY_SHARED_MUTEX_H

#include <stdbool.h>

#include <ferry/base.h>

#include "os/thread.h"
#include "shared/lobby.h"
#include "shared/slots.h"
#include "shared/spin.h"

/* In the word, beside the owner's tag: somebody may be asleep; an owner died, and nobody has said yet that the data are whole. */
#define MUTEX_WAITING    (UINT32_C(1) << 31)
#define MUTEX_UNREPAIRED (UINT32_C(1) << 30)

/* In place of a tag: the data are given up, and nobody gets the lock any more. */
#define MUTEX_CONDEMNED TAG_MASK

/* How it behaves: the same for all handles. */
struct mutex_manner {
    bool recursive;   /* the thread that has it may take it again */
    bool condemnable; /* who lets go of it unrepaired, condemns it */
};

/* One handle's view. */
struct mutex {
    struct layout_mutex *shared;
    slot_tag tag; /* the slots', close at hand */
    struct mutex_manner manner;
    bool interruptible;
    _Atomic uintptr_t holder; /* the thread of this process that has it through this handle, or 0 */
    uint32_t again;           /* how often that one has taken it again */
    struct slots *slots;
    struct spin spin;
    struct lobby lobby;
};

void mutex_init(struct mutex *mutex, struct slots *slots, struct mutex_manner manner, int bell);
void mutex_deinit(struct mutex *mutex);

/* What comes behind the word when the lock is taken.  Relaxed: only the owner counts, and only this thread asks who holds it. */
static inline void mutex_note_taken(struct mutex *mutex)
{
    struct layout_mutex *shared = mutex->shared;
    uint64_t taken = atomic_load_explicit(&shared->taken, memory_order_relaxed);
    atomic_store_explicit(&shared->taken, taken + 1, memory_order_relaxed);
    atomic_store_explicit(&shared->thread, thread_number(), memory_order_relaxed);
    atomic_store_explicit(&mutex->holder, thread_self(), memory_order_relaxed);
}

int mutex_lock_slowly(struct mutex *mutex, int64_t timeout_ns);
int mutex_unlock_slowly(struct mutex *mutex);

/* The lock is not ours any more for this process; the word, seen like this, is to be made free. */
int mutex_release(struct mutex *mutex, uint32_t word);

/* 0, -EOWNERDEAD (taken, but unrepaired), -EAGAIN, -ETIMEDOUT, -EDEADLK, -EINTR, -ENOTRECOVERABLE, -EOVERFLOW. */
static inline int mutex_lock(struct mutex *mutex, int64_t timeout_ns)
{
    uint32_t word = 0;
    /* Acquire pairs with the release in mutex_unlock(): we see what the last owner wrote. */
    if (!atomic_compare_exchange_strong_explicit(&mutex->shared->word, &word, mutex->tag,
                                                 memory_order_acquire, memory_order_relaxed))
        return mutex_lock_slowly(mutex, timeout_ns);
    mutex_note_taken(mutex);
    return 0;
}

/* -EPERM, -EBADMSG. */
static inline int mutex_unlock(struct mutex *mutex)
{
    if (atomic_load_explicit(&mutex->holder, memory_order_relaxed) != thread_self() ||
        mutex->again > 0)
        return mutex_unlock_slowly(mutex);
    /* Before the word: behind it, the next holder may be another thread of ours. */
    atomic_store_explicit(&mutex->holder, 0, memory_order_relaxed);
    /* Guessing that nobody waits saves a look.  Release pairs with the acquire in mutex_lock(). */
    uint32_t word = mutex->tag;
    return atomic_compare_exchange_strong_explicit(&mutex->shared->word, &word, 0,
                                                   memory_order_release, memory_order_relaxed)
               ? 0
               : mutex_release(mutex, word);
}

/* 0, or -EPERM: this thread does not have it. */
int mutex_check_holder(const struct mutex *mutex);

/* Does this thread have it? */
static inline bool mutex_check_own(const struct mutex *mutex)
{
    return atomic_load_explicit(&mutex->holder, memory_order_relaxed) == thread_self();
}

/* The thread that has it wants it once more.  0, -EDEADLK, -EOVERFLOW. */
int mutex_lock_once_more(struct mutex *mutex);

/* What its owner is told: -EOWNERDEAD, -ENOTRECOVERABLE. */
int mutex_explain_unrepaired(void);
int mutex_explain_condemned(void);

/* Takes the word "unrepaired" back.  -EPERM. */
int mutex_repaired(struct mutex *mutex);

/* Whoever closes its handle with the lock held leaves it as if it had died. */
void mutex_abandon(struct mutex *mutex);

/* In a fork's child: what the parent held, the parent holds. */
void mutex_after_fork(struct mutex *mutex);

#endif
