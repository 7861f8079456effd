/* The semaphore: a number of units, and those who sleep for one (contract E1, E2; docs/design/semaphore.md).
 *
 * One word has it all, and is what sleepers sleep on:
 *
 *    31    30                               1    0
 *   ┌────┬──────┬───────────────────────────┬──────┐
 *   │turn│polled│ units                     │asleep│
 *   └────┴──────┴───────────────────────────┴──────┘
 *
 * A pair of wait and post that meets nobody is two compare-and-swaps of it.  Where somebody may be asleep, or polls, the unit
 * that ends "none" is posted with a lock, and by the very system call that wakes; those behind it need neither. */
#ifndef FERRY_SHARED_SEMAPHORE_H
#define FERRY_SHARED_SEMAPHORE_H

#include <stdbool.h>

#include <ferry/base.h>

#include "os/clock.h"
#include "shared/crowd.h"
#include "shared/slots.h"
#include "shared/spin.h"

#define SEMAPHORE_ASLEEP UINT32_C(1) /* somebody may be */
#define SEMAPHORE_UNIT   UINT32_C(2)
#define SEMAPHORE_POLLED (UINT32_C(1) << 30)
#define SEMAPHORE_TURN   (UINT32_C(1) << 31) /* changes with each who is about to sleep */
#define SEMAPHORE_MOST   (SEMAPHORE_POLLED / SEMAPHORE_UNIT - 1)

static inline uint32_t semaphore_units(uint32_t word)
{
    return (word & (SEMAPHORE_POLLED - 1)) / SEMAPHORE_UNIT;
}

/* One handle's view. */
struct semaphore {
    struct layout_semaphore *shared;
    struct slots *slots;
    uint32_t most; /* units; a private copy */
    int bell;
    bool interruptible;
    struct crowd crowd;
    struct spin spin;
};

void semaphore_init(struct semaphore *semaphore, struct slots *slots, uint32_t most, int bell);
void semaphore_deinit(struct semaphore *semaphore);
void semaphore_after_fork(struct semaphore *semaphore);

/* Takes a unit, or gives one, as one compare-and-swap, where that is all there is to it; false: try the other ones. */
static inline bool semaphore_take_at_once(struct semaphore *semaphore)
{
    /* Relaxed: confirmed by the compare-and-swap, about which see swap() in semaphore.c. */
    uint32_t word = atomic_load_explicit(&semaphore->shared->word, memory_order_relaxed);
    return (word & SEMAPHORE_ASLEEP) == 0 && semaphore_units(word) > 0 &&
           atomic_compare_exchange_strong_explicit(&semaphore->shared->word, &word,
                                                   word - SEMAPHORE_UNIT, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

static inline bool semaphore_give_at_once(struct semaphore *semaphore)
{
    uint32_t word = atomic_load_explicit(&semaphore->shared->word, memory_order_relaxed);
    return (word & (SEMAPHORE_ASLEEP | SEMAPHORE_POLLED)) == 0 &&
           semaphore_units(word) < semaphore->most &&
           atomic_compare_exchange_strong_explicit(&semaphore->shared->word, &word,
                                                   word + SEMAPHORE_UNIT, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

/* Takes a unit.  0, -EAGAIN, -ETIMEDOUT, -EINTR. */
int semaphore_wait(struct semaphore *semaphore, int64_t timeout_ns);

/* Gives one.  -EOVERFLOW: there are as many as there may be; -ETIMEDOUT: somebody who does the same was stopped in the middle of it. */
int semaphore_post(struct semaphore *semaphore);

uint32_t semaphore_value(const struct semaphore *semaphore);

/* From here on, whoever ends "none" rings the bell. */
int semaphore_listen(struct semaphore *semaphore);

/* Is there a unit, once those are through who may not have rung for us?  Also if one of them does not come to an end. */
bool semaphore_may_have(struct semaphore *semaphore);

#endif
