/* The ring: a queue's messages in order (docs/design/queue.md).
 *
 *      place                                next place
 *        ↓                                    ↓
 *     ┌──────┬─────────────────────┬───────┬──────┬───
 *     │header│ message             │ (pad) │header│ …      cells of 16 bytes
 *     └──────┴─────────────────────┴───────┴──────┴───
 *
 * The data file is the ring, mapped twice in a row.  The header at the senders' place is always there: empty, with the
 * number that the next message will have.
 *
 * Who may write what:
 *
 *   header, message     who holds the senders' lock, from its place on.  `state` is the commit.
 *   in.places[0]        who holds the senders' lock: where the next message goes, see ring_place.  It may be behind:
 *                       if a committed message is there, its sender died, and the next one steps over it.
 *   in.places[1]        likewise, in cells since the ring was made; never ahead of in.places[0], as receivers give memory
 *                       back up to here.
 *   in.numbers[0]       likewise, the number of the next message, as it is in the header there.
 *   in.sequence         who holds the senders' lock, by a step with a wake (flow.h): the commit of messages that are counted from its
 *                       old value.  Anybody by adding CROWD_STEP, and by setting FLOW_ASLEEP.
 *   in.claimed          who holds the senders' lock: how far it may be writing, as in.places[1].
 *   in.backed           likewise: so far the ring has memory, as in.places[1].  Unbounded queues.
 *   out.sequence        who holds the receivers' lock, by a step: the commit.  Anybody as in.sequence.
 *   out.places, .numbers   where the next message to be received is, and its number: those of the parity of out.sequence
 *                       count.
 *   out.backed          who holds the receivers' lock: how far memory has been given back, as in.places[1].  Unbounded. */
#ifndef FERRY_RING_H
#define FERRY_RING_H

#include "shared/flow.h"
#include "shared/lock.h"

enum {
    RING_CELL = 16,
    RING_LINE = 64,
    RING_INLINE = 48, /* of a message, in the first line, if it begins with one */
    RING_LARGEST = 65536,
    RING_PIECE = 32768, /* cells whose memory comes and goes at once, of an unbounded queue */
};

/* In front of each message. */
struct ring_header {
    _Atomic uint32_t state;  /* RING_EMPTY … */
    _Atomic uint32_t size;   /* of the message, in bytes */
    _Atomic uint32_t number; /* one after the other */
    _Atomic uint32_t stamp;  /* flow_stamp() when it was sent */
};
static_assert(sizeof(struct ring_header) == RING_CELL, "ring");

/* `state`: nothing; a message; or one if the lower half of in.sequence is no longer what the other bits say.  That is
 * so while the lock is held in which it was written; whoever lets go of it, or takes it over, has made it plain. */
enum { RING_EMPTY = 0, RING_THERE = 1 };
#define RING_COUNTED (UINT32_C(1) << 31)

/* In a sequence, what commits count; and which of the receivers' places counts by it. */
#define RING_COUNT_MASK ((CROWD_STEP - 1) & ~FLOW_ASLEEP)

static inline unsigned ring_which(uint32_t sequence)
{
    return sequence / FLOW_COMMIT & 1;
}

/* A place: an offset in cells, and how many bytes of messages went before, modulo 2^32, above it. */
typedef uint64_t ring_place;

static inline uint32_t ring_offset(ring_place place)
{
    return (uint32_t)place;
}

static inline uint32_t ring_bytes(ring_place place)
{
    return (uint32_t)(place >> 32);
}

/* How many cells a message takes. */
static inline uint32_t ring_cells(uint64_t size)
{
    return (uint32_t)((sizeof(struct ring_header) + size + RING_CELL - 1) / RING_CELL);
}

enum { RING_BUFFERS = 128 };

/* A buffer of the handle's own, loaned or taken. */
enum ring_use_of_buffer { BUFFER_FREE, BUFFER_LOANED, BUFFER_TAKEN, BUFFER_USES };
struct ring_buffer {
    enum ring_use_of_buffer use;
    size_t size_bytes; /* of these on loan */
};

