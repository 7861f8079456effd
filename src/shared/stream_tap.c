/* Looking at what goes through a stream without taking part in it.
 *
 * Whoever looks on holds no lock and no end, so writers overwrite what it has not seen yet.  It copies first and
 * asks afterwards: a writer says how far it may write (`claimed`) before it does, so what lies less than
 * a ring behind that was whole while it was copied.
 *
 * It is told of new bytes by the object's notice, which writers step while `tapped` holds anybody's
 * tag: the last one's who came.  When that one leaves, it steps the notice once more, and those who
 * are left put in their own.  If it dies, writers go on to step a notice for nobody, which costs a little. */
#include <string.h>

#include "shared/stream_inside.h"

enum { ATTEMPTS = 16 };

int stream_tap_begin(struct stream *stream, struct stream_tap *ret_tap)
{
    *ret_tap = (struct stream_tap){.position = stream_look(&stream->shared->out.position)};
    return stream_update_ring(stream, &stream->out);
}

void stream_tap_end(struct stream *stream)
{
    uint32_t tag = stream->slots->tag;
    if (tag != 0 &&
        atomic_compare_exchange_strong_explicit(&stream->shared->shape.tapped, &tag, 0,
                                                memory_order_seq_cst, memory_order_relaxed))
        notice_step(stream->notice);
}

/* Whoever is to be told says so before it looks. */
static void announce(struct stream *stream)
{
    _Atomic uint32_t *tapped = &stream->shared->shape.tapped;
    if (atomic_load_explicit(tapped, memory_order_seq_cst) == 0)
        atomic_store_explicit(tapped, stream->slots->tag, memory_order_seq_cst);
}

static void skip(struct stream *stream, struct stream_tap *tap, uint64_t to)
{
    uint64_t readers = stream_look(&stream->shared->out.position);
    if (tap->whole && to < readers)
        to = readers;
    tap->missed += to - tap->position;
    tap->position = to;
}

/* How many bytes there are to see, as of now; those that are overwritten already, or were not taken into
 * a ring of another size, are skipped. */
static int find(struct stream *stream, struct stream_tap *tap, uint64_t *ret_count)
{
    uint64_t kept_from = stream_look(&stream->shared->shape.kept_from);
    int r = stream_update_ring(stream, &stream->out);
    if (r < 0)
        return r;
    uint64_t capacity = stream_bytes_of(&stream->out);
    uint64_t end = stream_look(&stream->shared->in.position);
    if (end - tap->position > capacity)
        skip(stream, tap, end - capacity);
    if ((int64_t)(kept_from - tap->position) > 0)
        skip(stream, tap, kept_from);
    *ret_count = end - tap->position;
    return *ret_count > capacity ? stream_damaged() : 0;
}

/* How often the stream has got another ring. */
static uint32_t resizes(const struct stream *stream)
{
    return atomic_load_explicit(&stream->shared->shape.resizes, memory_order_seq_cst);
}

/* From where on were the bytes that we copied left alone, all the time until now?  (A ring of another size is
 * the business of is_same_ring().) */
static uint64_t whole_from(const struct stream *stream)
{
    /* Pairs with the fence in claim(), stream.c: who sees bytes of a later write sees its claim. */
    atomic_thread_fence(memory_order_acquire);
    const _Atomic uint64_t *claimed = &stream->shared->in.claimed;
    return atomic_load_explicit(claimed, memory_order_relaxed) - stream_bytes_of(&stream->out);
}

/* Who resizes counts first, then changes the exponent, and gives the old ring's memory back last. */
static bool is_same_ring(const struct stream *stream, uint32_t before)
{
    const struct layout_shape *shape = &stream->shared->shape;
    return resizes(stream) == before &&
           atomic_load_explicit(&shape->exponent, memory_order_seq_cst) == stream->out.exponent;
}

ssize_t stream_tap_look(struct stream *stream, struct stream_tap *tap, void *ret_bytes, size_t size)
{
    announce(stream);
    for (int i = 0; i < ATTEMPTS; i++) {
        uint64_t count = 0;
        uint32_t before = resizes(stream);
        int r = find(stream, tap, &count);
        if (r < 0)
            return r;
        if (count == 0)
            return -EAGAIN;
        if (count > size)
            count = size;
        memcpy(ret_bytes, stream_place(&stream->out, tap->position), (size_t)count);
        uint64_t from = whole_from(stream);
        if (!is_same_ring(stream, before))
            continue;
        if ((int64_t)(from - tap->position) <= 0) {
            tap->position += count;
            return (ssize_t)count;
        }
        skip(stream, tap, from);
    }
    return -EAGAIN;
}
