/* Ferry's semaphores: one by itself, and a set. */
#include "semaphores.h"

static unsigned flags_of(const struct semaphore *semaphore)
{
    return semaphore->interruptible ? FERRY_EINTR : 0;
}

static void make_with(struct semaphore *semaphore, uint32_t value, uint32_t count)
{
    CHECK_OK(ferry_semaphore_open(
        &semaphore->ferry, semaphore->name,
        FERRY_SEMAPHORE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .value = value, .count = count)));
}

static void make_plain(struct semaphore *semaphore, uint32_t value)
{
    CHECK_EQ(semaphore->count, 1);
    make_with(semaphore, value, 0);
}

static void make_set(struct semaphore *semaphore, uint32_t value)
{
    make_with(semaphore, value, semaphore->count);
}

static void open_again(struct semaphore *semaphore)
{
    CHECK_OK(ferry_semaphore_open(&semaphore->ferry, semaphore->name,
                                  FERRY_SEMAPHORE(.flags = flags_of(semaphore))));
}

static void close_handle(struct semaphore *semaphore)
{
    semaphore->ferry = ferry_semaphore_close(semaphore->ferry);
}

static void remove_name(struct semaphore *semaphore)
{
    CHECK_OK(ferry_remove(semaphore->name));
}

static int wait_for_one(struct semaphore *semaphore, int64_t timeout_ns)
{
    return ferry_semaphore_wait(semaphore->ferry, timeout_ns);
}

static int post_one(struct semaphore *semaphore)
{
    return ferry_semaphore_post(semaphore->ferry);
}

static uint32_t value_of_one(struct semaphore *semaphore, uint32_t which)
{
    uint32_t value;
    CHECK_EQ(which, 0);
    CHECK_OK(ferry_semaphore_value(semaphore->ferry, &value));
    return value;
}

static uint32_t value_of_set(struct semaphore *semaphore, uint32_t which)
{
    uint32_t values[FERRY_SEMAPHORE_SET_MOST];
    CHECK_OK(ferry_semaphore_values(semaphore->ferry, values, which + 1));
    return values[which];
}

static uint32_t waiters(struct semaphore *semaphore)
{
    uint32_t count;
    CHECK_OK(ferry_semaphore_waiters(semaphore->ferry, &count));
    return count;
}

static int operate(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                   size_t count, int64_t timeout_ns)
{
    return ferry_semaphore_operate(semaphore->ferry, steps, count, timeout_ns);
}

static void set_value(struct semaphore *semaphore, uint32_t which, uint32_t value)
{
    CHECK_OK(ferry_semaphore_set_value(semaphore->ferry, which, value));
}

enum { CAN_PLAIN = CAN_TIME_OUT | CAN_GO_ON | CAN_COUNT_WAITERS };

#define FERRY_BACK_END(name_, can_, make_, value_)                                                 \
    const struct semaphore_back_end name_ = {.name = #name_,                                       \
                                             .can = (can_),                                        \
                                             .most = FERRY_SEMAPHORE_MOST,                         \
                                             .make = (make_),                                      \
                                             .open = open_again,                                   \
                                             .close = close_handle,                                \
                                             .remove = remove_name,                                \
                                             .wait = wait_for_one,                                 \
                                             .post = post_one,                                     \
                                             .value = (value_),                                    \
                                             .waiters = waiters,                                   \
                                             .operate = operate,                                   \
                                             .set = set_value}

FERRY_BACK_END(ferry_plain, CAN_PLAIN, make_plain, value_of_one);
FERRY_BACK_END(ferry_set, CAN_PLAIN | CAN_STEP, make_set, value_of_set);
