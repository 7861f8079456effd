/* Sleeping for bytes or room, polling for them, and telling those who do.  See stream.h.
 *
 * One sleeps for each side, whose turn it is; others wait for the turn.  So a token that one takes is
 * not one that another should have had.
 *
 * While anybody sleeps or polls, the tokens in the FIFO mirror the ring: none, nothing can be read;
 * two, nothing can be written.  `rung` and `stuffed` remember that they do, so that it costs no system
 * call to leave them as they are.  Both change in three steps: one's own tag, the token, the new
 * state if the tag is still there.  For whom a token wakes may run before its giver goes on, and
 * change the state itself; and who finds a tag gives or takes a token as well, for its owner may be dead.
 *
 * Dying between a token and its mark leaves at worst a mark of a token that is gone.  Who goes to
 * sleep clears it; who polls does not come by.  So where anybody ever polled, a token leaves the FIFO only when
 * the ring is empty, and in such a way that no bytes are left without (stream_drain()). */
#include "base/cleanup.h"
#include "os/file.h"
#include "os/tokens.h"
#include "shared/lock.h"
#include "shared/stream_inside.h"

/* In shape.rung: there is a token.  In shape.stuffed: the FIFO is full.  No member's tag is either. */
static const uint32_t RUNG = UINT32_MAX, FULL = UINT32_MAX;

/* In shape.polled: readers poll, or did; and perhaps some sleep who do not know of it. */
enum { POLLED = 1, POLLED_BESIDE_SLEEPERS = 2 };

/* The FIFO has room for two tokens; more come from a peer that makes fun of us. */
enum { MOST_TOKENS = 3 };

static uint32_t get(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_seq_cst);
}

static void set(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_seq_cst);
}

/* The third step. */
static void settle(_Atomic uint32_t *word, uint32_t tag, uint32_t value)
{
    atomic_compare_exchange_strong_explicit(word, &tag, value, memory_order_seq_cst,
                                            memory_order_relaxed);
}

static bool somebody_on(const struct stream *stream, const struct layout_board *board)
{
    return board_any(board, slots_high(stream->slots));
}

static void announce(struct stream *stream, struct layout_board *board)
{
    board_set(board, stream->slots->slot);
}

static void take_back(struct stream *stream, struct layout_board *board,
                      const _Atomic bool *listens)
{
    if (!atomic_load_explicit(listens, memory_order_relaxed))
        board_clear(board, stream->slots->slot);
}

static void count_sleep(struct layout_side *side)
{
    /* Relaxed: for people. */
    atomic_fetch_add_explicit(&side->sleeps, 1, memory_order_relaxed);
}

/* ---- Telling readers -------------------------------------------------------------------------- */

static bool is_polled(const struct stream *stream)
{
    return get(&stream->shared->shape.polled) != 0;
}

/* Who polls for bytes needs the last one. */
static void make_room_with(struct stream *stream, int read_end)
{
    _Atomic uint32_t *stuffed = &stream->shared->shape.stuffed;
    set(stuffed, stream->slots->tag);
    if (!is_polled(stream) || tokens_count(read_end) > 1)
        tokens_take(read_end);
    settle(stuffed, stream->slots->tag, 0);
}

/* Takes a token out, through the handle's own end or one that is opened for the moment. */
static void make_room(struct stream *stream)
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
    set(rung, stream->slots->tag);
    int r = tokens_give(write_end);
    settle(rung, stream->slots->tag, r < 0 ? 0 : RUNG); /* nobody reads: there is no token */
    if (r > 0 && somebody_on(stream, &stream->shared->writers) &&
        tokens_await_room(write_end, STREAM_NOW, false) == -ETIMEDOUT &&
        stream_has_room(stream, STREAM_ATOMIC))
        make_room(stream);
    return r;
}

static bool is_to_ring(const struct stream *stream)
{
    return somebody_on(stream, &stream->shared->readers) &&
           get(&stream->shared->shape.rung) != RUNG;
}

/* Somebody may have slept on the FIFO when another one began to poll, and take its token. */
static bool lost_its_token(const struct stream *stream)
{
    return get(&stream->shared->shape.polled) == POLLED_BESIDE_SLEEPERS &&
           tokens_count(stream->region->write_end) == 0;
}

void stream_tell_readers(struct stream *stream)
{
    const struct layout_shape *shape = &stream->shared->shape;
    if (somebody_on(stream, &stream->shared->readers) &&
        (get(&shape->rung) != RUNG || lost_its_token(stream)) &&
        ring_with(stream, stream->region->write_end) >= 0)
        stream_was_told(&stream->in);
    if (get(&shape->tapped) != 0)
        notice_step(stream->notice);
}

