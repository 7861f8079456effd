/* The barrier: so many wait for each other, round after round, and a death breaks a round (contract E6; docs/design/barrier.md).
 *
 * Rounds have numbers.  Who comes is counted; the last one ends the round, which is complete, and who finds that a member died ends
 * it, too, and it is broken.  Each step is one journalled change under the inner lock.  The number of the round is what those who
 * wait sleep on, in a lobby, of whom one hears deaths. */
#ifndef FERRY_SHARED_BARRIER_H
#define FERRY_SHARED_BARRIER_H

#include <stdbool.h>

#include <ferry/barrier.h>

#include "shared/lobby.h"
#include "shared/slots.h"
#include "shared/spin.h"

/* One handle's view. */
struct barrier {
    struct layout_barrier *shared;
    struct slots *slots;
    uint32_t made_for; /* a private copy */
    bool interruptible;
    _Atomic uint64_t
        owed; /* arrivals that could not be taken back yet, and above them their round */
    struct spin spin;
    struct lobby lobby;
};

void barrier_init(struct barrier *barrier, struct slots *slots, uint32_t made_for, int bell);
void barrier_deinit(struct barrier *barrier);
void barrier_after_fork(struct barrier *barrier);

/* 0, 1, -EOWNERDEAD, -EAGAIN, -ETIMEDOUT, -EINTR, -EBADMSG. */
int barrier_wait(struct barrier *barrier, int64_t timeout_ns);

/* 0; 1: that makes the round complete; -ETIMEDOUT, -EBADMSG. */
int barrier_set_count(struct barrier *barrier, uint32_t count);

/* 0, -ETIMEDOUT, -EBADMSG. */
int barrier_count(struct barrier *barrier, uint32_t *ret_count, uint32_t *ret_arrived);

/* What is owed is given back.  As it leaves. */
void barrier_settle(struct barrier *barrier);

#endif