/* Where receivers are: the place of the next message to be received, and its number. */
struct ring_seen {
    ring_place place;
    uint32_t number;
};

/* A handle's view.  What is known of the other side is touched with this side's lock. */
struct ring {
    struct flow *flow;
    struct map map;
    uint32_t cells;
    struct ring_seen seen;   /* where the receivers were when a sender looked last, … */
    uint64_t backed_seen;    /* … and how far memory had been given back */
    uint32_t pause;          /* a sender's, before it looks for a record again, in messages */
    struct flow_clock clock; /* with the lock of senders */
    _Atomic bool owes_message,
        owes_room;               /* this handle was woken, and is to wake others if there is more */
    _Atomic uint32_t room_since; /* out.sequence when it set the flag again for others */
    pthread_mutex_t guard;       /* of what follows */
    unsigned char *buffers;      /* all of them, one behind the other; NULL: none yet */
    struct ring_buffer records[RING_BUFFERS];
    uint8_t free[RING_BUFFERS]; /* numbers of those that are */
    int free_count, used[BUFFER_USES];
    uint32_t tap_place;    /* of who looks on: an offset, … */
    uint64_t tap_position; /* … the same in cells since the ring was made, … */
    uint32_t tap_number;   /* … the number expected there, … */
    uint64_t tap_missed;   /* … and how many went by unseen */
};

static inline struct ring *ring_of(const struct flow *flow)
{
    return (struct ring *)flow->inside;
}

static inline struct ring_header *ring_header(const struct ring *ring, uint32_t offset)
{
    return (struct ring_header *)(void *)(ring->map.data + (size_t)offset * RING_CELL);
}

static inline unsigned char *ring_message(const struct ring *ring, uint32_t offset)
{
    return ring->map.data + (size_t)offset * RING_CELL + sizeof(struct ring_header);
}

static inline uint32_t ring_step(const struct ring *ring, uint32_t offset, uint32_t cells)
{
    uint32_t next = offset + cells;
    return next < ring->cells ? next : next - ring->cells;
}

/* From one offset on to another. */
static inline uint32_t ring_distance(const struct ring *ring, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : to + ring->cells - from;
}

