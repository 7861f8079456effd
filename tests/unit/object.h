/* An object to try the shared layer on, below the handles of the public API: one region, and any
 * number of memberships of it in one process, as if they were several. */
#ifndef FERRY_TEST_OBJECT_H
#define FERRY_TEST_OBJECT_H

#include <stdlib.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "os/file.h"
#include "os/proc.h"
#include "shared/members.h"
#include "shared/region.h"
#include "test.h"

struct object {
    struct region region;
    struct slots first; /* the creator's membership */
};

static inline struct object object_make(const char *name, unsigned flags)
{
    struct object object;
    const struct region_request request = {.name = name,
                                           .kind = FERRY_KIND_SEGMENT,
                                           .flags = flags | FERRY_CREATE,
                                           .mode = 0600,
                                           .size_bytes = 64};
    CHECK_OK(region_make(&object.region, &object.first, &request));
    return object;
}

/* A membership that is not claimed yet, with a description of its own. */
static inline struct slots object_guest(const struct object *object)
{
    struct slots slots = {.control = region_control(&object->region),
                          .lock_fd = region_reopen_control(&object->region, object->region.lock_fd),
                          .reserved = LAYOUT_ENTRIES_AT_FIRST,
                          .pid = getpid(),
                          .namespace = proc_pid_namespace()};
    CHECK_OK(slots.lock_fd);
    return slots;
}

static inline struct slots object_join(const struct object *object)
{
    struct slots slots = object_guest(object);
    CHECK_OK(members_join(&slots));
    return slots;
}

/* The member goes without a word: what its death looks like to others. */
static inline void object_vanish(struct slots *slots)
{
    file_close(&slots->lock_fd);
}

static inline void object_leave(struct slots *slots)
{
    members_leave(slots);
    file_close(&slots->lock_fd);
}

static inline void object_remove(struct object *object)
{
    if (object->region.name[0] != '\0')
        CHECK_OK(ferry_remove(object->region.name));
    region_release(&object->region);
}

#endif
