/* The inside of a segment handle, for segment.c and handover.c. */
#ifndef FERRY_IPC_SEGMENT_H
#define FERRY_IPC_SEGMENT_H

#include <ferry/segment.h>

#include "ipc/object.h"
#include "shared/mutex.h"
#include "shared/notice.h"

struct ferry_segment {
    struct object object;
    struct notice notice;
    struct mutex mutex;
};

/* Wraps an object that the caller has joined; takes it over, also on failure. */
int segment_new(ferry_segment **ret_segment, struct object *object);

#endif
