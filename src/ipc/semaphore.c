/* Using semaphores.  The contract is in <ferry/semaphore.h>. */
#include <errno.h>

#include "base/error.h"
#include "ipc/semaphore.h"
#include "os/epoll.h"
#include "os/file.h"
#include "shared/bell.h"
#include "shared/board.h"

/* ---- Polling ---------------------------------------------------------------------------------- */

/* Is there a unit?  Also if nobody can tell. */
static bool may_have(ferry_semaphore *semaphore)
{
    uint32_t value;
    if (!semaphore->is_set)
        return semaphore_may_have(&semaphore->semaphore);
    return semaphore_set_values(&semaphore->set, &value, 1) < 0 || value > 0;
}

/* Clears the latch, unless there is a unit.  With the guard. */
static void clear_latch(ferry_semaphore *semaphore)
{
    epoll_latch_clear(semaphore->latch);
    if (may_have(semaphore))
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

static int refuse_set(const ferry_semaphore *semaphore)
{
    return fail(-EINVAL, "this is a set of %u semaphores; say which with ferry_semaphore_operate()",
                semaphore->set.count);
}

static int step_one(ferry_semaphore *semaphore, int32_t change, int64_t timeout_ns)
{
    const struct ferry_semaphore_step step = {.change = change, .flags = semaphore->step_flags};
    if (semaphore->set.count != 1)
        return refuse_set(semaphore);
    return semaphore_set_operate(&semaphore->set, &step, 1, timeout_ns);
}

/* Apart, so that the way through ferry_semaphore_wait() and ferry_semaphore_post() has no registers to save. */
__attribute__((noinline)) static int wait_slowly(ferry_semaphore *semaphore, int64_t timeout_ns)
{
    int r = object_usable(&semaphore->object);
    if (r == 0)
        r = semaphore->is_set ? step_one(semaphore, -1, timeout_ns)
                              : semaphore_wait(&semaphore->semaphore, timeout_ns);
    if (r < 0 && atomic_load_explicit(&semaphore->polls, memory_order_relaxed))
        quieten(semaphore);
    return r;
}

__attribute__((noinline)) static int post_slowly(ferry_semaphore *semaphore)
{
    int r = object_usable(&semaphore->object);
    if (r < 0)
        return r;
    return semaphore->is_set ? step_one(semaphore, 1, FERRY_NOW)
                             : semaphore_post(&semaphore->semaphore);
}

static bool is_plain(const ferry_semaphore *semaphore)
{
    return object_is_usable(&semaphore->object) && !semaphore->is_set;
}

int ferry_semaphore_wait(ferry_semaphore *semaphore, int64_t timeout_ns)
{
    return is_plain(semaphore) && semaphore_take_at_once(&semaphore->semaphore)
               ? 0
               : wait_slowly(semaphore, timeout_ns);
}

int ferry_semaphore_post(ferry_semaphore *semaphore)
{
    return is_plain(semaphore) && semaphore_give_at_once(&semaphore->semaphore)
               ? 0
               : post_slowly(semaphore);
}

int ferry_semaphore_value(ferry_semaphore *semaphore, uint32_t *ret_value)
{
    int r = object_usable(&semaphore->object);
    if (r < 0)
        return r;
    if (semaphore->is_set)
        return semaphore->set.count == 1 ? semaphore_set_values(&semaphore->set, ret_value, 1)
                                         : refuse_set(semaphore);
    *ret_value = semaphore_value(&semaphore->semaphore);
    return 0;
}

int ferry_semaphore_waiters(ferry_semaphore *semaphore, uint32_t *ret_count)
{
    int r = object_usable(&semaphore->object);
    if (r == 0)
        *ret_count =
            crowd_count(semaphore->is_set ? &semaphore->set.crowd : &semaphore->semaphore.crowd);
    return r;
}

static int listen(ferry_semaphore *semaphore)
{
    if (!semaphore->is_set)
        return semaphore_listen(&semaphore->semaphore);
    if (semaphore->set.count != 1)
        return refuse_set(semaphore);
    board_set(&semaphore->object.slots.control->listeners, semaphore->object.slots.slot);
    return 0;
}

static int begin_polling(ferry_semaphore *semaphore)
{
    int latch = bell_latch(semaphore->object.region.bell_fd);
    int r = latch < 0 ? latch : listen(semaphore);
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

/* ---- Sets ------------------------------------------------------------------------------------- */

static int check_set(const ferry_semaphore *semaphore)
{
    int r = object_usable(&semaphore->object);
    if (r == 0 && !semaphore->is_set)
        r = fail(-EOPNOTSUPP, "this semaphore is one by itself; make a set (count), or one with "
                              "FERRY_GIVE_BACK");
    return r;
}

static int check_steps(const ferry_semaphore *semaphore, const struct ferry_semaphore_step *steps,
                       size_t count)
{
    if (count == 0 || count > SET_MOST)
        return fail(-EINVAL, "there are 1 to %d steps at once, not %zu", SET_MOST, count);
    for (size_t i = 0; i < count; i++) {
        if (steps[i].which >= semaphore->set.count)
            return fail(-EINVAL, "the set has %u semaphores, and none is number %u",
                        semaphore->set.count, steps[i].which);
        if ((steps[i].flags & ~FERRY_GIVE_BACK) != 0)
            return fail(-EINVAL, "a step has the flag FERRY_GIVE_BACK or none, not 0x%x",
                        steps[i].flags);
    }
    return 0;
}

int ferry_semaphore_operate(ferry_semaphore *semaphore, const struct ferry_semaphore_step *steps,
                            size_t count, int64_t timeout_ns)
{
    int r = check_set(semaphore);
    if (r == 0)
        r = check_steps(semaphore, steps, count);
    return r < 0 ? r : semaphore_set_operate(&semaphore->set, steps, count, timeout_ns);
}

int ferry_semaphore_values(ferry_semaphore *semaphore, uint32_t *ret_values, size_t count)
{
    int r = check_set(semaphore);
    if (r == 0)
        r = semaphore_set_values(&semaphore->set, ret_values, count);
    return r < 0 ? r : (int)semaphore->set.count;
}

int ferry_semaphore_set_value(ferry_semaphore *semaphore, uint32_t which, uint32_t value)
{
    int r = check_set(semaphore);
    if (r < 0)
        return r;
    if (which >= semaphore->set.count || value > semaphore->set.most)
        return fail(-EINVAL, "the set has %u semaphores of at most %u units each",
                    semaphore->set.count, semaphore->set.most);
    return semaphore_set_value(&semaphore->set, which, value);
}
