/* Conditions.  The contract is in <ferry/condition.h>. */
#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "ipc/condition.h"
#include "ipc/gate.h"
#include "ipc/mutex.h"

static const unsigned KNOWN_FLAGS = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_EINTR;

/* ---- The handle ------------------------------------------------------------------------------- */

static ferry_condition *of_object(struct object *object)
{
    return (ferry_condition *)(void *)((char *)object - offsetof(ferry_condition, object));
}

static void hold(struct object *object)
{
    lobby_hold(&of_object(object)->condition.lobby);
}

static void let_go(struct object *object)
{
    lobby_let_go(&of_object(object)->condition.lobby);
}

static void after_fork(struct object *object)
{
    lobby_after_fork(&of_object(object)->condition.lobby);
}

static int init(struct object *object)
{
    struct condition *condition = &of_object(object)->condition;
    condition_init(condition, &object->slots, object->region.bell_fd);
    condition->interruptible = object_is_interruptible(object);
    return 0;
}

static void deinit(struct object *object)
{
    condition_deinit(&of_object(object)->condition);
}

static const struct handle_kind handle = {
    .bytes = sizeof(ferry_condition),
    .init = init,
    .deinit = deinit,
    .hooks = {.hold = hold, .let_go = let_go, .after_fork = after_fork},
};

int condition_new(struct object *object, void *ret_condition)
{
    return handle_new(&handle, object, ret_condition);
}

/* ---- Opening and closing ---------------------------------------------------------------------- */

static uint64_t id_of(const ferry_mutex *mutex)
{
    return mutex->object.region.id;
}

int condition_bind(ferry_condition *condition, ferry_mutex *mutex)
{
    /* Relaxed: written before the object had a name. */
    const struct layout_condition *shared = condition->condition.shared;
    if (atomic_load_explicit(&shared->mutex, memory_order_relaxed) != id_of(mutex))
        return fail(
            -EINVAL,
            "the condition \"%s\" belongs to another mutex than this (see ferry show); open "
            "it with that, or remove it and make it anew",
            condition->object.region.name);
    condition->mutex = mutex;
    return 0;
}

int ferry_condition_open(ferry_condition **ret_condition, const char *name, ferry_mutex *mutex,
                         const struct ferry_condition_options *options)
{
    const struct ferry_condition_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    struct layout_condition first = {.mutex = id_of(mutex)};
    snprintf(first.mutex_name, sizeof(first.mutex_name), "%s", mutex->object.region.name);
    const struct gate_request request = {.options = {.options_bytes = options->options_bytes,
                                                     .options_known = sizeof(*options),
                                                     .macro = "FERRY_CONDITION",
                                                     .name = name,
                                                     .flags = options->flags,
                                                     .known_flags = KNOWN_FLAGS,
                                                     .mode = options->mode},
                                         .kind = FERRY_KIND_CONDITION,
                                         .handle = &handle,
                                         .adopt = condition_new,
                                         .first = &first,
                                         .first_bytes = sizeof(first),
                                         .trusted_owners = options->trusted_owners,
                                         .trusted_owner_count = options->trusted_owner_count};
    ferry_condition *condition;
    int r = gate_open(&condition, &request);
    if (r < 0)
        return r;
    r = condition_bind(condition, mutex);
    if (r < 0) {
        ferry_condition_close(condition);
        return r;
    }
    *ret_condition = condition;
    return 0;
}

ferry_condition *ferry_condition_close(ferry_condition *condition)
{
    return handle_close(&handle, condition);
}

/* ---- Using ------------------------------------------------------------------------------------ */

static int check(const ferry_condition *condition)
{
    int r = object_usable(&condition->object);
    return r < 0 ? r : object_usable(&condition->mutex->object);
}

static int explain(int r)
{
    if (r == -ETIMEDOUT)
        return fail(r, "nobody told in time");
    return r < 0 ? fail(r, "a signal handler ran during the wait") : r;
}

/* Lets go of the mutex, sleeps, and takes it again.  What is wrong with the mutex comes before what is with the wait. */
static int wait_without(ferry_mutex *mutex, struct condition *condition, int64_t timeout_ns)
{
    struct condition_wait wait = condition_begin(condition);
    uint32_t depth = 0;
    int r = mutex_let_go_of_all(mutex, &depth);
    if (r < 0) {
        lobby_leave(&wait.stay);
        return r;
    }
    int waited = condition_sleep(condition, &wait, timeout_ns);
    r = mutex_take_again(mutex, depth);
    return r < 0 ? r : explain(waited);
}

int ferry_condition_wait(ferry_condition *condition, int64_t timeout_ns)
{
    int r = check(condition);
    if (r == 0)
        r = mutex_check_holder(&condition->mutex->mutex);
    return r < 0 ? r : wait_without(condition->mutex, &condition->condition, timeout_ns);
}

static int tell(ferry_condition *condition, bool all)
{
    int r = object_usable(&condition->object);
    if (r == 0)
        condition_tell(&condition->condition, all);
    return r;
}

int ferry_condition_signal(ferry_condition *condition)
{
    return tell(condition, false);
}

int ferry_condition_broadcast(ferry_condition *condition)
{
    return tell(condition, true);
}
