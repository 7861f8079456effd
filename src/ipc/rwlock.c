/* Reader-writer locks.  The contract is in <ferry/rwlock.h>. */
#include "ipc/rwlock.h"
#include "ipc/gate.h"
#include "shared/members.h"

static const unsigned KNOWN_FLAGS =
    FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_EINTR | FERRY_FOR_CHILDREN;

/* ---- The handle ------------------------------------------------------------------------------- */

static struct rwlock *of_object(struct object *object)
{
    return &((ferry_rwlock *)(void *)((char *)object - offsetof(ferry_rwlock, object)))->rwlock;
}

static void hold(struct object *object)
{
    rwlock_hold(of_object(object));
}

static void let_go(struct object *object)
{
    rwlock_let_go(of_object(object));
}

static void after_fork(struct object *object)
{
    rwlock_after_fork(of_object(object));
}

static void leaving(struct object *object)
{
    rwlock_abandon(of_object(object));
}

static int init(struct object *object)
{
    rwlock_init(of_object(object), &object->slots, object->region.bell_fd,
                object_is_interruptible(object));
    if ((object->flags & FERRY_FOR_CHILDREN) != 0)
        members_change_role(&object->slots, object->slots.role | LAYOUT_FOR_CHILDREN);
    return 0;
}

static void deinit(struct object *object)
{
    rwlock_deinit(of_object(object));
}

static const struct handle_kind handle = {
    .bytes = sizeof(ferry_rwlock),
    .init = init,
    .deinit = deinit,
    .hooks = {.hold = hold, .let_go = let_go, .after_fork = after_fork, .leaving = leaving},
};

int rwlock_new(struct object *object, void *ret_rwlock)
{
    return handle_new(&handle, object, ret_rwlock);
}

/* ---- Opening and closing ---------------------------------------------------------------------- */

int ferry_rwlock_open(ferry_rwlock **ret_rwlock, const char *name,
                      const struct ferry_rwlock_options *options)
{
    const struct ferry_rwlock_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    const struct gate_request request = {.options = {.options_bytes = options->options_bytes,
                                                     .options_known = sizeof(*options),
                                                     .macro = "FERRY_RWLOCK",
                                                     .name = name,
                                                     .flags = options->flags,
                                                     .known_flags = KNOWN_FLAGS,
                                                     .mode = options->mode},
                                         .kind = FERRY_KIND_RWLOCK,
                                         .handle = &handle,
                                         .adopt = rwlock_new,
                                         .trusted_owners = options->trusted_owners,
                                         .trusted_owner_count = options->trusted_owner_count};
    return gate_open(ret_rwlock, &request);
}

ferry_rwlock *ferry_rwlock_close(ferry_rwlock *rwlock)
{
    return handle_close(&handle, rwlock);
}

/* ---- Using ------------------------------------------------------------------------------------ */

int ferry_rwlock_lock(ferry_rwlock *rwlock, int64_t timeout_ns)
{
    int r = object_usable(&rwlock->object);
    return r < 0 ? r : rwlock_lock(&rwlock->rwlock, timeout_ns);
}

int ferry_rwlock_lock_shared(ferry_rwlock *rwlock, int64_t timeout_ns)
{
    int r = object_usable(&rwlock->object);
    return r < 0 ? r : rwlock_lock_shared(&rwlock->rwlock, timeout_ns);
}

int ferry_rwlock_unlock(ferry_rwlock *rwlock)
{
    int r = object_usable(&rwlock->object);
    return r < 0 ? r : rwlock_unlock(&rwlock->rwlock);
}

int ferry_rwlock_unlock_shared(ferry_rwlock *rwlock)
{
    int r = object_usable(&rwlock->object);
    return r < 0 ? r : rwlock_unlock_shared(&rwlock->rwlock);
}

int ferry_rwlock_repaired(ferry_rwlock *rwlock)
{
    int r = object_usable(&rwlock->object);
    return r < 0 ? r : rwlock_repaired(&rwlock->rwlock);
}
