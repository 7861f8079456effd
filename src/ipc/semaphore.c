/* Semaphores: an object with a word.  The contract is in <ferry/semaphore.h>. */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "ipc/semaphore.h"
#include "os/epoll.h"
#include "os/file.h"
#include "shared/bell.h"
#include "shared/board.h"

static const unsigned KNOWN_FLAGS = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_EINTR;

static_assert(FERRY_SEMAPHORE_MOST == SEMAPHORE_MOST, "one limit");

/* ---- The handle ------------------------------------------------------------------------------- */

static ferry_semaphore *of_object(struct object *object)
{
    return (ferry_semaphore *)(void *)((char *)object - offsetof(ferry_semaphore, object));
}

static void hold(struct object *object)
{
    ferry_semaphore *semaphore = of_object(object);
    pthread_mutex_lock(&semaphore->guard);
    pthread_mutex_lock(&semaphore->semaphore.crowd.guard);
}

static void let_go(struct object *object)
{
    ferry_semaphore *semaphore = of_object(object);
    pthread_mutex_unlock(&semaphore->semaphore.crowd.guard);
    pthread_mutex_unlock(&semaphore->guard);
}

/* The descriptor stays with the parent. */
static void after_fork(struct object *object)
{
    ferry_semaphore *semaphore = of_object(object);
    semaphore_after_fork(&semaphore->semaphore);
    file_close(&semaphore->latch);
    atomic_store_explicit(&semaphore->polls, false, memory_order_relaxed);
}

static const struct object_hooks hooks = {.hold = hold, .let_go = let_go, .after_fork = after_fork};

/* How it was made, read once: relaxed, as it was written before the object had a name. */
static uint32_t most_of(const struct object *object)
{
    uint32_t most =
        atomic_load_explicit(&object->slots.control->semaphore.most, memory_order_relaxed);
    return most <= SEMAPHORE_MOST ? most : 0;
}

static void init(ferry_semaphore *semaphore, const struct object *object, uint32_t most)
{
    semaphore->object = *object;
    semaphore->latch = -1;
    pthread_mutex_init(&semaphore->guard, NULL);
    semaphore_init(&semaphore->semaphore, &semaphore->object.slots, most, object->region.bell_fd);
    semaphore->semaphore.interruptible = object_is_interruptible(object);
}

static void deinit(ferry_semaphore *semaphore)
{
    semaphore_deinit(&semaphore->semaphore);
    pthread_mutex_destroy(&semaphore->guard);
    file_close(&semaphore->latch);
}

