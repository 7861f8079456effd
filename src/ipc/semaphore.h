/* The inside of a semaphore's handle, for semaphore.c and handover.c. */
#ifndef FERRY_IPC_SEMAPHORE_H
#define FERRY_IPC_SEMAPHORE_H

#include <pthread.h>

#include <ferry/semaphore.h>

#include "ipc/object.h"
#include "shared/semaphore.h"
#include "shared/semaphore_set.h"

struct ferry_semaphore {
    struct object object;
    struct semaphore semaphore; /* one by itself; or … */
    struct semaphore_set set;   /* … with its steps journalled, */
    bool is_set;                /* … if that is so */
    unsigned step_flags;        /* of what is waited for and posted */
    pthread_mutex_t guard;      /* of what follows */
    int latch;                  /* the caller's descriptor, or -1 */
    _Atomic bool polls;         /* there is one */
};

/* *ret_semaphore is a ferry_semaphore *. */
object_adopt semaphore_new;

#endif
