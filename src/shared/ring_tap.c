/* Looking at what goes through a queue with a ring.  See ring.h.
 *
 * Whoever looks on holds no lock, so senders overwrite what it has not seen yet.  It copies first and asks afterwards: a
 * sender says how far it may write (`claimed`) before it does, so what lies less than a ring behind that was whole
 * while it was copied. */
#include <string.h>

#include "base/cleanup.h"
#include "shared/ring.h"

enum { ATTEMPTS = 16 };
static const int64_t LOCK_PATIENCE_NS = 1000000000;

static uint64_t position_of(const _Atomic uint64_t *position)
{
    return atomic_load_explicit(position, memory_order_acquire);
}

/* Goes on where senders are; or where receivers are, if something was missed, or a sender died with its lock. */
static void go_to(struct ring *ring, uint32_t offset, uint64_t position)
{
    ring->tap_place = offset;
    ring->tap_position = position;
    ring->tap_number =
        atomic_load_explicit(&ring_header(ring, ring->tap_place)->number, memory_order_relaxed);
}

/* With the senders' lock, so that places and positions agree. */
static int begin_at_senders(struct ring *ring)
{
    const struct layout_queue_side *in = &ring->flow->shared->in;
    ring_place place = atomic_load_explicit(&in->places[0], memory_order_relaxed);
    if (ring_offset(place) >= ring->cells)
        return flow_damaged();
    go_to(ring, ring_offset(place), position_of(&in->places[1]));
    return 0;
}

/* Was what we copied left alone, all the time until now? */
static bool is_whole(const struct ring *ring)
{
    /* Pairs with the fence in claim(), ring_send.c: who sees bytes of a later message sees its claim. */
    atomic_thread_fence(memory_order_acquire);
    const _Atomic uint64_t *claimed = &ring->flow->shared->in.claimed;
    uint64_t end = atomic_load_explicit(claimed, memory_order_relaxed);
    return (int64_t)(end - ring->tap_position) <= (int64_t)ring->cells;
}

/* What was missed went by; the next to be seen is the next to be received. */
static int skip(struct ring *ring)
{
    struct flow *flow = ring->flow;
    uint32_t expected = ring->tap_number;
    int r = ring_lock_out(ring, clock_deadline(LOCK_PATIENCE_NS));
    if (r < 0)
        return r;
    go_to(ring, ring_out_offset(ring), position_of(&flow->shared->out.claimed));
    /* While receivers stand still, no sender goes further than once round from them. */
    bool whole = is_whole(ring);
    ring_unlock_out(ring);
    ring->tap_missed += (uint32_t)(ring->tap_number - expected);
    return whole ? 0 : flow_damaged();
}

/* The senders' lock, unless a dead one has it, whose work only who may write can finish: 1.  Or -ETIMEDOUT. */
static int lock_of_the_living(struct ring *ring)
{
    struct slots *slots = ring->flow->slots;
    struct layout_lock *lock = &ring->flow->shared->in.lock;
    const struct lock_wait wait = {.end = clock_deadline(LOCK_PATIENCE_NS), .even_loud = true};
    while (!lock_try(lock, slots->tag)) {
        slot_tag owner = atomic_load_explicit(&lock->word, memory_order_relaxed) & TAG_MASK;
        if (owner != 0 && !slots_is_alive(slots, owner))
            return 1;
        int r = clock_left_ns(wait.end) == 0 ? -ETIMEDOUT : lock_await_outcome(lock, slots, &wait);
        if (r < 0)
            return r;
    }
    return 0;
}

int ring_tap_begin(struct flow *flow)
{
    struct ring *ring = ring_of(flow);
    if ((flow->shape.flags & FERRY_UNBOUNDED) != 0)
        return fail(-EOPNOTSUPP, "an unbounded queue cannot be tapped, as its memory goes with the "
                                 "messages; make it anew with types or priorities, or bounded");
    int r = lock_of_the_living(ring);
    if (r < 0)
        return fail(r, "a sender of the queue stands in the middle of sending; is it stopped?");
    if (r == 0) {
        r = begin_at_senders(ring);
        ring_unlock_in(ring);
    } else {
        r = skip(ring);
        ring->tap_missed = 0;
    }
    flow_tap_begin(flow);
    return r;
}

/* -EAGAIN: nothing new; 0: it was not whole. */
static ssize_t look(struct ring *ring, struct ferry_message *message, ssize_t *ret_copied)
{
    const struct ring_header *header = ring_header(ring, ring->tap_place);
    bool there = ring_is_there(ring, header);
    uint32_t size = atomic_load_explicit(&header->size, memory_order_relaxed);
    if (!is_whole(ring))
        return 0;
    if (!there)
        return -EAGAIN;
    if (size > ring->flow->shape.largest)
        return flow_damaged();
    if (size > message->size_bytes)
        return fail(-EMSGSIZE, "the next message has %u bytes, and %zu are too few for it", size,
                    message->size_bytes);
    if (size > 0)
        memcpy(message->bytes, ring_message(ring, ring->tap_place), size);
    if (!is_whole(ring))
        return 0;
    *ret_copied = (ssize_t)size;
    return 1;
}

static ssize_t look_often(struct ring *ring, struct ferry_message *message)
{
    ssize_t copied = 0;
    for (int i = 0; i < ATTEMPTS; i++) {
        ssize_t r = look(ring, message, &copied);
        if (r < 0)
            return r;
        if (r == 0 && (r = skip(ring)) < 0)
            return r;
        if (r == 0)
            continue;
        uint32_t cells = ring_cells((uint64_t)copied);
        ring->tap_place = ring_step(ring, ring->tap_place, cells);
        ring->tap_position += cells;
        ring->tap_number++;
        message->size_bytes = (size_t)copied;
        message->type = 0;
        message->priority = 0;
        return copied;
    }
    return -EAGAIN;
}

bool ring_has_sight(struct flow *flow)
{
    struct ring *ring = ring_of(flow);
    flow_tap_begin(flow);
    pthread_mutex_lock(&ring->guard);
    bool has = ring_is_there(ring, ring_header(ring, ring->tap_place)) || !is_whole(ring);
    pthread_mutex_unlock(&ring->guard);
    return has;
}

ssize_t ring_try_tap(struct flow *flow, struct ferry_message *message, uint64_t *ret_missed)
{
    struct ring *ring = ring_of(flow);
    flow_tap_begin(flow);
    pthread_mutex_lock(&ring->guard);
    ssize_t n = look_often(ring, message);
    if (n >= 0 || n == -EAGAIN)
        *ret_missed = ring->tap_missed;
    pthread_mutex_unlock(&ring->guard);
    return n;
}
