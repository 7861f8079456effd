/* What both sides of the ring use: places, locks, and a handle's view.  See ring.h; sending is in ring_send.c, where
 * the protocol is drawn.
 *
 * Dying: a lock of the dead is taken over by whoever wants it next, who finishes what can be told from the memory: a message that was
 * committed and not stepped over, counts for people. */
#include <stdlib.h>
#include <unistd.h>

#include "shared/ring.h"

/* A holder that is not stopped has been preempted at worst. */
static const int64_t LOCK_PATIENCE_NS = 10000000;

/* How often to look again at something that changes while it is read. */
enum { LOOKS = 64 };

/* ---- Places ----------------------------------------------------------------------------------- */

bool ring_is_counted_there(const struct ring *ring, uint32_t state)
{
    const _Atomic uint32_t *sequence = &ring->flow->shared->in.sequence;
    return (atomic_load_explicit(sequence, memory_order_seq_cst) & RING_COUNT_MASK) !=
           (state & RING_COUNT_MASK);
}

int ring_find_out(const struct ring *ring, struct ring_seen *ret_seen)
{
    const struct layout_queue_side *out = &ring->flow->shared->out;
    for (int i = 0; i < LOOKS; i++) {
        uint32_t sequence = atomic_load_explicit(&out->sequence, memory_order_seq_cst);
        /* Acquire: the sequence is read again behind them. */
        const struct ring_seen seen = {
            .place = atomic_load_explicit(&out->places[ring_which(sequence)], memory_order_acquire),
            .number =
                atomic_load_explicit(&out->numbers[ring_which(sequence)], memory_order_acquire)};
        /* What counts is not written to before the next commit. */
        uint32_t now = atomic_load_explicit(&out->sequence, memory_order_seq_cst);
        if (((now ^ sequence) & RING_COUNT_MASK) == 0) {
            if (ring_offset(seen.place) >= ring->cells)
                return flow_damaged();
            *ret_seen = seen;
            return 0;
        }
    }
    return -EAGAIN;
}

uint32_t ring_out_offset(const struct ring *ring)
{
    struct ring_seen seen;
    return ring_find_out(ring, &seen) == 0 ? ring_offset(seen.place) : 0;
}

/* ---- Locks ------------------------------------------------------------------------------------ */

static int take_lock(struct ring *ring, struct layout_lock *lock, deadline end)
{
    const struct lock_wait wait = {.end = end == 0 ? clock_deadline(LOCK_PATIENCE_NS) : end,
                                   .interruptible = ring->flow->interruptible};
    int r = lock_take_patiently(lock, ring->flow->slots, &wait);
    return r == -ETIMEDOUT && end == 0 ? -EBUSY : r;
}

/* A position in cells since the ring was made, brought on to the offset that it should have. */
static void repair_position(const struct ring *ring, _Atomic uint64_t *position, uint32_t offset)
{
    uint64_t old = atomic_load_explicit(position, memory_order_relaxed);
    uint32_t behind = ring_distance(ring, (uint32_t)(old % ring->cells), offset);
    /* Release: after the place that it goes with, see send_locked(). */
    atomic_store_explicit(position, old + behind, memory_order_release);
}

/* A count of messages, brought to what their numbers say: its lower half. */
static void repair_count(_Atomic uint64_t *count, uint32_t number)
{
    uint64_t old = atomic_load_explicit(count, memory_order_relaxed);
    flow_count(count, (uint64_t)(int64_t)(int32_t)(number - (uint32_t)old));
}

/* The dead owner had committed messages and not stepped over them. */
static void step_over(struct ring *ring)
{
    struct layout_queue_side *in = &ring->flow->shared->in;
    ring_place place = atomic_load_explicit(&in->places[0], memory_order_relaxed);
    uint32_t offset = ring_offset(place), bytes = ring_bytes(place);
    if (offset >= ring->cells)
        return; /* nonsense: found by who wants to send */
    for (uint32_t i = 0; i < ring->flow->shape.messages; i++) {
        struct ring_header *header = ring_header(ring, offset);
        uint32_t size = ring_load(&header->size);
        if (!ring_is_there(ring, header) || size > ring->flow->shape.largest)
            break;
        ring_store(&header->state, RING_THERE);
        offset = ring_step(ring, offset, ring_cells(size));
        bytes += size;
    }
    ring_store(&in->numbers[0], ring_load(&ring_header(ring, offset)->number));
    repair_count(&in->messages, ring_load(&in->numbers[0]));
    atomic_store_explicit(&in->places[0], (uint64_t)bytes << 32 | offset, memory_order_relaxed);
    repair_position(ring, &in->places[1], offset);
}

int ring_lock_in_slowly(struct ring *ring, deadline end)
{
    int r = take_lock(ring, &ring->flow->shared->in.lock, end);
    if (r == 1)
        step_over(ring);
    return r < 0 ? r : 0;
}

