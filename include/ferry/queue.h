/* Message queues: whole messages from many senders to many receivers, each to exactly one.
 *
 *     ferry_queue *jobs;
 *     int r = ferry_queue_open(&jobs, "jobs", FERRY_QUEUE(.flags = FERRY_CREATE));
 *     r = ferry_queue_send(jobs, "hello", 5, FERRY_FOREVER);
 *
 *     char bytes[8192];
 *     ssize_t size = ferry_queue_receive(jobs, bytes, sizeof(bytes), FERRY_FOREVER);
 *
 * Messages come out in the order they went in; with FERRY_PRIORITIES the highest priority first, and in
 * order within each; with FERRY_TYPES the receiver chooses among them by type.  Both may be had together.
 * A queue and what is in it outlive their users, until the queue is removed; one without a name, as long
 * as somebody holds it.
 *
 * Threads: a handle may be used from several threads at once; open and close belong to one.
 * fork, exec, bare clone(): as with segments, see <ferry/segment.h>.  What was loaned or taken stays
 *   the parent's.  The child of a sole sender or receiver is none: in that role its handle is -EBUSY.
 * Death: a sender that is killed has sent a message whole, or not at all; a receiver that is killed has
 *   received it, and then it is gone, or it is still there.  What it had loaned or taken and not given
 *   back is gone with it.
 * Removal: who waits when the queue is removed gets -EIDRM, and so does who would have to, or says
 *   FERRY_NOW, when there is nothing to receive or no room.  What is in it can still be received, and what
 *   fits be sent, by those who have it open.
 * Permissions: to receive, peek or tap needs permission to read, and to send needs both, to read and to
 *   write.
 * Time: FERRY_NOW waits for nothing; but to find out that a member was stopped in the middle of a call may
 *   take some milliseconds.
 * Descriptors: a handle costs two, one more if the queue has no name, and one more if it is unbounded;
 *   ferry_queue_descriptor() one, and ferry_queue_notify() two for a function.
 *
 * Any call may return -EBADMSG: another member wrote nonsense into the object's memory; -EBADF: the handle
 * has not the role for it; -ESTALE: it could not follow a fork. */
#ifndef FERRY_QUEUE_H
#define FERRY_QUEUE_H

#include <sys/types.h>

#include <ferry/base.h>

FERRY_BEGIN

typedef struct ferry_queue ferry_queue;

/* What a queue does with a message for which it has no room. */
enum ferry_overflow {
    FERRY_OVERFLOW_BLOCK = 0,       /* the sender waits, as long as it says */
    FERRY_OVERFLOW_REFUSE = 1,      /* -EAGAIN at once, whatever the timeout */
    FERRY_OVERFLOW_DROP_OLDEST = 2, /* the oldest go, of the lowest priority first */
    FERRY_OVERFLOW_DROP_NEWEST = 3, /* this message goes */
};

/* All-zero means the defaults.  FERRY_QUEUE() fills in options_bytes; in C++, which has no such
 * literals, do it by hand. */
struct ferry_queue_options {
    size_t options_bytes; /* sizeof(struct ferry_queue_options) */

    /* At creation.  It holds so many messages, at most 2^20; 0: 1,024, or with FERRY_UNBOUNDED 2^20. */
    uint64_t messages;
    /* … and so many bytes of messages, at most 2^30; 0: 1 MiB, or `largest` if that is more.  With
     * FERRY_UNBOUNDED this is where its growth ends; 0: 256 MiB. */
    uint64_t bytes;
    /* … none of more than so many bytes; 0: 8,192, or `bytes` if that is less. */
    uint64_t largest;
    unsigned overflow; /* … enum ferry_overflow */

    unsigned flags; /* FERRY_CREATE …; FERRY_READ: to receive, FERRY_WRITE: to send; or both */
    /* Permissions at creation, less the umask; 0 means 0600.  Who may write must be able to read. */
    unsigned mode;
    const uid_t *trusted_owners; /* whose objects to accept besides one's own and root's */
    size_t trusted_owner_count;
};

