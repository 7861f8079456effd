/* The inside of a mutex's handle, for mutex.c, handover.c and what stands on mutexes. */
#ifndef FERRY_IPC_MUTEX_H
#define FERRY_IPC_MUTEX_H

#include <ferry/mutex.h>

#include "ipc/object.h"
#include "shared/mutex.h"

struct ferry_mutex {
    struct object object;
    struct mutex mutex;
};

/* *ret_mutex is a ferry_mutex *. */
object_adopt mutex_new;

#endif
