/* The inside of a semaphore's handle, for semaphore.c and handover.c. */
#ifndef FERRY_IPC_SEMAPHORE_H
#define FERRY_IPC_SEMAPHORE_H

#include <pthread.h>

#include <ferry/semaphore.h>

#include "ipc/object.h"
#include "shared/semaphore.h"

struct ferry_semaphore {
    struct object object;
    struct semaphore semaphore;
    pthread_mutex_t guard; /* of what follows */
    int latch;             /* the caller's descriptor, or -1 */
    _Atomic bool polls;    /* there is one */
};

/* *ret_semaphore is a ferry_semaphore *. */
object_adopt semaphore_new;

#endif
