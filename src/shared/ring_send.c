/* Sending.  See ring.h.
 *
 *   sender                                   receiver, about to sleep
 *   ------                                   ------------------------
 *   lock                                     sets FLOW_ASLEEP in in.sequence
 *   looks whether in.sequence has that       looks at the lock: waits until it is free, loud or a dead one's
 *   not: copies, commits; unlocks            looks at the header
 *   it has: lock is loud; copies;            sleeps while in.sequence is as it was when the flag was set
 *     commits by waking one, which takes
 *     the flag away; unlocks
 *
 * and the same the other way round.  Lock and sequences are sequentially consistent, so one of the two sees the other.  What
 * comes until the woken one runs costs no system call; that one, awake, sets the flag again if others sleep, and wakes
 * one of them if there is more than it takes (ring_wait.c).
 *
 * Dying: before the commit, nothing happened: the next sender writes over it.  Behind it, the message is there.  A lock of the
 * dead is taken over by whoever wants it next, and nobody sleeps for it to be let go of.  A receiver that dies before its commit has
 * received nothing. */
#include <limits.h>
#include <string.h>

#include "shared/board.h"
#include "shared/ring.h"

/* ---- Room ------------------------------------------------------------------------------------- */

int ring_look_at_receivers(struct ring *ring)
{
    const struct layout_queue_side *out = &ring->flow->shared->out;
    int r = ring_find_out(ring, &ring->seen);
    if (r == 0 && (ring->flow->shape.flags & FERRY_UNBOUNDED) != 0)
        ring->backed_seen = atomic_load_explicit(&out->backed, memory_order_acquire);
    return r;
}

/* Some messages on their way in, with the senders' lock. */
struct sending {
    ring_place place;
    uint64_t position; /* the same in cells since the ring was made */
    uint32_t number;   /* of the next message */
    uint32_t state;    /* that commits: RING_THERE, or counted */
    uint64_t bytes;    /* of all so far */
    uint32_t stamp;
};

static struct sending next_to_send(const struct ring *ring)
{
    const struct layout_queue_side *in = &ring->flow->shared->in;
    return (struct sending){
        .place = atomic_load_explicit(&in->places[0], memory_order_relaxed),
        .position = atomic_load_explicit(&in->places[1], memory_order_relaxed),
        .number = ring_load(&in->numbers[0]),
        .state = RING_THERE,
    };
}

/* What is between the receivers, as far as is known, and the senders' place. */
struct ring_use {
    uint32_t cells, messages, bytes;
};

static inline struct ring_use use_of(const struct ring *ring, const struct sending *sending)
{
    return (struct ring_use){
        .cells = ring_distance(ring, ring_offset(ring->seen.place), ring_offset(sending->place)),
        .messages = sending->number - ring->seen.number,
        .bytes = ring_bytes(sending->place) - ring_bytes(ring->seen.place)};
}

/* Cells in which receivers may have been, and whose memory has not been given back yet, are not free either. */
static bool is_given_back(const struct ring *ring, uint64_t position)
{
    return (ring->flow->shape.flags & FERRY_UNBOUNDED) == 0 ||
           position <= ring->backed_seen + ring->cells;
}

static bool fits(const struct ring *ring, const struct sending *sending, struct ring_use use,
                 uint64_t size)
{
    const struct flow_shape *shape = &ring->flow->shape;
    uint32_t cells = ring_cells(size) + 1; /* and the next header */
    return use.messages < shape->messages && use.bytes + size <= shape->bytes &&
           use.cells + cells <= ring->cells && is_given_back(ring, sending->position + cells);
}

/* 0; -EAGAIN. */
static int find_room(struct ring *ring, const struct sending *sending, uint64_t size)
{
    if (fits(ring, sending, use_of(ring, sending), size))
        return 0;
    int r = ring_look_at_receivers(ring);
    if (r < 0)
        return r; /* they receive all the time: there will be room; or nonsense */
    struct ring_use use = use_of(ring, sending);
    if (use.messages > ring->flow->shape.messages || use.bytes > ring->flow->shape.bytes)
        return flow_damaged();
    return fits(ring, sending, use, size) ? 0 : -EAGAIN;
}

