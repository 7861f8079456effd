/* Telling those who sleep or poll: which tokens are in the FIFO.  See stream.h.
 *
 * While anybody sleeps or polls, the tokens mirror the ring: none, nothing can be read; two, nothing can
 * be written.  `rung` and `stuffed` remember that they do, so that it costs no system call to leave them
 * as they are.  Both change in three steps: one's own tag, the token, the new state if the tag is still
 * there.  For whom a token wakes may run before its giver goes on, and change the state itself; and
 * who finds a tag gives or takes a token as well, for its owner may be dead.
 *
 * Dying between a token and its mark leaves at worst a mark of a token that is gone.  Who goes to
 * sleep clears it; who polls does not come by.  So where anybody ever polled, a token leaves the FIFO
 * only when the ring is empty, and in such a way that no bytes are left without (stream_drain()). */
#include "base/cleanup.h"
#include "os/file.h"
#include "os/tokens.h"
#include "shared/stream_inside.h"

/* In shape.rung: there is a token.  In shape.stuffed: the FIFO is full.  No member's tag is either. */
static const uint32_t RUNG = UINT32_MAX, FULL = UINT32_MAX;

/* The FIFO has room for two tokens; more come from a peer that makes fun of us. */
enum { MOST_TOKENS = 3 };

/* The third step. */
static void settle(_Atomic uint32_t *word, uint32_t tag, uint32_t value)
{
    atomic_compare_exchange_strong_explicit(word, &tag, value, memory_order_seq_cst,
                                            memory_order_relaxed);
}

/* ---- Telling readers -------------------------------------------------------------------------- */

/* Who polls for bytes needs the last one; and who sleeps for some that came just now, the one that was
 * given for these.  So if two of us took both, one is given back. */
static void make_room_with(struct stream *stream, int read_end)
{
    struct layout_shape *shape = &stream->shared->shape;
    stream_set(&shape->stuffed, stream->slots->tag);
    if (!stream_is_polled(stream) || tokens_count(read_end) > 1)
        tokens_take(read_end);
    settle(&shape->stuffed, stream->slots->tag, 0);
    if (tokens_count(read_end) > 0)
        return;
    stream_set(&shape->rung, 0);
    if (stream_has_bytes(stream))
        stream_pass_on(stream);
}

/* Takes a token out, through the handle's own end or one that is opened for the moment. */
void stream_make_room(struct stream *stream)
{
    if (stream->region->read_end >= 0) {
        make_room_with(stream, stream->region->read_end);
        return;
    }
    CLEANUP(file_close) int read_end = region_open_other_end(stream->region);
    if (read_end >= 0)
        make_room_with(stream, read_end);
}

/* A token that was one too many is taken back, for those who poll for room: there was one that nobody
 * spoke for. */
static int ring_with(struct stream *stream, int write_end)
{
    _Atomic uint32_t *rung = &stream->shared->shape.rung;
    stream_set(rung, stream->slots->tag);
    int r = tokens_give(write_end);
    settle(rung, stream->slots->tag, r < 0 ? 0 : RUNG); /* nobody reads: there is no token */
    if (r > 0 && stream_is_on(stream, &stream->shared->writers) &&
        tokens_await_room(write_end, STREAM_NOW, false) == -ETIMEDOUT &&
        stream_has_room(stream, STREAM_ATOMIC))
        stream_make_room(stream);
    return r;
}

static bool is_to_ring(const struct stream *stream)
{
    return stream_is_on(stream, &stream->shared->readers) &&
           stream_get(&stream->shared->shape.rung) != RUNG;
}

/* Somebody may have slept on the FIFO when another one began to poll, and take its token. */
static bool lost_its_token(const struct stream *stream)
{
    return stream_get(&stream->shared->shape.polled) == POLLED_BESIDE_SLEEPERS &&
           tokens_count(stream->region->write_end) == 0;
}

void stream_tell_readers(struct stream *stream)
{
    const struct layout_shape *shape = &stream->shared->shape;
    if (stream_is_on(stream, &stream->shared->readers) &&
        (stream_get(&shape->rung) != RUNG || lost_its_token(stream)) &&
        ring_with(stream, stream->region->write_end) >= 0)
        stream_was_told(&stream->in);
    if (stream_get(&shape->tapped) != 0)
        notice_step(stream->notice);
}

