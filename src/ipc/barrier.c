/* Barriers.  The contract is in <ferry/barrier.h>. */
#include <errno.h>

#include "base/error.h"
#include "ipc/barrier.h"
#include "ipc/gate.h"

static const unsigned KNOWN_FLAGS = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_EINTR;

/* ---- The handle ------------------------------------------------------------------------------- */

static ferry_barrier *of_object(struct object *object)
{
    return (ferry_barrier *)(void *)((char *)object - offsetof(ferry_barrier, object));
}

static void hold(struct object *object)
{
    lobby_hold(&of_object(object)->barrier.lobby);
}

static void let_go(struct object *object)
{
    lobby_let_go(&of_object(object)->barrier.lobby);
}

static void after_fork(struct object *object)
{
    barrier_after_fork(&of_object(object)->barrier);
}

static void leaving(struct object *object)
{
    barrier_settle(&of_object(object)->barrier);
}

static int init(struct object *object)
{
    struct barrier *barrier = &of_object(object)->barrier;
    /* Relaxed: written before the object had a name. */
    uint32_t count = atomic_load_explicit(&object->slots.control->gate.count, memory_order_relaxed);
    if (count == 0 || count > FERRY_BARRIER_MOST)
        return fail(-EBADMSG,
                    "the barrier says that it was made for %u; remove it and make it anew", count);
    barrier_init(barrier, &object->slots, count, object->region.bell_fd);
    barrier->interruptible = object_is_interruptible(object);
    return 0;
}

static void deinit(struct object *object)
{
    barrier_deinit(&of_object(object)->barrier);
}

static const struct handle_kind handle = {
    .bytes = sizeof(ferry_barrier),
    .init = init,
    .deinit = deinit,
    .hooks = {.hold = hold, .let_go = let_go, .after_fork = after_fork, .leaving = leaving},
};

int barrier_new(struct object *object, void *ret_barrier)
{
    return handle_new(&handle, object, ret_barrier);
}

/* ---- Opening and closing ---------------------------------------------------------------------- */

static int check_count(uint32_t count)
{
    if (count > 0 && count <= FERRY_BARRIER_MOST)
        return 0;
    return fail(-EINVAL, "a barrier is for 1 to %u, not for %u", FERRY_BARRIER_MOST, count);
}

static int check_wish(const char *name, const struct ferry_barrier_options *options)
{
    bool creates = name == NULL || (options->flags & FERRY_CREATE) != 0;
    return options->count == 0 && !creates ? 0 : check_count(options->count);
}

/* Of one that was there. */
static int check_made(const ferry_barrier *barrier, uint32_t count)
{
    if (count == 0 || count == barrier->barrier.made_for)
        return 0;
    return fail(
        -EMEDIUMTYPE,
        "\"%s\" is there already, and was made for %u, not for %u; open it without a count, "
        "or remove it and make it anew",
        barrier->object.region.name, barrier->barrier.made_for, count);
}

static int open_checked(ferry_barrier **ret_barrier, const struct gate_request *request)
{
    ferry_barrier *barrier = NULL;
    int r = gate_open(&barrier, request);
    if (r == 0)
        r = check_made(barrier, request->count);
    if (r < 0) {
        ferry_barrier_close(barrier);
        return r;
    }
    *ret_barrier = barrier;
    return 0;
}

int ferry_barrier_open(ferry_barrier **ret_barrier, const char *name,
                       const struct ferry_barrier_options *options)
{
    const struct ferry_barrier_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    const struct gate_request request = {.options = {.options_bytes = options->options_bytes,
                                                     .options_known = sizeof(*options),
                                                     .macro = "FERRY_BARRIER",
                                                     .name = name,
                                                     .flags = options->flags,
                                                     .known_flags = KNOWN_FLAGS,
                                                     .mode = options->mode},
                                         .kind = FERRY_KIND_BARRIER,
                                         .handle = &handle,
                                         .adopt = barrier_new,
                                         .count = options->count,
                                         .trusted_owners = options->trusted_owners,
                                         .trusted_owner_count = options->trusted_owner_count};
    int r = object_check_options(&request.options);
    if (r == 0)
        r = check_wish(name, options);
    return r < 0 ? r : open_checked(ret_barrier, &request);
}

ferry_barrier *ferry_barrier_close(ferry_barrier *barrier)
{
    return handle_close(&handle, barrier);
}

/* ---- Using ------------------------------------------------------------------------------------ */

int ferry_barrier_wait(ferry_barrier *barrier, int64_t timeout_ns)
{
    int r = object_usable(&barrier->object);
    return r < 0 ? r : barrier_wait(&barrier->barrier, timeout_ns);
}

int ferry_barrier_set_count(ferry_barrier *barrier, uint32_t count)
{
    int r = object_usable(&barrier->object);
    if (r == 0)
        r = check_count(count);
    return r < 0 ? r : barrier_set_count(&barrier->barrier, count);
}

int ferry_barrier_count(ferry_barrier *barrier, uint32_t *ret_count, uint32_t *ret_arrived)
{
    int r = object_usable(&barrier->object);
    return r < 0 ? r : barrier_count(&barrier->barrier, ret_count, ret_arrived);
}
