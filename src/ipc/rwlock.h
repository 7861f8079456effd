/* The inside of a reader-writer lock's handle, for rwlock.c and handover.c. */
#ifndef FERRY_IPC_RWLOCK_H
#define FERRY_IPC_RWLOCK_H

#include <ferry/rwlock.h>

#include "ipc/object.h"
#include "shared/rwlock.h"

struct ferry_rwlock {
    struct object object;
    struct rwlock rwlock;
};

/* *ret_rwlock is a ferry_rwlock *. */
object_adopt rwlock_new;

#endif