int ring_check_room(struct ring *ring, uint64_t size)
{
    const struct sending next = next_to_send(ring);
    if (ring_offset(next.place) >= ring->cells)
        return flow_damaged();
    return find_room(ring, &next, size);
}

/* ---- Sending ---------------------------------------------------------------------------------- */

/* Says how far we may write, before we do: see ring_try_tap(). */
static void claim(struct ring *ring, uint64_t position)
{
    _Atomic uint64_t *claimed = &ring->flow->shared->in.claimed;
    /* Never back: what somebody overwrote before and did not commit is not as it was.  Relaxed: the lock is ours. */
    if (position > atomic_load_explicit(claimed, memory_order_relaxed))
        atomic_store_explicit(claimed, position, memory_order_relaxed);
    /* Pairs with the fence in is_whole(), ring_tap.c: who sees what we write now sees the claim. */
    atomic_thread_fence(memory_order_release);
}

/* The lines that the next messages will want: receivers had them last, and to fetch one takes longer than to fill it. */
static void fetch_ahead(const struct ring *ring, uint32_t offset, uint32_t cells)
{
    enum { AHEAD = 512, MOST = 1024 };
    size_t size = (size_t)cells * RING_CELL;
    if (size > MOST)
        return;
    const unsigned char *line = ring->map.data + (size_t)offset * RING_CELL + AHEAD;
    for (size_t at = 0; at < size; at += RING_LINE)
        prefetch_to_write(line + at);
}

/* Writes one message, and the header behind it; and commits it, which one that is counted is not yet. */
static int put(struct ring *ring, struct sending *sending, const struct ferry_message *message)
{
    size_t size = message->size_bytes;
    int r = find_room(ring, sending, size);
    uint32_t cells = ring_cells(size), offset = ring_offset(sending->place);
    if (r == 0 && (ring->flow->shape.flags & FERRY_UNBOUNDED) != 0)
        r = ring_back(ring, sending->position + cells + 1);
    if (r < 0)
        return r;
    struct ring_header *header = ring_header(ring, offset);
    uint32_t next = ring_step(ring, offset, cells);
    struct ring_header *behind = ring_header(ring, next);
    claim(ring, sending->position + cells + 1);
    ring_store(&behind->number, sending->number + 1);
    ring_store(&behind->state, RING_EMPTY);
    ring_store(&header->size, (uint32_t)size);
    ring_store(&header->stamp, sending->stamp);
    if (size > 0)
        memcpy(ring_message(ring, offset), message->bytes, size);
    /* The commit, unless it is counted.  Release pairs with the acquire in ring_is_there(). */
    atomic_store_explicit(&header->state, sending->state, memory_order_release);
    sending->place = (uint64_t)(ring_bytes(sending->place) + (uint32_t)size) << 32 | next;
    sending->position += cells;
    sending->number++;
    sending->bytes += size;
    fetch_ahead(ring, next, cells);
    return 0;
}

/* The commit of counted messages, by the kernel; afterwards they are plain ones. */
static void commit_by_waking(struct ring *ring, uint32_t first,
                             const struct ferry_message *messages, uint32_t count)
{
    struct layout_queue *shared = ring->flow->shared;
    bool tapped = atomic_load_explicit(&shared->shape.tapped, memory_order_relaxed) != 0;
    int most = tapped || count > INT_MAX ? INT_MAX : (int)count;
    flow_step(&shared->in.sequence, most);
    for (uint32_t i = 0; i < count; i++) {
        ring_store(&ring_header(ring, first)->state, RING_THERE);
        first = ring_step(ring, first, ring_cells(messages[i].size_bytes));
    }
}

/* The most that ever were there.  What is known of the receivers gives at least as many as there are; only where that
 * would be a record it is looked at once more.  Where messages come and go, that would be each time, in vain: then the looks become
 * rarer, and a record of fewer than MOST_PAUSE more may be missed. */
