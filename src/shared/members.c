/* See members.h.  A member that dies leaves its entry as it is: the entry is then taken, its byte
 * unlocked, which is what "dead" means.  It is struck off by whoever takes the slot next, or is
 * troubled by what the dead one left on the boards. */
#include <ferry/base.h>

#include "os/clock.h"
#include "os/ofd.h"
#include "os/proc.h"
#include "shared/journal.h"
#include "shared/members.h"

static uint64_t stamp_now(const struct slots *slots)
{
    return layout_stamp(clock_unix_ms(), slots->pid);
}

static struct journal begin(struct slots *slots)
{
    const struct journal_book book = journal_book_of(slots->control);
    return journal_begin(&book);
}

/* Notes that a counter goes up by one.  Relaxed: we hold the inner lock. */
static void count_up(struct journal *journal, const _Atomic uint64_t *counter)
{
    journal_set(journal, counter, atomic_load_explicit(counter, memory_order_relaxed) + 1);
}

/* Our entry is among those that were used. */
static void reach(struct slots *slots, struct journal *journal)
{
    if (slots_high(slots) <= slots->slot)
        journal_set(journal, &slots->control->ledger.high, slots->slot + 1);
}

/* Nobody is left who wrote or might read what is in it. */
static void forget_stream(struct journal *journal, struct layout_stream *stream)
{
    uint64_t end = atomic_load_explicit(&stream->in.position, memory_order_relaxed);
    journal_set(journal, &stream->in.told, end);
    journal_set(journal, &stream->out.position, end);
    /* The FIFO is empty, since nobody had it open.  Relaxed: published by the journal. */
    atomic_store_explicit(&stream->shape.rung, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->shape.stuffed, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->shape.polled, 0, memory_order_relaxed);
}

static bool has_end(struct slots *slots, uint32_t slot)
{
    struct layout_entry *entry = slots_entry(slots, slot);
    return entry == NULL ||
           (atomic_load_explicit(&entry->joined, memory_order_relaxed) != 0 &&
            (atomic_load_explicit(&entry->role, memory_order_relaxed) & LAYOUT_HAS_END) != 0);
}

/* Does nobody else have an end, or will by a parcel?  Who waits for a partner or looks on has none.  With
 * the inner lock. */
static bool is_alone(struct slots *slots)
{
    off_t own = (off_t)slots->slot;
    if (ofd_is_locked(slots->lock_fd, own + 1, (off_t)LAYOUT_MEMBERS - own - 1) == 0 &&
        (own == 0 || ofd_is_locked(slots->lock_fd, 0, own) == 0))
        return true;
    if (slots_any_offered(slots))
        return false;
    uint32_t high = slots_high(slots);
    for (uint32_t slot = 0; slot < high; slot++)
        if (slot != slots->slot && has_end(slots, slot) && slots_is_locked(slots, slot))
            return false;
    return true;
}

int members_enter(struct slots *slots)
{
    int r = journal_lock(slots, clock_deadline(MEMBERS_PATIENCE_NS));
    if (r < 0)
        return r;
    struct layout_ledger *ledger = &slots->control->ledger;
    struct layout_entry *entry = &slots->control->members[slots->slot];
    bool predecessor_died = atomic_load_explicit(&entry->joined, memory_order_relaxed) != 0;
    /* Relaxed: published by `joined`, which the journal writes. */
    atomic_store_explicit(&entry->namespace, slots->namespace, memory_order_relaxed);
    atomic_store_explicit(&entry->role, slots->role, memory_order_relaxed);

    uint64_t stamp = stamp_now(slots);
    struct journal journal = begin(slots);
    journal_set(&journal, &entry->joined, stamp);
    journal_set(&journal, &ledger->last_attach, stamp);
    count_up(&journal, &ledger->attaches);
    if (predecessor_died)
        count_up(&journal, &ledger->deaths);
    reach(slots, &journal);
    if (slots->forgets && is_alone(slots))
        forget_stream(&journal, &slots->control->stream);
    journal_commit(&journal);
    journal_unlock(slots);
    return 0;
}

