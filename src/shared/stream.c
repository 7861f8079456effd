/* See stream.h.
 *
 *   writer, with its lock                   reader, about to sleep
 *   ---------------------                   ----------------------
 *   copies; in.ready = end                  bit on the readers' board
 *   looks at the readers' board             looks at in.ready
 *   somebody: gives a token                 ahead of in.position: commits that, takes it
 *   in.position = end                       else sleeps for a token
 *
 * and the same the other way round, out.ready being the room that readers make, and the token being
 * one that a reader takes away.  All of it is sequentially consistent.  What `ready` covers is in
 * place, so whoever sees it may commit it: nobody waits for anybody who died or was stopped.
 *
 * Dying: before `ready`, nothing happened; behind it, the next one who looks commits.  A token is
 * given before the commit, so no committed byte lies beside a sleeper. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/file.h"
#include "os/tokens.h"
#include "shared/board.h"
#include "shared/lock.h"
#include "shared/stream.h"

/* How old the kernel's word on the other ends may be: some microseconds of the processor's counter,
 * see tick(). */
enum { LOOK_TICKS = 65536 };

/* In shape.rung: there is a token.  In out.full: the FIFO is full.  No member's tag is either. */
static const uint32_t RUNG = UINT32_MAX, FULL = UINT32_MAX;

static const int64_t LOCK_PATIENCE_NS = 1000000;

static uint64_t look(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_seq_cst);
}

static void put(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_seq_cst);
}

static int damaged(void)
{
    return fail(-EBADMSG, "a peer wrote nonsense into the pipe; remove it and make it anew");
}

uint32_t stream_exponent(uint64_t capacity)
{
    uint32_t exponent = STREAM_LEAST_EXPONENT;
    while (exponent < STREAM_MOST_EXPONENT && UINT64_C(1) << exponent < capacity)
        exponent++;
    return exponent;
}

void stream_init(struct stream *stream, const struct region *region, struct slots *slots)
{
    *stream = (struct stream){.region = region,
                              .slots = slots,
                              .shared = &slots->control->stream,
                              .in.spin = SPIN_INIT,
                              .out.spin = SPIN_INIT};
    pthread_mutex_init(&stream->guard, NULL);
}

void stream_deinit(struct stream *stream)
{
    map_release(&stream->in.ring);
    map_release(&stream->out.ring);
    pthread_mutex_destroy(&stream->guard);
}

/* In a fork's child, a member of its own: the descriptor that was polled is its parent's affair. */
void stream_after_fork(struct stream *stream)
{
    atomic_store_explicit(&stream->listens_to_bytes, false, memory_order_relaxed);
    atomic_store_explicit(&stream->listens_to_room, false, memory_order_relaxed);
}

/* ---- Coming and going ------------------------------------------------------------------------- */

void stream_arrive(struct stream *stream, bool writes)
{
    if (writes)
        atomic_fetch_add_explicit(&stream->shared->shape.arrivals, 1, memory_order_seq_cst);
}

uint32_t stream_arrivals(const struct stream *stream)
{
    return atomic_load_explicit(&stream->shared->shape.arrivals, memory_order_seq_cst);
}

static bool writes(struct layout_entry *entry)
{
    uint32_t role = atomic_load_explicit(&entry->role, memory_order_acquire);
    return (role & FERRY_WRITE) != 0 && (role & LAYOUT_HAS_END) != 0 &&
           atomic_load_explicit(&entry->joined, memory_order_acquire) != 0;
}

bool stream_has_writer(struct stream *stream)
{
    uint32_t high = slots_high(stream->slots);
    for (uint32_t slot = 0; slot < high; slot++) {
        struct layout_entry *entry = slots_entry(stream->slots, slot);
        if (entry != NULL && slot != stream->slots->slot && writes(entry) &&
            slots_is_locked(stream->slots, slot))
            return true;
    }
    return false;
}

