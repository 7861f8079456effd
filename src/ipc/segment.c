/* Segments: an object with a mutex and a notice.  The contract is in <ferry/segment.h>. */
#include <errno.h>

#include "base/error.h"
#include "ipc/handle.h"
#include "ipc/segment.h"

static const unsigned KNOWN_FLAGS =
    FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_READ | FERRY_WRITE | FERRY_EINTR;

/* ---- The handle ------------------------------------------------------------------------------ */

static ferry_segment *of_object(struct object *object)
{
    return (ferry_segment *)(void *)((char *)object - offsetof(ferry_segment, object));
}

static void hold(struct object *object)
{
    lobby_hold(&of_object(object)->mutex.lobby);
    pthread_mutex_lock(&of_object(object)->notice.guard);
}

static void let_go(struct object *object)
{
    pthread_mutex_unlock(&of_object(object)->notice.guard);
    lobby_let_go(&of_object(object)->mutex.lobby);
}

static void after_fork(struct object *object)
{
    ferry_segment *segment = of_object(object);
    mutex_after_fork(&segment->mutex);
    notice_after_fork(&segment->notice);
}

static void leaving(struct object *object)
{
    mutex_abandon(&of_object(object)->mutex);
}

static int init(struct object *object)
{
    ferry_segment *segment = of_object(object);
    int bell = object->region.bell_fd;
    notice_init(&segment->notice, &object->slots, bell);
    mutex_init(&segment->mutex, &object->slots, (struct mutex_manner){0}, bell);
    segment->mutex.interruptible = object_is_interruptible(object);
    return 0;
}

static void deinit(struct object *object)
{
    notice_deinit(&of_object(object)->notice);
    mutex_deinit(&of_object(object)->mutex);
}

static const struct handle_kind handle = {
    .bytes = sizeof(ferry_segment),
    .init = init,
    .deinit = deinit,
    .hooks = {.hold = hold, .let_go = let_go, .after_fork = after_fork, .leaving = leaving},
};

int segment_new(struct object *object, void *ret_segment)
{
    return handle_new(&handle, object, ret_segment);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static int check_options(const char *name, const struct ferry_segment_options *options)
{
    bool create = name == NULL || (options->flags & FERRY_CREATE) != 0;
    const struct object_options common = {.options_bytes = options->options_bytes,
                                          .options_known = sizeof(*options),
                                          .macro = "FERRY_SEGMENT",
                                          .name = name,
                                          .flags = options->flags,
                                          .known_flags = KNOWN_FLAGS,
                                          .mode = options->mode};
    if (options->options_bytes == sizeof(*options) && create && options->size_bytes == 0)
        return fail(-EINVAL, "a segment has at least one byte; say how many (size_bytes, --size)");
    return object_check_options(&common);
}

int ferry_segment_open(ferry_segment **ret_segment, const char *name,
                       const struct ferry_segment_options *options)
{
    const struct ferry_segment_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    int r = check_options(name, options);
    if (r < 0)
        return r;
    const struct region_request request = {.name = name,
                                           .kind = FERRY_KIND_SEGMENT,
                                           .flags = options->flags,
                                           .mode = options->mode ? options->mode : 0600,
                                           .size_bytes = options->size_bytes,
                                           .least_bytes = options->size_bytes,
                                           .address = options->address,
                                           .trusted_owners = options->trusted_owners,
                                           .trusted_owner_count = options->trusted_owner_count};
    return object_open(&request, segment_new, ret_segment);
}

ferry_segment *ferry_segment_close(ferry_segment *segment)
{
    return handle_close(&handle, segment);
}

/* ---- Using ----------------------------------------------------------------------------------- */

void *ferry_segment_data(const ferry_segment *segment)
{
    return segment->object.region.data.data;
}

uint64_t ferry_segment_size(const ferry_segment *segment)
{
    return segment->object.region.identity.size_bytes;
}

int ferry_segment_lock(ferry_segment *segment, int64_t timeout_ns)
{
    int r = object_usable(&segment->object);
    return r < 0 ? r : mutex_lock(&segment->mutex, timeout_ns);
}

int ferry_segment_unlock(ferry_segment *segment)
{
    int r = object_usable(&segment->object);
    return r < 0 ? r : mutex_unlock(&segment->mutex);
}

int ferry_segment_repaired(ferry_segment *segment)
{
    int r = object_usable(&segment->object);
    return r < 0 ? r : mutex_repaired(&segment->mutex);
}

int ferry_segment_notify(ferry_segment *segment)
{
    int r = object_usable(&segment->object);
    if (r == 0)
        notice_step(&segment->notice);
    return r;
}

int ferry_segment_version(ferry_segment *segment, uint32_t *ret_version)
{
    int r = object_usable(&segment->object);
    if (r == 0)
        *ret_version = notice_version(&segment->notice);
    return r;
}

int ferry_segment_wait(ferry_segment *segment, uint32_t *version, int64_t timeout_ns)
{
    int r = object_usable(&segment->object);
    return r < 0 ? r
                 : notice_wait(&segment->notice, version, timeout_ns,
                               object_is_interruptible(&segment->object));
}

int ferry_segment_descriptor(ferry_segment *segment)
{
    int r = object_usable(&segment->object);
    return r < 0 ? r : notice_descriptor(&segment->notice);
}
