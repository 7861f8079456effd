/* The change notice: version, waiting, broadcast, lost wake-ups, idling (contract H5, G7, G15).
 * Listening by descriptor is in bell.c. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- The version ---- */

TEST(version_starts_at_zero_and_steps_by_one) /* H5 */
{
    ferry_segment *segment = create("x", 10);
    uint32_t version = 99;
    CHECK_OK(ferry_segment_version(segment, &version));
    CHECK_EQ(version, 0);
    for (uint32_t i = 1; i < 10; i++) {
        CHECK_OK(ferry_segment_notify(segment));
        CHECK_OK(ferry_segment_version(segment, &version));
        CHECK_EQ(version, i);
    }
    CHECK_EQ(look("x").version, 9);
    destroy(segment, "x");
}

TEST(wait_returns_the_newest_version_at_once) /* H5 */
{
    ferry_segment *segment = create("x", 10);
    uint32_t version = 0;
    CHECK_ERR(ferry_segment_wait(segment, &version, FERRY_NOW), EAGAIN);
    CHECK_EQ(version, 0);
    for (int i = 0; i < 3; i++)
        CHECK_OK(ferry_segment_notify(segment));
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
    CHECK_EQ(version, 3);
    version = 1;
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_NOW));
    CHECK_EQ(version, 3);
    CHECK_ERR(ferry_segment_wait(segment, &version, FERRY_NOW), EAGAIN);
    destroy(segment, "x");
}

TEST(wait_ends_when_its_time_is_up) /* G7 */
{
    ferry_segment *segment = create("x", 10);
    uint32_t version = 0;
    int64_t start_ns = test_now_ns();
    CHECK_ERR(ferry_segment_wait(segment, &version, 50 * MILLISECOND), ETIMEDOUT);
    CHECK(test_now_ns() - start_ns >= 50 * MILLISECOND);
    CHECK_ERR(ferry_segment_wait(segment, &version, 1), ETIMEDOUT);
    CHECK_EQ(version, 0);
    destroy(segment, "x");
}

/* ---- Waking ---- */

struct hearing {
    _Atomic uint32_t heard;
    const char *name;
};

static void wait_for_one(void *context)
{
    struct hearing *hearing = context;
    ferry_segment *segment = attach(hearing->name);
    uint32_t version = 0;
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
    CHECK_EQ(version, 1);
    CHECK_STR(ferry_segment_data(segment), "written before");
    atomic_fetch_add(&hearing->heard, 1);
    ferry_segment_close(segment);
}

