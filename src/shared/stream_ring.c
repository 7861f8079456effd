/* The ring of a stream: mapping it, and moving to one of another size.
 *
 * The data file has a place for a ring of each size: 2^k bytes at offset 2^k.  Only one of them has memory, and
 * which, is one word (`exponent`), which changes with both locks and is looked at with either.
 *
 * Dying while resizing: before the store of the exponent, the old ring is the stream's and the new one
 * an unused place that has memory; behind it, the other way round.  Whoever resizes next gives such
 * memory back. */
#include <string.h>

#include "base/cleanup.h"
#include "os/file.h"
#include "shared/lock.h"
#include "shared/stream_inside.h"

/* Is there a place for such a ring? */
static bool has_place(const struct stream *stream, uint32_t exponent)
{
    return exponent >= STREAM_LEAST_EXPONENT && exponent <= STREAM_MOST_EXPONENT &&
           UINT64_C(2) << exponent <= stream->region->data.size_bytes;
}

static int map_ring(struct map *ret_ring, const struct region *region, uint32_t exponent)
{
    return region_map_twice(region, ret_ring, (size_t)1 << exponent, (size_t)1 << exponent);
}

int stream_update_ring(struct stream *stream, struct stream_side *side)
{
    /* Relaxed: the lock of either side orders it. */
    uint32_t exponent = atomic_load_explicit(&stream->shared->shape.exponent, memory_order_relaxed);
    if (exponent == side->exponent && side->ring.data != NULL) /* nonsense may be 0, too */
        return 0;
    if (!has_place(stream, exponent))
        return stream_damaged();
    struct map ring;
    int r = map_ring(&ring, stream->region, exponent);
    if (r < 0)
        return r;
    pthread_mutex_lock(&stream->guard);
    map_release(&side->ring);
    side->ring = ring;
    side->exponent = exponent;
    pthread_mutex_unlock(&stream->guard);
    return 0;
}

/* ---- Another size ----------------------------------------------------------------------------- */

/* Gives back the memory of all places but one. */
static void give_back(const struct stream *stream, int data, uint32_t kept)
{
    uint64_t at = UINT64_C(1) << kept, end = at << 1;
    file_give_back(data, 0, at);
    if (end < stream->region->data.size_bytes)
        file_give_back(data, end, stream->region->data.size_bytes - end);
}

/* With both locks, and the old ring mapped: copies what is in it to where it belongs in the new one.
 * (Through a mapping of its own: a reader's is read-only.) */
static int move(struct stream *stream, uint32_t exponent, int data)
{
    struct layout_stream *shared = stream->shared;
    uint64_t from = atomic_load_explicit(&shared->out.position, memory_order_relaxed);
    uint64_t count = atomic_load_explicit(&shared->in.position, memory_order_relaxed) - from;
    if (count > stream_bytes_of(&stream->out))
        return stream_damaged();
    if (count > UINT64_C(1) << exponent)
        return fail(-EBUSY, "%llu bytes are in the pipe; read some before it is made smaller",
                    (unsigned long long)count);
    CLEANUP(map_release) struct map ring = {0};
    int r = map_file_twice(&ring, data, (size_t)1 << exponent, (size_t)1 << exponent, true);
    if (r < 0)
        return r;
    memcpy(ring.data + (from & ((UINT64_C(1) << exponent) - 1)), stream_place(&stream->out, from),
           (size_t)count);
    atomic_store_explicit(&shared->shape.kept_from, from, memory_order_seq_cst);
    return 0;
}

/* With both locks. */
static int resize(struct stream *stream, uint32_t exponent, int data)
{
    int r = stream_update_ring(stream, &stream->out);
    if (r < 0 || stream->out.exponent == exponent)
        return r;
    give_back(stream, data, stream->out.exponent);
    r = file_reserve_range(data, UINT64_C(1) << exponent, UINT64_C(1) << exponent);
    if (r < 0)
        return r;
    r = move(stream, exponent, data);
    if (r < 0) {
        give_back(stream, data, stream->out.exponent);
        return r;
    }
    struct layout_shape *shape = &stream->shared->shape;
    atomic_fetch_add_explicit(&shape->resizes, 1, memory_order_seq_cst);
    atomic_store_explicit(&shape->exponent, exponent, memory_order_seq_cst);
    give_back(stream, data, exponent);
    return 0;
}

static int kept_open(int error)
{
    return error == -EAGAIN
               ? fail(-EBUSY, "somebody keeps room or bytes of the pipe open; commit or "
                              "consume it first")
               : error;
}

static int resize_locked(struct stream *stream, uint32_t exponent, int data)
{
    struct layout_side *in = &stream->shared->in, *out = &stream->shared->out;
    int r = stream_lock_in(stream, STREAM_NOW);
    if (r < 0)
        return kept_open(r);
    r = stream_lock_out(stream, STREAM_NOW);
    if (r == 0) {
        r = resize(stream, exponent, data);
        lock_release(&out->lock);
    }
    lock_release(&in->lock);
    return kept_open(r);
}

int stream_resize(struct stream *stream, uint32_t exponent)
{
    if (!has_place(stream, exponent))
        return fail(-EINVAL, "this pipe was made to hold at most %llu bytes; make it anew",
                    (unsigned long long)stream->region->data.size_bytes / 2);
    CLEANUP(file_close) int data = region_reopen_data(stream->region, FERRY_READ | FERRY_WRITE);
    if (data < 0)
        return data;
    int r = resize_locked(stream, exponent, data);
    if (r == 0)
        stream_tell_of_size(stream);
    return r;
}
