/* The reader-writer lock: one who writes, or any number who read (contract E6, E7; docs/design/rwlock.md).
 *
 * Writers exclude each other by the object's mutex.  Who has it closes the door, one word that all readers look at and none writes, and
 * waits until those who are in have left.  A reader marks itself in its own member entry, so that readers do not disturb each
 * other, and a dead one's mark counts for nothing.
 *
 *   reader                                  writer, with the mutex
 *   ------                                  ----------------------
 *   one more mark in its entry              its tag at the door, DRAINING
 *   looks at the door: open? it is in       looks at all marks: none? DRAINING goes away, it is in
 *
 * Both look after they have written, sequentially consistent: either the reader sees the closed door, or the writer the mark. */
#ifndef FERRY_SHARED_RWLOCK_H
#define FERRY_SHARED_RWLOCK_H

#include <stdbool.h>

#include <ferry/base.h>

#include "shared/mutex.h"

/* At the door, beside the tag of who closed it: readers are in still; a writer died inside, and no other one has said since that the
 * data are whole. */
#define RWLOCK_DRAINING   (UINT32_C(1) << 31)
#define RWLOCK_UNREPAIRED (UINT32_C(1) << 30)

/* In place of a tag: the data are given up, and nobody gets in any more. */
#define RWLOCK_CONDEMNED TAG_MASK

/* A member's threads may read so many times at once. */
#define RWLOCK_HOLDS_MOST UINT32_C(0x7FFFFFFF)

/* One handle's view. */
struct rwlock {
    struct layout_rwlock *shared;
    struct layout_entry *entry; /* ours, with our marks */
    struct slots *slots;
    struct mutex mutex; /* of the writers; its holder has the lock, but while it is on the way in */
    bool interruptible;
    struct spin entering, draining;
    struct lobby door;         /* where readers wait until it opens … */
    struct lobby drain;        /* … and a writer until they have left, … */
    struct layout_board alone; /* … with nobody else */
};

void rwlock_init(struct rwlock *rwlock, struct slots *slots, int bell, bool interruptible);
void rwlock_deinit(struct rwlock *rwlock);

/* Around a fork, see object.h.  What the parent has, the parent has. */
void rwlock_hold(struct rwlock *rwlock);
void rwlock_let_go(struct rwlock *rwlock);
void rwlock_after_fork(struct rwlock *rwlock);

/* Whoever closes its handle inside leaves it as if it had died. */
void rwlock_abandon(struct rwlock *rwlock);

/* ---- Reading ---------------------------------------------------------------------------------- */

/* As an acquire it pairs with the release of who opens it: what was written is seen. */
static inline uint32_t rwlock_look(const struct rwlock *rwlock)
{
    return atomic_load_explicit(&rwlock->shared->door, memory_order_seq_cst);
}

/* One mark more, or less; returns how many there were.  As a release the latter pairs with the acquire of the writer that
 * looks at the marks: it writes behind what was read. */
static inline uint32_t rwlock_mark(struct rwlock *rwlock)
{
    return atomic_fetch_add_explicit(&rwlock->entry->holds, 1, memory_order_seq_cst);
}

static inline uint32_t rwlock_unmark(struct rwlock *rwlock)
{
    return atomic_fetch_sub_explicit(&rwlock->entry->holds, 1, memory_order_seq_cst);
}

int rwlock_lock_shared_slowly(struct rwlock *rwlock, int64_t timeout_ns);

/* Behind the removal of one of so many marks that is not all there is to it. */
int rwlock_marked_less(struct rwlock *rwlock, uint32_t marks);

/* 0, -EOWNERDEAD (in, but unrepaired), -EAGAIN, -ETIMEDOUT, -EDEADLK, -EINTR, -ENOTRECOVERABLE, -EOVERFLOW. */
static inline int rwlock_lock_shared(struct rwlock *rwlock, int64_t timeout_ns)
{
    /* No mark where the door is seen to be closed: or a writer would have to wait for one that only tries, and the next one. */
    if (rwlock_look(rwlock) != 0)
        return rwlock_lock_shared_slowly(rwlock, timeout_ns);
    if (rwlock_mark(rwlock) < RWLOCK_HOLDS_MOST && rwlock_look(rwlock) == 0)
        return 0;
    rwlock_marked_less(rwlock, rwlock_unmark(rwlock));
    return rwlock_lock_shared_slowly(rwlock, timeout_ns);
}

/* -EPERM. */
static inline int rwlock_unlock_shared(struct rwlock *rwlock)
{
    uint32_t marks = rwlock_unmark(rwlock);
    if (marks > 1 || (marks == 1 && (rwlock_look(rwlock) & RWLOCK_DRAINING) == 0))
        return 0;
    return rwlock_marked_less(rwlock, marks);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

/* As rwlock_lock_shared(), and -ENOSPC, -EBADMSG. */
int rwlock_lock(struct rwlock *rwlock, int64_t timeout_ns);

/* -EPERM, -EBADMSG. */
int rwlock_unlock(struct rwlock *rwlock);

/* Takes the word "unrepaired" back.  -EPERM. */
int rwlock_repaired(struct rwlock *rwlock);

#endif
