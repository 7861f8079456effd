/* Sleeping for messages and for room.  See ring.h; what wakes, and why nobody sleeps beside what he waits for, is in
 * ring.c. */
#include "os/futex.h"
#include "shared/ring.h"

static const int64_t OUTCOME_NS = 1000000, WITHDRAWAL_NS = 1000000000;

static uint32_t look(const _Atomic uint32_t *sequence)
{
    return atomic_load_explicit(sequence, memory_order_seq_cst);
}

/* ---- Hints ------------------------------------------------------------------------------------ */

/* With the lock, where memory is given back: to look there would have it come back. */
static bool has_message_locked(struct ring *ring)
{
    struct ring_found found;
    if (ring_lock_out(ring, 0) < 0)
        return true;
    int r = ring_find(ring, &found);
    ring_unlock_out(ring);
    return r != -EAGAIN;
}

/* A header is looked at while its place counts; otherwise it may be overwritten by a message, and look like none. */
bool ring_has_message(struct flow *flow, const struct ferry_choice *choice)
{
    (void)choice;
    enum { LOOKS = 16 };
    struct ring *ring = ring_of(flow);
    if ((flow->shape.flags & FERRY_UNBOUNDED) != 0)
        return has_message_locked(ring);
    const struct layout_queue_side *out = &flow->shared->out;
    for (int i = 0; i < LOOKS; i++) {
        uint32_t sequence = look(&out->sequence);
        uint32_t offset = ring_offset(
            atomic_load_explicit(&out->places[ring_which(sequence)], memory_order_acquire));
        if (offset >= ring->cells || ring_is_there(ring, ring_header(ring, offset)))
            return true;
        if (((look(&out->sequence) ^ sequence) & RING_COUNT_MASK) == 0)
            return false;
    }
    return true; /* it changes all the time, or is nonsense, which is found by who receives */
}

/* Exact, with the lock; if that cannot be had now, it may well be. */
bool ring_has_room(struct flow *flow, uint64_t size)
{
    struct ring *ring = ring_of(flow);
    if (ring_lock_in(ring, 0) < 0)
        return true;
    int r = ring_check_room(ring, size);
    ring_unlock_in(ring);
    return r != -EAGAIN;
}

/* ---- Sleeping --------------------------------------------------------------------------------- */

/* Somebody who sleeps: with whom, on what, and until when. */
struct vigil {
    struct flow *flow;
    struct crowd *crowd;
    struct layout_queue_side *side; /* whose sequence steps when there is something */
    bool (*is_met)(const struct vigil *vigil);
    bool differs; /* what is enough for one may not be for another */
    uint64_t size;
    uint32_t number;
    _Atomic uint32_t *since; /* the sequence when the flag was set again for others; or NULL */
};

static bool is_needless(const void *vigil)
{
    const struct vigil *own = vigil;
    return own->is_met(own);
}

/* The commits in a sequence. */
static bool has_stepped(const struct layout_queue_side *side, uint32_t since)
{
    return ((look(&side->sequence) ^ since) & RING_COUNT_MASK) != 0;
}

static bool others_sleep(const struct vigil *vigil)
{
    return crowd_is_any(vigil->flow->slots, vigil->crowd->board);
}

/* In the crowd. */
static int sleep_until_met(const struct vigil *vigil, deadline end)
{
    struct flow *flow = vigil->flow;
    _Atomic uint32_t *sequence = &vigil->side->sequence;
    const struct lock_wait wait = {.end = end,
                                   .interruptible = flow->interruptible,
                                   .is_needless = is_needless,
                                   .context = vigil};
    for (;;) {
        uint32_t seen =
            FLOW_ASLEEP | atomic_fetch_or_explicit(sequence, FLOW_ASLEEP, memory_order_seq_cst);
        int64_t patience_ns = crowd_patience(vigil->crowd);
        if (flow->interruptible && patience_ns > FUTEX_AGES)
            patience_ns = FUTEX_AGES;
        int r = lock_await_outcome(&vigil->side->lock, flow->slots, &wait);
        if (vigil->is_met(vigil))
            return 0;
        if (r == 0)
            r = flow_check_removed(flow);
        if (r < 0)
            return r;
        if (r == 1 && patience_ns > FLOW_UNDECIDED_NS)
            patience_ns = FLOW_UNDECIDED_NS;
        flow_count_sleep(&vigil->side->sleeps);
        r = crowd_sleep(vigil->crowd, sequence, seen, patience_ns, end);
        if (vigil->is_met(vigil))
            return 0;
        if (vigil->differs && has_stepped(vigil->side, seen)) /* it may be enough for another */
            futex_wake(sequence, 1);
        if (r < 0 && (r != -EINTR || flow->interruptible))
            return r;
    }
}

/* Who was woken for others, too, has the next commit wake one of them; and if it gives up, wakes one itself. */
static int keep_vigil(const struct vigil *vigil, deadline end)
{
    _Atomic uint32_t *sequence = &vigil->side->sequence;
    flow_join(vigil->crowd, sequence);
    int r = sleep_until_met(vigil, end);
    crowd_leave(vigil->crowd);
    if (others_sleep(vigil)) {
        uint32_t since = atomic_fetch_or_explicit(sequence, FLOW_ASLEEP, memory_order_seq_cst);
        if (vigil->since != NULL) /* relaxed: this handle's alone */
            atomic_store_explicit(vigil->since, since, memory_order_relaxed);
        if (r < 0)
            futex_wake(sequence, 1);
    }
    return r;
}

