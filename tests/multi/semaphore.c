/* Semaphores: units, waiting, bounds, polling, handing over (contract E1, E2, G7, G11, G15, G16). */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "support.h"

static ferry_semaphore *make(uint32_t value)
{
    ferry_semaphore *semaphore;
    CHECK_OK(ferry_semaphore_open(&semaphore, "s",
                                  FERRY_SEMAPHORE(.flags = FERRY_CREATE, .value = value)));
    return semaphore;
}

static ferry_semaphore *join(void)
{
    ferry_semaphore *semaphore;
    CHECK_OK(ferry_semaphore_open(&semaphore, "s", NULL));
    return semaphore;
}

static void drop(ferry_semaphore *semaphore)
{
    ferry_semaphore_close(semaphore);
    CHECK_OK(ferry_remove("s"));
}

static uint32_t value_of(ferry_semaphore *semaphore)
{
    uint32_t value;
    CHECK_OK(ferry_semaphore_value(semaphore, &value));
    return value;
}

static uint32_t waiters_of(ferry_semaphore *semaphore)
{
    uint32_t count;
    CHECK_OK(ferry_semaphore_waiters(semaphore, &count));
    return count;
}

/* ---- Units ------------------------------------------------------------------------------------ */

TEST(units_are_taken_and_given_one_by_one) /* E1 */
{
    ferry_semaphore *semaphore = make(2);
    CHECK_EQ(value_of(semaphore), 2);
    CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_NOW));
    CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_FOREVER));
    CHECK_EQ(value_of(semaphore), 0);
    CHECK_ERR(ferry_semaphore_wait(semaphore, FERRY_NOW), EAGAIN);
    CHECK_CONTAINS(ferry_explain(), "at 0");
    for (uint32_t i = 1; i <= 5; i++) {
        CHECK_OK(ferry_semaphore_post(semaphore));
        CHECK_EQ(value_of(semaphore), i);
    }
    drop(semaphore);
}

TEST(a_binary_one_has_one_unit_at_most) /* E1 */
{
    ferry_semaphore *semaphore;
    CHECK_OK(ferry_semaphore_open(&semaphore, NULL, FERRY_SEMAPHORE(.value = 1, .most = 1)));
    CHECK_ERR(ferry_semaphore_post(semaphore), EOVERFLOW);
    CHECK_CONTAINS(ferry_explain(), "at 1, the most");
    CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_NOW));
    CHECK_OK(ferry_semaphore_post(semaphore));
    ferry_semaphore_close(semaphore);
}

TEST(there_is_a_most_for_all) /* E1 */
{
    ferry_semaphore *semaphore = make(FERRY_SEMAPHORE_MOST);
    CHECK_ERR(ferry_semaphore_post(semaphore), EOVERFLOW);
    CHECK_EQ(value_of(semaphore), FERRY_SEMAPHORE_MOST);
    CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_NOW));
    CHECK_OK(ferry_semaphore_post(semaphore));
    drop(semaphore);
    CHECK_ERR(ferry_semaphore_open(&semaphore, "t",
                                   FERRY_SEMAPHORE(.flags = FERRY_CREATE, .most = 1u << 29)),
              EINVAL);
    CHECK_ERR(ferry_semaphore_open(&semaphore, "t",
                                   FERRY_SEMAPHORE(.flags = FERRY_CREATE, .value = 3, .most = 2)),
              EINVAL);
    CHECK_CONTAINS(ferry_explain(), "at most 2 units cannot begin with 3");
}

TEST(units_stay_while_nobody_has_it_open) /* G5 */
{
    ferry_semaphore_close(make(7));
    ferry_semaphore *semaphore = join();
    CHECK_EQ(value_of(semaphore), 7);
    drop(semaphore);
}

TEST(who_may_not_write_may_not_use_it) /* G4 */
{
    ferry_semaphore *semaphore;
    CHECK_ERR(ferry_semaphore_open(&semaphore, "s", NULL), ENOENT);
    CHECK_ERR(ferry_semaphore_open(&semaphore, "s", FERRY_SEMAPHORE(.flags = FERRY_READ)), EINVAL);
    ferry_segment *segment = create("x", 10);
    CHECK_ERR(ferry_semaphore_open(&semaphore, "x", NULL), EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "segment");
    CHECK_CONTAINS(ferry_explain(), "semaphore");
    destroy(segment, "x");
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

TEST(a_wait_ends_when_its_time_is_up) /* G7 */
{
    ferry_semaphore *semaphore = make(0);
    int64_t start_ns = test_now_ns();
    CHECK_ERR(ferry_semaphore_wait(semaphore, 50 * MILLISECOND), ETIMEDOUT);
    CHECK(test_now_ns() - start_ns >= 50 * MILLISECOND);
    CHECK_ERR(ferry_semaphore_wait(semaphore, 1), ETIMEDOUT);
    CHECK_EQ(waiters_of(semaphore), 0);
    CHECK_OK(ferry_semaphore_post(semaphore));
    CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_NOW));
    drop(semaphore);
}

