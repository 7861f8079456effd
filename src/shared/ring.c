/* Sending and receiving.  See ring.h.
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
#include <stdlib.h>
#include <string.h>

#include "shared/board.h"
#include "shared/ring.h"

static const int64_t LOCK_PATIENCE_NS = 1000000;
/* In a sequence, what commits count. */
static const uint32_t COUNT_MASK = (CROWD_STEP - 1) & ~FLOW_ASLEEP;

/* How often to look again at something that changes while it is read. */
enum { LOOKS = 64 };

/* ---- Places ----------------------------------------------------------------------------------- */

static uint32_t load(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void store(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

/* Which of the receivers' places counts. */
static unsigned which(uint32_t sequence)
{
    return sequence / FLOW_COMMIT & 1;
}

bool ring_is_there(const struct ring *ring, const struct ring_header *header)
{
    /* Acquire pairs with the commit in commit_quietly(): who sees it sees the message. */
    uint32_t state = atomic_load_explicit(&header->state, memory_order_acquire);
    if ((state & RING_COUNTED) == 0)
        return state == RING_THERE;
    const _Atomic uint32_t *sequence = &ring->flow->shared->in.sequence;
    return (atomic_load_explicit(sequence, memory_order_seq_cst) & COUNT_MASK) !=
           (state & COUNT_MASK);
}

bool ring_find_out(const struct ring *ring, struct ring_seen *ret_seen)
{
    const struct layout_queue_side *out = &ring->flow->shared->out;
    for (int i = 0; i < LOOKS; i++) {
        uint32_t sequence = atomic_load_explicit(&out->sequence, memory_order_seq_cst);
        /* Acquire: the sequence is read again behind them. */
        const struct ring_seen seen = {
            .place = atomic_load_explicit(&out->places[which(sequence)], memory_order_acquire),
            .number = atomic_load_explicit(&out->numbers[which(sequence)], memory_order_acquire)};
        /* What counts is not written to before the next commit. */
        uint32_t now = atomic_load_explicit(&out->sequence, memory_order_seq_cst);
        if (((now ^ sequence) & COUNT_MASK) == 0) {
            *ret_seen = seen;
            return ring_offset(seen.place) < ring->cells;
        }
    }
    return false;
}

uint32_t ring_out_offset(const struct ring *ring)
{
    struct ring_seen seen;
    return ring_find_out(ring, &seen) ? ring_offset(seen.place) : 0;
}

/* ---- Locks ------------------------------------------------------------------------------------ */

static int take_lock(struct ring *ring, struct layout_lock *lock, deadline end)
{
    if (lock_try(lock, ring->flow->slots->tag))
        return 0;
    const struct lock_wait wait = {.end = end == 0 ? clock_deadline(LOCK_PATIENCE_NS) : end,
                                   .interruptible = ring->flow->interruptible};
    int r = lock_take_patiently(lock, ring->flow->slots, &wait);
    return r == -ETIMEDOUT && end == 0 ? -EAGAIN : r;
}

/* A position in cells since the ring was made, brought on to the offset that it should have. */
static void repair_position(const struct ring *ring, _Atomic uint64_t *position, uint32_t offset)
{
    uint64_t old = atomic_load_explicit(position, memory_order_relaxed);
    uint32_t behind = ring_distance(ring, (uint32_t)(old % ring->cells), offset);
    atomic_store_explicit(position, old + behind, memory_order_relaxed);
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
        uint32_t size = load(&header->size);
        if (!ring_is_there(ring, header) || size > ring->flow->shape.largest)
            break;
        store(&header->state, RING_THERE);
        offset = ring_step(ring, offset, ring_cells(size));
        bytes += size;
    }
    repair_position(ring, &in->places[1], offset);
    repair_count(&in->messages, load(&ring_header(ring, offset)->number));
    atomic_store_explicit(&in->places[0], (uint64_t)bytes << 32 | offset, memory_order_relaxed);
}

int ring_lock_in(struct ring *ring, deadline end)
{
    int r = take_lock(ring, &ring->flow->shared->in.lock, end);
    if (r == 1)
        step_over(ring);
    return r < 0 ? r : 0;
}

int ring_lock_out(struct ring *ring, deadline end)
{
    struct layout_queue_side *out = &ring->flow->shared->out;
    int r = take_lock(ring, &out->lock, end);
    struct ring_seen seen;
    if (r == 1 && ring_find_out(ring, &seen)) {
        repair_position(ring, &out->claimed, ring_offset(seen.place));
        repair_count(&out->messages, seen.number);
    }
    return r < 0 ? r : 0;
}

static void release(const struct ring *ring, struct layout_lock *lock, uint32_t sole)
{
    if ((ring->flow->slots->role & sole) != 0)
        lock_release_alone(lock);
    else
        lock_release(lock);
}

void ring_unlock_in(struct ring *ring)
{
    release(ring, &ring->flow->shared->in.lock, LAYOUT_SOLE_SENDER);
}

void ring_unlock_out(struct ring *ring)
{
    release(ring, &ring->flow->shared->out.lock, LAYOUT_SOLE_RECEIVER);
}

/* ---- Room ------------------------------------------------------------------------------------- */

/* With the senders' lock: looks where the receivers are.  Memory from there on is not written over meanwhile. */
static void look_at_receivers(struct ring *ring)
{
    const struct layout_queue_side *out = &ring->flow->shared->out;
    if (!ring_find_out(ring, &ring->seen))
        return; /* what is known is behind what is so, at worst */
    if ((ring->flow->shape.flags & FERRY_UNBOUNDED) != 0)
        ring->backed_seen = atomic_load_explicit(&out->backed, memory_order_acquire);
}

/* What is between the receivers, as far as is known, and the senders' place. */
struct ring_use {
    uint32_t cells, messages, bytes;
};

static struct ring_use use_of(const struct ring *ring, ring_place place, uint32_t number)
{
    return (struct ring_use){
        .cells = ring_distance(ring, ring_offset(ring->seen.place), ring_offset(place)),
        .messages = number - ring->seen.number,
        .bytes = ring_bytes(place) - ring_bytes(ring->seen.place)};
}

/* Cells in which receivers may have been, and whose memory has not been given back yet, are not free either. */
static bool is_given_back(const struct ring *ring, uint32_t cells)
{
    if ((ring->flow->shape.flags & FERRY_UNBOUNDED) == 0)
        return true;
    uint64_t position =
        atomic_load_explicit(&ring->flow->shared->in.places[1], memory_order_relaxed);
    return position + cells + 1 <= ring->backed_seen + ring->cells;
}

static bool fits(const struct ring *ring, struct ring_use use, uint64_t size)
{
    const struct flow_shape *shape = &ring->flow->shape;
    uint32_t cells = ring_cells(size);
    return use.messages < shape->messages && use.bytes + size <= shape->bytes &&
           use.cells + cells + 1 <= ring->cells && is_given_back(ring, cells);
}

/* 0; -EAGAIN. */
static int find_room(struct ring *ring, ring_place place, uint32_t number, uint64_t size)
{
    if (fits(ring, use_of(ring, place, number), size))
        return 0;
    look_at_receivers(ring);
    struct ring_use use = use_of(ring, place, number);
    if (use.messages > ring->flow->shape.messages || use.bytes > ring->flow->shape.bytes)
        return flow_damaged();
    return fits(ring, use, size) ? 0 : -EAGAIN;
}

int ring_check_room(struct ring *ring, uint64_t size)
{
    ring_place place =
        atomic_load_explicit(&ring->flow->shared->in.places[0], memory_order_relaxed);
    if (ring_offset(place) >= ring->cells)
        return flow_damaged();
    return find_room(ring, place, load(&ring_header(ring, ring_offset(place))->number), size);
}

/* ---- Sending ---------------------------------------------------------------------------------- */

/* Some messages on their way in, with the senders' lock. */
struct sending {
    ring_place place;
    uint64_t position;
    uint32_t number; /* of the next message */
    uint32_t state;  /* that commits: RING_THERE, or counted */
    uint64_t bytes;  /* of all so far */
};

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
    enum { AHEAD = 8, MOST = 16 };
    if (cells > MOST)
        return;
    const unsigned char *line = ring->map.data + (size_t)(offset + AHEAD) * RING_CELL;
    for (uint32_t i = 0; i < cells; i++)
        prefetch_to_write(line + (size_t)i * RING_CELL);
}