/* Flags for queues alone.  At creation: */
#define FERRY_TYPES      0x1000u /* receivers choose by type */
#define FERRY_PRIORITIES 0x2000u /* the highest priority comes first */
#define FERRY_RENDEZVOUS 0x4000u /* no buffer, nothing to drop: sent is what has been received */
#define FERRY_UNBOUNDED  0x8000u /* memory comes as it is needed, and goes; not with the one above */
/* At opening: this handle is the only one that sends, or receives, and is faster for it.  The others open
 * with the other role alone, since without a role they would do both. */
#define FERRY_SOLE_SENDER   0x10000u
#define FERRY_SOLE_RECEIVER 0x20000u

#define FERRY_QUEUE(...)                                                                           \
    (&(struct ferry_queue_options){.options_bytes = sizeof(struct ferry_queue_options),            \
                                   __VA_ARGS__})

/* Opens, or with FERRY_CREATE makes, the queue called name; without a name, a new one for relatives and
 * whom it is handed over to.  With FERRY_CREATE, one that is there is taken as it is, whatever its
 * capacity, policy, mode and lifetime; but if FERRY_TYPES, _PRIORITIES, _RENDEZVOUS or _UNBOUNDED is asked
 * for and it has not that, -EMEDIUMTYPE.
 *
 * -EBUSY        FERRY_SOLE_SENDER: another one may send; or this one would, and a sole sender is there.
 *               Likewise FERRY_SOLE_RECEIVER.  Of two who come at once, both may get it
 * -EOPNOTSUPP   FERRY_TAP: a queue that is unbounded, and has neither types nor priorities nor messages
 *               beyond 64 KiB, shows nobody what goes through it
 * -EINVAL       more than the bounds above; `largest` beyond `bytes`; flags that contradict each other
 * Otherwise as ferry_segment_open(). */
FERRY_API int ferry_queue_open(ferry_queue **ret_queue, const char *name,
                               const struct ferry_queue_options *options);

/* Lets go of what the handle has, loaned and taken messages among it, and frees it.  NULL is allowed.
 * Returns NULL. */
FERRY_API ferry_queue *ferry_queue_close(ferry_queue *queue);

/* ---- Sending and receiving ---- */

/* A message, to be sent or received. */
struct ferry_message {
    void *bytes;       /* to send, or to receive into: room for size_bytes */
    size_t size_bytes; /* once it is received, of the message: so set it anew for each call */
    uint64_t type;     /* with FERRY_TYPES; else 0 */
    uint32_t priority; /* with FERRY_PRIORITIES; else 0.  A larger one is more urgent */
    uint32_t reserved; /* 0 */
};

/* Sends a message of `size` bytes; 0 bytes are a message, too.  Returns how many messages were
 * dropped for it, mostly 0: with FERRY_OVERFLOW_DROP_NEWEST, 1 says that it was this one.
 *
 * -EAGAIN (FERRY_NOW, FERRY_OVERFLOW_REFUSE) -ETIMEDOUT   no room.  The message was not sent.  With
 *             FERRY_RENDEZVOUS: nobody has received it, and it was taken back
 * -EMSGSIZE   more than the queue's largest
 * -ENOSPC     FERRY_UNBOUNDED: there is no memory for it, though the limit would allow it
 * -EIDRM      the queue was removed, and there is no room
 * -EINTR      only with FERRY_EINTR
 *
 * With FERRY_RENDEZVOUS and FERRY_NOW it is sent if somebody waits for it, who gets a moment to take it.  Who
 * looks on (FERRY_TAP) is nobody. */
FERRY_API int ferry_queue_send(ferry_queue *queue, const void *bytes, size_t size,
                               int64_t timeout_ns);

/* The same with a type and a priority.  -EINVAL: the queue has not what is not 0. */
FERRY_API int ferry_queue_send_message(ferry_queue *queue, const struct ferry_message *message,
                                       int64_t timeout_ns);

/* Receives the next message; waits if there is none.  Returns its size.
 *
 * -EAGAIN (FERRY_NOW) -ETIMEDOUT   none came
 * -EMSGSIZE   the next one has more bytes than `size`; it stays
 * -EIDRM      the queue was removed, and is empty
 * -EINTR      only with FERRY_EINTR */