/* The flag has been set again by us, for those who sleep on.  A commit that is under way may not have seen it: its outcome is
 * waited for, a moment.  0: others sleep. */
static int await_commit(_Atomic bool *owes, struct flow *flow, const struct layout_board *board,
                        struct layout_queue_side *side)
{
    atomic_store_explicit(owes, false, memory_order_relaxed);
    if (!crowd_is_any(flow->slots, board))
        return -EAGAIN;
    const struct lock_wait wait = {.end = clock_deadline(OUTCOME_NS)};
    lock_await_outcome(&side->lock, flow->slots, &wait);
    return 0;
}

/* ---- Messages --------------------------------------------------------------------------------- */

static bool is_message(const struct vigil *vigil)
{
    return ring_has_message(vigil->flow, NULL);
}

void ring_hand_on_message(struct ring *ring)
{
    struct flow *flow = ring->flow;
    struct layout_queue_side *in = &flow->shared->in;
    if (await_commit(&ring->owes_message, flow, &flow->shared->receivers, in) == 0 &&
        ring_has_message(flow, NULL))
        futex_wake(&in->sequence, 1);
}

int ring_await_message(struct flow *flow, const struct ferry_choice *choice, deadline end)
{
    if (SPIN_UNTIL(&flow->message_spin, ring_has_message(flow, choice)))
        return 0;
    const struct vigil vigil = {
        .flow = flow, .crowd = &flow->receivers, .side = &flow->shared->in, .is_met = is_message};
    int r = keep_vigil(&vigil, end);
    if (r == 0)
        atomic_store_explicit(&ring_of(flow)->owes_message, true, memory_order_relaxed);
    return r;
}

static bool is_sight(const struct vigil *vigil)
{
    return ring_has_sight(vigil->flow);
}

int ring_await_sight(struct flow *flow, deadline end)
{
    const struct vigil vigil = {
        .flow = flow, .crowd = &flow->receivers, .side = &flow->shared->in, .is_met = is_sight};
    return keep_vigil(&vigil, end);
}

/* ---- Room ------------------------------------------------------------------------------------- */

static bool is_room(const struct vigil *vigil)
{
    return ring_has_room(vigil->flow, vigil->size);
}

/* There is one message at a time: whatever else is next, ours is gone.  (A number that a peer made up is not waited for.) */
static bool is_taken(const struct vigil *vigil)
{
    struct ring_seen seen;
    return ring_find_out(ring_of(vigil->flow), &seen) == 0 && seen.number != vigil->number;
}

/* A receiver's plain store may have written over the flag that we set again: so whoever is left asleep looks, too, if there was
 * one. */
void ring_hand_on_room(struct ring *ring)
{
    struct flow *flow = ring->flow;
    struct layout_queue_side *out = &flow->shared->out;
    if (await_commit(&ring->owes_room, flow, &flow->shared->senders, out) == 0 &&
        (has_stepped(out, atomic_load_explicit(&ring->room_since, memory_order_relaxed)) ||
         ring_has_room(flow, 0)))
        futex_wake(&out->sequence, 1);
}

static int await(const struct vigil *vigil, deadline end)
{
    uint32_t seen = look(&vigil->side->sequence);
    if (vigil->is_met(vigil))
        return 0;
    /* Whoever takes a message steps this. */
    if (SPIN_UNTIL(&vigil->flow->room_spin, has_stepped(vigil->side, seen)) && vigil->is_met(vigil))
        return 0;
    return keep_vigil(vigil, end);
}

int ring_await_room(struct flow *flow, uint64_t size, deadline end)
{
    const struct vigil vigil = {.flow = flow,
                                .crowd = &flow->senders,
                                .side = &flow->shared->out,
                                .is_met = is_room,
                                .differs = true,
                                .size = size,
                                .since = &ring_of(flow)->room_since};
    /* What it was woken for last and found too small is another's. */
    if (atomic_load_explicit(&ring_of(flow)->owes_room, memory_order_relaxed))
        ring_hand_on_room(ring_of(flow));
    int r = await(&vigil, end);
    if (r == 0)
        atomic_store_explicit(&ring_of(flow)->owes_room, true, memory_order_relaxed);
    return r;
}

/* ---- Rendezvous ------------------------------------------------------------------------------- */

/* Takes the message back, if nobody has taken it meanwhile: 1.  Not 0 either if a receiver keeps the lock, stopped: then nobody
 * knows. */
static int withdraw(struct ring *ring, uint32_t number)
{
    struct ring_found found;
    deadline end = clock_deadline(WITHDRAWAL_NS);
    int r;
    while ((r = ring_lock_out(ring, end)) == -EINTR)
        ;
    if (r < 0)
        return r;
    r = ring_find(ring, &found);
    if (r == 0 && found.number == number) {
        ring_pass(ring, &found);
        flow_count(&ring->flow->shared->out.withdrawn, 1);
        r = 1;
    }
    ring_unlock_out(ring);
    return r == 1;
}

int ring_await_taken(struct flow *flow, uint64_t ticket, deadline end)
{
    const struct vigil vigil = {.flow = flow,
                                .crowd = &flow->senders,
                                .side = &flow->shared->out,
                                .is_met = is_taken,
                                .differs = true,
                                .number = (uint32_t)ticket,
                                .since = &ring_of(flow)->room_since};
    int r = await(&vigil, end);
    if (r == 0) {
        ring_hand_on_room(ring_of(flow));
        return 0;
    }
    return withdraw(ring_of(flow), vigil.number) != 0 ? r : 0;
}
