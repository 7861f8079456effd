/* Who waits for a unit: until there is one, or a signal, or for as long as was said. */
#include <signal.h>

#include "semaphores.h"

/* What a process that waits is to do, and what came of it, in memory that all share. */
struct wait {
    struct semaphore semaphore;
    int64_t timeout_ns, result;
    bool is_own; /* a handle of its own, and not the inherited one */
};

static void wait_there(void *context)
{
    struct wait *wait = context;
    struct semaphore semaphore = wait->is_own ? semaphore_open(&wait->semaphore) : wait->semaphore;
    wait->result = semaphore_wait(&semaphore, wait->timeout_ns);
}

static struct wait *wait_new(struct semaphore *semaphore)
{
    struct wait *wait = test_shared(sizeof *wait);
    wait->semaphore = *semaphore;
    wait->timeout_ns = FERRY_FOREVER;
    return wait;
}

/* It sleeps when this returns. */
static pid_t start(struct wait *wait)
{
    pid_t pid = test_child(wait_there, wait);
    test_sleeping(pid);
    return pid;
}

static void finish(pid_t pid, const struct wait *wait)
{
    test_wait_ok(pid);
    CHECK_EQ(wait->result, 0);
}

/* ---- For a unit ---- */

SEMAPHORE_CONFORMANCE(who_waits_is_woken_by_a_post, 0) /* E1 G15 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 0);
    struct wait *wait = wait_new(&semaphore);
    for (int lap = 0; lap < 40; lap++) {
        wait->is_own = lap % 2 == 0;
        pid_t pid = start(wait);
        CHECK_EQ(semaphore_post(&semaphore), 0);
        finish(pid, wait);
        CHECK_EQ(semaphore_value(&semaphore), 0);
    }
    semaphore_destroy(&semaphore);
}

enum { SLEEPERS = 6 };

struct sleepers {
    struct wait *waits[SLEEPERS];
    pid_t pids[SLEEPERS];
};

static struct sleepers start_all(struct semaphore *semaphore)
{
    struct sleepers sleepers;
    for (int i = 0; i < SLEEPERS; i++) {
        sleepers.waits[i] = wait_new(semaphore);
        sleepers.waits[i]->is_own = i % 2 == 0;
        sleepers.pids[i] = start(sleepers.waits[i]);
    }
    return sleepers;
}

SEMAPHORE_CONFORMANCE(as_many_go_on_as_there_are_units, 0) /* E1 E2 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 0);
    struct sleepers sleepers = start_all(&semaphore);
    for (int i = 0; i < SLEEPERS; i++)
        CHECK_EQ(semaphore_post(&semaphore), 0);
    for (int i = 0; i < SLEEPERS; i++)
        finish(sleepers.pids[i], sleepers.waits[i]);
    CHECK_EQ(semaphore_value(&semaphore), 0);
    semaphore_destroy(&semaphore);
}

SEMAPHORE_CONFORMANCE(those_who_wait_are_counted, CAN_COUNT_WAITERS) /* X11 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 0);
    CHECK_EQ(back_end->waiters(&semaphore), 0);
    struct sleepers sleepers = start_all(&semaphore);
    CHECK_EQ(back_end->waiters(&semaphore), SLEEPERS);
    for (uint32_t left = SLEEPERS; left > 0; left--) {
        CHECK_EQ(semaphore_post(&semaphore), 0);
        test_wait_until(semaphore_value(&semaphore) == 0);
        test_wait_until(back_end->waiters(&semaphore) == left - 1);
    }
    for (int i = 0; i < SLEEPERS; i++)
        finish(sleepers.pids[i], sleepers.waits[i]);
    semaphore_destroy(&semaphore);
}

/* ---- Who is killed ---- */

