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

/* *ret_segment is a ferry_segment *. */
object_adopt segment_new;

#endif
