/* The inside of a barrier's handle, for barrier.c and handover.c. */
#ifndef FERRY_IPC_BARRIER_H
#define FERRY_IPC_BARRIER_H

#include <ferry/barrier.h>

#include "ipc/object.h"
#include "shared/barrier.h"

struct ferry_barrier {
    struct object object;
    struct barrier barrier;
};

/* *ret_barrier is a ferry_barrier *. */
object_adopt barrier_new;

#endif
