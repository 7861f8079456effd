/* Making, opening and closing semaphores. */
#include <errno.h>

#include "base/error.h"
#include "ipc/handle.h"
#include "ipc/semaphore.h"
#include "os/file.h"

static const unsigned KNOWN_FLAGS =
    FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_EINTR | FERRY_GIVE_BACK;

static_assert(FERRY_SEMAPHORE_MOST == SEMAPHORE_MOST, "one limit");
static_assert(FERRY_SEMAPHORE_SET_MOST == SET_MOST, "one limit");

/* ---- The handle ------------------------------------------------------------------------------- */

static ferry_semaphore *of_object(struct object *object)
{
    return (ferry_semaphore *)(void *)((char *)object - offsetof(ferry_semaphore, object));
}

static struct crowd *crowd_of(ferry_semaphore *semaphore)
{
    return semaphore->is_set ? &semaphore->set.crowd : &semaphore->semaphore.crowd;
}

static void hold(struct object *object)
{
    ferry_semaphore *semaphore = of_object(object);
    pthread_mutex_lock(&semaphore->guard);
    pthread_mutex_lock(&crowd_of(semaphore)->guard);
}

static void let_go(struct object *object)
{
    ferry_semaphore *semaphore = of_object(object);
    pthread_mutex_unlock(&crowd_of(semaphore)->guard);
    pthread_mutex_unlock(&semaphore->guard);
}

/* The descriptor stays with the parent. */
static void after_fork(struct object *object)
{
    ferry_semaphore *semaphore = of_object(object);
    if (semaphore->is_set)
        semaphore_set_after_fork(&semaphore->set);
    else
        semaphore_after_fork(&semaphore->semaphore);
    file_close(&semaphore->latch);
    atomic_store_explicit(&semaphore->polls, false, memory_order_relaxed);
}

static void leaving(struct object *object)
{
    ferry_semaphore *semaphore = of_object(object);
    if (semaphore->is_set)
        semaphore_set_settle(&semaphore->set);
}

/* How it was made. */
struct shape {
    uint32_t most, count;
};

/* Read once: relaxed, as it was written before the object had a name.  -EBADMSG. */
static int read_shape(const struct object *object, struct shape *ret_shape)
{
    const struct layout_semaphore *shared = &object->slots.control->semaphore;
    const struct shape shape = {.most = atomic_load_explicit(&shared->most, memory_order_relaxed),
                                .count =
                                    atomic_load_explicit(&shared->count, memory_order_relaxed)};
    uint64_t index = shape.count > 0 ? semaphore_set_bytes(shape.count) : 0;
    if (shape.most == 0 || shape.most > SEMAPHORE_MOST || shape.count > SET_MOST ||
        object->region.identity.index_bytes != index)
        return fail(-EBADMSG,
                    "a peer wrote nonsense into the semaphore; remove it and make it anew");
    *ret_shape = shape;
    return 0;
}

static int init(struct object *object)
{
    ferry_semaphore *semaphore = of_object(object);
    struct shape shape = {0};
    int r = read_shape(object, &shape);
    if (r < 0)
        return r;
    semaphore->latch = -1;
    pthread_mutex_init(&semaphore->guard, NULL);
    int bell = object->region.bell_fd;
    semaphore->is_set = shape.count > 0;
    semaphore->step_flags = object->flags & FERRY_GIVE_BACK;
    if (semaphore->is_set)
        semaphore_set_init(&semaphore->set, &object->slots, shape.count, shape.most, bell);
    else
        semaphore_init(&semaphore->semaphore, &object->slots, shape.most, bell);
    semaphore->set.interruptible = semaphore->semaphore.interruptible =
        object_is_interruptible(object);
    return 0;
}

static void deinit(struct object *object)
{
    ferry_semaphore *semaphore = of_object(object);
    if (semaphore->is_set)
        semaphore_set_deinit(&semaphore->set);
    else
        semaphore_deinit(&semaphore->semaphore);
    pthread_mutex_destroy(&semaphore->guard);
    file_close(&semaphore->latch);
}

static const struct handle_kind handle = {
    .bytes = sizeof(ferry_semaphore),
    .init = init,
    .deinit = deinit,
    .hooks = {.hold = hold, .let_go = let_go, .after_fork = after_fork, .leaving = leaving},
};