TEST(one_notice_wakes_fifty_and_they_see_what_was_written_before) /* H5 */
{
    enum { SLEEPERS = 50 };
    struct hearing *hearing = test_shared(sizeof *hearing);
    hearing->name = "x";
    ferry_segment *segment = create("x", 100);
    pid_t children[SLEEPERS];
    for (int i = 0; i < SLEEPERS; i++)
        children[i] = test_child(wait_for_one, hearing);
    for (int i = 0; i < SLEEPERS; i++)
        test_sleeping(children[i]);
    strcpy(ferry_segment_data(segment), "written before");
    CHECK_OK(ferry_segment_notify(segment));
    for (int i = 0; i < SLEEPERS; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(hearing->heard, SLEEPERS);
    destroy(segment, "x");
}

TEST(sleeper_killed_in_its_sleep_disturbs_nobody_and_is_struck_off) /* G8 */
{
    struct hearing *hearing = test_shared(sizeof *hearing);
    hearing->name = "x";
    ferry_segment *segment = create("x", 100);
    pid_t killed = test_child(wait_for_one, hearing), other = test_child(wait_for_one, hearing);
    test_sleeping(killed);
    test_sleeping(other);
    test_kill(killed);
    strcpy(ferry_segment_data(segment), "written before");
    CHECK_OK(ferry_segment_notify(segment));
    test_wait_ok(other);
    struct ferry_member members[8];
    CHECK_OK(ferry_segment_notify(segment)); /* nobody woke: whoever is on the board is dead */
    int count = ferry_look_members("x", members, 8);
    CHECK_OK(count);
    for (int i = 0; i < count; i++)
        CHECK(!members[i].waiting);
    destroy(segment, "x");
}

static void notify_once(void *context)
{
    (void)context;
    ferry_segment *segment = attach("x");
    CHECK_OK(ferry_segment_notify(segment));
    ferry_segment_close(segment);
}

TEST(notice_never_blocks_on_a_stopped_sleeper) /* H5 */
{
    struct hearing *hearing = test_shared(sizeof *hearing);
    hearing->name = "x";
    ferry_segment *segment = create("x", 100);
    pid_t waiter = test_child(wait_for_one, hearing);
    test_sleeping(waiter);
    stop(waiter);
    strcpy(ferry_segment_data(segment), "written before");
    for (int i = 0; i < 10000; i++)
        CHECK_OK(ferry_segment_notify(segment));
    test_kill(waiter);
    test_wait_ok(test_child(notify_once, NULL));
    CHECK_EQ(look("x").version, 10001);
    destroy(segment, "x");
}

/* ---- Hunting lost wake-ups ---- */

enum { EXCHANGES = 100000 };

struct board {
    volatile uint64_t turn;
};

/* Each waits, without a time limit, until it is its turn; a lost wake-up stops both for good. */
static void play(ferry_segment *segment, uint64_t me)
{
    struct board *board = ferry_segment_data(segment);
    uint32_t version;
    for (;;) {
        CHECK_OK(ferry_segment_version(segment, &version));
        uint64_t turn = board->turn;
        if (turn >= EXCHANGES)
            return;
        if (turn % 2 != me) {
            CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
            continue;
        }
        board->turn = turn + 1;
        CHECK_OK(ferry_segment_notify(segment));
    }
}

static void play_second(void *context)
{
    const unsigned *processor = context;
    pin(*processor);
    ferry_segment *segment = attach("x");
    play(segment, 1);
    ferry_segment_close(segment);
}

static void check_ping_pong(unsigned second_processor)
{
    ferry_segment *segment = create("x", sizeof(struct board));
    pid_t child = test_child(play_second, &second_processor);
    pin(0);
    play(segment, 0);
    test_wait_ok(child);
    CHECK_EQ(look("x").version, EXCHANGES);
    destroy(segment, "x");
}

TEST_LONG(hundred_thousand_exchanges_on_one_core_lose_no_wake_up, 60) /* H5, G8 */
{
    check_ping_pong(0);
}

TEST_LONG(hundred_thousand_exchanges_on_two_cores_lose_no_wake_up, 60) /* H5, G8 */
{
    check_ping_pong(1);
}

struct pursuit {
    _Atomic uint32_t seen;
    struct test_gate *ready;
};

static void follow(void *context)
{
    struct pursuit *pursuit = context;
    ferry_segment *segment = attach("x");
    uint32_t version = 0;
    test_gate_open(pursuit->ready);
    for (;;) {
        CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
        atomic_store(&pursuit->seen, version);
    }
}

static void notify_without_end(void *context)
{
    ferry_segment *segment = context;
    for (;;)
        CHECK_OK(ferry_segment_notify(segment));
}

TEST_LONG(sleeper_hears_the_next_notice_wherever_the_last_notifier_was_killed, 120) /* G8 */
{
    ferry_segment *segment = create("x", 10);
    struct pursuit *pursuit = test_shared(sizeof *pursuit);
    pursuit->ready = test_gate_new();
    pid_t follower = test_child(follow, pursuit);
    test_gate_wait(pursuit->ready);
    uint32_t random = 2463534242, version;
    int rounds = test_thorough() ? 50000 : 2000;
    for (int i = 0; i < rounds; i++) {
        pid_t notifier = test_child(notify_without_end, segment);
        struct timespec moment = {.tv_nsec = (long)(next_random(&random) % 300000)};
        nanosleep(&moment, NULL);
        test_kill(notifier);
        CHECK_OK(ferry_segment_notify(segment));
        CHECK_OK(ferry_segment_version(segment, &version));
        test_wait_until(pursuit->seen == version);
    }
    test_kill(follower);
    struct ferry_object object = look("x");
    check_ledger(&object);
    CHECK_EQ(object.attached, 1);
    destroy(segment, "x");
}

/* ---- Idling ---- */

static unsigned long wake_ups(pid_t pid)
{
    char path[64], line[128];
    unsigned long count = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) &&
           sscanf(line, "voluntary_ctxt_switches: %lu", &count) != 1)
        continue;
    fclose(file);
    return count;
}

