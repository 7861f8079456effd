/* The mutex: a robust lock that users hold for as long as they like (contract H5, E5, E7; docs/design/mutex.md).
 *
 * One word in shared memory, like the inner lock's; the difference is in the waiting.  Whoever waits for long must hear of the
 * owner's death at once and cost nothing until then, so who waits does it in a lobby (lobby.h). */
#ifndef FERRY_SHARED_MUTEX_H
#define FERRY_SHARED_MUTEX_H

#include <stdbool.h>

#include <ferry/base.h>

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

/* 0, -EOWNERDEAD (taken, but unrepaired), -EAGAIN, -ETIMEDOUT, -EDEADLK, -EINTR, -ENOTRECOVERABLE, -EOVERFLOW. */
int mutex_lock(struct mutex *mutex, int64_t timeout_ns);

/* -EPERM, -EBADMSG. */
int mutex_unlock(struct mutex *mutex);

/* Takes the word "unrepaired" back.  -EPERM. */
int mutex_repaired(struct mutex *mutex);

/* Whoever closes its handle with the lock held leaves it as if it had died. */
void mutex_abandon(struct mutex *mutex);

/* In a fork's child: what the parent held, the parent holds. */
void mutex_after_fork(struct mutex *mutex);

#endif