int semaphore_new(struct object *object, void *ret_semaphore)
{
    return handle_new(&handle, object, ret_semaphore);
}

/* ---- Opening and closing ---------------------------------------------------------------------- */

static int check_options(const char *name, const struct ferry_semaphore_options *options)
{
    const struct object_options common = {.options_bytes = options->options_bytes,
                                          .options_known = sizeof(*options),
                                          .macro = "FERRY_SEMAPHORE",
                                          .name = name,
                                          .flags = options->flags,
                                          .known_flags = KNOWN_FLAGS,
                                          .mode = options->mode};
    return object_check_options(&common);
}

static int check_shape(const struct ferry_semaphore_options *options, struct shape shape)
{
    if (shape.most > SEMAPHORE_MOST)
        return fail(-EINVAL, "a semaphore has at most %u units, not %u", SEMAPHORE_MOST,
                    shape.most);
    if (options->value > shape.most)
        return fail(-EINVAL, "a semaphore of at most %u units cannot begin with %u", shape.most,
                    options->value);
    if (shape.count > SET_MOST)
        return fail(-EINVAL, "a set has at most %d semaphores, not %u", SET_MOST, shape.count);
    return 0;
}

/* What is written into a new object. */
struct beginning {
    struct layout_semaphore shared;
    uint32_t value;
};

static int begin(int control_fd, const struct region_request *request)
{
    const struct beginning *beginning = request->context;
    uint32_t count = beginning->shared.count;
    int r = file_write_at(control_fd, &beginning->shared, sizeof(beginning->shared),
                          offsetof(struct layout, semaphore));
    return r == 0 && count > 0 ? semaphore_set_begin(control_fd, count, beginning->value) : r;
}

/* Of one that was there. */
static int check_manner(const ferry_semaphore *semaphore,
                        const struct ferry_semaphore_options *options)
{
    const char *name = semaphore->object.region.name;
    if (options->count > 0 && (!semaphore->is_set || semaphore->set.count < options->count))
        return fail(-EMEDIUMTYPE,
                    "\"%s\" is there already, and is no set of %u; remove it and make it anew",
                    name, options->count);
    if ((options->flags & FERRY_GIVE_BACK) != 0 && !semaphore->is_set)
        return fail(
            -EMEDIUMTYPE,
            "\"%s\" is there already, without FERRY_GIVE_BACK; remove it and make it anew, or "
            "open it without that",
            name);
    return 0;
}

int ferry_semaphore_open(ferry_semaphore **ret_semaphore, const char *name,
                         const struct ferry_semaphore_options *options)
{
    const struct ferry_semaphore_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    bool gives_back = (options->flags & FERRY_GIVE_BACK) != 0;
    const struct shape shape = {.most = options->most ? options->most : SEMAPHORE_MOST,
                                .count = options->count == 0 && gives_back ? 1 : options->count};
    int r = check_options(name, options);
    if (r == 0)
        r = check_shape(options, shape);
    if (r < 0)
        return r;
    const struct beginning beginning = {.shared = {.most = shape.most,
                                                   .count = shape.count,
                                                   .word = options->value * SEMAPHORE_UNIT},
                                        .value = options->value};
    const struct region_request request = {
        .name = name,
        .kind = FERRY_KIND_SEMAPHORE,
        .flags = options->flags,
        .mode = options->mode ? options->mode : 0600,
        .index_bytes = shape.count > 0 ? semaphore_set_bytes(shape.count) : 0,
        .first_index_bytes = shape.count > 0 ? semaphore_set_first_bytes() : 0,
        .begin = begin,
        .context = &beginning,
        .trusted_owners = options->trusted_owners,
        .trusted_owner_count = options->trusted_owner_count};
    ferry_semaphore *semaphore = NULL;
    r = object_open(&request, semaphore_new, &semaphore);
    if (r == 0)
        r = check_manner(semaphore, options);
    if (r < 0) {
        ferry_semaphore_close(semaphore);
        return r;
    }
    *ret_semaphore = semaphore;
    return 0;
}

ferry_semaphore *ferry_semaphore_close(ferry_semaphore *semaphore)
{
    return handle_close(&handle, semaphore);
}
