/* See slots.h.  If we die anywhere in here, the kernel drops the byte lock, and at worst a
 * generation was counted that nobody used. */
#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "os/file.h"
#include "os/ofd.h"
#include "shared/board.h"
#include "shared/slots.h"

enum { PROBES = 2 };

slot_tag slot_tag_make(uint32_t slot, uint32_t generation)
{
    return ((generation << TAG_SLOT_BITS) | (slot + 1)) & TAG_MASK;
}

/* Touching a page of the table that has no memory yet would be a SIGBUS on a full tmpfs: reserve it
 * first.  Doing so again is harmless. */
static int back(struct slots *slots, uint32_t slot)
{
    /* Relaxed: threads that race here reserve the same pages twice. */
    uint32_t reserved = atomic_load_explicit(&slots->reserved, memory_order_relaxed);
    if (slot < reserved)
        return 0;
    uint64_t table = offsetof(struct layout, members);
    uint64_t at = table + sizeof(struct layout_entry) * reserved;
    uint64_t end = (table + sizeof(struct layout_entry) * (slot + 1) + 4095) / 4096 * 4096;
    int r = file_reserve_range(slots->lock_fd, at, end - at);
    if (r < 0)
        return fail_within(r, "the table of members could not grow");
    reserved = (uint32_t)((end - table) / sizeof(struct layout_entry));
    atomic_store_explicit(&slots->reserved, reserved, memory_order_relaxed);
    return 0;
}

struct layout_entry *slots_entry(struct slots *slots, uint32_t slot)
{
    if (slot >= LAYOUT_MEMBERS || back(slots, slot) < 0)
        return NULL;
    return &slots->control->members[slot];
}

bool slots_is_locked(const struct slots *slots, uint32_t slot)
{
    return ofd_is_locked(slots->lock_fd, (off_t)slot, 1) != 0;
}

int slots_offer(struct slots *slots)
{
    int r = ofd_lock(slots->lock_fd, LAYOUT_OFFER_BYTES + (off_t)slots->slot, 1);
    return r < 0 ? fail_errno(r, "the kernel gave no lock for a parcel") : 0;
}

void slots_redeem(struct slots *slots)
{
    ofd_unlock(slots->lock_fd, LAYOUT_OFFER_BYTES + (off_t)slots->slot, 1);
}

bool slots_is_offered(const struct slots *slots, uint32_t slot)
{
    return ofd_is_locked(slots->lock_fd, LAYOUT_OFFER_BYTES + (off_t)slot, 1) == 1;
}

bool slots_any_offered(const struct slots *slots)
{
    return ofd_is_locked(slots->lock_fd, LAYOUT_OFFER_BYTES, (off_t)LAYOUT_MEMBERS) == 1;
}

bool slots_is_alive(struct slots *slots, slot_tag tag)
{
    uint32_t slot = slot_of_tag(tag);
    if (slots->tag != 0 && slot == slots->slot)
        return tag == slots->tag;
    if (slot >= LAYOUT_MEMBERS)
        return false;
    struct layout_entry *entry = slots_entry(slots, slot);
    if (entry == NULL)
        return true;
    /* The lock first, the generation second: were the slot to change hands in between, the
     * generation would have moved on and the tag's member would be dead all the same. */
    if (!slots_is_locked(slots, slot))
        return false;
    uint32_t generation = atomic_load_explicit(&entry->generation, memory_order_acquire);
    return slot_tag_make(slot, generation) == tag;
}

/* 1 if the byte is ours now, 0 if somebody else has it, -errno. */
static int try_slot(struct slots *slots, uint32_t slot)
{
    int r = ofd_lock(slots->lock_fd, (off_t)slot, 1);
    if (r == 0)
        return 1;
    if (r != -EAGAIN)
        return fail_errno(r, "the kernel gave no lock on a member's byte");
    /* A member's lock is one byte.  All of them as one: an abandoned object is being removed. */
    return ofd_extent(slots->lock_fd, (off_t)slot) > 1 ? -ESTALE : 0;
}