/* Writes one message, and the header behind it; and commits it, which one that is counted is not yet. */
static int put(struct ring *ring, struct sending *sending, const struct ferry_message *message)
{
    size_t size = message->size_bytes;
    int r = find_room(ring, sending->place, sending->number, size);
    uint32_t cells = ring_cells(size), offset = ring_offset(sending->place);
    if (r == 0 && (ring->flow->shape.flags & FERRY_UNBOUNDED) != 0)
        r = ring_back(ring, sending->position + cells + 1);
    if (r < 0)
        return r;
    struct ring_header *header = ring_header(ring, offset);
    uint32_t next = ring_step(ring, offset, cells);
    struct ring_header *behind = ring_header(ring, next);
    claim(ring, sending->position + cells + 1);
    store(&behind->number, sending->number + 1);
    store(&behind->state, RING_EMPTY);
    store(&header->size, (uint32_t)size);
    store(&header->stamp, flow_stamp());
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
        store(&ring_header(ring, first)->state, RING_THERE);
        first = ring_step(ring, first, ring_cells(messages[i].size_bytes));
    }
}

/* The most that ever were there.  What is known of the receivers gives at least as many as there are; only where that
 * would be a record it is looked at once more. */
static void note_record(struct ring *ring, const struct sending *sending)
{
    struct layout_queue_side *in = &ring->flow->shared->in;
    uint64_t messages = atomic_load_explicit(&in->most_messages, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit(&in->most_bytes, memory_order_relaxed);
    struct ring_use use = use_of(ring, sending->place, sending->number);
    if (use.messages <= messages && use.bytes <= bytes)
        return;
    look_at_receivers(ring);
    use = use_of(ring, sending->place, sending->number);
    if (use.messages > messages)
        atomic_store_explicit(&in->most_messages, use.messages, memory_order_relaxed);
    if (use.bytes > bytes)
        atomic_store_explicit(&in->most_bytes, use.bytes, memory_order_relaxed);
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
    struct sending sending = {.place = atomic_load_explicit(&in->places[0], memory_order_relaxed),
                              .position =
                                  atomic_load_explicit(&in->places[1], memory_order_relaxed),
                              .state = RING_THERE};
    uint32_t first = ring_offset(sending.place);
    if (first >= ring->cells)
        return flow_damaged();
    sending.number = load(&ring_header(ring, first)->number);
    if (polled && is_empty(ring, sending.place))
        flow_ring(flow);
    if (asleep) {
        lock_shout(&in->lock);
        sending.state = RING_COUNTED | (sequence & COUNT_MASK);
    }
    size_t sent = 0;
    int r = 0;
    while (sent < count && (r = put(ring, &sending, &messages[sent])) == 0)
        sent++;
    if (sent == 0)
        return r;
    if (asleep)
        commit_by_waking(ring, first, messages, (uint32_t)sent);
    atomic_store_explicit(&in->places[1], sending.position, memory_order_relaxed);
    atomic_store_explicit(&in->places[0], sending.place, memory_order_relaxed);
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
    int r = ring_lock_in(ring, end);
    if (r < 0)
        return r;
    ssize_t sent = send_locked(ring, messages, count, ret_ticket);
    ring_unlock_in(ring);
    if (sent > 0 && atomic_load_explicit(&ring->owes_room, memory_order_relaxed))
        ring_hand_on_room(ring);
    return sent;
}

/* ---- Receiving -------------------------------------------------------------------------------- */

int ring_find(const struct ring *ring, struct ring_found *ret_found)
{
    const struct layout_queue_side *out = &ring->flow->shared->out;
    /* Relaxed: the lock is ours. */
    uint32_t sequence = load(&out->sequence);
    uint32_t offset =
        ring_offset(atomic_load_explicit(&out->places[which(sequence)], memory_order_relaxed));
    if (offset >= ring->cells)
        return flow_damaged();
    const struct ring_header *header = ring_header(ring, offset);
    if (!ring_is_there(ring, header))
        return -EAGAIN;
    uint32_t size = load(&header->size);
    if (size > ring->flow->shape.largest)
        return flow_damaged();
    *ret_found = (struct ring_found){offset, size, load(&out->numbers[which(sequence)])};
    return 0;
}

void ring_pass(struct ring *ring, const struct ring_found *found)
{
    struct flow *flow = ring->flow;
    struct layout_queue_side *out = &flow->shared->out;
    if ((flow->shape.flags & FERRY_UNBOUNDED) != 0)
        ring_give_back(ring); /* before the commit, so that who is told of room finds it */
    uint32_t sequence = atomic_load_explicit(&out->sequence, memory_order_seq_cst);
    uint32_t cells = ring_cells(found->size), now = which(sequence), next = 1 - now;
    ring_place place = atomic_load_explicit(&out->places[now], memory_order_relaxed);
    place =
        (uint64_t)(ring_bytes(place) + found->size) << 32 | ring_step(ring, found->offset, cells);
    atomic_store_explicit(&out->places[next], place, memory_order_relaxed);
    store(&out->numbers[next], found->number + 1);
    if (board_any(&flow->shared->room, slots_high(flow->slots)))
        flow_ring(flow);
    if ((sequence & FLOW_ASLEEP) != 0) {
        lock_shout(&out->lock);
        flow_step(&out->sequence, 1);
    } else {
        /* The commit.  Release: what we have read of the message, we have; and whoever sees the sequence sees the
         * place.  (Of somebody who sets a flag just now, or steps aside, this may be written over; the word has changed, and it
         * looks again.) */
        atomic_store_explicit(&out->sequence, sequence + FLOW_COMMIT, memory_order_release);
    }
    atomic_store_explicit(&out->claimed,
                          atomic_load_explicit(&out->claimed, memory_order_relaxed) + cells,
                          memory_order_relaxed);
    flow_count(&out->messages, 1);
    flow_count(&out->bytes, found->size);
}

static int refuse_buffer(uint32_t size, size_t room)
{
    return fail(-EMSGSIZE, "the next message has %u bytes, and %zu are too few for it", size, room);
}

static ssize_t receive_locked(struct ring *ring, struct ferry_message *message, unsigned flags)
{
    struct ring_found found;
    int r = ring_find(ring, &found);
    if (r < 0)
        return r;
    size_t copied = found.size;
    if (copied > message->size_bytes) {
        if ((flags & FERRY_TRUNCATE) == 0)
            return refuse_buffer(found.size, message->size_bytes);
        copied = message->size_bytes;
    }
    if (copied > 0)
        memcpy(message->bytes, ring_message(ring, found.offset), copied);
    if ((flags & FERRY_PEEK) == 0) {
        ring_pass(ring, &found);
    }
    message->size_bytes = found.size;
    message->type = 0;
    message->priority = 0;
    return (ssize_t)copied;
}

ssize_t ring_try_receive(struct flow *flow, struct ferry_message *message,
                         const struct ferry_choice *choice, deadline end)
{
    struct ring *ring = ring_of(flow);
    int r = ring_lock_out(ring, end);
    if (r < 0)
        return r;
    ssize_t n = receive_locked(ring, message, choice->flags);
    ring_unlock_out(ring);
    if (n >= 0 && atomic_load_explicit(&ring->owes_message, memory_order_relaxed))
        ring_hand_on_message(ring);
    return n;
}

static int drop_oldest(struct flow *flow, deadline end)
{
    struct ring *ring = ring_of(flow);
    int r = ring_lock_out(ring, end);
    if (r < 0)
        return r;
    struct ring_found found;
    r = ring_find(ring, &found);
    if (r == 0) {
        ring_pass(ring, &found);
        flow_count(&flow->shared->out.dropped, 1);
    }
    ring_unlock_out(ring);
    return r == 0 ? 1 : r == -EAGAIN ? 0 : r;
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
    int r = map_twice(&ring->map, data, 0, data->size_bytes);
    if (r < 0) {
        free(ring);
        return r;
    }
    pthread_mutex_init(&ring->guard, NULL);
    flow->inside = ring;
    look_at_receivers(ring);
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
    look_at_receivers(ring_of(flow));
}

static void hold(struct flow *flow)
{
    pthread_mutex_lock(&ring_of(flow)->guard);
}

static void let_go(struct flow *flow)
{
    pthread_mutex_unlock(&ring_of(flow)->guard);
}

/* The receivers first: senders are not behind them then. */
static int measure(struct flow *flow, struct ferry_queue_statistics *statistics)
{
    struct ring *ring = ring_of(flow);
    const struct layout_queue_side *in = &flow->shared->in;
    struct ring_seen out;
    if (!ring_find_out(ring, &out))
        return flow_damaged();
    /* The count follows the number of the next message. */
    uint64_t sent = atomic_load_explicit(&in->messages, memory_order_acquire);
    ring_place place = atomic_load_explicit(&in->places[0], memory_order_acquire);
    const struct ring_header *first = ring_header(ring, ring_offset(out.place));
    statistics->messages = (uint32_t)sent - out.number;
    statistics->bytes = ring_bytes(place) - ring_bytes(out.place);
    statistics->oldest_age_ns = ring_is_there(ring, first) ? flow_age_ns(load(&first->stamp)) : -1;
    return 0;
}

struct flow_needs ring_needs(const struct flow_shape *shape)
{
    enum { PAGE = 4096 };
    /* Each message has a header, and less than a cell that is left over; one cell is for the next header. */
    uint64_t most = shape->bytes / RING_CELL + shape->messages * UINT64_C(2);
    uint64_t all_largest = (uint64_t)shape->messages * ring_cells(shape->largest);
    uint64_t bytes = ((most < all_largest ? most : all_largest) + 1) * RING_CELL;
    if ((shape->flags & FERRY_UNBOUNDED) != 0)
        return ring_unbounded_needs(shape);
    return (struct flow_needs){.data_bytes = (bytes + PAGE - 1) / PAGE * PAGE};
}

const struct flow_engine ring_engine = {
    .init = init,
    .deinit = deinit,
    .hold = hold,
    .let_go = let_go,
    .after_fork = after_fork,
    .try_send = ring_try_send,
    .try_receive = ring_try_receive,
    .drop_oldest = drop_oldest,
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
    .tap_end = ring_tap_end,
};
