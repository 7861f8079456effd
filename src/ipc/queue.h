/* A queue's handle, for queue.c and what makes it or looks at it. */
#ifndef FERRY_IPC_QUEUE_H
#define FERRY_IPC_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

#include <ferry/queue.h>

#include "ipc/object.h"
#include "shared/flow.h"

/* Notice of arrival, given by a thread. */
struct queue_notice {
    void (*function)(ferry_queue *queue, void *context);
    void *context;
    pthread_t thread;
    int latch; /* what it waits on, and … */
    int stop;  /* … until this is readable */
    bool runs;
};

struct ferry_queue {
    struct object object;
    struct flow flow;
    bool taps;
    bool barred;           /* a child of a sole sender or receiver, which is not a second one */
    pthread_mutex_t guard; /* of what follows */
    int latch;             /* the caller's descriptor, or -1 */
    unsigned latch_role;   /* FERRY_READ or FERRY_WRITE */
    bool signals;          /* this process gets a signal when the bell is rung */
    bool lent_bell;        /* the bell's description is the parent's */
    pthread_mutex_t notice_guard;
    struct queue_notice notice; /* with its own guard */
    _Atomic bool is_noticed;    /* there are notices of one kind or the other */
    _Atomic unsigned polls;     /* the latch's role once more, for who has no guard; 0: none */
};

/* The deadline of who does not wait; and of a timeout. */
#define QUEUE_NOW ((deadline)0)

static inline deadline queue_deadline(int64_t timeout_ns)
{
    return timeout_ns == FERRY_NOW ? QUEUE_NOW : clock_deadline(timeout_ns);
}

/* When to give up a lock that somebody keeps, where the caller said nothing about time: the others' copies are short. */
static inline deadline queue_soon(void)
{
    return clock_deadline(INT64_C(1000000000));
}

/* ---- All calls (queue.c) ---- */

/* Says so, if that is why: -ETIMEDOUT. */
int queue_explain_kept(int error);

/* 0, or why this handle may not do what takes that role. */
int queue_explain_unusable(const ferry_queue *queue, unsigned role);

static inline int queue_check_usable(const ferry_queue *queue, unsigned role)
{
    const struct object *object = &queue->object;
    bool has_role =
        (object->region.role & role) != 0 && (!queue->barred || (object->slots.role & role) != 0);
    if (object_is_ours(object) && object->slots.tag != 0 && !queue->taps && has_role)
        return 0;
    return queue_explain_unusable(queue, role);
}

/* What who does not wait is told: -EAGAIN, or -EIDRM. */
int queue_in_vain(const ferry_queue *queue);

/* ---- How it is made (queue_shape.c) ---- */

#define QUEUE_SHAPE_FLAGS (FERRY_TYPES | FERRY_PRIORITIES | FERRY_RENDEZVOUS | FERRY_UNBOUNDED)

/* What is asked for, with what was left open filled in; and whether there can be such a queue: -EINVAL. */
struct flow_shape queue_wanted_shape(const struct ferry_queue_options *options);
int queue_check_shape(const struct flow_shape *shape);

/* The one rule about which engine a queue has, LAYOUT_RING or LAYOUT_STORE; and what that needs. */
uint32_t queue_engine(const struct flow_shape *shape);
struct flow_needs queue_needs(const struct flow_shape *shape);

/* Notes it in a new control file, for struct region_request.  And reads it, once, and checks it against the files. */
int queue_begin_shape(int control_fd, const struct region_request *request);
int queue_read_shape(const struct object *object, struct flow_shape *ret_shape);

/* ---- Coming and going (queue_open.c) ---- */

/* *ret_queue is a ferry_queue *. */
object_adopt queue_new;

/* As a member, with its role noted in *slots: is nobody in the way of a sole sender or receiver?  -EBUSY. */
int queue_check_alone(struct slots *slots);

/* ---- Polling (queue_poll.c) ---- */

/* The caller has been told that there is nothing now, or no room: its descriptor is to be quiet, unless there is. */
void queue_quieten(ferry_queue *queue, uint64_t size);

/* Is there nothing, so that the next message will be noticed?  True where nobody asked for notices. */
bool queue_is_empty_for_sure(ferry_queue *queue);

/* Room was found. */
void queue_has_room(ferry_queue *queue);

/* Ends notices, and what the descriptor is. */
void queue_stop_polling(ferry_queue *queue);
void queue_poll_after_fork(ferry_queue *queue);

#endif
