/* See semaphore_planted.h. */
#include <pthread.h>

#include "semaphore_kernel.h"

/* The kernel's, but for what is in the list behind. */
#define SYSTEM_V_BUT(name_, ...)                                                                   \
    const struct semaphore_back_end name_ = {.name = #name_,                                       \
                                             .can = SYSTEM_V_CAN,                                  \
                                             .most = SYSTEM_V_MOST,                                \
                                             .make = system_v_make,                                \
                                             .open = system_v_open,                                \
                                             .close = system_v_close,                              \
                                             .remove = system_v_remove,                            \
                                             .wait = system_v_wait,                                \
                                             .post = system_v_post,                                \
                                             .value = system_v_value,                              \
                                             .waiters = system_v_waiters,                          \
                                             .operate = system_v_operate,                          \
                                             .set = system_v_set,                                  \
                                             __VA_ARGS__}

#pragma GCC diagnostic ignored "-Woverride-init"

/* ---- Units ---- */

static int wait_and_own(struct semaphore *semaphore, int64_t timeout_ns)
{
    return SEMAPHORE_OPERATE(semaphore, timeout_ns, {0, -1, FERRY_GIVE_BACK});
}

SYSTEM_V_BUT(owned, .wait = wait_and_own);

static int post_and_lose(struct semaphore *semaphore)
{
    static unsigned posts;
    return ++posts % 2 == 0 ? 0 : system_v_post(semaphore);
}

SYSTEM_V_BUT(lossy, .post = post_and_lose);

static int wait_for_none(struct semaphore *semaphore, int64_t timeout_ns)
{
    static unsigned refusals;
    int r = system_v_wait(semaphore, FERRY_NOW);
    return r == -EAGAIN && (timeout_ns != FERRY_NOW || ++refusals % 3 == 0) ? 0 : r;
}

SYSTEM_V_BUT(inventive, .wait = wait_for_none);

static int post_without_bound(struct semaphore *semaphore)
{
    int r = system_v_post(semaphore);
    return r == -EOVERFLOW ? 0 : r;
}

SYSTEM_V_BUT(bottomless, .post = post_without_bound);

/* ---- Waiting ---- */

/* Of three semaphores: units, those who wait, and units that are theirs. */
static void make_with_waiters(struct semaphore *semaphore, uint32_t value)
{
    semaphore->count = 3;
    system_v_make(semaphore, 0);
    system_v_set(semaphore, 0, value);
}

static int wait_to_be_given(struct semaphore *semaphore, int64_t timeout_ns)
{
    int r = system_v_wait(semaphore, FERRY_NOW);
    if (r != -EAGAIN || timeout_ns == FERRY_NOW)
        return r;
    SEMAPHORE_OPERATE(semaphore, FERRY_NOW, {1, 1, 0});
    return SEMAPHORE_OPERATE(semaphore, timeout_ns, {2, -1, 0});
}

static int post_to_who_waits(struct semaphore *semaphore)
{
    int r = SEMAPHORE_OPERATE(semaphore, FERRY_NOW, {1, -1, 0}, {2, 1, 0});
    return r == -EAGAIN ? system_v_post(semaphore) : r;
}

SYSTEM_V_BUT(to_the_dead, .can = 0, .make = make_with_waiters, .wait = wait_to_be_given,
             .post = post_to_who_waits);

static int wait_in_haste(struct semaphore *semaphore, int64_t timeout_ns)
{
    return timeout_ns == 1 ? -ETIMEDOUT : system_v_wait(semaphore, timeout_ns);
}

SYSTEM_V_BUT(hasty, .wait = wait_in_haste);

/* semop(2) is never restarted. */
SYSTEM_V_BUT(nervous, .can = SYSTEM_V_CAN | CAN_GO_ON);

static uint32_t no_waiters(struct semaphore *semaphore)
{
    (void)semaphore;
    return 0;
}

SYSTEM_V_BUT(uncounted, .waiters = no_waiters);

/* ---- Steps ---- */

static int one_by_one(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                      size_t count, int64_t timeout_ns)
{
    int r = count == 0 ? -EINVAL : 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = system_v_operate(semaphore, &steps[i], 1, timeout_ns);
    return r;
}

SYSTEM_V_BUT(piecemeal, .operate = one_by_one);

enum { STEPS_MOST = 16 };

static int from_the_last(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                         size_t count, int64_t timeout_ns)
{
    struct ferry_semaphore_step others[STEPS_MOST];
    CHECK(count <= STEPS_MOST);
    for (size_t i = 0; i < count; i++)
        others[count - 1 - i] = steps[i];
    return system_v_operate(semaphore, others, count, timeout_ns);
}

SYSTEM_V_BUT(backwards, .operate = from_the_last);

static int without_zero(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                        size_t count, int64_t timeout_ns)
{
    struct ferry_semaphore_step others[STEPS_MOST];
    size_t left = 0;
    CHECK(count <= STEPS_MOST);
    for (size_t i = 0; i < count; i++)
        if (steps[i].change != 0)
            others[left++] = steps[i];
    return left == 0 && count > 0 ? 0 : system_v_operate(semaphore, others, left, timeout_ns);
}

SYSTEM_V_BUT(zero_blind, .operate = without_zero);

/* ---- Giving back ---- */

static int with_flags(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                      size_t count, int64_t timeout_ns, unsigned flags)
{
    struct ferry_semaphore_step others[STEPS_MOST];
    CHECK(count <= STEPS_MOST);
    for (size_t i = 0; i < count; i++) {
        others[i] = steps[i];
        others[i].flags = flags;
    }
    return system_v_operate(semaphore, others, count, timeout_ns);
}

static int for_good(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                    size_t count, int64_t timeout_ns)
{
    return with_flags(semaphore, steps, count, timeout_ns, 0);
}

SYSTEM_V_BUT(forgetful, .operate = for_good);

static int for_a_while(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                       size_t count, int64_t timeout_ns)
{
    return with_flags(semaphore, steps, count, timeout_ns, FERRY_GIVE_BACK);
}

SYSTEM_V_BUT(overzealous, .operate = for_a_while);

/* The last step that is to be given back, by this process. */
static struct semaphore inherited;
static struct ferry_semaphore_step debt;

static void inherit(void)
{
    SEMAPHORE_OPERATE(&inherited, FERRY_NOW, {debt.which, -debt.change, 0}, debt);
}

static int and_the_children(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                            size_t count, int64_t timeout_ns)
{
    int r = system_v_operate(semaphore, steps, count, timeout_ns);
    if (r < 0 || (steps[count - 1].flags & FERRY_GIVE_BACK) == 0)
        return r;
    inherited = *semaphore;
    debt = steps[count - 1];
    pthread_atfork(NULL, NULL, inherit);
    return r;
}

SYSTEM_V_BUT(hereditary, .operate = and_the_children);

static void set_by_steps(struct semaphore *semaphore, uint32_t which, uint32_t value)
{
    int32_t change = (int32_t)value - (int32_t)system_v_value(semaphore, which);
    CHECK_EQ(SEMAPHORE_OPERATE(semaphore, FERRY_NOW, {which, change, 0}), 0);
}

SYSTEM_V_BUT(clinging, .set = set_by_steps);