/* A whole second, or ten, without a wake-up.  Time itself is what is tested here, so it has to pass;
 * a sleeper may look again soon after it lay down, but not time and again. */
static void check_idle(pid_t sleeper)
{
    test_sleeping(sleeper);
    unsigned long woken = 1;
    for (int i = 0; i < 3 && woken != 0; i++) {
        unsigned long before = wake_ups(sleeper);
        struct timespec while_idle = {.tv_sec = test_thorough() ? 10 : 1};
        nanosleep(&while_idle, NULL);
        woken = wake_ups(sleeper) - before;
    }
    CHECK_EQ(woken, 0);
}

static void wait_for_lock(void *context)
{
    (void)context;
    CHECK_OK(ferry_segment_lock(attach("x"), FERRY_FOREVER));
}

TEST_LONG(lone_sleeper_costs_nothing_while_idle, 60) /* G15 */
{
    struct hearing *hearing = test_shared(sizeof *hearing);
    hearing->name = "x";
    ferry_segment *segment = create("x", 100);
    pid_t sleeper = test_child(wait_for_one, hearing);
    check_idle(sleeper);
    test_kill(sleeper);
    destroy(segment, "x");
}

TEST_LONG(lone_waiter_for_the_lock_costs_nothing_while_idle, 60) /* G15 */
{
    ferry_segment *segment = create("x", 100);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    pid_t waiter = test_child(wait_for_lock, NULL);
    check_idle(waiter);
    test_kill(waiter);
    CHECK_OK(ferry_segment_unlock(segment));
    destroy(segment, "x");
}

/* ---- Signals ---- */

static _Atomic int handled;

static void handle(int number)
{
    (void)number;
    atomic_fetch_add(&handled, 1);
}

static void check_signals(unsigned flag, int expected)
{
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(&segment, "x",
                                FERRY_SEGMENT(.flags = FERRY_CREATE | flag, .size_bytes = 1)));
    struct sigaction action = {.sa_handler = handle};
    CHECK_ERRNO(sigaction(SIGALRM, &action, NULL));
    timer_t timer;
    CHECK_ERRNO(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    struct itimerspec every = {{0, 5000000}, {0, 5000000}};
    CHECK_ERRNO(timer_settime(timer, 0, &every, NULL));
    uint32_t version = 0;
    int64_t start_ns = test_now_ns();
    CHECK_EQ(ferry_segment_wait(segment, &version,
                                expected == -EINTR ? FERRY_FOREVER : 100 * MILLISECOND),
             expected);
    if (expected == -ETIMEDOUT)
        CHECK(test_now_ns() - start_ns >= 100 * MILLISECOND);
    timer_delete(timer);
    CHECK(handled > 0);
    CHECK_EQ(version, 0);
    destroy(segment, "x");
}

TEST(signals_do_not_break_a_wait) /* G7 */
{
    check_signals(0, -ETIMEDOUT);
}

TEST(signals_break_a_wait_if_asked_to) /* G7 */
{
    check_signals(FERRY_EINTR, -EINTR);
}
