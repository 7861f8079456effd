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

/* A handle for what was found, made or handed over; between fork_hold() and fork_unhold().  Takes *object in any case. */
int queue_new(ferry_queue **ret_queue, struct object *object, unsigned flags);

/* As a member, with its role noted in *slots: is nobody in the way of a sole sender or receiver?  -EBUSY. */
int queue_check_alone(struct slots *slots);

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
