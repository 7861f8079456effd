/* Sleeping on a shared word (DESIGN, law 4). */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/futex.h"
#include "test.h"

struct shared {
    _Atomic uint32_t word;
    _Atomic uint32_t woken;
};

static const int64_t LONG_NS = INT64_C(60000000000);

static void sleep_on_zero(void *context)
{
    struct shared *shared = context;
    CHECK_EQ(futex_wait(&shared->word, 0, LONG_NS), 0);
    atomic_fetch_add(&shared->woken, 1);
}

TEST(a_word_that_differs_does_not_put_to_sleep)
{
    _Atomic uint32_t word = 5;
    CHECK_ERR(futex_wait(&word, 4, INT64_MAX), EAGAIN);
}

TEST(a_sleep_ends_with_its_time) /* G7 */
{
    _Atomic uint32_t word = 5;
    int64_t start = test_now_ns();
    CHECK_ERR(futex_wait(&word, 5, 20000000), ETIMEDOUT);
    CHECK(test_now_ns() - start >= 20000000);
    CHECK_ERR(futex_wait(&word, 5, 0), ETIMEDOUT);
}

TEST(a_wake_reaches_another_process)
{
    struct shared *shared = test_shared(sizeof(*shared));
    pid_t pid = test_child(sleep_on_zero, shared);
    test_sleeping(pid);
    CHECK_EQ(futex_wake(&shared->word, 1), 1);
    test_wait_ok(pid);
    CHECK_EQ(futex_wake(&shared->word, 1), 0);
}

TEST(a_wake_of_one_wakes_one)
{
    struct shared *shared = test_shared(sizeof(*shared));
    pid_t first = test_child(sleep_on_zero, shared);
    pid_t second = test_child(sleep_on_zero, shared);
    test_sleeping(first);
    test_sleeping(second);
    CHECK_EQ(futex_wake(&shared->word, 1), 1);
    test_wait_until(atomic_load(&shared->woken) == 1);
    CHECK_EQ(futex_wake(&shared->word, 5), 1);
    test_wait_ok(first);
    test_wait_ok(second);
}

TEST(one_call_steps_the_word_and_wakes_everybody) /* law 4 */
{
    struct shared *shared = test_shared(sizeof(*shared));
    pid_t pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = test_child(sleep_on_zero, shared);
    for (int i = 0; i < 3; i++)
        test_sleeping(pids[i]);
    CHECK_EQ(futex_add_and_wake(&shared->word, 1, INT_MAX), 3);
    CHECK_EQ(atomic_load(&shared->word), 1);
    for (int i = 0; i < 3; i++)
        test_wait_ok(pids[i]);
    CHECK_EQ(futex_add_and_wake(&shared->word, 1, INT_MAX), 0);
    CHECK_EQ(atomic_load(&shared->word), 2);
    atomic_store(&shared->word, UINT32_MAX);
    CHECK_EQ(futex_add_and_wake(&shared->word, 1, INT_MAX), 0);
    CHECK_EQ(atomic_load(&shared->word), 0);
}

static void on_signal(int number)
{
    (void)number;
}

static void be_interrupted(void *context)
{
    struct shared *shared = context;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    CHECK_ERR(futex_wait(&shared->word, 0, LONG_NS), EINTR);
}

TEST(a_signal_handler_ends_a_sleep) /* G7 */
{
    struct shared *shared = test_shared(sizeof(*shared));
    pid_t pid = test_child(be_interrupted, shared);
    test_sleeping(pid);
    kill(pid, SIGUSR1);
    test_wait_ok(pid);
}

TEST(deadlines_do_not_overflow) /* G7 */
{
    CHECK_EQ(clock_deadline(-1), CLOCK_NEVER);
    CHECK_EQ(clock_deadline(INT64_MAX), CLOCK_NEVER);
    CHECK_EQ(clock_left_ns(CLOCK_NEVER), INT64_MAX);
    CHECK_EQ(clock_left_ns(clock_deadline(0)), 0);
    CHECK_EQ(clock_left_ns(0), 0);
    int64_t left = clock_left_ns(clock_deadline(LONG_NS));
    CHECK(left > 0 && left <= LONG_NS);
    struct timespec time;
    CHECK(clock_timespec(&time, INT64_MAX) == NULL);
    CHECK(clock_timespec(&time, 1500000001) == &time);
    CHECK_EQ(time.tv_sec, 1);
    CHECK_EQ(time.tv_nsec, 500000001);
}
