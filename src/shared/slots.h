/* Slots: who is who in an object, and who is alive (DESIGN, law 2).
 *
 * Each member holds the lock on one byte of the control file; the byte's number is its slot.  A
 * slot is used by one member after another, and each use has a generation, so that slot and
 * generation together, the tag, name one member once and for all.  The kernel alone decides who is
 * alive: a member is while its byte is locked and the slot's generation is its own. */
#ifndef FERRY_SLOTS_H
#define FERRY_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/layout.h"

/* A tag fills the lower 30 bits of a lock word: slot + 1 in 13 bits, the generation's lowest 17
 * above.  0 is nobody. */
typedef uint32_t slot_tag;
#define TAG_SLOT_BITS 13u
#define TAG_MASK      0x3FFFFFFFu

/* One member's view of its object. */
struct slots {
    struct layout *control;
    int lock_fd; /* its description carries the lock on our byte, and is used for nothing else */
    _Atomic uint32_t reserved; /* so many entries of the table are known to be backed by memory */
    uint32_t slot;             /* ours */
    slot_tag tag;              /* ours; 0: not a member */
    uint32_t role;             /* ours: FERRY_READ, FERRY_WRITE, LAYOUT_HAS_END */
    bool forgets;              /* what the object holds does not outlive its members */
    int32_t pid;               /* ours */
    uint64_t namespace;        /* ours */
};

slot_tag slot_tag_make(uint32_t slot, uint32_t generation);

/* The slot in a tag.  Beyond the table if the tag is nonsense. */
static inline uint32_t slot_of_tag(slot_tag tag)
{
    return (tag & ((1u << TAG_SLOT_BITS) - 1)) - 1;
}

/* How many entries were ever used, at most LAYOUT_MEMBERS whatever the memory says. */
static inline uint32_t slots_high(const struct slots *slots)
{
    /* Sequentially consistent: notice_wait() announces itself and then looks here; a member that is
     * not below `high` yet will look for announcements after it is. */
    uint64_t high = atomic_load_explicit(&slots->control->ledger.high, memory_order_seq_cst);
    return high < LAYOUT_MEMBERS ? (uint32_t)high : LAYOUT_MEMBERS;
}

/* The entry of a slot below LAYOUT_MEMBERS, backed by memory; NULL if that cannot be had. */
struct layout_entry *slots_entry(struct slots *slots, uint32_t slot);

/* Is the member of that tag alive?  Also true when the kernel cannot say. */
bool slots_is_alive(struct slots *slots, slot_tag tag);

/* Is this slot's byte locked by anybody but lock_fd's description? */
bool slots_is_locked(const struct slots *slots, uint32_t slot);

/* The slot's membership is being handed over: locks the byte that says so for as long as this
 * description is open, and takes that back.  Is a slot's, or any but our own? */
int slots_offer(struct slots *slots);
void slots_redeem(struct slots *slots);
bool slots_is_offered(const struct slots *slots, uint32_t slot);
bool slots_any_offered(const struct slots *slots);

/* Takes back whatever the slot's member had announced.  For the member itself, for who claims its
 * slot next, and for who finds it dead. */
void slots_forget(struct slots *slots, uint32_t slot);

/* Locks a free byte through lock_fd and begins a new generation of its slot: fills in slot and tag.
 * A slot whose member died is taken when no other is left.  -EUSERS if all are alive, -ESTALE if
 * the object is being removed, -ENOSPC. */
int slots_claim(struct slots *slots);

#endif
