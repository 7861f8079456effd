/* The inside of a mutex's handle, for mutex.c, handover.c and what stands on mutexes. */
#ifndef FERRY_IPC_MUTEX_H
#define FERRY_IPC_MUTEX_H

#include <ferry/mutex.h>

#include "ipc/object.h"
#include "shared/inherit.h"
#include "shared/mutex.h"

struct ferry_mutex {
    struct object object;
    struct mutex mutex;
    struct inherit inherit;
    bool inherits; /* it lends priorities */
};

/* *ret_mutex is a ferry_mutex *. */
object_adopt mutex_new;

/* Around a wait for a condition: lets go of it however often it was taken; and takes it again as often, whatever time that takes. */
int mutex_let_go_of_all(ferry_mutex *mutex, uint32_t *ret_again);
int mutex_take_again(ferry_mutex *mutex, uint32_t again);

#endif