FERRY_API ssize_t ferry_queue_receive(ferry_queue *queue, void *ret_bytes, size_t size,
                                      int64_t timeout_ns);

/* Which message to receive.  NULL or all-zero: the next one, whatever its type.  "Next" is the one of the
 * highest priority that came first. */
enum ferry_selection {
    FERRY_ANY = 0,
    FERRY_OF_TYPE = 1, /* the next one of this type */
    FERRY_UP_TO = 2,   /* the next one of the lowest type there is, if that is at most this one */
    FERRY_EXCEPT = 3,  /* the next one that is not of this type */
};
struct ferry_choice {
    unsigned selection; /* enum ferry_selection.  Not FERRY_ANY: -EINVAL without FERRY_TYPES */
    unsigned flags;     /* FERRY_TRUNCATE, FERRY_PEEK */
    uint64_t type;
};

#define FERRY_TRUNCATE                                                                             \
    1u /* what does not fit is cut off; size_bytes says how long the message was */
#define FERRY_PEEK                                                                                 \
    2u /* the message stays, and whoever receives next gets it as if nobody had looked */

/* Receives a message of choice into message->bytes, and fills in the rest of it.  Returns how many bytes
 * were written.  How large the next one is, without taking it: FERRY_PEEK | FERRY_TRUNCATE into 0 bytes.
 * Codes as ferry_queue_receive(). */
FERRY_API ssize_t ferry_queue_receive_message(ferry_queue *queue, struct ferry_message *message,
                                              const struct ferry_choice *choice,
                                              int64_t timeout_ns);

/* Many at once, for less than one by one.  Waits for the first alone; returns how many were sent, or
 * received, which may be fewer than `count`; a failure only if it was none.  (Among those sent are those
 * that were dropped by policy, which the statistics count.)  Not FERRY_PEEK. */
FERRY_API ssize_t ferry_queue_send_batch(ferry_queue *queue, const struct ferry_message *messages,
                                         size_t count, int64_t timeout_ns);
FERRY_API ssize_t ferry_queue_receive_batch(ferry_queue *queue, struct ferry_message *messages,
                                            size_t count, const struct ferry_choice *choice,
                                            int64_t timeout_ns);

/* ---- Without copying ---- */

/* Writing in place: memory for a message of up to `size` bytes.  Several may be on loan at a time, and nobody
 * waits for them.  Each ends with one of the other two.  It is nobody's message until it is sent: then as
 * ferry_queue_send_message(), with what was loaned in message->bytes; if that fails, it is still on loan.
 * Room in the queue is waited for in the one call or in the other: that is the queue's business.
 *
 * -EINVAL: these bytes are not on loan from this handle.  -EMSGSIZE: fewer are.  -ENOBUFS: 64 messages are
 * already.  -ENOMEM.  -EAGAIN: FERRY_OVERFLOW_DROP_NEWEST, and there is nothing yet to drop.  -ETIMEDOUT when it
 * is given back: a member was stopped in the middle of a call; it is still on loan.  Otherwise as
 * ferry_queue_send(). */
FERRY_API int ferry_queue_loan(ferry_queue *queue, void **ret_bytes, size_t size,
                               int64_t timeout_ns);
FERRY_API int ferry_queue_send_loan(ferry_queue *queue, const struct ferry_message *message,
                                    int64_t timeout_ns);
FERRY_API int ferry_queue_return_loan(ferry_queue *queue, void *bytes);

/* Reading in place: as ferry_queue_receive_message(), but says in message->bytes where the message is, which
 * must not be written to.  From then on it is not in the queue any more, but its memory may be, until it is
 * released.  Several may be taken at a time, and nobody waits for them.  Returns its size.
 *
 * -EINVAL: the choice has flags; to release: these bytes were not taken through this handle.  -ENOBUFS: 64
 * are already.  -ENOMEM.  -ETIMEDOUT when it is released: as when a loan is given back.  Otherwise as
 * ferry_queue_receive(). */