/* Gives a token through the handle's own end, or one that is opened for the moment. */
static int ring_somehow(struct stream *stream)
{
    if (stream->region->write_end >= 0)
        return ring_with(stream, stream->region->write_end);
    CLEANUP(file_close) int write_end = region_open_other_end(stream->region);
    return write_end < 0 ? write_end : ring_with(stream, write_end);
}

void stream_pass_on(struct stream *stream)
{
    if (is_to_ring(stream))
        ring_somehow(stream);
}

bool stream_is_quiet(const struct stream *stream)
{
    return get(&stream->shared->shape.rung) == 0 && get(&stream->shared->shape.stuffed) == 0;
}

/* From the first line on, whoever writes gives a token of its own, and we take only those that were
 * there before we looked.  So the token of bytes that we have not seen stays, wherever we die. */
void stream_drain(struct stream *stream)
{
    struct layout_shape *shape = &stream->shared->shape;
    int end = stream->region->read_end, left = 1;
    set(&shape->stuffed, stream->slots->tag);
    set(&shape->rung, 0);
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
    if (free >= STREAM_ATOMIC && somebody_on(stream, &stream->shared->writers) &&
        get(&stream->shared->shape.stuffed) != 0 && stream_has_room(stream, STREAM_ATOMIC))
        make_room_with(stream, stream->region->read_end);
}

/* Fills the FIFO, so that one token less will mean room; the one that is left then says that there are bytes. */
static int stuff(struct stream *stream)
{
    _Atomic uint32_t *stuffed = &stream->shared->shape.stuffed;
    set(&stream->shared->shape.rung, stream->slots->tag);
    set(stuffed, stream->slots->tag);
    int r = 1;
    for (int i = 0; r == 1 && i < MOST_TOKENS; i++)
        r = tokens_give(stream->region->write_end);
    settle(&stream->shared->shape.rung, stream->slots->tag, r < 0 ? 0 : RUNG);
    if (r < 0)
        return r; /* nobody reads; the tag stays, since nobody knows what is in the FIFO */
    set(stuffed, FULL);
    return 0;
}

/* Fills it for those who poll.  0: not so, a reader was faster than we. */
static int stuff_for_others(struct stream *stream)
{
    int r = stuff(stream);
    if (r < 0 || !stream_has_room(stream, STREAM_ATOMIC))
        return r < 0 ? r : -EAGAIN;
    make_room(stream);
    return 0;
}

void stream_hush_writers(struct stream *stream)
{
    if (somebody_on(stream, &stream->shared->writers) &&
        get(&stream->shared->shape.stuffed) != FULL && !stream_has_room(stream, STREAM_ATOMIC))
        stuff_for_others(stream);
}

void stream_tell_of_size(struct stream *stream)
{
    if (!stream_has_room(stream, STREAM_ATOMIC)) {
        if (stream->region->write_end >= 0)
            stream_hush_writers(stream);
    } else if (somebody_on(stream, &stream->shared->writers) &&
               get(&stream->shared->shape.stuffed) != 0)
        make_room(stream);
}

/* ---- Sleeping --------------------------------------------------------------------------------- */

/* Who sleeps takes the token as it wakes, in one system call.  But it may die between that and reading;
 * so where anybody polls, it leaves the token to be seen, until the ring is empty. */
static int await_token(struct stream *stream, bool polled, deadline end, bool interruptible)
{
    int read_end = stream->region->read_end;
    count_sleep(&stream->shared->out);
    return polled ? tokens_await_sight(read_end, end, interruptible)
                  : tokens_await(read_end, end, interruptible);
}

/* Takes the tokens of an empty ring away. */
static int hush_readers(struct stream *stream, deadline end)
{
    struct layout_lock *lock = &stream->shared->out.lock;
    int r = stream_take_lock(stream, lock, end);
    if (r < 0)
        return r;
    if (!stream_has_bytes(stream))
        stream_drain(stream);
    lock_release(lock);
    return 0;
}

static int sleep_for_bytes(struct stream *stream, deadline end, bool interruptible)
{
    int r = 0;
    announce(stream, &stream->shared->readers);
    for (;;) {
        bool polled = is_polled(stream);
        if (!polled)
            set(&stream->shared->shape.rung, 0);
        if (stream_has_bytes(stream) || r < 0)
            break;
        if (polled && tokens_count(stream->region->read_end) > 0)
            r = hush_readers(stream, end);
        else
            r = await_token(stream, polled, end, interruptible);
    }
    take_back(stream, &stream->shared->readers, &stream->listens_to_bytes);
    return stream_has_bytes(stream) ? 0 : r;
}

