/* Mutexes.  The contract is in <ferry/mutex.h>. */
#include <errno.h>

#include "base/error.h"
#include "ipc/gate.h"
#include "ipc/mutex.h"
#include "os/proc.h"
#include "shared/members.h"

static const unsigned KNOWN_FLAGS = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_EINTR |
                                    FERRY_RECURSIVE | FERRY_FOR_CHILDREN | FERRY_INHERIT;

/* ---- The handle ------------------------------------------------------------------------------- */

static ferry_mutex *of_object(struct object *object)
{
    return (ferry_mutex *)(void *)((char *)object - offsetof(ferry_mutex, object));
}

static void hold(struct object *object)
{
    lobby_hold(&of_object(object)->mutex.lobby);
}

static void let_go(struct object *object)
{
    lobby_let_go(&of_object(object)->mutex.lobby);
}

static void after_fork(struct object *object)
{
    mutex_after_fork(&of_object(object)->mutex);
    inherit_after_fork(&of_object(object)->inherit);
}

static void leaving(struct object *object)
{
    ferry_mutex *mutex = of_object(object);
    if (mutex->inherits)
        inherit_abandon(&mutex->inherit);
    else
        mutex_abandon(&mutex->mutex);
}

static int init(struct object *object)
{
    struct mutex *mutex = &of_object(object)->mutex;
    const struct mutex_manner manner = {.condemnable = true,
                                        .recursive = (gate_flags(object) & FERRY_RECURSIVE) != 0};
    mutex_init(mutex, &object->slots, manner, object->region.bell_fd);
    mutex->interruptible = object_is_interruptible(object);
    inherit_init(&of_object(object)->inherit, mutex);
    of_object(object)->inherits = (gate_flags(object) & FERRY_INHERIT) != 0;
    if ((object->flags & FERRY_FOR_CHILDREN) != 0)
        members_change_role(&object->slots, object->slots.role | LAYOUT_FOR_CHILDREN);
    return 0;
}

static void deinit(struct object *object)
{
    mutex_deinit(&of_object(object)->mutex);
}

static const struct handle_kind handle = {
    .bytes = sizeof(ferry_mutex),
    .init = init,
    .deinit = deinit,
    .hooks = {.hold = hold, .let_go = let_go, .after_fork = after_fork, .leaving = leaving},
};

int mutex_new(struct object *object, void *ret_mutex)
{
    return handle_new(&handle, object, ret_mutex);
}

/* ---- Opening and closing ---------------------------------------------------------------------- */

int ferry_mutex_open(ferry_mutex **ret_mutex, const char *name,
                     const struct ferry_mutex_options *options)
{
    const struct ferry_mutex_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    const struct layout_inherit first = {.namespace = proc_pid_namespace()};
    const struct gate_request request = {.options = {.options_bytes = options->options_bytes,
                                                     .options_known = sizeof(*options),
                                                     .macro = "FERRY_MUTEX",
                                                     .name = name,
                                                     .flags = options->flags,
                                                     .known_flags = KNOWN_FLAGS,
                                                     .mode = options->mode},
                                         .kind = FERRY_KIND_MUTEX,
                                         .handle = &handle,
                                         .adopt = mutex_new,
                                         .kept_flags = FERRY_RECURSIVE | FERRY_INHERIT,
                                         .first = &first,
                                         .first_bytes = sizeof(first),
                                         .trusted_owners = options->trusted_owners,
                                         .trusted_owner_count = options->trusted_owner_count};
    return gate_open(ret_mutex, &request);
}

ferry_mutex *ferry_mutex_close(ferry_mutex *mutex)
{
    return handle_close(&handle, mutex);
}

/* ---- Using ------------------------------------------------------------------------------------ */

static int take(ferry_mutex *mutex, int64_t timeout_ns)
{
    return mutex->inherits ? inherit_lock(&mutex->inherit, timeout_ns)
                           : mutex_lock(&mutex->mutex, timeout_ns);
}

static int let_go_of(ferry_mutex *mutex)
{
    return mutex->inherits ? inherit_unlock(&mutex->inherit) : mutex_unlock(&mutex->mutex);
}

static int repaired(ferry_mutex *mutex)
{
    return mutex->inherits ? inherit_repaired(&mutex->inherit) : mutex_repaired(&mutex->mutex);
}

int mutex_let_go_of_all(ferry_mutex *mutex, uint32_t *ret_again)
{
    uint32_t again = mutex->mutex.again;
    mutex->mutex.again = 0;
    int r = let_go_of(mutex);
    if (r == 0)
        *ret_again = again;
    return r;
}

int mutex_take_again(ferry_mutex *mutex, uint32_t again)
{
    int r;
    do
        r = take(mutex, FERRY_FOREVER);
    while (r == -EINTR); /* a handler is to end the wait for the condition, not this */
    if (r == 0 || r == -EOWNERDEAD)
        mutex->mutex.again = again;
    return r;
}

int ferry_mutex_lock(ferry_mutex *mutex, int64_t timeout_ns)
{
    int r = object_usable(&mutex->object);
    return r < 0 ? r : take(mutex, timeout_ns);
}

int ferry_mutex_unlock(ferry_mutex *mutex)
{
    int r = object_usable(&mutex->object);
    return r < 0 ? r : let_go_of(mutex);
}

int ferry_mutex_repaired(ferry_mutex *mutex)
{
    int r = object_usable(&mutex->object);
    return r < 0 ? r : repaired(mutex);
}

/* ---- Once ------------------------------------------------------------------------------------- */

static _Atomic uint32_t *done_of(const ferry_mutex *mutex)
{
    return &mutex->object.slots.control->gate.done;
}

/* Acquire pairs with the release in ferry_mutex_done(): what was done is seen. */
static bool is_done(const ferry_mutex *mutex)
{
    return atomic_load_explicit(done_of(mutex), memory_order_acquire) != 0;
}

/* With the lock, but another one was faster; perhaps it died before it let go. */
static int leave_done(ferry_mutex *mutex)
{
    repaired(mutex);
    return let_go_of(mutex);
}

int ferry_mutex_once(ferry_mutex *mutex, int64_t timeout_ns)
{
    int r = object_usable(&mutex->object);
    if (r < 0 || is_done(mutex))
        return r;
    r = take(mutex, timeout_ns);
    if (r < 0 && r != -EOWNERDEAD)
        return r;
    if (is_done(mutex))
        return leave_done(mutex);
    return r == 0 ? 1 : r;
}

int ferry_mutex_done(ferry_mutex *mutex)
{
    int r = object_usable(&mutex->object);
    if (r == 0)
        r = repaired(mutex);
    if (r < 0)
        return r;
    atomic_store_explicit(done_of(mutex), 1, memory_order_release);
    return let_go_of(mutex);
}