FERRY_API ssize_t ferry_queue_take_message(ferry_queue *queue, struct ferry_message *ret_message,
                                           const struct ferry_choice *choice, int64_t timeout_ns);
FERRY_API int ferry_queue_release_message(ferry_queue *queue, const void *bytes);

/* ---- Waiting elsewhere ---- */

/* For the caller's own poll or epoll loop: readable (POLLIN) while there are messages, if role is FERRY_READ;
 * while there is room, if it is FERRY_WRITE.  Receive, or send, with FERRY_NOW until that is -EAGAIN: only
 * then it becomes quiet.  Messages of types that the caller does not choose make it readable, too.  Each
 * handle has one; -EBUSY: it has been asked for with the other role; -EINVAL: with none, or both;
 * -EOPNOTSUPP: for room, which a rendezvous has not.  It stays the handle's, and is readable, too, when the
 * queue has been removed.  A child of fork asks for its own. */
FERRY_API int ferry_queue_descriptor(ferry_queue *queue, unsigned role);

/* Notice of each message that comes to an empty queue: by a signal to this process, or by a call of
 * `function` from a thread that the library keeps for that; once for what is there already.  Now and then it
 * comes without cause, and one may stand for several: receive with FERRY_NOW until that is -EAGAIN.  Any
 * number of processes may ask for it.  All-zero, or NULL, ends it.  A child of fork has no notice until it
 * asks.
 *
 * `function` must not close the handle, nor call this: -EDEADLK.  -EINVAL: no such signal. */
struct ferry_arrival {
    int signal; /* 1 to SIGRTMAX; or 0 */
    void (*function)(ferry_queue *queue, void *context);
    void *context;
};
FERRY_API int ferry_queue_notify(ferry_queue *queue, const struct ferry_arrival *arrival);

/* ---- Asking ---- */

struct ferry_queue_statistics {
    size_t statistics_bytes;  /* sizeof(struct ferry_queue_statistics), set by the caller */
    uint64_t messages, bytes; /* in it now */
    uint64_t most_messages, most_bytes; /* that ever were at a time */
    uint64_t capacity_messages, capacity_bytes, largest_bytes;
    uint64_t sent, received; /* since it was made; sent are those, too, that were dropped later */
    uint64_t dropped_oldest, dropped_newest, refused; /* by policy */
    /* How long the oldest has been in it, to some 16 ms, and up to a second too long if it came shortly after others; -1: none
     * is. */
    int64_t oldest_age_ns;
    unsigned overflow; /* enum ferry_overflow */
    unsigned flags;    /* FERRY_TYPES, _PRIORITIES, _RENDEZVOUS, _UNBOUNDED */
};

/* -EINVAL: statistics_bytes is not what this library knows. */
FERRY_API int ferry_queue_statistics(ferry_queue *queue,
                                     struct ferry_queue_statistics *ret_statistics);

/* Through a handle that was opened with FERRY_TAP: the next message that went into the queue since the
 * opening, whoever receives it, into message->bytes; the rest of it is filled in.  Returns its size.
 * Nothing is taken, nobody waits for who looks on, and nobody counts it as a receiver.  Whoever is too slow
 * misses some: *ret_missed says how many since the opening; then it goes on with what is received next.
 * Codes as ferry_queue_receive(); -EBADF: the handle takes part. */
FERRY_API ssize_t ferry_queue_tap(ferry_queue *queue, struct ferry_message *message,
                                  uint64_t *ret_missed, int64_t timeout_ns);

/* ---- Handing over ---- */

/* Hands the queue to another process, with a role, 0 for this handle's: as ferry_segment_hand_over() and
 * ferry_segment_take() do.  -EACCES: more than this handle's role.  -EBUSY: this handle is alone in it; or
 * whoever takes it would be beside one that is. */
FERRY_API int ferry_queue_hand_over(ferry_queue *queue, unsigned role, int *ret_descriptor);
FERRY_API int ferry_queue_take(ferry_queue **ret_queue, int descriptor);

FERRY_END

#endif
