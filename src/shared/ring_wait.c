/* Sleeping for messages and for room.  See ring.h; what wakes, and why nobody sleeps beside what he waits for, is in
 * ring.c. */
#include "shared/ring.h"

static uint32_t look(const _Atomic uint32_t *sequence)
{
    return atomic_load_explicit(sequence, memory_order_seq_cst);
}

/* ---- Hints ------------------------------------------------------------------------------------ */

/* A header is looked at while its place counts; otherwise it may be overwritten by a message, and look like none. */
bool ring_has_message(struct flow *flow, const struct ferry_choice *choice)
{
    (void)choice;
    enum { LOOKS = 16 };
    const struct ring *ring = ring_of(flow);
    struct ring_seen seen, again;
    for (int i = 0; i < LOOKS && ring_find_out(ring, &seen); i++) {
        if (ring_is_there(ring, ring_header(ring, ring_offset(seen.place))))
            return true;
        if (ring_find_out(ring, &again) && again.place == seen.place)
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

/* ---- Messages --------------------------------------------------------------------------------- */

static bool has_message(const void *flow)
{
    return ring_has_message((struct flow *)(uintptr_t)flow, NULL);
}

static struct lock_wait wait_for(const struct flow *flow, deadline end,
                                 bool (*is_needless)(const void *context))
{
    return (struct lock_wait){.end = end,
                              .interruptible = flow->interruptible,
                              .is_needless = is_needless,
                              .context = flow};
}

/* On the board. */
static int sleep_for_message(struct flow *flow, deadline end)
{
    struct layout_queue_side *in = &flow->shared->in;
    const struct lock_wait wait = wait_for(flow, end, has_message);
    for (;;) {
        uint32_t seen = look(&in->sequence);
        int64_t patience_ns = crowd_patience(&flow->receivers);
        int r = lock_await_outcome(&in->lock, flow->slots, &wait);
        if (has_message(flow))
            return 0;
        if (r == 0)
            r = flow_check_removed(flow, end);
        if (r < 0)
            return r;
        flow_count_sleep(&in->sleeps);
        r = crowd_sleep(&flow->receivers, &in->sequence, seen, patience_ns, end);
        if (has_message(flow))
            return 0;
        if (r < 0 && (r != -EINTR || flow->interruptible))
            return r;
    }
}

int ring_await_message(struct flow *flow, const struct ferry_choice *choice, deadline end)
{
    if (SPIN_UNTIL(&flow->message_spin, ring_has_message(flow, choice)))
        return 0;
    flow_join(&flow->receivers, &flow->shared->in.sequence);
    int r = sleep_for_message(flow, end);
    crowd_leave(&flow->receivers);
    return r;
}

/* ---- Room ------------------------------------------------------------------------------------- */

/* What a sender sleeps for: room, or that its message is taken. */
struct need {
    struct flow *flow;
    bool (*is_met)(const struct need *need);
    uint64_t size;
    uint32_t number;
};

static bool is_room(const struct need *need)
{
    return ring_has_room(need->flow, need->size);
}

static bool is_taken(const struct need *need)
{
    struct ring_seen seen;
    return ring_find_out(ring_of(need->flow), &seen) && (int32_t)(seen.number - need->number) > 0;
}

static int sleep_for(const struct need *need, deadline end)
{
    struct flow *flow = need->flow;
    struct layout_queue_side *out = &flow->shared->out;
    const struct lock_wait wait = wait_for(flow, end, NULL);
    for (;;) {
        uint32_t seen = look(&out->sequence);
        int64_t patience_ns = crowd_patience(&flow->senders);
        int r = lock_await_outcome(&out->lock, flow->slots, &wait);
        if (need->is_met(need))
            return 0;
        if (r == 0)
            r = flow_check_removed(flow, end);
        if (r < 0)
            return r;
        flow_count_sleep(&out->sleeps);
        r = crowd_sleep(&flow->senders, &out->sequence, seen, patience_ns, end);
        if (need->is_met(need))
            return 0;
        if (r < 0 && (r != -EINTR || flow->interruptible))
            return r;
    }
}

static int await(const struct need *need, deadline end)
{
    struct flow *flow = need->flow;
    struct layout_queue_side *out = &flow->shared->out;
    uint32_t seen = look(&out->sequence);
    if (need->is_met(need))
        return 0;
    /* Whoever takes a message steps this. */
    if (SPIN_UNTIL(&flow->room_spin, look(&out->sequence) != seen) && need->is_met(need))
        return 0;
    flow_join(&flow->senders, &out->sequence);
    int r = sleep_for(need, end);
    crowd_leave(&flow->senders);
    return r;
}

int ring_await_room(struct flow *flow, uint64_t size, deadline end)
{
    return await(&(struct need){.flow = flow, .is_met = is_room, .size = size}, end);
}

/* ---- Rendezvous ------------------------------------------------------------------------------- */

/* Takes the message back, if nobody has taken it meanwhile: 1. */
static int withdraw(struct ring *ring, uint32_t number)
{
    struct ring_found found;
    int r;
    while ((r = ring_lock_out(ring, CLOCK_NEVER)) == -EINTR)
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
    const struct need need = {.flow = flow, .is_met = is_taken, .number = (uint32_t)ticket};
    int r = await(&need, end);
    if (r == 0)
        return 0;
    return withdraw(ring_of(flow), need.number) != 0 ? r : 0;
}
