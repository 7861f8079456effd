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
 * sleep clears it; for the sake of those who poll, the mark is not believed where anybody ever did
 * (`polled`). */
#include "base/cleanup.h"
#include "os/file.h"
#include "os/tokens.h"
#include "shared/lock.h"
#include "shared/stream_inside.h"

/* In shape.rung: there is a token.  In shape.stuffed: the FIFO is full.  No member's tag is either. */
static const uint32_t RUNG = UINT32_MAX, FULL = UINT32_MAX;

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

static int ring_with(struct stream *stream, int write_end)
{
    _Atomic uint32_t *rung = &stream->shared->shape.rung;
    set(rung, stream->slots->tag);
    int r = tokens_give(write_end);
    settle(rung, stream->slots->tag, RUNG);
    return r;
}

static bool is_to_ring(const struct stream *stream)
{
    return somebody_on(stream, &stream->shared->readers) &&
           get(&stream->shared->shape.rung) != RUNG;
}

static bool lost_its_token(const struct stream *stream)
{
    return get(&stream->shared->shape.polled) != 0 && tokens_has_none(stream->region->write_end);
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

/* Through the handle's own end, or one that is opened for the moment. */
void stream_pass_on(struct stream *stream)
{
    if (!is_to_ring(stream))
        return;
    if (stream->region->write_end >= 0) {
        ring_with(stream, stream->region->write_end);
        return;
    }
    CLEANUP(file_close) int write_end = region_open_other_end(stream->region);
    if (write_end >= 0)
        ring_with(stream, write_end);
}

bool stream_is_quiet(const struct stream *stream)
{
    return get(&stream->shared->shape.rung) == 0 && get(&stream->shared->shape.stuffed) == 0;
}

int stream_drain(struct stream *stream)
{
    int r = 1;
    for (int i = 0; r == 1 && i < MOST_TOKENS; i++)
        r = tokens_take(stream->region->read_end);
    /* Behind the tokens: a writer that saw them set has left bytes by then. */
    set(&stream->shared->shape.rung, 0);
    set(&stream->shared->shape.stuffed, 0);
    if (stream_has_bytes(stream)) {
        stream_pass_on(stream);
        return 0;
    }
    if (r == -EPIPE)
        stream_ask_again(&stream->out);
    return r < 0 ? r : -EAGAIN;
}

/* ---- Telling writers -------------------------------------------------------------------------- */

static void make_room_with(struct stream *stream, int read_end)
{
    _Atomic uint32_t *stuffed = &stream->shared->shape.stuffed;
    set(stuffed, stream->slots->tag);
    tokens_take(read_end);
    settle(stuffed, stream->slots->tag, 0);
}

void stream_tell_writers(struct stream *stream, uint64_t free)
{
    if (free >= STREAM_ATOMIC && somebody_on(stream, &stream->shared->writers) &&
        get(&stream->shared->shape.stuffed) != 0)
        make_room_with(stream, stream->region->read_end);
}

/* Fills the FIFO, so that one token less will mean room. */
static int stuff(struct stream *stream)
{
    _Atomic uint32_t *stuffed = &stream->shared->shape.stuffed;
    set(stuffed, stream->slots->tag);
    int r = 1;
    for (int i = 0; r == 1 && i < MOST_TOKENS; i++)
        r = tokens_give(stream->region->write_end);
    set(stuffed, FULL);
    return r < 0 ? r : 0;
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

static int sleep_for_bytes(struct stream *stream, deadline end, bool interruptible)
{
    struct layout_board *readers = &stream->shared->readers;
    int r = 0;
    announce(stream, readers);
    for (;;) {
        set(&stream->shared->shape.rung, 0);
        if (stream_has_bytes(stream) || r < 0)
            break;
        count_sleep(&stream->shared->out);
        r = tokens_await(stream->region->read_end, end, interruptible);
    }
    take_back(stream, readers, &stream->listens_to_bytes);
    return stream_has_bytes(stream) ? 0 : r;
}

/* In a burst, to look each time that a write may have come would take the position's line from the
 * writer each time.  A little later there are many. */
static void let_gather(const struct stream *stream)
{
    enum { TURNS = 16 };
    if (stream->out.is_burst)
        for (int i = 0; i < TURNS; i++)
            spin_relax();
}

int stream_await_bytes(struct stream *stream, deadline end, bool interruptible)
{
    let_gather(stream);
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

static int sleep_for_room(struct stream *stream, size_t least, deadline end, bool interruptible)
{
    struct layout_board *writers = &stream->shared->writers;
    announce(stream, writers);
    int r = 0;
    while (r == 0 && !stream_has_room(stream, least)) {
        r = stuff(stream);
        if (r < 0 || stream_has_room(stream, least))
            break;
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
    lock_release(turn);
    return r;
}

/* ---- Polling ---------------------------------------------------------------------------------- */

static void listen_to_bytes(struct stream *stream)
{
    atomic_store_explicit(&stream->listens_to_bytes, true, memory_order_relaxed);
    set(&stream->shared->shape.polled, 1);
    announce(stream, &stream->shared->readers);
    if (stream_has_bytes(stream))
        stream_pass_on(stream);
}

static void listen_to_room(struct stream *stream)
{
    atomic_store_explicit(&stream->listens_to_room, true, memory_order_relaxed);
    announce(stream, &stream->shared->writers);
    if (!stream_has_room(stream, STREAM_ATOMIC))
        stuff_for_others(stream);
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

int stream_want_bytes(struct stream *stream)
{
    struct layout_lock *lock = &stream->shared->out.lock;
    int r = stream_take_lock(stream, lock, STREAM_NOW);
    if (r < 0)
        return r;
    if (stream_has_bytes(stream))
        r = 0;
    else if (stream_is_quiet(stream) && !stream_is_time_to_ask(stream, &stream->out))
        r = -EAGAIN;
    else
        r = stream_drain(stream);
    lock_release(lock);
    return r;
}