void stream_depart(struct stream *stream, int *end)
{
    if (*end < 0)
        return;
    file_close(end);
    /* Behind it: who sees it asks the kernel, and that knows by now. */
    atomic_fetch_add_explicit(&stream->shared->shape.departures, 1, memory_order_seq_cst);
}

/* ---- The ring --------------------------------------------------------------------------------- */

/* Maps the ring that the stream has now, unless this side has it mapped. */
static int update_ring(struct stream *stream, struct stream_side *side)
{
    /* Relaxed: changes with both locks only. */
    uint32_t exponent = atomic_load_explicit(&stream->shared->shape.exponent, memory_order_relaxed);
    if (exponent == side->exponent)
        return 0;
    if (exponent < STREAM_LEAST_EXPONENT || exponent > STREAM_MOST_EXPONENT ||
        UINT64_C(2) << exponent > stream->region->data.size_bytes)
        return damaged();
    struct map ring;
    int r = map_twice(&ring, &stream->region->data, (size_t)1 << exponent, (size_t)1 << exponent);
    if (r < 0)
        return r;
    pthread_mutex_lock(&stream->guard);
    map_release(&side->ring);
    side->ring = ring;
    side->exponent = exponent;
    pthread_mutex_unlock(&stream->guard);
    return 0;
}

uint64_t stream_capacity(struct stream *stream)
{
    /* Relaxed: for people. */
    uint32_t exponent = atomic_load_explicit(&stream->shared->shape.exponent, memory_order_relaxed);
    return exponent <= STREAM_MOST_EXPONENT ? UINT64_C(1) << exponent : 0;
}

uint64_t stream_depth(struct stream *stream)
{
    /* What has been read is gone from the moment on at which another reader would find it gone. */
    uint64_t out = look(&stream->shared->out.ready), in = look(&stream->shared->in.position);
    return in - out <= stream_capacity(stream) ? in - out : 0;
}

static uint64_t capacity_of(const struct stream_side *side)
{
    return UINT64_C(1) << side->exponent;
}

static unsigned char *place(const struct stream_side *side, uint64_t position)
{
    return side->ring.data + (position & (capacity_of(side) - 1));
}

/* ---- Committing ------------------------------------------------------------------------------- */

/* Commits what somebody else has ready; returns the position then. */
static uint64_t finish(struct layout_side *side)
{
    /* The position first: were it the other way round, a whole write could come in between and be
     * taken back. */
    uint64_t position = look(&side->position), ready = look(&side->ready);
    if (ready == position)
        return position;
    if (atomic_compare_exchange_strong_explicit(&side->position, &position, ready,
                                                memory_order_seq_cst, memory_order_seq_cst))
        return ready;
    return position;
}

/* Whether anybody is on a board. */
static bool somebody_on(struct stream *stream, const struct layout_board *board)
{
    return board_any(board, slots_high(stream->slots));
}

/* Readers sleep or listen: there is to be a token in the FIFO, if it has none.  While it is on the
 * way, `rung` is our tag: the woken reader may clear it before we are done, and that must stay.  Who
 * finds the tag of somebody else, who may be dead, gives a token as well. */
static int ring_with(struct stream *stream, int write_end)
{
    _Atomic uint32_t *rung = &stream->shared->shape.rung;
    uint32_t tag = stream->slots->tag;
    atomic_store_explicit(rung, tag, memory_order_seq_cst);
    int r = tokens_give(write_end);
    atomic_compare_exchange_strong_explicit(rung, &tag, RUNG, memory_order_seq_cst,
                                            memory_order_relaxed);
    return r;
}

static bool is_to_ring(struct stream *stream)
{
    return somebody_on(stream, &stream->shared->readers) &&
           atomic_load_explicit(&stream->shared->shape.rung, memory_order_seq_cst) != RUNG;
}