static void wait_once(void *context)
{
    (void)context;
    ferry_semaphore *own = join();
    CHECK_OK(ferry_semaphore_wait(own, FERRY_FOREVER));
    ferry_semaphore_close(own);
}

enum { SLEEPERS = 20 };

static void put_to_sleep(pid_t ret_children[SLEEPERS])
{
    for (int i = 0; i < SLEEPERS; i++)
        ret_children[i] = test_child(wait_once, NULL);
    for (int i = 0; i < SLEEPERS; i++)
        test_sleeping(ret_children[i]);
}

TEST(each_post_wakes_one_of_twenty) /* E1 E2 */
{
    ferry_semaphore *semaphore = make(0);
    pid_t children[SLEEPERS];
    put_to_sleep(children);
    CHECK_EQ(waiters_of(semaphore), SLEEPERS);
    for (uint32_t left = SLEEPERS; left > 0; left--) {
        CHECK_OK(ferry_semaphore_post(semaphore));
        test_wait_until(value_of(semaphore) == 0);
        test_wait_until(waiters_of(semaphore) == left - 1);
    }
    for (int i = 0; i < SLEEPERS; i++)
        test_wait_ok(children[i]);
    drop(semaphore);
}

TEST(many_posts_at_once_wake_as_many) /* E2 */
{
    ferry_semaphore *semaphore = make(0);
    pid_t children[SLEEPERS];
    put_to_sleep(children);
    for (int i = 0; i < SLEEPERS; i++)
        CHECK_OK(ferry_semaphore_post(semaphore));
    for (int i = 0; i < SLEEPERS; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(value_of(semaphore), 0);
    drop(semaphore);
}

static void on_signal(int number)
{
    (void)number;
}

static void wait_interruptibly(void *context)
{
    unsigned flags = *(unsigned *)context;
    ferry_semaphore *own;
    const struct sigaction action = {.sa_handler = on_signal};
    CHECK_ERRNO(sigaction(SIGUSR1, &action, NULL));
    CHECK_OK(ferry_semaphore_open(&own, "s", FERRY_SEMAPHORE(.flags = flags)));
    int r = ferry_semaphore_wait(own, FERRY_FOREVER);
    CHECK_EQ(r, flags != 0 ? -EINTR : 0);
    ferry_semaphore_close(own);
}

TEST(a_signal_handler_ends_a_wait_only_where_that_was_asked_for) /* G7 */
{
    ferry_semaphore *semaphore = make(0);
    for (unsigned flags = 0; flags <= FERRY_EINTR; flags += FERRY_EINTR) {
        pid_t child = test_child(wait_interruptibly, &flags);
        test_sleeping(child);
        CHECK_ERRNO(kill(child, SIGUSR1));
        if (flags == 0) {
            test_sleeping(child);
            CHECK_OK(ferry_semaphore_post(semaphore));
        }
        test_wait_ok(child);
    }
    CHECK_EQ(value_of(semaphore), 0);
    drop(semaphore);
}

TEST(who_is_killed_asleep_takes_nothing) /* G8 */
{
    ferry_semaphore *semaphore = make(0);
    pid_t dead = test_child(wait_once, NULL);
    test_sleeping(dead);
    test_kill(dead);
    CHECK_OK(ferry_semaphore_post(semaphore));
    CHECK_EQ(value_of(semaphore), 1);
    CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_NOW));
    CHECK_EQ(waiters_of(semaphore), 0);
    drop(semaphore);
}

TEST(a_child_of_fork_uses_what_it_inherits) /* G11 */
{
    ferry_semaphore *semaphore;
    CHECK_OK(ferry_semaphore_open(&semaphore, NULL, NULL));
    pid_t child = fork();
    CHECK_ERRNO(child);
    if (child == 0) {
        CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_FOREVER));
        ferry_semaphore_close(semaphore);
        _exit(0);
    }
    test_sleeping(child);
    CHECK_OK(ferry_semaphore_post(semaphore));
    test_wait_ok(child);
    ferry_semaphore_close(semaphore);
}

static void *wait_in_thread(void *semaphore)
{
    CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_FOREVER));
    return NULL;
}

TEST(threads_wait_through_one_handle) /* G16 */
{
    enum { THREADS = 8 };
    ferry_semaphore *semaphore = make(0);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, wait_in_thread, semaphore), 0);
    test_wait_until(waiters_of(semaphore) == THREADS);
    for (int i = 0; i < THREADS; i++)
        CHECK_OK(ferry_semaphore_post(semaphore));
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    CHECK_EQ(value_of(semaphore), 0);
    drop(semaphore);
}