/* Looks for a slot that nobody uses, among those that were used before or among all.  When many
 * come at once they would all try the same one, so whoever is beaten skips ahead, the farther the
 * more often. */
static int claim_free(struct slots *slots, uint32_t end, uint32_t *ret_slot)
{
    uint32_t window = 1;
    for (uint32_t slot = 0; slot < end;) {
        struct layout_entry *entry = slots_entry(slots, slot);
        if (entry == NULL)
            return -ENOSPC;
        if (atomic_load_explicit(&entry->joined, memory_order_relaxed) != 0) {
            slot++; /* only a hint: the byte lock decides */
            continue;
        }
        int r = try_slot(slots, slot);
        if (r != 0) {
            *ret_slot = slot;
            return r;
        }
        slot += 1 + (uint32_t)slots->pid % window;
        window = window < 64 ? window * 2 : window;
    }
    return 0;
}

/* Tries a few of the taken slots below `high`, from somewhere on: where members die as fast as they
 * come, their slots are used again and the table stays small. */
static int claim_dead(struct slots *slots, uint32_t high, uint32_t *ret_slot)
{
    uint32_t start = (uint32_t)slots->pid * UINT32_C(2654435761);
    for (uint32_t i = 0; i < PROBES && i < high; i++) {
        uint32_t slot = (start + i) % high;
        int r = slots_entry(slots, slot) == NULL ? -ENOSPC : try_slot(slots, slot);
        if (r != 0) {
            *ret_slot = slot;
            return r;
        }
    }
    return 0;
}

/* Looks at every slot, free or taken, for a byte that is not locked. */
static int claim_any(struct slots *slots, uint32_t *ret_slot)
{
    for (uint32_t slot = 0; slot < LAYOUT_MEMBERS; slot++) {
        int r = slots_entry(slots, slot) == NULL ? -ENOSPC : try_slot(slots, slot);
        if (r != 0) {
            *ret_slot = slot;
            return r;
        }
    }
    return fail(-EUSERS, "the object has %u members, which is the most; one has to leave first",
                LAYOUT_MEMBERS);
}

void slots_forget(struct slots *slots, uint32_t slot)
{
    board_clear(&slots->control->sleepers, slot);
    board_clear(&slots->control->listeners, slot);
    board_clear(&slots->control->stream.readers, slot);
    board_clear(&slots->control->stream.writers, slot);
    board_clear(&slots->control->queue.room, slot);
    atomic_store_explicit(&slots->control->members[slot].mark, 0, memory_order_seq_cst);
    atomic_store_explicit(&slots->control->members[slot].holds, 0, memory_order_seq_cst);
}

int slots_claim(struct slots *slots)
{
    uint32_t slot = 0;
    uint32_t high = slots_high(slots);
    /* The whole table in one go, not page by page on the way. */
    if (high > 0 && slots_entry(slots, high - 1) == NULL)
        return -ENOSPC;
    int r = claim_free(slots, high, &slot);
    if (r == 0)
        r = claim_dead(slots, high, &slot);
    if (r == 0)
        r = claim_free(slots, LAYOUT_MEMBERS, &slot);
    if (r == 0)
        r = claim_any(slots, &slot);
    if (r < 0)
        return r;
    struct layout_entry *entry = &slots->control->members[slot];
    /* What the last member had is not to be taken for ours: so before the generation is ours. */
    atomic_store_explicit(&entry->role, 0, memory_order_relaxed);
    slots_forget(slots, slot);
    /* Ours alone while we hold the byte.  Released so that slots_is_alive() sees it before it can
     * see our tag in a lock word. */
    uint32_t generation = atomic_load_explicit(&entry->generation, memory_order_relaxed) + 1;
    atomic_store_explicit(&entry->generation, generation, memory_order_release);
    slots->slot = slot;
    slots->tag = slot_tag_make(slot, generation);
    return 0;
}