/* A reader leaves bytes behind, and took the token of those who poll: through a write end for the
 * moment.  (Who sleeps has its turn, and looks before it does.) */
static void pass_on(struct stream *stream)
{
    if (!is_to_ring(stream))
        return;
    CLEANUP(file_close) int write_end = tokens_open_other_end(stream->region->read_end);
    if (write_end >= 0)
        ring_with(stream, write_end);
}

/* Writers sleep or listen, and have filled the FIFO: it is to have room again, once there is enough.
 * As above: a writer that this wakes may ask anew before we are done. */
static void make_room(struct stream *stream, uint64_t free)
{
    _Atomic uint32_t *full = &stream->shared->out.full;
    uint32_t tag = stream->slots->tag;
    if (free < STREAM_ATOMIC || !somebody_on(stream, &stream->shared->writers) ||
        atomic_load_explicit(full, memory_order_seq_cst) == 0)
        return;
    atomic_store_explicit(full, tag, memory_order_seq_cst);
    tokens_take(stream->region->read_end);
    atomic_compare_exchange_strong_explicit(full, &tag, 0, memory_order_seq_cst,
                                            memory_order_relaxed);
}

/* ---- Who holds the other end -------------------------------------------------------------------- */

/* A counter that costs nothing to read and goes on for as long as the processor does. */
static uint64_t tick(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks * 16; /* mostly 25 to 100 MHz */
#else
    return (uint64_t)clock_now_ns();
#endif
}

/* Is it time to ask the kernel?  Whoever closes an end says so; of a death, one has to hear. */
static bool is_time_to_ask(struct stream *stream, struct stream_side *side)
{
    uint32_t departures =
        atomic_load_explicit(&stream->shared->shape.departures, memory_order_seq_cst);
    uint64_t now = tick();
    if (departures == side->departures && now - side->asked < LOOK_TICKS)
        return false;
    side->departures = departures;
    side->asked = now;
    return true;
}

/* The answer was no: it is to be asked again next time. */
static void ask_again(struct stream_side *side)
{
    side->asked -= LOOK_TICKS;
}

static bool has_reader(struct stream *stream)
{
    if (!is_time_to_ask(stream, &stream->in) || tokens_has_reader(stream->region->write_end))
        return true;
    ask_again(&stream->in);
    return false;
}

/* A token that was taken is the kernel's word, too. */
static void ring(struct stream *stream)
{
    if (is_to_ring(stream) && ring_with(stream, stream->region->write_end) >= 0)
        stream->in.asked = tick();
}

/* ---- Writing ---------------------------------------------------------------------------------- */

/* The room that is known of; looks anew if that is less than `least`.  More than the capacity: nonsense. */
static uint64_t find_room(struct stream *stream, uint64_t position, uint64_t least)
{
    struct stream_side *in = &stream->in;
    uint64_t free = capacity_of(in) - (position - in->other);
    if (position - in->other <= capacity_of(in) && free >= least)
        return free;
    in->other = finish(&stream->shared->out);
    return capacity_of(in) - (position - in->other);
}

/* With the lock. */
static int open_room(struct stream *stream, size_t least, struct stream_piece *ret_room)
{
    struct layout_side *in = &stream->shared->in;
    struct stream_side *view = &stream->in;
    int r = update_ring(stream, view);
    if (r < 0)
        return r;
    if (!has_reader(stream))
        return -EPIPE;
    /* Once full, full until a whole page is free: as the kernel's. */
    bool full = atomic_load_explicit(&in->full, memory_order_relaxed) != 0;
    uint64_t position = look(&in->position),
             wanted = full && least < STREAM_ATOMIC ? STREAM_ATOMIC : least;
    uint64_t free = find_room(stream, position, wanted);
    if (free > capacity_of(view))
        return damaged();
    if (free < wanted) {
        if (!full)
            atomic_store_explicit(&in->full, 1, memory_order_relaxed);
        return -EAGAIN;
    }
    if (full)
        atomic_store_explicit(&in->full, 0, memory_order_relaxed);
    *ret_room = (struct stream_piece){.data = place(view, position), .size_bytes = (size_t)free};
    return 0;
}

