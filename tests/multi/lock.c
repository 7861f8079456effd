/* The lock between processes: exclusion, robustness, timeouts, signals (contract H5, E5, E7, G7).
 */
#include "support.h"

#include <fcntl.h>
#include <time.h>

/* ---- Exclusion ---- */

struct counting {
    struct test_gate *start;
    unsigned rounds;
};

static void count_up(void *context)
{
    const struct counting *counting = context;
    ferry_segment *segment = attach("x");
    volatile uint64_t *count = ferry_segment_data(segment);
    test_gate_wait(counting->start);
    for (unsigned i = 0; i < counting->rounds; i++) {
        CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
        *count = *count + 1;
        CHECK_OK(ferry_segment_unlock(segment));
    }
    ferry_segment_close(segment);
}

static void check_exclusion(int processes, unsigned rounds)
{
    ferry_segment *segment = create("x", sizeof(uint64_t));
    struct counting counting = {test_gate_new(), rounds};
    pid_t children[16];
    for (int i = 0; i < processes; i++)
        children[i] = test_child(count_up, &counting);
    test_gate_open(counting.start);
    for (int i = 0; i < processes; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(*(uint64_t *)ferry_segment_data(segment), (uint64_t)processes * rounds);
    CHECK_EQ(look("x").lock_count, (uint64_t)processes * rounds);
    CHECK_EQ(look("x").lock_owner_pid, 0);
    destroy(segment, "x");
}

TEST(unprotected_counter_of_many_processes_is_exact) /* H5, E5 */
{
    check_exclusion(8, 10000);
}

TEST(unprotected_counter_is_exact_on_one_core) /* H5, E5 */
{
    pin(0);
    check_exclusion(4, 20000);
}

/* ---- An owner that goes ---- */

enum end { DIE, RETURN, CLOSE, EXECUTE };

struct owner {
    struct test_gate *holds, *go;
    enum end end;
};

static void own(void *context)
{
    struct owner *owner = context;
    ferry_segment *segment = attach("x");
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    test_gate_open(owner->holds);
    test_gate_wait(owner->go);
    if (owner->end == DIE)
        raise(SIGKILL);
    if (owner->end == RETURN)
        exit(0);
    if (owner->end == EXECUTE)
        execl("/bin/sleep", "sleep", "1000", (char *)NULL);
    ferry_segment_close(segment);
    stay();
}

static void be_told_of_a_death(void *context)
{
    (void)context;
    ferry_segment *segment = attach("x");
    CHECK_ERR(ferry_segment_lock(segment, FERRY_FOREVER), EOWNERDEAD);
    CHECK_CONTAINS(ferry_explain(), "died");
    CHECK_OK(ferry_segment_unlock(segment));
    ferry_segment_close(segment);
}

/* The owner goes while one waiter is asleep; a second one comes later. */
static void check_takeover(enum end end)
{
    ferry_segment *segment = create("x", 10);
    struct owner *owner = test_shared(sizeof *owner);
    *owner = (struct owner){test_gate_new(), test_gate_new(), end};
    pid_t child = test_child(own, owner);
    test_gate_wait(owner->holds);
    CHECK_EQ(look("x").lock_owner_pid, child);
    CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), EAGAIN);
    pid_t waiter = test_child(be_told_of_a_death, NULL);
    test_sleeping(waiter);
    int64_t start_ns = test_now_ns();
    test_gate_open(owner->go);
    test_wait_ok(waiter);
    CHECK(test_now_ns() - start_ns < 5 * SECOND);
    test_wait_ok(test_child(be_told_of_a_death, NULL));
    CHECK(look("x").unrepaired);
    CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), EOWNERDEAD);
    CHECK_OK(ferry_segment_repaired(segment));
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK(!look("x").unrepaired);
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(segment));
    kill(child, SIGKILL);
    end_of(child);
    destroy(segment, "x");
}

TEST(sleeper_gets_the_lock_of_a_killed_owner) /* E5, G8 */
{
    check_takeover(DIE);
}

TEST(sleeper_gets_the_lock_of_an_owner_that_exits) /* E5 */
{
    check_takeover(RETURN);
}