int members_join(struct slots *slots)
{
    int r = slots_claim(slots);
    return r < 0 ? r : members_enter(slots);
}

void members_change_role(struct slots *slots, uint32_t role)
{
    slots->role = role;
    atomic_store_explicit(&slots->control->members[slots->slot].role, role, memory_order_release);
}

int members_gain_end(struct slots *slots)
{
    int r = journal_lock(slots, clock_deadline(MEMBERS_PATIENCE_NS));
    if (r < 0)
        return r;
    members_change_role(slots, slots->role | LAYOUT_HAS_END);
    journal_unlock(slots);
    return 0;
}

void members_leave(struct slots *slots)
{
    slots_forget(slots, slots->slot);
    if (journal_lock(slots, clock_deadline(MEMBERS_PATIENCE_NS)) < 0)
        return;
    struct layout_ledger *ledger = &slots->control->ledger;
    struct journal journal = begin(slots);
    journal_set(&journal, &slots->control->members[slots->slot].joined, 0);
    journal_set(&journal, &ledger->last_detach, stamp_now(slots));
    count_up(&journal, &ledger->detaches);
    journal_commit(&journal);
    journal_unlock(slots);
    slots->tag = 0;
}

void members_sign(struct slots *slots)
{
    /* Ours alone; the store to `joined` says who we are.  We may be in a new pid namespace. */
    slots->namespace = proc_pid_namespace();
    atomic_store_explicit(&slots->control->members[slots->slot].namespace, slots->namespace,
                          memory_order_relaxed);
    atomic_store_explicit(&slots->control->members[slots->slot].joined, stamp_now(slots),
                          memory_order_release);
}

/* With the inner lock: if the slot's entry is taken, it is a dead member's. */
static void strike_off(struct slots *slots, struct journal *journal, struct layout_entry *entry)
{
    if (atomic_load_explicit(&entry->joined, memory_order_relaxed) == 0)
        return;
    journal_set(journal, &entry->joined, 0);
    count_up(journal, &slots->control->ledger.deaths);
}

int members_offer(struct slots *slots, uint32_t role)
{
    int r = slots_offer(slots);
    if (r == 0)
        r = journal_lock(slots, clock_deadline(MEMBERS_PATIENCE_NS));
    if (r < 0)
        return r;
    struct layout_entry *entry = &slots->control->members[slots->slot];
    struct journal journal = begin(slots);
    strike_off(slots, &journal, entry);
    reach(slots, &journal);
    journal_commit(&journal);
    /* Behind it: an entry that is not free, with this role, would be a member that has its end. */
    members_change_role(slots, role);
    journal_unlock(slots);
    return 0;
}

int members_reap(struct slots *slots, uint32_t slot, deadline end)
{
    struct layout_entry *entry = slots_entry(slots, slot);
    if (entry == NULL || slot == slots->slot || slots_is_locked(slots, slot))
        return 0;
    int r = journal_lock(slots, end);
    if (r < 0)
        return r;
    /* Once more, now that nobody can enter: a newcomer may have claimed the byte meanwhile, and then
     * it will strike off its predecessor itself. */
    if (!slots_is_locked(slots, slot)) {
        struct journal journal = begin(slots);
        slots_forget(slots, slot);
        strike_off(slots, &journal, entry);
        journal_commit(&journal);
    }
    journal_unlock(slots);
    return 0;
}

bool members_reap_all(struct slots *slots)
{
    uint32_t high = slots_high(slots);
    for (uint32_t slot = 0; slot < high; slot++) {
        const struct layout_entry *entry = slots_entry(slots, slot);
        if (entry != NULL && atomic_load_explicit(&entry->joined, memory_order_relaxed) != 0 &&
            members_reap(slots, slot, clock_now_ns()) < 0)
            return false;
    }
    return true;
}