/* A lock is held for as long as a copy takes; or for as long as somebody has room or bytes open, or
 * has been stopped: then for so long that who does not want to wait can say so. */
static int take_lock(struct stream *stream, struct layout_lock *lock, deadline end)
{
    int r = lock_take(lock, stream->slots, end);
    if (r == -ETIMEDOUT && end == STREAM_NOW)
        r = lock_take(lock, stream->slots, clock_deadline(LOCK_PATIENCE_NS));
    return r == -ETIMEDOUT && end == STREAM_NOW ? -EAGAIN : r;
}

int stream_open_room(struct stream *stream, size_t least, deadline end,
                     struct stream_piece *ret_room)
{
    struct layout_side *in = &stream->shared->in;
    int r = take_lock(stream, &in->lock, end);
    if (r < 0)
        return r;
    if (r == 1) { /* from a dead writer, which may have rung nobody */
        ring(stream);
        finish(in);
    }
    r = open_room(stream, least, ret_room);
    if (r < 0)
        lock_release(&in->lock);
    return r;
}

/* Relaxed: for people, and only by who holds the lock. */
static void count_call(struct layout_side *side)
{
    atomic_store_explicit(&side->calls,
                          atomic_load_explicit(&side->calls, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

void stream_commit(struct stream *stream, size_t count)
{
    struct layout_side *in = &stream->shared->in;
    if (count > 0) {
        uint64_t end = atomic_load_explicit(&in->position, memory_order_relaxed) + count;
        count_call(in);
        put(&in->ready, end);
        ring(stream);
        atomic_store_explicit(&in->position, end, memory_order_release);
    }
    lock_release(&in->lock);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static int open_bytes(struct stream *stream, struct stream_piece *ret_bytes)
{
    struct stream_side *view = &stream->out;
    int r = update_ring(stream, view);
    if (r < 0)
        return r;
    uint64_t position = look(&stream->shared->out.position);
    if (view->other - position > capacity_of(view) || view->other == position)
        view->other = finish(&stream->shared->in);
    uint64_t count = view->other - position;
    if (count > capacity_of(view))
        return damaged();
    if (count == 0)
        return -EAGAIN;
    *ret_bytes = (struct stream_piece){.data = place(view, position), .size_bytes = (size_t)count};
    return 0;
}

int stream_open_bytes(struct stream *stream, deadline end, struct stream_piece *ret_bytes)
{
    struct layout_side *out = &stream->shared->out;
    int r = take_lock(stream, &out->lock, end);
    if (r < 0)
        return r;
    if (r == 1) { /* from a dead reader, which may have woken nobody */
        finish(out);
        make_room(stream, STREAM_ATOMIC);
    }
    r = open_bytes(stream, ret_bytes);
    if (r < 0)
        lock_release(&out->lock);
    return r;
}

void stream_consume(struct stream *stream, size_t count)
{
    struct layout_side *out = &stream->shared->out;
    if (count > 0) {
        uint64_t end = atomic_load_explicit(&out->position, memory_order_relaxed) + count;
        count_call(out);
        put(&out->ready, end);
        uint64_t rest = look(&stream->shared->in.position) - end;
        make_room(stream, capacity_of(&stream->out) - rest);
        atomic_store_explicit(&out->position, end, memory_order_release);
        if (rest > 0)
            pass_on(stream);
    }
    lock_release(&out->lock);
}

/* ---- Sleeping ---------------------------------------------------------------------------------
 *
 * One sleeps for each side, whose turn it is; others wait for the turn.  So a token that one takes is
 * not one that another should have had. */

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

/* Both look without a lock: hints. */
static bool has_bytes(struct stream *stream)
{
    return look(&stream->shared->in.ready) != look(&stream->shared->out.position);
}

static bool has_room(struct stream *stream, size_t least)
{
    uint64_t capacity = capacity_of(&stream->in);
    uint64_t used = look(&stream->shared->in.position) - look(&stream->shared->out.ready);
    return used <= capacity && capacity - used >= least;
}

static void count_sleep(struct layout_side *side)
{
    /* Relaxed: for people. */
    atomic_fetch_add_explicit(&side->sleeps, 1, memory_order_relaxed);
}

static int sleep_for_bytes(struct stream *stream, deadline end, bool interruptible)
{
    struct layout_board *readers = &stream->shared->readers;
    int r = 0;
    announce(stream, readers);
    for (;;) {
        atomic_store_explicit(&stream->shared->shape.rung, 0, memory_order_seq_cst);
        if (has_bytes(stream) || r < 0)
            break;
        count_sleep(&stream->shared->out);
        r = tokens_await(stream->region->read_end, end, interruptible);
    }
    take_back(stream, readers, &stream->listens_to_bytes);
    return has_bytes(stream) ? 0 : r;
}

int stream_await_bytes(struct stream *stream, deadline end, bool interruptible)
{
    if (SPIN_UNTIL(&stream->out.spin, has_bytes(stream)))
        return 0;
    struct layout_lock *turn = &stream->shared->out.turn;
    int r = lock_take_turn(turn, stream->slots, end, interruptible);
    if (r < 0)
        return r;
    r = sleep_for_bytes(stream, end, interruptible);
    lock_release(turn);
    return r;
}

/* Fills the FIFO, so that one token less will mean room. */
static int ask_for_room(struct stream *stream)
{
    int r;
    while ((r = tokens_give(stream->region->write_end)) == 1)
        ;
    atomic_store_explicit(&stream->shared->out.full, FULL, memory_order_seq_cst);
    return r;
}

static int sleep_for_room(struct stream *stream, size_t least, deadline end, bool interruptible)
{
    struct layout_board *writers = &stream->shared->writers;
    announce(stream, writers);
    int r = 0;
    while (r == 0 && !has_room(stream, least)) {
        r = ask_for_room(stream);
        if (r < 0 || has_room(stream, least))
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
    if (SPIN_UNTIL(&stream->in.spin, has_room(stream, least)))
        return 0;
    struct layout_lock *turn = &stream->shared->in.turn;
    int r = lock_take_turn(turn, stream->slots, end, interruptible);
    if (r < 0)
        return r;
    r = sleep_for_room(stream, least, end, interruptible);
    lock_release(turn);
    return r;
}

/* ---- Listening -------------------------------------------------------------------------------- */

void stream_want_room(struct stream *stream)
{
    if (atomic_load_explicit(&stream->listens_to_room, memory_order_relaxed))
        ask_for_room(stream);
}

/* With the lock: takes the tokens that there are. */
static int drain(struct stream *stream)
{
    int r;
    while ((r = tokens_take(stream->region->read_end)) == 1)
        ;
    /* Behind the tokens: a writer that saw it set has left bytes by then. */
    atomic_store_explicit(&stream->shared->shape.rung, 0, memory_order_seq_cst);
    if (has_bytes(stream)) {
        pass_on(stream);
        return 0;
    }
    if (r == -EPIPE)
        ask_again(&stream->out);
    return r == 0 ? -EAGAIN : r;
}

int stream_want_bytes(struct stream *stream)
{
    struct layout_lock *lock = &stream->shared->out.lock;
    int r = take_lock(stream, lock, STREAM_NOW);
    if (r < 0)
        return r;
    bool quiet = !atomic_load_explicit(&stream->listens_to_bytes, memory_order_relaxed);
    r = quiet && !is_time_to_ask(stream, &stream->out) ? -EAGAIN : drain(stream);
    lock_release(lock);
    return r;
}