int ring_lock_out_slowly(struct ring *ring, deadline end)
{
    struct layout_queue_side *out = &ring->flow->shared->out;
    int r = take_lock(ring, &out->lock, end);
    struct ring_seen seen;
    if (r == 1 && ring_find_out(ring, &seen) == 0) {
        repair_position(ring, &out->claimed, ring_offset(seen.place));
        repair_count(&out->messages, seen.number);
    }
    return r < 0 ? r : 0;
}

/* ---- The view --------------------------------------------------------------------------------- */

static int init(struct flow *flow)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    if (ring == NULL)
        return fail(-ENOMEM, "no memory for a handle");
    const struct map *data = &flow->region->data;
    ring->flow = flow;
    ring->cells = (uint32_t)(data->size_bytes / RING_CELL);
    int r = region_map_twice(flow->region, &ring->map, 0, data->size_bytes);
    if (r < 0) {
        free(ring);
        return r;
    }
    pthread_mutex_init(&ring->guard, NULL);
    flow->inside = ring;
    ring_look_at_receivers(ring);
    return 0;
}

static void deinit(struct flow *flow)
{
    struct ring *ring = ring_of(flow);
    ring_free_buffers(ring);
    pthread_mutex_destroy(&ring->guard);
    map_release(&ring->map);
    free(ring);
    flow->inside = NULL;
}

/* In a fork's child: what another thread was just noting may be half of it. */
static void after_fork(struct flow *flow)
{
    ring_look_at_receivers(ring_of(flow));
    ring_forget_buffers(ring_of(flow));
}

static void hold(struct flow *flow)
{
    pthread_mutex_lock(&ring_of(flow)->guard);
}

static void let_go(struct flow *flow)
{
    pthread_mutex_unlock(&ring_of(flow)->guard);
}

/* How many are between the receivers and the senders, whose side may not have been brought to what has been committed. */
static uint32_t between(uint32_t receivers, uint32_t senders)
{
    uint32_t count = senders - receivers;
    return (int32_t)count > 0 ? count : 0;
}

/* The stamp of the first message, with the receivers' lock, so that its memory is not given back; -1: there is none, or
 * somebody keeps the lock. */
static int64_t age_of_first(struct ring *ring)
{
    struct ring_found found;
    if (ring_lock_out(ring, 0) < 0)
        return -1;
    bool there = ring_find(ring, &found) == 0;
    uint32_t stamp = there ? ring_load(&ring_header(ring, found.offset)->stamp) : 0;
    ring_unlock_out(ring);
    return there ? flow_age_ns(stamp) : -1;
}

/* The receivers first: senders are not behind them then. */
static int measure(struct flow *flow, struct ferry_queue_statistics *statistics)
{
    struct ring *ring = ring_of(flow);
    const struct layout_queue_side *in = &flow->shared->in;
    struct ring_seen out;
    int r = ring_find_out(ring, &out);
    if (r < 0)
        return r == -EAGAIN ? fail(-EAGAIN, "the queue does not stand still; ask again") : r;
    /* The count follows the number of the next message. */
    uint64_t sent = atomic_load_explicit(&in->messages, memory_order_acquire);
    ring_place place = atomic_load_explicit(&in->places[0], memory_order_acquire);
    statistics->messages = between(out.number, (uint32_t)sent);
    statistics->bytes = between(ring_bytes(out.place), ring_bytes(place));
    statistics->oldest_age_ns = age_of_first(ring);
    return 0;
}

struct flow_needs ring_needs(const struct flow_shape *shape)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    /* Each message has a header, and less than a cell that is left over; one cell is for the next header. */
    uint64_t most = shape->bytes / RING_CELL + shape->messages * UINT64_C(2);
    uint64_t all_largest = (uint64_t)shape->messages * ring_cells(shape->largest);
    uint64_t bytes = ((most < all_largest ? most : all_largest) + 1) * RING_CELL;
    if ((shape->flags & FERRY_UNBOUNDED) != 0)
        return ring_unbounded_needs(shape);
    return (struct flow_needs){.data_bytes = (bytes + page - 1) / page * page};
}

const struct flow_engine ring_engine = {
    .init = init,
    .deinit = deinit,
    .hold = hold,
    .let_go = let_go,
    .after_fork = after_fork,
    .try_send = ring_try_send,
    .try_receive = ring_try_receive,
    .drop_oldest = ring_drop_oldest,
    .has_room = ring_has_room,
    .has_message = ring_has_message,
    .await_room = ring_await_room,
    .await_message = ring_await_message,
    .await_taken = ring_await_taken,
    .try_loan = ring_try_loan,
    .try_send_loan = ring_try_send_loan,
    .return_loan = ring_return_loan,
    .check_loan = ring_check_loan,
    .try_take = ring_try_take,
    .release = ring_release,
    .measure = measure,
    .tap_begin = ring_tap_begin,
    .try_tap = ring_try_tap,
    .await_sight = ring_await_sight,
};
