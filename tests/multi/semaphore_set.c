/* Sets of semaphores, and what is given back: all or nothing, waiting for zero, death (contract E3, E4), beside the kernel's. */
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "support.h"

#define STEPS(...)                                                                                 \
    (const struct ferry_semaphore_step[]){__VA_ARGS__},                                            \
        sizeof((const struct ferry_semaphore_step[]){__VA_ARGS__}) /                               \
            sizeof(struct ferry_semaphore_step)

static ferry_semaphore *make(uint32_t count, uint32_t value, uint32_t most)
{
    ferry_semaphore *set;
    CHECK_OK(ferry_semaphore_open(
        &set, "s",
        FERRY_SEMAPHORE(.flags = FERRY_CREATE, .count = count, .value = value, .most = most)));
    return set;
}

static ferry_semaphore *join(unsigned flags)
{
    ferry_semaphore *set;
    CHECK_OK(ferry_semaphore_open(&set, "s", FERRY_SEMAPHORE(.flags = flags)));
    return set;
}

static void drop(ferry_semaphore *set)
{
    ferry_semaphore_close(set);
    CHECK_OK(ferry_remove("s"));
}

static uint32_t value_at(ferry_semaphore *set, uint32_t which)
{
    uint32_t values[FERRY_SEMAPHORE_SET_MOST];
    CHECK_OK(ferry_semaphore_values(set, values, FERRY_SEMAPHORE_SET_MOST));
    return values[which];
}

/* ---- Steps ------------------------------------------------------------------------------------ */

TEST(all_steps_or_none) /* E3 */
{
    ferry_semaphore *set = make(3, 1, 5);
    CHECK_OK(ferry_semaphore_operate(set, STEPS({0, -1, 0}, {1, -1, 0}, {2, 4, 0}), FERRY_NOW));
    CHECK_EQ(value_at(set, 0), 0);
    CHECK_EQ(value_at(set, 1), 0);
    CHECK_EQ(value_at(set, 2), 5);
    CHECK_ERR(ferry_semaphore_operate(set, STEPS({2, -1, 0}, {0, -1, 0}), FERRY_NOW), EAGAIN);
    CHECK_EQ(value_at(set, 2), 5);
    CHECK_ERR(ferry_semaphore_operate(set, STEPS({0, 1, 0}, {2, 1, 0}), FERRY_NOW), EOVERFLOW);
    CHECK_EQ(value_at(set, 0), 0);
    /* In order: what one gives, the next can take. */
    CHECK_OK(ferry_semaphore_operate(set, STEPS({0, 3, 0}, {0, -3, 0}, {0, 0, 0}), FERRY_NOW));
    CHECK_ERR(ferry_semaphore_operate(set, STEPS({0, -3, 0}, {0, 3, 0}), FERRY_NOW), EAGAIN);
    drop(set);
}

TEST(a_set_has_256_at_most) /* E3 */
{
    ferry_semaphore *set = make(256, 7, 0);
    struct ferry_semaphore_step steps[256];
    for (uint32_t i = 0; i < 256; i++)
        steps[i] =
            (struct ferry_semaphore_step){.which = i, .change = -1, .flags = FERRY_GIVE_BACK};
    CHECK_OK(ferry_semaphore_operate(set, steps, 256, FERRY_NOW));
    for (uint32_t i = 0; i < 256; i++)
        CHECK_EQ(value_at(set, i), 6);
    ferry_semaphore *other = join(0);
    ferry_semaphore_close(set);
    for (uint32_t i = 0; i < 256; i++)
        CHECK_EQ(value_at(other, i), 7);
    CHECK_ERR(ferry_semaphore_operate(other, STEPS({256, 1, 0}), FERRY_NOW), EINVAL);
    CHECK_ERR(ferry_semaphore_operate(other, steps, 257, FERRY_NOW), EINVAL);
    CHECK_ERR(ferry_semaphore_operate(other, steps, 0, FERRY_NOW), EINVAL);
    CHECK_ERR(ferry_semaphore_wait(other, FERRY_NOW), EINVAL);
    drop(other);
    CHECK_ERR(ferry_semaphore_open(&set, "s", FERRY_SEMAPHORE(.flags = FERRY_CREATE, .count = 257)),
              EINVAL);
}

