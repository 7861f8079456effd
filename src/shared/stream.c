/* Writing and reading.  See stream.h.
 *
 *   writer, with its lock                   reader, about to sleep
 *   ---------------------                   ----------------------
 *   copies; in.position = end               bit on the readers' board
 *   looks at the readers' board             looks at in.position
 *   somebody: gives a token                 something: takes it
 *   in.told = end                           else sleeps for a token
 *
 * and the same the other way round, out.position being the room that readers make, and the token
 * being one that a reader takes away.  All of it is sequentially consistent, so one of the two sees the
 * other.
 *
 * Dying: before `position`, nothing happened.  Behind it, the bytes are there for whoever looks; if the
 * token was not given yet, the next owner of the lock gives it, and a reader that takes the bytes
 * passes on what it leaves.  Only who sleeps by itself beside a dead writer's last bytes sleeps on, and
 * to all who ask (`told`), these have not been written. */
#include "os/file.h"
#include "os/tokens.h"
#include "shared/lock.h"
#include "shared/stream_inside.h"

/* How old the kernel's word on the other ends may be: some microseconds of the processor's counter,
 * see tick(). */
enum { LOOK_TICKS = 65536 };

static const int64_t LOCK_PATIENCE_NS = 1000000;

uint32_t stream_exponent(uint64_t capacity)
{
    uint32_t exponent = STREAM_LEAST_EXPONENT;
    while (exponent < STREAM_MOST_EXPONENT && UINT64_C(1) << exponent < capacity)
        exponent++;
    return exponent;
}

void stream_init(struct stream *stream, const struct region *region, struct slots *slots,
                 struct notice *notice, bool interruptible)
{
    *stream = (struct stream){.region = region,
                              .slots = slots,
                              .notice = notice,
                              .interruptible = interruptible,
                              .shared = &slots->control->stream,
                              .in.spin = SPIN_INIT,
                              .out.spin = SPIN_INIT};
    stream->first_arrivals = stream_arrivals(stream);
    pthread_mutex_init(&stream->guard, NULL);
}

void stream_deinit(struct stream *stream)
{
    map_release(&stream->in.ring);
    map_release(&stream->out.ring);
    pthread_mutex_destroy(&stream->guard);
}

/* In a fork's child, a member of its own: the descriptor that was polled is its parent's affair, and
 * what another thread was just noting may be half of it. */
void stream_after_fork(struct stream *stream)
{
    atomic_store_explicit(&stream->listens_to_bytes, false, memory_order_relaxed);
    atomic_store_explicit(&stream->listens_to_room, false, memory_order_relaxed);
    uint64_t in = stream_look(&stream->shared->in.position);
    stream->in.other = in - (UINT64_C(1) << STREAM_MOST_EXPONENT) - 1; /* no room is known of */
    stream->out.other = stream_look(&stream->shared->out.position);    /* and no bytes */
}

/* ---- Asking ----------------------------------------------------------------------------------- */

uint64_t stream_capacity(const struct stream *stream)
{
    /* Relaxed: changes with both locks only, and for others it is a hint. */
    uint32_t exponent = atomic_load_explicit(&stream->shared->shape.exponent, memory_order_relaxed);
    return exponent <= STREAM_MOST_EXPONENT ? UINT64_C(1) << exponent : 0;
}

/* Between two positions, whatever was written there. */
static uint64_t distance(uint64_t from, uint64_t to, uint64_t most)
{
    return to - from <= most ? to - from : 0;
}

uint64_t stream_depth(const struct stream *stream)
{
    uint64_t out = stream_look(&stream->shared->out.position);
    return distance(out, stream_look(&stream->shared->in.told), stream_capacity(stream));
}

bool stream_has_bytes(const struct stream *stream)
{
    return stream_look(&stream->shared->in.position) != stream_look(&stream->shared->out.position);
}

