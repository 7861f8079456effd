/* Sleeping for bytes or for room, and polling for them.  See stream.h; what wakes is in stream_tell.c.
 *
 * One sleeps for each side, whose turn it is; others wait for the turn.  So a token that one takes is
 * not one that another should have had. */
#include "os/tokens.h"
#include "shared/lock.h"
#include "shared/stream_inside.h"

static void announce(struct stream *stream, struct layout_board *board)
{
    board_set(board, stream->slots->slot);
}

/* Another thread of this handle may begin to poll meanwhile, and found its bit set. */
static void take_back(struct stream *stream, struct layout_board *board,
                      const _Atomic bool *listens)
{
    if (atomic_load_explicit(listens, memory_order_relaxed))
        return;
    board_clear(board, stream->slots->slot);
    if (atomic_load_explicit(listens, memory_order_seq_cst))
        stream_listen(stream, board == &stream->shared->writers);
}

static void count_sleep(struct layout_side *side)
{
    /* Relaxed: for people. */
    atomic_fetch_add_explicit(&side->sleeps, 1, memory_order_relaxed);
}

/* ---- Sleeping --------------------------------------------------------------------------------- */

/* A FIFO's read end is hung up when its last writer goes, but not before there was one. */
static bool met_writer(struct stream *stream)
{
    _Atomic bool *met = &stream->met_writer;
    if (!atomic_load_explicit(met, memory_order_relaxed) && stream->region->write_end < 0 &&
        stream_arrivals(stream) == stream->first_arrivals && !stream_has_writer(stream))
        return false;
    atomic_store_explicit(met, true, memory_order_relaxed);
    return true;
}

/* Takes the tokens of an empty ring away. */
static int hush_readers(struct stream *stream, deadline end)
{
    int r = stream_lock_out(stream, end);
    if (r < 0)
        return r;
    if (!stream_has_bytes(stream))
        stream_drain(stream);
    lock_release(&stream->shared->out.lock);
    return 0;
}

/* Who sleeps takes the token as it wakes, in one system call. */
static int sleep_alone(struct stream *stream, deadline end)
{
    stream_set(&stream->shared->shape.rung, 0);
    if (stream_has_bytes(stream))
        return 0;
    if (end != CLOCK_NEVER && !met_writer(stream))
        return -EPIPE;
    count_sleep(&stream->shared->out);
    return tokens_await(stream->region->read_end, end, stream->interruptible);
}

/* But it may die between that and reading; so where anybody polls, it leaves the token to be seen, until
 * the ring is empty.  Where there is none, a mark of one is out of date. */
static int sleep_beside_pollers(struct stream *stream, deadline end)
{
    int read_end = stream->region->read_end, tokens = tokens_count(read_end);
    if (tokens == 0)
        stream_set(&stream->shared->shape.rung, 0);
    if (stream_has_bytes(stream))
        return 0;
    if (tokens > 0)
        return hush_readers(stream, end);
    if (!met_writer(stream))
        return -EPIPE;
    count_sleep(&stream->shared->out);
    return tokens_await_sight(read_end, end, stream->interruptible);
}

static int sleep_for_bytes(struct stream *stream, deadline end)
{
    int r = 0;
    announce(stream, &stream->shared->readers);
    while (r == 0 && !stream_has_bytes(stream))
        r = stream_is_polled(stream) ? sleep_beside_pollers(stream, end) : sleep_alone(stream, end);
    /* The token that woke us is gone, or stays until the ring is empty. */
    if (!stream_is_polled(stream))
        stream_set(&stream->shared->shape.rung, 0);
    take_back(stream, &stream->shared->readers, &stream->listens_to_bytes);
    return stream_has_bytes(stream) ? 0 : r;
}

static bool has_bytes(const void *stream)
{
    return stream_has_bytes(stream);
}

int stream_await_bytes(struct stream *stream, deadline end)
{
    if (SPIN_UNTIL(&stream->out.spin, stream_has_bytes(stream)))
        return 0;
    struct layout_lock *turn = &stream->shared->out.turn;
    const struct lock_wait wait = {.end = end,
                                   .interruptible = stream->interruptible,
                                   .is_needless = has_bytes,
                                   .context = stream};
    int r = lock_take_patiently(turn, stream->slots, &wait);
    if (r < 0 || r == 2)
        return r < 0 ? r : 0;
    r = sleep_for_bytes(stream, end);
    lock_release(turn);
    return r;
}

