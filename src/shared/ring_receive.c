/* Receiving.  See ring.h; the protocol is drawn in ring_send.c.
 *
 * Dying: before the sequence is stepped, the message is still there; behind it, it has been received. */
#include <string.h>

#include "shared/board.h"
#include "shared/ring.h"

int ring_find(const struct ring *ring, struct ring_found *ret_found)
{
    const struct layout_queue_side *out = &ring->flow->shared->out;
    /* Relaxed: the lock is ours. */
    uint32_t sequence = ring_load(&out->sequence);
    uint32_t offset =
        ring_offset(atomic_load_explicit(&out->places[ring_which(sequence)], memory_order_relaxed));
    if (offset >= ring->cells)
        return flow_damaged();
    const struct ring_header *header = ring_header(ring, offset);
    if (!ring_is_there(ring, header))
        return -EAGAIN;
    __builtin_prefetch(ring_message(ring, offset) + RING_INLINE);
    uint32_t size = ring_load(&header->size);
    if (size > ring->flow->shape.largest)
        return flow_damaged();
    *ret_found = (struct ring_found){offset, size, ring_load(&out->numbers[ring_which(sequence)])};
    return 0;
}

void ring_pass(struct ring *ring, const struct ring_found *found)
{
    struct flow *flow = ring->flow;
    struct layout_queue_side *out = &flow->shared->out;
    if ((flow->shape.flags & FERRY_UNBOUNDED) != 0)
        ring_give_back(ring); /* before the commit, so that who is told of room finds it */
    uint32_t sequence = atomic_load_explicit(&out->sequence, memory_order_seq_cst);
    uint32_t cells = ring_cells(found->size), now = ring_which(sequence), next = 1 - now;
    ring_place place = atomic_load_explicit(&out->places[now], memory_order_relaxed);
    place =
        (uint64_t)(ring_bytes(place) + found->size) << 32 | ring_step(ring, found->offset, cells);
    /* Release pairs with ring_find_out(): who sees one of these sees that the last commit is behind it. */
    atomic_store_explicit(&out->places[next], place, memory_order_release);
    atomic_store_explicit(&out->numbers[next], found->number + 1, memory_order_release);
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
    if (n != -EAGAIN && atomic_load_explicit(&ring->owes_message, memory_order_relaxed))
        ring_hand_on_message(ring);
    return n;
}

int ring_drop_oldest(struct flow *flow, deadline end)
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
