/* The inside of a segment handle, for segment.c and handover.c. */
#ifndef FERRY_IPC_SEGMENT_H
#define FERRY_IPC_SEGMENT_H

#include <ferry/segment.h>

#include "os/process.h"
#include "shared/fork.h"
#include "shared/mutex.h"
#include "shared/notice.h"
#include "shared/region.h"
#include "shared/slots.h"

struct ferry_segment {
    struct region region;
    struct slots slots;
    struct slots child; /* the membership of a child that is about to be forked */
    struct notice notice;
    struct mutex mutex;
    struct fork_handle fork;
    uint32_t process; /* that it belongs to, see os/process.h */
    bool interruptible;
};

/* Wraps a region that the caller has joined; takes both over, also on failure. */
int segment_new(ferry_segment **ret_segment, struct region *region, const struct slots *slots,
                bool interruptible);

/* Why segment_usable() says no: -ESTALE, explained. */
int segment_explain_stale(const ferry_segment *segment);

/* 0, or -ESTALE in a process that the handle does not belong to. */
static inline int segment_usable(const ferry_segment *segment)
{
    if (segment->process == process_number() && segment->slots.tag != 0)
        return 0;
    return segment_explain_stale(segment);
}

#endif