int semaphore_new(struct object *object, void *ret_semaphore)
{
    uint32_t most = most_of(object);
    ferry_semaphore *semaphore = calloc(1, sizeof(*semaphore));
    if (semaphore == NULL || most == 0) {
        free(semaphore);
        region_release(&object->region);
        return most == 0 ? fail(-EBADMSG, "a peer wrote nonsense into the semaphore; remove it and "
                                          "make it anew")
                         : fail(-ENOMEM, "no memory for a handle");
    }
    init(semaphore, object, most);
    int r = object_follow(&semaphore->object, &hooks);
    if (r < 0) {
        deinit(semaphore);
        free(semaphore);
        return r;
    }
    *(ferry_semaphore **)ret_semaphore = semaphore;
    return 0;
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

static int check_value(uint32_t value, uint32_t most)
{
    if (most > SEMAPHORE_MOST)
        return fail(-EINVAL, "a semaphore has at most %u units, not %u", SEMAPHORE_MOST, most);
    if (value > most)
        return fail(-EINVAL, "a semaphore of at most %u units cannot begin with %u", most, value);
    return 0;
}

static int begin(int control_fd, const struct region_request *request)
{
    return file_write_at(control_fd, request->context, sizeof(struct layout_semaphore),
                         offsetof(struct layout, semaphore));
}

int ferry_semaphore_open(ferry_semaphore **ret_semaphore, const char *name,
                         const struct ferry_semaphore_options *options)
{
    const struct ferry_semaphore_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    int r = check_options(name, options);
    if (r < 0)
        return r;
    uint32_t most = options->most ? options->most : SEMAPHORE_MOST;
    r = check_value(options->value, most);
    if (r < 0)
        return r;
    const struct layout_semaphore shared = {.most = most, .word = options->value * SEMAPHORE_UNIT};
    const struct region_request request = {.name = name,
                                           .kind = FERRY_KIND_SEMAPHORE,
                                           .flags = options->flags,
                                           .mode = options->mode ? options->mode : 0600,
                                           .begin = begin,
                                           .context = &shared,
                                           .trusted_owners = options->trusted_owners,
                                           .trusted_owner_count = options->trusted_owner_count};
    return object_open(&request, semaphore_new, ret_semaphore);
}

ferry_semaphore *ferry_semaphore_close(ferry_semaphore *semaphore)
{
    if (semaphore == NULL)
        return NULL;
    fork_hold();
    object_leave(&semaphore->object);
    deinit(semaphore);
    region_release(&semaphore->object.region);
    fork_unhold();
    free(semaphore);
    return NULL;
}

/* ---- Using ------------------------------------------------------------------------------------ */

/* Clears the latch, unless there is a unit.  With the guard. */
static void clear_latch(ferry_semaphore *semaphore)
{
    epoll_latch_clear(semaphore->latch);
    if (semaphore_may_have(&semaphore->semaphore))
        epoll_latch_set(semaphore->latch, semaphore->object.region.bell_fd);
}

/* The caller has been told that there is none: its descriptor is to be quiet. */
static void quieten(ferry_semaphore *semaphore)
{
    pthread_mutex_lock(&semaphore->guard);
    if (semaphore->latch >= 0)
        clear_latch(semaphore);
    pthread_mutex_unlock(&semaphore->guard);
}

int ferry_semaphore_wait(ferry_semaphore *semaphore, int64_t timeout_ns)
{
    int r = object_usable(&semaphore->object);
    if (r == 0)
        r = semaphore_wait(&semaphore->semaphore, timeout_ns);
    if (r < 0 && atomic_load_explicit(&semaphore->polls, memory_order_relaxed))
        quieten(semaphore);
    return r;
}

int ferry_semaphore_post(ferry_semaphore *semaphore)
{
    int r = object_usable(&semaphore->object);
    return r < 0 ? r : semaphore_post(&semaphore->semaphore);
}

int ferry_semaphore_value(ferry_semaphore *semaphore, uint32_t *ret_value)
{
    int r = object_usable(&semaphore->object);
    if (r == 0)
        *ret_value = semaphore_value(&semaphore->semaphore);
    return r;
}

int ferry_semaphore_waiters(ferry_semaphore *semaphore, uint32_t *ret_count)
{
    int r = object_usable(&semaphore->object);
    if (r == 0)
        *ret_count = crowd_count(&semaphore->semaphore.crowd);
    return r;
}

static int begin_polling(ferry_semaphore *semaphore)
{
    int latch = bell_latch(semaphore->object.region.bell_fd);
    int r = latch < 0 ? latch : semaphore_listen(&semaphore->semaphore);
    if (r < 0) {
        file_close(&latch);
        return r;
    }
    semaphore->latch = latch;
    atomic_store_explicit(&semaphore->polls, true, memory_order_relaxed);
    clear_latch(semaphore);
    return latch;
}

int ferry_semaphore_descriptor(ferry_semaphore *semaphore)
{
    int r = object_usable(&semaphore->object);
    if (r < 0)
        return r;
    pthread_mutex_lock(&semaphore->guard);
    r = semaphore->latch >= 0 ? semaphore->latch : begin_polling(semaphore);
    pthread_mutex_unlock(&semaphore->guard);
    return r;
}