SEMAPHORE_CONFORMANCE(who_is_killed_asleep_takes_no_unit, 0) /* G8 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 0);
    for (int lap = 0; lap < 10; lap++) {
        struct wait *wait = wait_new(&semaphore);
        wait->is_own = lap % 2 == 0;
        test_kill(start(wait));
        CHECK_EQ(semaphore_post(&semaphore), 0);
        CHECK_EQ(semaphore_value(&semaphore), 1);
        CHECK_EQ(semaphore_wait(&semaphore, FERRY_NOW), 0);
        CHECK_ERR(semaphore_wait(&semaphore, FERRY_NOW), EAGAIN);
    }
    semaphore_destroy(&semaphore);
}

/* Also where units come for as many as are left. */
SEMAPHORE_CONFORMANCE(units_are_not_for_the_dead, 0) /* G8 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 0);
    struct sleepers sleepers = start_all(&semaphore);
    for (int i = 0; i < SLEEPERS; i += 2)
        test_kill(sleepers.pids[i]);
    for (int i = 1; i < SLEEPERS; i += 2)
        CHECK_EQ(semaphore_post(&semaphore), 0);
    test_wait_until(semaphore_value(&semaphore) == 0);
    for (int i = 1; i < SLEEPERS; i += 2)
        finish(sleepers.pids[i], sleepers.waits[i]);
    semaphore_destroy(&semaphore);
}

/* ---- Signals ---- */

static void do_nothing(int number)
{
    (void)number;
}

static void handle_signals(int flags)
{
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = flags};
    CHECK_ERRNO(sigaction(SIGUSR1, &action, NULL));
}

SEMAPHORE_CONFORMANCE(a_signal_ends_a_wait_where_that_was_asked_for, 0) /* G7 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 0);
    struct wait *wait = wait_new(&semaphore);
    wait->semaphore.interruptible = true;
    wait->is_own = true;
    handle_signals(0);
    for (int lap = 0; lap < 10; lap++) {
        pid_t pid = start(wait);
        CHECK_ERRNO(kill(pid, SIGUSR1));
        test_wait_ok(pid);
        CHECK_ERR(wait->result, EINTR);
    }
    CHECK_EQ(semaphore_post(&semaphore), 0);
    CHECK_EQ(semaphore_value(&semaphore), 1);
    semaphore_destroy(&semaphore);
}

SEMAPHORE_CONFORMANCE(a_wait_outlives_signals, CAN_GO_ON) /* G7 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 0);
    struct wait *wait = wait_new(&semaphore);
    handle_signals(SA_RESTART);
    pid_t pid = start(wait);
    for (int i = 0; i < 10; i++) {
        CHECK_ERRNO(kill(pid, SIGUSR1));
        test_sleeping(pid);
    }
    CHECK_EQ(semaphore_post(&semaphore), 0);
    finish(pid, wait);
    semaphore_destroy(&semaphore);
}

/* ---- Time ---- */

static const int64_t moment_ns = 20000000, long_ns = INT64_C(60000000000);

SEMAPHORE_CONFORMANCE(a_wait_ends_when_its_time_is_over, CAN_TIME_OUT) /* G7 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 0);
    int64_t begin_ns = test_now_ns();
    CHECK_ERR(semaphore_wait(&semaphore, moment_ns), ETIMEDOUT);
    CHECK(test_now_ns() - begin_ns >= moment_ns);
    CHECK_EQ(semaphore_post(&semaphore), 0);
    CHECK_EQ(semaphore_value(&semaphore), 1);
    semaphore_destroy(&semaphore);
}

/* A nanosecond is over before anybody can look; but a unit that is there is not refused for that. */
SEMAPHORE_CONFORMANCE(a_unit_is_taken_also_when_the_time_is_over, CAN_TIME_OUT) /* G7 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 1);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(semaphore_wait(&semaphore, 1), 0);
        CHECK_ERR(semaphore_wait(&semaphore, 1), ETIMEDOUT);
        CHECK_EQ(semaphore_post(&semaphore), 0);
    }
    semaphore_destroy(&semaphore);
}

SEMAPHORE_CONFORMANCE(what_is_posted_in_time_is_taken, CAN_TIME_OUT) /* G7 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 0);
    struct wait *wait = wait_new(&semaphore);
    wait->timeout_ns = long_ns;
    pid_t pid = start(wait);
    CHECK_EQ(semaphore_post(&semaphore), 0);
    finish(pid, wait);
    CHECK_EQ(semaphore_value(&semaphore), 0);
    semaphore_destroy(&semaphore);
}
