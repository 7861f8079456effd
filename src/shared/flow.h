/* A queue's traffic, as both engines see it: docs/design/queue.md.
 *
 * The ring carries messages in order; the store those that are chosen by type or priority, or are large.  Which one a queue has
 * is noted in it when it is made.  To who uses it they are one, a table of functions. */
#ifndef FERRY_FLOW_H
#define FERRY_FLOW_H

#include <errno.h>
#include <stdbool.h>

#include <ferry/queue.h>

#include "base/error.h"
#include "os/clock.h"
#include "shared/crowd.h"
#include "shared/notice.h"
#include "shared/region.h"
#include "shared/slots.h"
#include "shared/spin.h"

/* How the queue was made: a private copy, checked. */
struct flow_shape {
    uint32_t flags, overflow;
    uint32_t messages;
    uint64_t bytes, largest;
};

struct flow_engine;

struct flow {
    const struct flow_engine *engine;
    struct region *region;
    struct slots *slots;
    struct layout_queue *shared;
    struct flow_shape shape;
    bool interruptible; /* waits end when a signal handler ran */
    int data; /* unbounded: a descriptor of the data, to reserve memory and give it back; -1: not allowed */
    struct crowd receivers, senders; /* this handle's, asleep for messages, and for room */
    struct spin message_spin, room_spin;
    _Atomic uint32_t rings; /* given through this handle */
    void *inside;           /* the engine's view */
};

/* Nothing in here explains -EAGAIN, -ETIMEDOUT, -EINTR and -EIDRM; all else is explained where it is found.  -EBUSY: `end` is now,
 * and somebody keeps a lock, so nothing is known.  `end` is when a
 * wait ends; where the name says "try", for the locks alone: nobody waits there for room or messages. */
struct flow_engine {
    /* The view of a handle.  The shape has been checked. */
    int (*init)(struct flow *flow);
    void (*deinit)(
        struct flow
            *flow); /* gives back what this handle has loaned and taken, if it is a member still */
    /* Around a fork: nobody changes the view; and in the child, a member of its own by then. */
    void (*hold)(struct flow *flow);
    void (*let_go)(struct flow *flow);
    void (*after_fork)(struct flow *flow);

    /* Sends as many of the messages as there is room for now, at least one: how many; -EAGAIN: for none.  The ticket is the last
     * one's number. */
    ssize_t (*try_send)(struct flow *flow, const struct ferry_message *messages, size_t count,
                        deadline end, uint64_t *ret_ticket);
    /* Receives one that is of choice.  How many bytes were written; -EAGAIN: there is none; -EMSGSIZE. */
    ssize_t (*try_receive)(struct flow *flow, struct ferry_message *message,
                           const struct ferry_choice *choice, deadline end);
    /* Takes the oldest one out for nobody.  1; 0: there was none. */
    int (*drop_oldest)(struct flow *flow, deadline end);

    /* Without a lock, so hints: would that succeed? */
    bool (*has_room)(struct flow *flow, uint64_t size);
    bool (*has_message)(struct flow *flow, const struct ferry_choice *choice);

    /* Sleep until there may be room, or a message.  0; -ETIMEDOUT, -EINTR, -EIDRM. */
    int (*await_room)(struct flow *flow, uint64_t size, deadline end);
    int (*await_message)(struct flow *flow, const struct ferry_choice *choice, deadline end);

    /* Rendezvous: waits until the message of that ticket is taken, and withdraws it if that does not happen in time: 0; -ETIMEDOUT
     * and so on: it is withdrawn. */
    int (*await_taken)(struct flow *flow, uint64_t ticket, deadline end);

    /* Memory on loan and taken, as in <ferry/queue.h>; without waiting. */
    int (*try_loan)(struct flow *flow, void **ret_bytes, size_t size, deadline end);
    int (*try_send_loan)(struct flow *flow, const struct ferry_message *message, deadline end,
                         uint64_t *ret_ticket);
    int (*return_loan)(struct flow *flow, void *bytes, deadline end);
    /* -EINVAL: what the message lies in is not on loan from this handle; -EMSGSIZE: less is. */
    int (*check_loan)(struct flow *flow, const struct ferry_message *message);
    ssize_t (*try_take)(struct flow *flow, struct ferry_message *ret_message,
                        const struct ferry_choice *choice, deadline end);
    int (*release)(struct flow *flow, const void *bytes, deadline end);