bool stream_has_room(const struct stream *stream, size_t least)
{
    uint64_t out = stream_look(&stream->shared->out.position);
    uint64_t used = stream_look(&stream->shared->in.position) - out;
    uint64_t capacity = stream_capacity(stream);
    return used <= capacity && capacity - used >= least;
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

/* A write end that is on its way in a parcel counts, as it does for the kernel. */
static bool writes(struct stream *stream, uint32_t slot, struct layout_entry *entry)
{
    uint32_t role = atomic_load_explicit(&entry->role, memory_order_acquire);
    return (role & FERRY_WRITE) != 0 && (role & LAYOUT_HAS_END) != 0 &&
           (atomic_load_explicit(&entry->joined, memory_order_acquire) != 0 ||
            slots_is_offered(stream->slots, slot));
}

bool stream_has_writer(struct stream *stream)
{
    uint32_t high = slots_high(stream->slots);
    for (uint32_t slot = 0; slot < high; slot++) {
        struct layout_entry *entry = slots_entry(stream->slots, slot);
        if (entry != NULL && slot != stream->slots->slot && writes(stream, slot, entry) &&
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
    if (atomic_load_explicit(&stream->shared->shape.tapped, memory_order_seq_cst) != 0)
        notice_step(stream->notice);
}

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

/* Whoever closes an end says so; of a death, one has to hear.  Relaxed: threads of this process alone
 * write the view, and a look too many does no harm. */
bool stream_is_time_to_ask(const struct stream *stream, const struct stream_side *side)
{
    uint32_t departures =
        atomic_load_explicit(&stream->shared->shape.departures, memory_order_seq_cst);
    return departures != atomic_load_explicit(&side->departures, memory_order_relaxed) ||
           tick() - atomic_load_explicit(&side->asked, memory_order_relaxed) >= LOOK_TICKS;
}

void stream_ask(const struct stream *stream, struct stream_side *side)
{
    uint32_t departures =
        atomic_load_explicit(&stream->shared->shape.departures, memory_order_seq_cst);
    atomic_store_explicit(&side->departures, departures, memory_order_relaxed);
    stream_was_told(side);
}

void stream_ask_again(struct stream_side *side)
{
    atomic_store_explicit(&side->asked, tick() - LOOK_TICKS, memory_order_relaxed);
}

void stream_was_told(struct stream_side *side)
{
    atomic_store_explicit(&side->asked, tick(), memory_order_relaxed);
}

static bool has_reader(struct stream *stream)
{
    if (!stream_is_time_to_ask(stream, &stream->in))
        return true;
    stream_ask(stream, &stream->in);
    if (tokens_has_reader(stream->region->write_end))
        return true;
    stream_ask_again(&stream->in);
    return false;
}

/* ---- Locks ------------------------------------------------------------------------------------ */

/* A lock is held for as long as a copy takes; or for as long as somebody has room or bytes open, or
 * has been stopped: then for so long that who does not want to wait can say so. */
static int take_lock(struct stream *stream, struct layout_lock *lock, deadline end)
{
    bool now = end == STREAM_NOW;
    const struct lock_wait wait = {.end = now ? clock_deadline(LOCK_PATIENCE_NS) : end,
                                   .interruptible = stream->interruptible};
    int r = lock_take_patiently(lock, stream->slots, &wait);
    return r == -ETIMEDOUT && now ? -EAGAIN : r;
}

/* What was written, and told to those who sleep. */
static void tell(struct stream *stream, uint64_t position)
{
    stream_tell_readers(stream);
    /* Relaxed: for people, and only by who holds the lock. */
    atomic_store_explicit(&stream->shared->in.told, position, memory_order_relaxed);
}

int stream_lock_in(struct stream *stream, deadline end)
{
    struct layout_side *in = &stream->shared->in;
    int r = take_lock(stream, &in->lock, end);
    if (r == 1 && stream->region->write_end >= 0)
        tell(stream, atomic_load_explicit(&in->position, memory_order_relaxed));
    return r < 0 ? r : 0;
}

int stream_lock_out(struct stream *stream, deadline end)
{
    int r = take_lock(stream, &stream->shared->out.lock, end);
    if (r == 1 && stream->region->read_end >= 0)
        stream_tell_writers(stream, STREAM_ATOMIC);
    return r < 0 ? r : 0;
}

/* Relaxed: for people, and only by who holds the lock. */
static void count_call(struct layout_side *side)
{
    atomic_store_explicit(&side->calls,
                          atomic_load_explicit(&side->calls, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* The fence is that of the drawing above: boards are looked at behind it.  (A store that is sequentially
 * consistent by itself would wait for the bytes to reach the cache, and only then ask for the
 * position's line.) */
static void commit(struct layout_side *side, uint64_t position)
{
    count_call(side);
    /* Release pairs with stream_look(): whoever sees the position sees the bytes before it. */
    atomic_store_explicit(&side->position, position, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

/* The room that is known of; looks anew if that is less than `least`.  More than the capacity: nonsense. */
static uint64_t find_room(struct stream *stream, uint64_t position, uint64_t least)
{
    struct stream_side *in = &stream->in;
    uint64_t capacity = stream_bytes_of(in), used = position - in->other;
    if (used <= capacity && capacity - used >= least)
        return capacity - used;
    in->other = stream_look(&stream->shared->out.position);
    return capacity - (position - in->other);
}

/* The lines that the next writes will want: readers had them last, and to fetch one takes longer than
 * to fill it. */
static void fetch_ahead(const struct stream_side *view, uint64_t position, size_t count,
                        uint64_t free)
{
    enum { LINE = 64, AHEAD = 512, MOST = 1024 };
    if (count > MOST || free < AHEAD + count)
        return;
    const unsigned char *line = stream_place(view, position) + AHEAD;
    for (size_t at = 0; at < count; at += LINE)
        prefetch_to_write(line + at);
}

/* Says how far we may write, before we do: see stream_tap_look(). */
static void claim(struct layout_side *in, uint64_t end)
{
    /* Never back: room that somebody had before, and left, is not as it was.  Relaxed: the lock is ours. */
    uint64_t claimed = atomic_load_explicit(&in->claimed, memory_order_relaxed);
    if ((int64_t)(end - claimed) > 0)
        atomic_store_explicit(&in->claimed, end, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

/* With the lock. */
static int open_room(struct stream *stream, size_t least, size_t most,
                     struct stream_piece *ret_room)
{
    struct layout_side *in = &stream->shared->in;
    struct stream_side *view = &stream->in;
    int r = stream_update_ring(stream, view);
    if (r < 0)
        return r;
    if (!has_reader(stream))
        return -EPIPE;
    /* Once full, full until a whole page is free: as the kernel's. */
    bool full = atomic_load_explicit(&in->full, memory_order_relaxed) != 0;
    uint64_t position = atomic_load_explicit(&in->position, memory_order_relaxed),
             wanted = full && least < STREAM_ATOMIC ? STREAM_ATOMIC : least;
    uint64_t free = find_room(stream, position, wanted);
    if (free > stream_bytes_of(view))
        return stream_damaged();
    if (free < wanted) {
        if (free == 0 && !full)
            atomic_store_explicit(&in->full, 1, memory_order_relaxed);
        return -EAGAIN;
    }
    if (full)
        atomic_store_explicit(&in->full, 0, memory_order_relaxed);
    size_t size = free < most ? (size_t)free : most;
    claim(in, position + size);
    *ret_room = (struct stream_piece){.data = stream_place(view, position), .size_bytes = size};
    return 0;
}

int stream_open_room(struct stream *stream, size_t least, size_t most, deadline end,
                     struct stream_piece *ret_room)
{
    struct layout_side *in = &stream->shared->in;
    int r = stream_lock_in(stream, end);
    if (r < 0)
        return r;
    r = open_room(stream, least, most, ret_room);
    if (r < 0)
        lock_release(&in->lock);
    return r;
}

/* Less than a page seems to be free. */
static void fill_up(struct stream *stream, uint64_t position)
{
    stream->in.other = stream_look(&stream->shared->out.position);
    /* Relaxed: the lock is ours. */
    if (position - stream->in.other == stream_bytes_of(&stream->in))
        atomic_store_explicit(&stream->shared->in.full, 1, memory_order_relaxed);
    stream_hush_writers(stream);
}

void stream_commit(struct stream *stream, size_t count)
{
    struct layout_side *in = &stream->shared->in;
    if (count > 0) {
        /* Relaxed: the lock is ours, and with it the position. */
        uint64_t end = atomic_load_explicit(&in->position, memory_order_relaxed) + count;
        uint64_t free = stream_bytes_of(&stream->in) - (end - stream->in.other);
        commit(in, end);
        tell(stream, end);
        fetch_ahead(&stream->in, end, count, free);
        if (free < STREAM_ATOMIC)
            fill_up(stream, end);
    }
    lock_release(&in->lock);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

/* Looks for more.  In a burst, a little later: to look each time that a write may have come would take
 * the position's line from the writer each time, and so there are many.  Now and then it is tried
 * whether this is one. */
static void look_for_bytes(struct stream *stream, uint64_t position)
{
    enum { PAUSES = 12, TRY_EACH = 64 };
    struct stream_side *view = &stream->out;
    bool waits = view->is_burst || ++view->looks % TRY_EACH == 0;
    for (int i = 0; waits && i < PAUSES; i++)
        spin_relax();
    view->other = stream_look(&stream->shared->in.position);
    if (waits)
        view->is_burst = view->last > 0 && view->other - position >= 2 * view->last;
}

/* With the lock: bytes that are known of, or none. */
static int known_bytes(struct stream *stream, uint64_t position, struct stream_piece *ret_bytes)
{
    struct stream_side *view = &stream->out;
    uint64_t count = view->other - position;
    if (count > stream_bytes_of(view))
        return stream_damaged();
    if (count == 0)
        return -EAGAIN;
    *ret_bytes =
        (struct stream_piece){.data = stream_place(view, position), .size_bytes = (size_t)count};
    return 0;
}

static int open_bytes(struct stream *stream, struct stream_piece *ret_bytes)
{
    struct stream_side *view = &stream->out;
    int r = stream_update_ring(stream, view);
    if (r < 0)
        return r;
    uint64_t position = atomic_load_explicit(&stream->shared->out.position, memory_order_relaxed);
    if (view->other - position > stream_bytes_of(view) || view->other == position)
        look_for_bytes(stream, position);
    return known_bytes(stream, position, ret_bytes);
}

int stream_open_bytes(struct stream *stream, deadline end, struct stream_piece *ret_bytes)
{
    struct layout_side *out = &stream->shared->out;
    int r = stream_lock_out(stream, end);
    if (r < 0)
        return r;
    r = open_bytes(stream, ret_bytes);
    if (r < 0)
        lock_release(&out->lock);
    return r;
}

int stream_open_more_bytes(struct stream *stream, struct stream_piece *ret_bytes)
{
    stream->out.other = stream_look(&stream->shared->in.position);
    return known_bytes(stream,
                       atomic_load_explicit(&stream->shared->out.position, memory_order_relaxed),
                       ret_bytes);
}

void stream_take(struct stream *stream, size_t count)
{
    struct layout_side *out = &stream->shared->out;
    if (count == 0)
        return;
    uint64_t end = atomic_load_explicit(&out->position, memory_order_relaxed) + count;
    stream->out.last = count;
    commit(out, end);
    stream_tell_writers(stream, stream_bytes_of(&stream->out) - (stream->out.other - end));
}

void stream_close_bytes(struct stream *stream)
{
    struct layout_side *out = &stream->shared->out;
    uint64_t position = atomic_load_explicit(&out->position, memory_order_relaxed);
    if (stream->out.other != position)
        stream_pass_on(stream);
    else if (!stream_is_quiet(stream))
        stream_drain(stream);
    lock_release(&out->lock);
}
