/* The mutex: a robust lock that users hold for as long as they like (contract H5, E5).
 *
 * One word in shared memory, like the inner lock's; the difference is in the waiting.  Whoever
 * waits for long must hear of the owner's death at once and cost nothing until then, and no futex
 * word changes when a process dies.  So it sleeps in poll(), on the owner's pidfd and on a latch of
 * the object's bell, which an owner rings as it unlocks if somebody waits. */
#ifndef FERRY_MUTEX_H
#define FERRY_MUTEX_H

#include <pthread.h>
#include <stdbool.h>

#include <ferry/base.h>

#include "shared/bell.h"
#include "shared/slots.h"
#include "shared/spin.h"

#define MUTEX_WAITING    (UINT32_C(1) << 31)
#define MUTEX_UNREPAIRED (UINT32_C(1) << 30)

struct mutex {
    struct layout_mutex *shared;
    slot_tag tag; /* the slots', close at hand */
    struct slots *slots;
    int bell;
    struct spin spin;
    _Atomic uintptr_t holder; /* the thread of this process that has it through this handle, or 0 */
    _Atomic int closing;      /* an inotify watch that a long wait has left for the next, or -1 */
};

void mutex_init(struct mutex *mutex, struct slots *slots, int bell);
void mutex_deinit(struct mutex *mutex);

/* 0, -EOWNERDEAD (taken, but unrepaired), -EAGAIN, -ETIMEDOUT, -EDEADLK, -EINTR. */
int mutex_lock(struct mutex *mutex, int64_t timeout_ns, bool interruptible);

/* -EPERM, -EBADMSG. */
int mutex_unlock(struct mutex *mutex);

/* Takes the word "unrepaired" back.  -EPERM. */
int mutex_repaired(struct mutex *mutex);

/* Whoever closes its handle with the lock held leaves it as if it had died. */
void mutex_abandon(struct mutex *mutex);

/* In a fork's child: what the parent held, the parent holds. */
void mutex_after_fork(struct mutex *mutex);

#endif