TEST(sleeper_gets_the_lock_of_an_owner_that_closes) /* E5 */
{
    check_takeover(CLOSE);
}

TEST(sleeper_gets_the_lock_of_an_owner_that_execs) /* E5, G11 */
{
    check_takeover(EXECUTE);
}

TEST(dead_owner_is_shown_until_the_next_taker) /* E5, E7, G13 */
{
    ferry_segment *segment = create("x", 10);
    struct owner *owner = test_shared(sizeof *owner);
    *owner = (struct owner){test_gate_new(), test_gate_new(), DIE};
    pid_t child = test_child(own, owner);
    test_gate_wait(owner->holds);
    CHECK(!look("x").lock_owner_dead);
    test_kill(child);
    CHECK_EQ(look("x").lock_owner_pid, child);
    CHECK(look("x").lock_owner_dead);
    CHECK_ERR(ferry_segment_lock(segment, FERRY_FOREVER), EOWNERDEAD);
    CHECK_EQ(look("x").lock_owner_pid, getpid());
    CHECK(!look("x").lock_owner_dead);
    CHECK_OK(ferry_segment_repaired(segment));
    CHECK_OK(ferry_segment_unlock(segment));
    destroy(segment, "x");
}

struct chain {
    _Atomic uint32_t taken;
    _Atomic pid_t owner;
};

static void take_and_stay(void *context)
{
    struct chain *chain = context;
    ferry_segment *segment = attach("x");
    int r = ferry_segment_lock(segment, FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    atomic_store(&chain->owner, getpid());
    atomic_fetch_add(&chain->taken, 1);
    stay();
}

TEST(each_of_twenty_sleepers_gets_it_as_owner_after_owner_is_killed) /* E5, G8 */
{
    enum { SLEEPERS = 20 };
    ferry_segment_close(create("x", 10));
    struct chain *chain = test_shared(sizeof *chain);
    pid_t first = test_child(take_and_stay, chain);
    test_wait_until(chain->taken == 1);
    pid_t children[SLEEPERS];
    for (int i = 0; i < SLEEPERS; i++)
        children[i] = test_child(take_and_stay, chain);
    for (int i = 0; i < SLEEPERS; i++)
        test_sleeping(children[i]);
    pid_t owner = first;
    for (uint32_t i = 0; i <= SLEEPERS; i++) {
        test_wait_until(chain->taken == i + 1);
        owner = chain->owner;
        CHECK_EQ(look("x").lock_owner_pid, owner);
        test_kill(owner);
    }
    CHECK_EQ(look("x").attached, 0);
    CHECK_OK(ferry_remove("x"));
}

/* ---- Who may do what ---- */

TEST(same_thread_again_is_edeadlk) /* E7 */
{
    ferry_segment *segment = create("x", 10);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    CHECK_ERR(ferry_segment_lock(segment, FERRY_FOREVER), EDEADLK);
    CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), EDEADLK);
    CHECK_OK(ferry_segment_unlock(segment));
    destroy(segment, "x");
}

TEST(only_the_handle_that_took_it_lets_go) /* E5 */
{
    ferry_segment *first = create("x", 10), *second = attach("x");
    CHECK_ERR(ferry_segment_unlock(first), EPERM);
    CHECK_ERR(ferry_segment_repaired(first), EPERM);
    CHECK_OK(ferry_segment_lock(first, FERRY_FOREVER));
    CHECK_ERR(ferry_segment_unlock(second), EPERM);
    CHECK_ERR(ferry_segment_repaired(second), EPERM);
    CHECK_ERR(ferry_segment_lock(second, FERRY_NOW), EAGAIN);
    CHECK_OK(ferry_segment_unlock(first));
    CHECK_ERR(ferry_segment_unlock(first), EPERM);
    ferry_segment_close(second);
    destroy(first, "x");
}

static void take_freed_lock(void *context)
{
    (void)context;
    ferry_segment *segment = attach("x");
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    CHECK_OK(ferry_segment_unlock(segment));
    ferry_segment_close(segment);
}