/* ---- Polling ---------------------------------------------------------------------------------- */

static bool is_readable(ferry_semaphore *semaphore)
{
    struct pollfd watched = {.fd = ferry_semaphore_descriptor(semaphore), .events = POLLIN};
    return poll(&watched, 1, 0) == 1;
}

TEST(a_descriptor_is_readable_while_there_is_a_unit) /* G15 */
{
    ferry_semaphore *semaphore = make(1), *other = join();
    CHECK_OK(ferry_semaphore_descriptor(semaphore));
    for (int i = 0; i < 5; i++) {
        CHECK(is_readable(semaphore));
        CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_NOW));
        CHECK_ERR(ferry_semaphore_wait(semaphore, FERRY_NOW), EAGAIN);
        CHECK(!is_readable(semaphore));
        CHECK_OK(ferry_semaphore_post(i % 2 ? semaphore : other));
    }
    ferry_semaphore_close(other);
    drop(semaphore);
}

TEST(sleepers_and_who_polls_are_both_told) /* G15 */
{
    ferry_semaphore *semaphore = make(0), *other = join();
    CHECK_OK(ferry_semaphore_descriptor(semaphore));
    pid_t child = test_child(wait_once, NULL);
    test_sleeping(child);
    CHECK(!is_readable(semaphore));
    CHECK_OK(ferry_semaphore_post(other));
    CHECK(is_readable(semaphore));
    test_wait_ok(child);
    CHECK_ERR(ferry_semaphore_wait(semaphore, FERRY_NOW), EAGAIN);
    CHECK(!is_readable(semaphore));
    ferry_semaphore_close(semaphore);
    for (int i = 0; i < 3; i++) { /* nobody polls any more */
        CHECK_OK(ferry_semaphore_post(other));
        CHECK_OK(ferry_semaphore_wait(other, FERRY_NOW));
    }
    drop(other);
}

/* ---- Handing over ----------------------------------------------------------------------------- */

TEST(it_can_be_handed_over) /* G1 K3 */
{
    ferry_semaphore *semaphore, *other;
    ferry_segment *segment;
    int parcel;
    CHECK_OK(ferry_semaphore_open(&semaphore, NULL, FERRY_SEMAPHORE(.value = 2)));
    CHECK_OK(ferry_semaphore_hand_over(semaphore, &parcel));
    CHECK_ERR(ferry_segment_take(&segment, parcel), EMEDIUMTYPE);
    CHECK_OK(ferry_semaphore_take(&other, parcel));
    CHECK_OK(ferry_semaphore_wait(other, FERRY_NOW));
    CHECK_EQ(value_of(semaphore), 1);
    ferry_semaphore_close(other);
    ferry_semaphore_close(semaphore);
}

/* ---- Excluding and ordering ------------------------------------------------------------------- */

struct cinema {
    ferry_semaphore *seats, *door;
    int sold; /* plain, guarded by the door */
};

static void sell(void *context)
{
    struct cinema *cinema = context;
    while (ferry_semaphore_wait(cinema->seats, FERRY_NOW) == 0) {
        CHECK_OK(ferry_semaphore_wait(cinema->door, FERRY_FOREVER));
        int sold = *(volatile int *)&cinema->sold;
        if (sold % 7 == 0)
            sched_yield(); /* in the middle: somebody else would get in here */
        *(volatile int *)&cinema->sold = sold + 1;
        CHECK_OK(ferry_semaphore_post(cinema->door));
    }
}

TEST(twenty_sellers_never_oversell_a_hundred_seats) /* X11 E1 */
{
    enum { SELLERS = 20, SEATS = 100 };
    struct cinema *cinema = test_shared(sizeof *cinema);
    CHECK_OK(ferry_semaphore_open(&cinema->seats, NULL, FERRY_SEMAPHORE(.value = SEATS)));
    CHECK_OK(ferry_semaphore_open(&cinema->door, NULL, FERRY_SEMAPHORE(.value = 1, .most = 1)));
    pid_t sellers[SELLERS];
    for (int i = 0; i < SELLERS; i++)
        sellers[i] = test_child(sell, cinema);
    for (int i = 0; i < SELLERS; i++)
        test_wait_ok(sellers[i]);
    CHECK_EQ(cinema->sold, SEATS);
    CHECK_EQ(value_of(cinema->seats), 0);
    CHECK_EQ(value_of(cinema->door), 1);
    ferry_semaphore_close(cinema->seats);
    ferry_semaphore_close(cinema->door);
}