static void note_record(struct ring *ring, const struct sending *sending)
{
    enum { MOST_PAUSE = 32 };
    struct layout_queue_side *in = &ring->flow->shared->in;
    uint64_t messages = atomic_load_explicit(&in->most_messages, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit(&in->most_bytes, memory_order_relaxed);
    struct ring_use use = use_of(ring, sending);
    if (use.messages <= messages + ring->pause && use.bytes <= bytes)
        return;
    if (use.messages <= ring->pause)
        return;
    if (ring_look_at_receivers(ring) < 0)
        return;
    use = use_of(ring, sending);
    if (use.messages <= messages && use.bytes <= bytes) {
        ring->pause = ring->pause < MOST_PAUSE ? 2 * ring->pause + 1 : MOST_PAUSE;
        return;
    }
    ring->pause = 0;
    if (use.messages > messages)
        atomic_store_explicit(&in->most_messages, use.messages, memory_order_relaxed);
    if (use.bytes > bytes)
        atomic_store_explicit(&in->most_bytes, use.bytes, memory_order_relaxed);
}

/* The lines of a small message, asked for before the lock, which waits for nothing else then. */
static void fetch_next(const struct ring *ring)
{
    enum { CELLS = 3 };
    /* Relaxed: a hint. */
    ring_place place =
        atomic_load_explicit(&ring->flow->shared->in.places[0], memory_order_relaxed);
    if (ring_offset(place) >= ring->cells)
        return;
    const unsigned char *line = ring->map.data + (size_t)ring_offset(place) * RING_CELL;
    for (size_t i = 0; i < CELLS; i++)
        prefetch_to_write(line + i * RING_LINE);
}

/* Is there nothing to receive, as of now? */
static bool is_empty(struct ring *ring, ring_place place)
{
    return ring_out_offset(ring) == ring_offset(place);
}

static ssize_t send_locked(struct ring *ring, const struct ferry_message *messages, size_t count,
                           uint64_t *ret_ticket)
{
    struct flow *flow = ring->flow;
    struct layout_queue_side *in = &flow->shared->in;
    uint32_t sequence = atomic_load_explicit(&in->sequence, memory_order_seq_cst);
    bool asleep = (sequence & FLOW_ASLEEP) != 0;
    bool polled = board_any(&flow->slots->control->listeners, slots_high(flow->slots));
    struct sending sending = next_to_send(ring);
    uint32_t first = ring_offset(sending.place);
    if (first >= ring->cells)
        return flow_damaged();
    sending.stamp = flow_stamp_often(&ring->clock);
    bool rung = polled && is_empty(ring, sending.place);
    if (rung)
        flow_ring(flow);
    if (asleep) {
        lock_shout(&in->lock);
        sending.state = RING_COUNTED | (sequence & RING_COUNT_MASK);
    }
    size_t sent = 0;
    int r = 0;
    while (sent < count && (r = put(ring, &sending, &messages[sent])) == 0)
        sent++;
    if (sent == 0)
        return r;
    if (asleep)
        commit_by_waking(ring, first, messages, (uint32_t)sent);
    ring_store(&in->numbers[0], sending.number);
    atomic_store_explicit(&in->places[0], sending.place, memory_order_relaxed);
    /* Release: never ahead of the place, from which the next one steps over ours if we die here; what is behind the
     * position, receivers give back. */
    atomic_store_explicit(&in->places[1], sending.position, memory_order_release);
    if (polled && !rung && ring_out_offset(ring) == first) /* it has become empty meanwhile */
        flow_ring(flow);
    flow_count(&in->messages, sent);
    flow_count(&in->bytes, sending.bytes);
    note_record(ring, &sending);
    *ret_ticket = sending.number - 1;
    return (ssize_t)sent;
}

ssize_t ring_try_send(struct flow *flow, const struct ferry_message *messages, size_t count,
                      deadline end, uint64_t *ret_ticket)
{
    struct ring *ring = ring_of(flow);
    fetch_next(ring);
    int r = ring_lock_in(ring, end);
    if (r < 0)
        return r;
    ssize_t sent = send_locked(ring, messages, count, ret_ticket);
    ring_unlock_in(ring);
    if (sent > 0 && atomic_load_explicit(&ring->owes_room, memory_order_relaxed))
        ring_hand_on_room(ring);
    return sent;
}