TEST(one_by_itself_has_no_steps) /* E3 */
{
    ferry_semaphore *plain = make(0, 1, 0), *other;
    CHECK_ERR(ferry_semaphore_operate(plain, STEPS({0, -1, 0}), FERRY_NOW), EOPNOTSUPP);
    CHECK_ERR(ferry_semaphore_open(&other, "s", FERRY_SEMAPHORE(.flags = FERRY_GIVE_BACK)),
              EMEDIUMTYPE);
    CHECK_ERR(ferry_semaphore_open(&other, "s", FERRY_SEMAPHORE(.count = 2)), EMEDIUMTYPE);
    drop(plain);
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

static void wait_for_both(void *context)
{
    (void)context;
    ferry_semaphore *own = join(0);
    CHECK_OK(ferry_semaphore_operate(own, STEPS({0, -2, 0}, {1, -1, 0}), FERRY_FOREVER));
    ferry_semaphore_close(own);
}

TEST(who_waits_for_two_takes_both_at_once) /* E3 */
{
    ferry_semaphore *set = make(2, 0, 0);
    pid_t child = test_child(wait_for_both, NULL);
    test_sleeping(child);
    CHECK_OK(ferry_semaphore_operate(set, STEPS({0, 2, 0}), FERRY_NOW));
    test_sleeping(child);
    CHECK_EQ(value_at(set, 0), 2);
    CHECK_OK(ferry_semaphore_operate(set, STEPS({1, 1, 0}), FERRY_NOW));
    test_wait_ok(child);
    CHECK_EQ(value_at(set, 0), 0);
    CHECK_EQ(value_at(set, 1), 0);
    CHECK_ERR(ferry_semaphore_operate(set, STEPS({0, -1, 0}), 20 * MILLISECOND), ETIMEDOUT);
    drop(set);
}

static void wait_for_zero(void *context)
{
    (void)context;
    ferry_semaphore *own = join(0);
    CHECK_OK(ferry_semaphore_operate(own, STEPS({0, 0, 0}), FERRY_FOREVER));
    ferry_semaphore_close(own);
}

TEST(zero_is_waited_for) /* E3 */
{
    ferry_semaphore *set = make(1, 2, 0);
    pid_t child = test_child(wait_for_zero, NULL);
    test_sleeping(child);
    CHECK_OK(ferry_semaphore_wait(set, FERRY_NOW));
    test_sleeping(child);
    CHECK_OK(ferry_semaphore_wait(set, FERRY_NOW));
    test_wait_ok(child);
    drop(set);
}

/* ---- Giving back ------------------------------------------------------------------------------ */

static void take_and_stay(void *context)
{
    (void)context;
    ferry_semaphore *own = join(FERRY_GIVE_BACK);
    CHECK_OK(ferry_semaphore_wait(own, FERRY_NOW));
    for (;;)
        pause();
}

TEST(what_the_dead_held_is_given_back) /* E4 */
{
    ferry_semaphore *own;
    CHECK_OK(ferry_semaphore_open(
        &own, "s", FERRY_SEMAPHORE(.flags = FERRY_CREATE | FERRY_GIVE_BACK, .value = 2)));
    pid_t first = test_child(take_and_stay, NULL), second = test_child(take_and_stay, NULL);
    test_wait_until(value_at(own, 0) == 0);
    CHECK_ERR(ferry_semaphore_wait(own, FERRY_NOW), EAGAIN);
    test_kill(first);
    CHECK_OK(ferry_semaphore_wait(own, FERRY_NOW));
    CHECK_ERR(ferry_semaphore_wait(own, FERRY_NOW), EAGAIN);
    test_kill(second);
    CHECK_OK(ferry_semaphore_wait(own, FERRY_FOREVER));
    CHECK_EQ(value_at(own, 0), 0);
    ferry_semaphore_close(own);
    own = join(0);
    CHECK_EQ(value_at(own, 0), 2);
    drop(own);
}

static void wait_for_one(void *context)
{
    (void)context;
    ferry_semaphore *own = join(0);
    CHECK_OK(ferry_semaphore_wait(own, FERRY_FOREVER));
    ferry_semaphore_close(own);
}

TEST(who_sleeps_hears_that_the_holder_died) /* E4 G8 */
{
    ferry_semaphore *own;
    CHECK_OK(ferry_semaphore_open(
        &own, "s", FERRY_SEMAPHORE(.flags = FERRY_CREATE | FERRY_GIVE_BACK, .value = 1)));
    pid_t holder = test_child(take_and_stay, NULL);
    test_wait_until(value_at(own, 0) == 0);
    pid_t waiter = test_child(wait_for_one, NULL);
    test_sleeping(waiter);
    test_kill(holder);
    test_wait_ok(waiter);
    drop(own);
}

TEST(what_is_set_is_owed_by_nobody) /* E4, as SETVAL */
{
    ferry_semaphore *own = make(2, 5, 0), *other = join(0);
    CHECK_OK(ferry_semaphore_operate(
        other, STEPS({0, -2, FERRY_GIVE_BACK}, {1, -3, FERRY_GIVE_BACK}), FERRY_NOW));
    CHECK_OK(ferry_semaphore_set_value(own, 0, 4));
    CHECK_OK(ferry_semaphore_operate(other, STEPS({0, -1, FERRY_GIVE_BACK}), FERRY_NOW));
    ferry_semaphore_close(other);
    CHECK_EQ(value_at(own, 0), 4);
    CHECK_EQ(value_at(own, 1), 5);
    drop(own);
}

TEST(to_give_back_never_waits_and_stops_at_the_bounds) /* E4 */
{
    ferry_semaphore *own = make(1, 0, 3), *other = join(FERRY_GIVE_BACK);
    CHECK_OK(ferry_semaphore_post(other));
    CHECK_OK(ferry_semaphore_post(other));
    CHECK_OK(ferry_semaphore_wait(own, FERRY_NOW));
    CHECK_OK(ferry_semaphore_wait(own, FERRY_NOW));
    ferry_semaphore_close(other); /* 2 to be taken, and there are none */
    CHECK_EQ(value_at(own, 0), 0);
    drop(own);
}

/* ---- Beside the kernel ------------------------------------------------------------------------ */

enum { COUNT = 4, MOST = 32767 };

struct pair {
    int kernel;
    ferry_semaphore *ferry;
};

/* Some steps, on both; without waiting. */
static void step_both(const struct pair *pair, uint32_t *random)
{
    struct sembuf kernel[4];
    struct ferry_semaphore_step ferry[4];
    size_t count = 1 + next_random(random) % 4;
    for (size_t i = 0; i < count; i++) {
        unsigned short which = (unsigned short)(next_random(random) % COUNT);
        short change = (short)((int)(next_random(random) % 9) - 4);
        bool undo = next_random(random) % 2 == 0;
        kernel[i] = (struct sembuf){which, change, (short)(IPC_NOWAIT | (undo ? SEM_UNDO : 0))};
        ferry[i] = (struct ferry_semaphore_step){which, change, undo ? FERRY_GIVE_BACK : 0};
    }
    int expected = semop(pair->kernel, kernel, count) < 0 ? -errno : 0;
    int r = ferry_semaphore_operate(pair->ferry, ferry, count, FERRY_NOW);
    CHECK_EQ(r, expected == -ERANGE ? -EOVERFLOW : expected);
}

static void compare(const struct pair *pair)
{
    unsigned short kernel[COUNT];
    uint32_t ferry[COUNT];
    CHECK_ERRNO(semctl(pair->kernel, 0, GETALL, kernel));
    CHECK_OK(ferry_semaphore_values(pair->ferry, ferry, COUNT));
    for (int i = 0; i < COUNT; i++)
        CHECK_EQ(ferry[i], kernel[i]);
}

struct child {
    struct pair pair;
    uint32_t seed;
};

static void step_and_go(void *context)
{
    struct child *child = context;
    struct pair pair = {child->pair.kernel, join(0)};
    for (int i = 0; i < 30; i++) {
        step_both(&pair, &child->seed);
        compare(&pair);
        if (next_random(&child->seed) % 16 == 0) {
            int which = (int)(next_random(&child->seed) % COUNT);
            uint32_t value = next_random(&child->seed) % 6;
            CHECK_ERRNO(semctl(pair.kernel, which, SETVAL, value));
            CHECK_OK(ferry_semaphore_set_value(pair.ferry, (uint32_t)which, value));
        }
    }
    if (next_random(&child->seed) % 2 == 0)
        raise(SIGKILL);
}

TEST_LONG(steps_and_deaths_come_out_as_the_kernels_do, 120) /* E3 E4 */
{
    int rounds = test_thorough() ? 2000 : 150;
    struct child *child = test_shared(sizeof *child);
    uint32_t random = (uint32_t)test_now_ns() | 1;
    child->pair = (struct pair){semget(IPC_PRIVATE, COUNT, 0600), make(COUNT, 0, MOST)};
    CHECK_ERRNO(child->pair.kernel);
    for (int round = 0; round < rounds; round++) {
        child->seed = next_random(&random);
        pid_t pid = fork();
        CHECK_ERRNO(pid);
        if (pid == 0) {
            step_and_go(child);
            _exit(0);
        }
        int status;
        CHECK_EQ(waitpid(pid, &status, 0), pid);
        CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        compare(&child->pair);
    }
    CHECK_ERRNO(semctl(child->pair.kernel, 0, IPC_RMID));
    drop(child->pair.ferry);
}