/* Relaxed: what is read and written with a lock, or is looked at again. */
static inline uint32_t ring_load(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void ring_store(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

/* ---- Sides (ring.c) ---- */

/* The senders' lock and the receivers'.  What a dead owner left half done is finished.  0; -EBUSY: `end` is now, and
 * somebody keeps it; -ETIMEDOUT; -EINTR. */
int ring_lock_in_slowly(struct ring *ring, deadline end);
int ring_lock_out_slowly(struct ring *ring, deadline end);

static inline int ring_lock_in(struct ring *ring, deadline end)
{
    return lock_try(&ring->flow->shared->in.lock, ring->flow->slots->tag)
               ? 0
               : ring_lock_in_slowly(ring, end);
}

static inline int ring_lock_out(struct ring *ring, deadline end)
{
    return lock_try(&ring->flow->shared->out.lock, ring->flow->slots->tag)
               ? 0
               : ring_lock_out_slowly(ring, end);
}

static inline void ring_unlock(struct ring *ring, struct layout_queue_side *side, uint32_t sole)
{
    if ((ring->flow->slots->role & sole) != 0)
        lock_release_alone(&side->lock);
    else
        lock_release(&side->lock);
}

static inline void ring_unlock_in(struct ring *ring)
{
    ring_unlock(ring, &ring->flow->shared->in, LAYOUT_SOLE_SENDER);
}

static inline void ring_unlock_out(struct ring *ring)
{
    ring_unlock(ring, &ring->flow->shared->out, LAYOUT_SOLE_RECEIVER);
}

/* Where the receivers are; with no lock, as of some moment.  -EAGAIN: that never stands still; -EBADMSG.  The offset alone, of
 * something in any case. */
int ring_find_out(const struct ring *ring, struct ring_seen *ret_seen);
uint32_t ring_out_offset(const struct ring *ring);

/* Is a message there?  The other one is for those whose state is counted. */
bool ring_is_counted_there(const struct ring *ring, uint32_t state);

static inline bool ring_is_there(const struct ring *ring, const struct ring_header *header)
{
    /* Acquire pairs with the commit in put(), ring_send.c: who sees it sees the message. */
    uint32_t state = atomic_load_explicit(&header->state, memory_order_acquire);
    return (state & RING_COUNTED) == 0 ? state == RING_THERE : ring_is_counted_there(ring, state);
}

/* ---- Sending (ring_send.c) ---- */

/* With the senders' lock: looks where the receivers are.  Memory from there on is not written over meanwhile.  Codes as
 * ring_find_out(); then what is known is as old as it was. */
int ring_look_at_receivers(struct ring *ring);

/* With the senders' lock: is there room for a message of that size? */
int ring_check_room(struct ring *ring, uint64_t size);

ssize_t ring_try_send(struct flow *flow, const struct ferry_message *messages, size_t count,
                      deadline end, uint64_t *ret_ticket);

/* ---- Receiving (ring_receive.c) ---- */

/* With the receivers' lock: the message that comes next.  -EAGAIN; -EBADMSG. */
struct ring_found {
    uint32_t offset, size, number;
};
int ring_find(const struct ring *ring, struct ring_found *ret_found);

/* With the receivers' lock: goes on to the next one, and tells senders. */
void ring_pass(struct ring *ring, const struct ring_found *found);

ssize_t ring_try_receive(struct flow *flow, struct ferry_message *message,
                         const struct ferry_choice *choice, deadline end);
int ring_drop_oldest(struct flow *flow, deadline end);

/* ---- Waiting (ring_wait.c) ---- */

bool ring_has_room(struct flow *flow, uint64_t size);
bool ring_has_message(struct flow *flow, const struct ferry_choice *choice);
int ring_await_room(struct flow *flow, uint64_t size, deadline end);
int ring_await_message(struct flow *flow, const struct ferry_choice *choice, deadline end);
int ring_await_taken(struct flow *flow, uint64_t ticket, deadline end);
int ring_await_sight(struct flow *flow, deadline end);

/* This handle was woken, and has received or sent: wakes another one that sleeps if there is more. */
void ring_hand_on_message(struct ring *ring);
void ring_hand_on_room(struct ring *ring);

/* ---- Buffers (ring_buffer.c) ---- */

int ring_try_loan(struct flow *flow, void **ret_bytes, size_t size, deadline end);
int ring_try_send_loan(struct flow *flow, const struct ferry_message *message, deadline end,
                       uint64_t *ret_ticket);
int ring_check_loan(struct flow *flow, const struct ferry_message *message);
int ring_return_loan(struct flow *flow, void *bytes, deadline end);
ssize_t ring_try_take(struct flow *flow, struct ferry_message *ret_message,
                      const struct ferry_choice *choice, deadline end);
int ring_release(struct flow *flow, const void *bytes, deadline end);
void ring_free_buffers(struct ring *ring);
void ring_forget_buffers(struct ring *ring); /* they are somebody else's */

/* ---- Memory that comes and goes (ring_memory.c) ---- */

struct flow_needs ring_unbounded_needs(const struct flow_shape *shape);

/* With the senders' lock: memory for the cells up to `position`, counted since the ring was made.  -ENOSPC. */
int ring_back(struct ring *ring, uint64_t position);

/* With the receivers' lock: gives back what lies behind the receivers. */
void ring_give_back(struct ring *ring);

/* ---- Looking on (ring_tap.c) ---- */

int ring_tap_begin(struct flow *flow);
ssize_t ring_try_tap(struct flow *flow, struct ferry_message *message, uint64_t *ret_missed);

/* Is there something to be seen, or was it missed? */
bool ring_has_sight(struct flow *flow);

#endif