TEST(unlock_wakes_the_sleeper) /* H5 */
{
    ferry_segment *segment = create("x", 10);
    for (int i = 0; i < 100; i++) {
        CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
        pid_t waiter = test_child(take_freed_lock, NULL);
        if (i < 10)
            test_sleeping(waiter);
        CHECK_OK(ferry_segment_unlock(segment));
        test_wait_ok(waiter);
    }
    destroy(segment, "x");
}

TEST(whoever_comes_first_may_take_a_freed_lock_before_the_sleeper) /* H5 */
{
    ferry_segment *segment = create("x", 10);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    pid_t waiter = test_child(take_freed_lock, NULL);
    test_sleeping(waiter);
    stop(waiter);
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(ferry_segment_unlock(segment));
        CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    }
    CHECK_ERRNO(kill(waiter, SIGCONT));
    test_sleeping(waiter);
    CHECK_OK(ferry_segment_unlock(segment));
    test_wait_ok(waiter);
    destroy(segment, "x");
}

TEST(sleeper_killed_in_its_sleep_disturbs_nobody) /* G8 */
{
    ferry_segment *segment = create("x", 10);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    pid_t killed = test_child(take_freed_lock, NULL), other = test_child(take_freed_lock, NULL);
    test_sleeping(killed);
    test_sleeping(other);
    test_kill(killed);
    CHECK_OK(ferry_segment_unlock(segment));
    test_wait_ok(other);
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(segment));
    destroy(segment, "x");
}

/* ---- Time ---- */

TEST(time_runs_out_although_the_owner_is_stopped) /* G7 */
{
    ferry_segment *segment = create("x", 10);
    struct owner *owner = test_shared(sizeof *owner);
    *owner = (struct owner){test_gate_new(), test_gate_new(), DIE};
    pid_t child = test_child(own, owner);
    test_gate_wait(owner->holds);
    for (int stopped = 0; stopped < 2; stopped++) {
        if (stopped)
            stop(child);
        CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), EAGAIN);
        CHECK_ERR(ferry_segment_lock(segment, 1), ETIMEDOUT);
        int64_t start_ns = test_now_ns();
        CHECK_ERR(ferry_segment_lock(segment, 50 * MILLISECOND), ETIMEDOUT);
        CHECK(test_now_ns() - start_ns >= 50 * MILLISECOND);
        CHECK(test_now_ns() - start_ns < 5 * SECOND);
    }
    test_kill(child);
    CHECK_ERR(ferry_segment_lock(segment, 50 * MILLISECOND), EOWNERDEAD);
    CHECK_OK(ferry_segment_unlock(segment));
    destroy(segment, "x");
}

static _Atomic int handled;

static void handle(int number)
{
    (void)number;
    atomic_fetch_add(&handled, 1);
}

/* A timer whose signal comes every five milliseconds. */
static timer_t tick(void)
{
    struct sigaction action = {.sa_handler = handle};
    CHECK_ERRNO(sigaction(SIGALRM, &action, NULL));
    timer_t timer;
    CHECK_ERRNO(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    struct itimerspec every = {{0, 5000000}, {0, 5000000}};
    CHECK_ERRNO(timer_settime(timer, 0, &every, NULL));
    return timer;
}

static void check_signals(unsigned flag, int expected)
{
    ferry_segment *holder = create("x", 10), *waiter;
    CHECK_OK(ferry_segment_open(&waiter, "x", FERRY_SEGMENT(.flags = flag)));
    CHECK_OK(ferry_segment_lock(holder, FERRY_FOREVER));
    timer_t timer = tick();
    int64_t start_ns = test_now_ns();
    CHECK_EQ(ferry_segment_lock(waiter, expected == -EINTR ? FERRY_FOREVER : 100 * MILLISECOND),
             expected);
    if (expected == -ETIMEDOUT)
        CHECK(test_now_ns() - start_ns >= 100 * MILLISECOND);
    timer_delete(timer);
    CHECK(handled > 0);
    CHECK_OK(ferry_segment_unlock(holder));
    ferry_segment_close(waiter);
    destroy(holder, "x");
}

TEST(signals_do_not_break_a_wait) /* G7 */
{
    check_signals(0, -ETIMEDOUT);
}

TEST(signals_break_a_wait_if_asked_to) /* G7 */
{
    check_signals(FERRY_EINTR, -EINTR);
}