/* Gives a token through the handle's own end, or one that is opened for the moment. */
int stream_ring(struct stream *stream)
{
    if (stream->region->write_end >= 0)
        return ring_with(stream, stream->region->write_end);
    CLEANUP(file_close) int write_end = region_open_other_end(stream->region);
    return write_end < 0 ? write_end : ring_with(stream, write_end);
}

void stream_pass_on(struct stream *stream)
{
    if (is_to_ring(stream))
        stream_ring(stream);
}

bool stream_is_quiet(const struct stream *stream)
{
    return stream_get(&stream->shared->shape.rung) == 0 &&
           stream_get(&stream->shared->shape.stuffed) == 0;
}

/* Once `rung` is 0, whoever writes gives a token of its own, and we take only those that were there before
 * we looked.  So the token of bytes that we have not seen stays, wherever we die; and `stuffed` has our
 * tag all the while, so that the next one to read drains again. */
void stream_drain(struct stream *stream)
{
    struct layout_shape *shape = &stream->shared->shape;
    int end = stream->region->read_end, left = 1;
    stream_set(&shape->stuffed, stream->slots->tag);
    stream_set(&shape->rung, 0);
    for (int i = 0; i < MOST_TOKENS && left > 0; i++) {
        left = tokens_count(end);
        if (left == 0 || stream_has_bytes(stream))
            break;
        tokens_take(end);
        left--;
    }
    bool has_bytes = stream_has_bytes(stream);
    if (has_bytes && left > 0)
        settle(&shape->rung, 0, RUNG);
    settle(&shape->stuffed, stream->slots->tag, left > 1 ? FULL : 0);
    if (has_bytes || stream_has_bytes(stream))
        stream_pass_on(stream);
}

/* ---- Telling writers -------------------------------------------------------------------------- */

void stream_tell_writers(struct stream *stream, uint64_t free)
{
    if (free >= STREAM_ATOMIC && stream_is_on(stream, &stream->shared->writers) &&
        stream_get(&stream->shared->shape.stuffed) != 0 && stream_has_room(stream, STREAM_ATOMIC))
        make_room_with(stream, stream->region->read_end);
}

/* Fills the FIFO, so that one token less will mean room; the one that is left then says that there are bytes. */
int stream_stuff(struct stream *stream)
{
    _Atomic uint32_t *stuffed = &stream->shared->shape.stuffed;
    stream_set(&stream->shared->shape.rung, stream->slots->tag);
    stream_set(stuffed, stream->slots->tag);
    int r = 1;
    for (int i = 0; r == 1 && i < MOST_TOKENS; i++)
        r = tokens_give(stream->region->write_end);
    settle(&stream->shared->shape.rung, stream->slots->tag, r < 0 ? 0 : RUNG);
    if (r < 0)
        return r; /* nobody reads; the tag stays, since nobody knows what is in the FIFO */
    settle(stuffed, stream->slots->tag, FULL);
    return 0;
}

/* Fills it for those who poll.  0: not so, a reader was faster than we. */
int stream_show_no_room(struct stream *stream)
{
    int r = stream_stuff(stream);
    if (r < 0 || !stream_has_room(stream, STREAM_ATOMIC))
        return r < 0 ? r : -EAGAIN;
    stream_make_room(stream);
    return 0;
}

void stream_hush_writers(struct stream *stream)
{
    if (stream_is_on(stream, &stream->shared->writers) &&
        stream_get(&stream->shared->shape.stuffed) != FULL &&
        !stream_has_room(stream, STREAM_ATOMIC))
        stream_show_no_room(stream);
}

void stream_tell_of_size(struct stream *stream)
{
    if (!stream_has_room(stream, STREAM_ATOMIC)) {
        if (stream->region->write_end >= 0)
            stream_hush_writers(stream);
    } else if (stream_is_on(stream, &stream->shared->writers) &&
               stream_get(&stream->shared->shape.stuffed) != 0)
        stream_make_room(stream);
}