/* What a writer waits for. */
struct need {
    const struct stream *stream;
    size_t least;
};

/* There is room; or there never will be, since the ring has become too small. */
static bool is_to_try(const void *context)
{
    const struct need *need = context;
    return stream_has_room(need->stream, need->least) ||
           need->least > stream_capacity(need->stream);
}

static int sleep_for_room(struct stream *stream, const struct need *need, deadline end)
{
    struct layout_board *writers = &stream->shared->writers;
    announce(stream, writers);
    int r = is_to_try(need) ? 0 : stream_stuff(stream);
    if (r == 0 && !is_to_try(need)) {
        count_sleep(&stream->shared->in);
        r = tokens_await_room(stream->region->write_end, end, stream->interruptible);
    }
    take_back(stream, writers, &stream->listens_to_room);
    return r;
}

int stream_await_room(struct stream *stream, size_t least, deadline end)
{
    const struct need need = {.stream = stream,
                              .least = least < STREAM_ATOMIC ? STREAM_ATOMIC : least};
    if (SPIN_UNTIL(&stream->in.spin, stream_has_room(stream, need.least)))
        return 0;
    struct layout_lock *turn = &stream->shared->in.turn;
    const struct lock_wait wait = {.end = end,
                                   .interruptible = stream->interruptible,
                                   .is_needless = is_to_try,
                                   .context = &need};
    int r = lock_take_patiently(turn, stream->slots, &wait);
    if (r < 0 || r == 2)
        return r < 0 ? r : 0;
    r = sleep_for_room(stream, &need, end);
    if (is_to_try(&need))
        lock_release(turn);
    else /* there may be enough for who wants less */
        lock_pass_on(turn, end);
    return r;
}

/* ---- Polling ---------------------------------------------------------------------------------- */

/* From here on, nobody is to take a token that it may take along to its grave.  Who sleeps already, and
 * will, is woken, to sleep otherwise. */
static void begin_polling(struct stream *stream)
{
    _Atomic uint32_t *polled = &stream->shared->shape.polled;
    if (stream_get(polled) != 0)
        return;
    stream_set(polled, POLLED);
    if (stream_is_on(stream, &stream->shared->readers) && stream_ring(stream) < 0)
        stream_set(polled, POLLED_BESIDE_SLEEPERS);
}

static void listen_to_bytes(struct stream *stream)
{
    atomic_store_explicit(&stream->listens_to_bytes, true, memory_order_seq_cst);
    begin_polling(stream);
    announce(stream, &stream->shared->readers);
    if (tokens_count(stream->region->read_end) == 0) /* whatever was said when nobody polled */
        stream_set(&stream->shared->shape.rung, 0);
    else if (!stream_has_bytes(stream))
        hush_readers(stream, STREAM_NOW);
    if (stream_has_bytes(stream))
        stream_pass_on(stream);
}

static void listen_to_room(struct stream *stream)
{
    atomic_store_explicit(&stream->listens_to_room, true, memory_order_seq_cst);
    announce(stream, &stream->shared->writers);
    if (!stream_has_room(stream, STREAM_ATOMIC))
        stream_show_no_room(stream);
    else if (stream_get(&stream->shared->shape.stuffed) != 0) /* by who has gone since */
        stream_make_room(stream);
}

void stream_listen(struct stream *stream, bool writes)
{
    if (writes)
        listen_to_room(stream);
    else
        listen_to_bytes(stream);
}

int stream_want_room(struct stream *stream)
{
    if (!atomic_load_explicit(&stream->listens_to_room, memory_order_relaxed))
        return -EAGAIN;
    return stream_show_no_room(stream);
}

int stream_want_bytes(struct stream *stream)
{
    if (!stream_has_bytes(stream) && !stream_is_quiet(stream)) {
        int r = hush_readers(stream, STREAM_NOW);
        if (r < 0)
            return r;
    }
    bool listens = atomic_load_explicit(&stream->listens_to_bytes, memory_order_relaxed);
    if (!listens && !stream_is_time_to_ask(stream, &stream->out))
        return stream_has_bytes(stream) ? 0 : -EAGAIN;
    stream_ask(stream, &stream->out);
    bool comes_more = met_writer(stream) && tokens_has_writer(stream->region->read_end);
    if (stream_has_bytes(stream)) /* which the last writer left */
        return 0;
    if (!comes_more)
        stream_ask_again(&stream->out);
    return comes_more ? -EAGAIN : -EPIPE;
}