int stream_await_bytes(struct stream *stream, deadline end, bool interruptible)
{
    if (SPIN_UNTIL(&stream->out.spin, stream_has_bytes(stream)))
        return 0;
    struct layout_lock *turn = &stream->shared->out.turn;
    int r = lock_take_turn(turn, stream->slots, end, interruptible);
    if (r < 0)
        return r;
    r = sleep_for_bytes(stream, end, interruptible);
    lock_release(turn);
    return r;
}

/* There is room; or there never will be, since the ring has become too small. */
static bool is_to_try(const struct stream *stream, size_t least)
{
    return stream_has_room(stream, least) || least > stream_capacity(stream);
}

static int sleep_for_room(struct stream *stream, size_t least, deadline end, bool interruptible)
{
    struct layout_board *writers = &stream->shared->writers;
    announce(stream, writers);
    int r = is_to_try(stream, least) ? 0 : stuff(stream);
    if (r == 0 && !is_to_try(stream, least)) {
        count_sleep(&stream->shared->in);
        r = tokens_await_room(stream->region->write_end, end, interruptible);
    }
    take_back(stream, writers, &stream->listens_to_room);
    return r;
}

int stream_await_room(struct stream *stream, size_t least, deadline end, bool interruptible)
{
    if (least < STREAM_ATOMIC)
        least = STREAM_ATOMIC;
    if (SPIN_UNTIL(&stream->in.spin, stream_has_room(stream, least)))
        return 0;
    struct layout_lock *turn = &stream->shared->in.turn;
    int r = lock_take_turn(turn, stream->slots, end, interruptible);
    if (r < 0)
        return r;
    r = sleep_for_room(stream, least, end, interruptible);
    if (is_to_try(stream, least))
        lock_release(turn);
    else /* there may be enough for who wants less */
        lock_pass_on(turn);
    return r;
}

/* ---- Polling ---------------------------------------------------------------------------------- */

/* From here on, nobody is to take a token that it may take along to its grave.  Who sleeps already, and
 * will, is woken, to sleep otherwise. */
static void begin_polling(struct stream *stream)
{
    _Atomic uint32_t *polled = &stream->shared->shape.polled;
    if (get(polled) != 0)
        return;
    set(polled, POLLED);
    if (somebody_on(stream, &stream->shared->readers) && ring_somehow(stream) < 0)
        set(polled, POLLED_BESIDE_SLEEPERS);
}

static void listen_to_bytes(struct stream *stream)
{
    atomic_store_explicit(&stream->listens_to_bytes, true, memory_order_relaxed);
    begin_polling(stream);
    announce(stream, &stream->shared->readers);
    if (!stream_has_bytes(stream)) {
        if (tokens_count(stream->region->read_end) > 0)
            hush_readers(stream, STREAM_NOW);
        return;
    }
    if (tokens_count(stream->region->read_end) == 0) /* whatever was said when nobody polled */
        set(&stream->shared->shape.rung, 0);
    stream_pass_on(stream);
}

static void listen_to_room(struct stream *stream)
{
    atomic_store_explicit(&stream->listens_to_room, true, memory_order_relaxed);
    announce(stream, &stream->shared->writers);
    if (!stream_has_room(stream, STREAM_ATOMIC))
        stuff_for_others(stream);
    else if (get(&stream->shared->shape.stuffed) != 0) /* by who has gone since */
        make_room(stream);
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
    return stuff_for_others(stream);
}

/* A FIFO's read end is hung up when its last writer goes, but not before there was one. */
static bool has_writer(struct stream *stream)
{
    _Atomic bool *met = &stream->met_writer;
    if (!atomic_load_explicit(met, memory_order_relaxed) && stream->region->write_end < 0 &&
        stream_arrivals(stream) == stream->first_arrivals && !stream_has_writer(stream))
        return false;
    atomic_store_explicit(met, true, memory_order_relaxed);
    return tokens_has_writer(stream->region->read_end);
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
    bool comes_more = has_writer(stream);
    if (stream_has_bytes(stream)) /* which the last writer left */
        return 0;
    if (!comes_more)
        stream_ask_again(&stream->out);
    return comes_more ? -EAGAIN : -EPIPE;
}