    /* messages, bytes and oldest_age_ns; the rest is in the control memory. */
    int (*measure)(struct flow *flow, struct ferry_queue_statistics *statistics);

    /* Looking on: begins with what comes from now on.  -EAGAIN: nothing new. */
    int (*tap_begin)(struct flow *flow);
    ssize_t (*try_tap)(struct flow *flow, struct ferry_message *message, uint64_t *ret_missed);
    int (*await_sight)(struct flow *flow, deadline end);
};

extern const struct flow_engine ring_engine, store_engine;

/* What an engine needs for a queue of this shape: how much memory for data, and for an index. */
struct flow_needs {
    uint64_t data_bytes;
    uint64_t first_bytes; /* of these, from the start; 0: all */
    uint64_t index_bytes;
    uint64_t first_index_bytes; /* likewise */
};
struct flow_needs ring_needs(const struct flow_shape *shape);
struct flow_needs store_needs(const struct flow_shape *shape);

/* Writes the beginning of an index into the control file of a new object. */
int store_begin(int control_fd, const struct flow_shape *shape);

/* ---- For the engines (flow.c) ---- */

static inline int flow_damaged(void)
{
    return fail(-EBADMSG, "a peer wrote nonsense into the queue; remove it and make it anew");
}

/* Has the name been removed?  -EIDRM: yes; 1: somebody is about to, or was stopped in the middle of that: look again soon; 0.  To be
 * asked by who is on a board, with the word that it will sleep on loaded already. */
int flow_check_removed(const struct flow *flow);
#define FLOW_UNDECIDED_NS INT64_C(10000000) /* how soon */

/* Opens `data`.  Who may only receive does without. */
int flow_open_data(struct flow *flow);

/* The coarse clock in units of 2^24 ns, some 16.8 ms; and how long ago it said that. */
uint32_t flow_stamp(void);

/* The same for who stamps message after message.  To ask the clock is an eighth of sending a small one.  Who sends several within one unit
 * of the stamps asks it for every sixteenth, and whenever a second has passed, which can be told from one word. */
struct flow_clock {
    uint32_t stamp, left; /* the last, and for so many more */
    int64_t second;
};
uint32_t flow_stamp_often(struct flow_clock *clock);

int64_t flow_age_ns(uint32_t stamp);

/* Has it been, or is somebody about to? */
bool flow_is_going(const struct flow *flow);

/* This member looks on: senders are to know (shape.tapped has the tag of one who does).  And it does no longer: another one's
 * tag is put there, if there is one. */
void flow_tap_begin(struct flow *flow);
void flow_tap_end(struct flow *flow);

/* Has all who sleep on a word look again. */
void flow_step_aside(_Atomic uint32_t *word);

/* Joins those who sleep on a word that they share. */
void flow_join(struct crowd *crowd, _Atomic uint32_t *word);

/* Before the name is removed, with its removal byte locked: has everybody who sleeps look at that. */
void flow_announce_removal(int control_fd);

/* A word that others sleep on, and that counts commits: from bit 1 on, up to CROWD_STEP.  Who is about to sleep sets bit 0 first; a
 * step with a wake adds 1 to a word that has it, which takes it away and counts; where it is not set, a commit is the
 * addition of FLOW_COMMIT. */
#define FLOW_ASLEEP UINT32_C(1)
#define FLOW_COMMIT UINT32_C(2)

/* Steps a word with FLOW_ASLEEP, and wakes at most so many of those who sleep on it, all in one. */
void flow_step(_Atomic uint32_t *word, int most);

/* Rings for everybody who polls: a message has come to an empty queue, room to a full one. */
void flow_ring(struct flow *flow);

/* Counts for people: with the side's lock, or the store's. */
static inline void flow_count(_Atomic uint64_t *counter, uint64_t more)
{
    /* Relaxed: for people, and only by who holds the lock. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

/* The same by anybody. */
static inline void flow_count_sleep(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif
