/* The memory of an unbounded queue: a ring as large as the limit, of which only some pieces have memory.
 *
 * Senders reserve the pieces ahead of them, receivers give back those behind them; and no sender goes where memory has
 * not been given back since the last lap, lest a late receiver take away what lies there by then.
 *
 * Dying: a piece that was reserved, or given back, and not noted as such, is reserved or given back once more. */
#include "base/cleanup.h"
#include "os/file.h"
#include "shared/ring.h"

enum { PIECES_KEPT = 2 };

static const uint64_t PIECE_BYTES = (uint64_t)RING_PIECE * RING_CELL;

/* Whole pieces, the first of which has memory. */
struct flow_needs ring_unbounded_needs(const struct flow_shape *shape)
{
    uint64_t pieces = (shape->bytes + PIECE_BYTES - 1) / PIECE_BYTES + PIECES_KEPT;
    return (struct flow_needs){.data_bytes = pieces * PIECE_BYTES, .first_bytes = PIECE_BYTES};
}

static uint64_t get(const _Atomic uint64_t *position)
{
    return atomic_load_explicit(position, memory_order_relaxed);
}

static uint64_t offset_of(const struct ring *ring, uint64_t position)
{
    return position % ring->cells * RING_CELL;
}

static int reserve(const struct ring *ring, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at += RING_PIECE) {
        int r = file_reserve_range(ring->flow->data, offset_of(ring, at), PIECE_BYTES);
        if (r < 0)
            return r;
    }
    return 0;
}

int ring_back(struct ring *ring, uint64_t position)
{
    _Atomic uint64_t *backed = &ring->flow->shared->in.backed;
    uint64_t from = get(backed);
    if (from < RING_PIECE) /* with which it was made */
        from = RING_PIECE;
    if (position <= from)
        return 0;
    uint64_t to = (position + RING_PIECE - 1) / RING_PIECE * RING_PIECE;
    if (from % RING_PIECE != 0 || to - from > ring->cells)
        return flow_damaged();
    int r = reserve(ring, from, to);
    if (r == 0)
        atomic_store_explicit(backed, to, memory_order_relaxed);
    return r;
}

void ring_give_back(struct ring *ring)
{
    struct layout_queue_side *out = &ring->flow->shared->out;
    uint64_t from = get(&out->backed);
    /* Not beyond where the senders' place says they are, either: a sender that died may have left it behind, and the next one
     * reads the headers from there on. */
    uint64_t receivers = get(&out->claimed), senders = get(&ring->flow->shared->in.places[1]);
    uint64_t to = (receivers < senders ? receivers : senders) / RING_PIECE * RING_PIECE;
    if (to <= from)
        return;
    if (from % RING_PIECE == 0 && to - from <= ring->cells) {
        for (uint64_t at = from; ring->flow->data >= 0 && at < to; at += RING_PIECE)
            file_give_back(ring->flow->data, offset_of(ring, at), PIECE_BYTES);
    }
    /* Release pairs with the acquire in look_at_receivers(): who sees it reserves behind us. */
    atomic_store_explicit(&out->backed, to, memory_order_release);
}
