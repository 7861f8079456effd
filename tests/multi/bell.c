/* Listening to a segment by descriptor (contract G15; DESIGN, law 7). */
#include "support.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>

static bool is_readable(int descriptor)
{
    struct pollfd watched = {.fd = descriptor, .events = POLLIN};
    int r = poll(&watched, 1, 0);
    CHECK_ERRNO(r);
    return r == 1 && (watched.revents & POLLIN) != 0;
}

static int listen_to(ferry_segment *segment)
{
    int descriptor = ferry_segment_descriptor(segment);
    CHECK_OK(descriptor);
    return descriptor;
}

static void check_level(const char *name)
{
    ferry_segment *segment = create(name, 10);
    int descriptor = listen_to(segment);
    CHECK_EQ(ferry_segment_descriptor(segment), descriptor);
    CHECK_EQ(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    CHECK(!is_readable(descriptor));
    uint32_t version = 0;
    for (uint32_t round = 1; round < 5; round++) {
        CHECK_OK(ferry_segment_notify(segment));
        CHECK(is_readable(descriptor));
        CHECK(is_readable(descriptor)); /* until wait() has returned it */
        CHECK_OK(ferry_segment_wait(segment, &version, FERRY_NOW));
        CHECK_EQ(version, round);
        CHECK(!is_readable(descriptor));
        CHECK_ERR(ferry_segment_wait(segment, &version, FERRY_NOW), EAGAIN);
    }
    ferry_segment_close(segment);
    if (name != NULL)
        CHECK_OK(ferry_remove(name));
}

TEST(descriptor_is_readable_until_the_version_was_returned) /* G15 */
{
    check_level("x");
}

TEST(anonymous_segment_has_one_as_well) /* G15 */
{
    check_level(NULL);
}

TEST(notice_before_the_descriptor_was_made_is_heard) /* G15 */
{
    ferry_segment *segment = create("x", 10);
    CHECK_OK(ferry_segment_notify(segment));
    CHECK(is_readable(listen_to(segment)));
    ferry_segment *late = attach("x");
    CHECK(!is_readable(listen_to(late)));
    ferry_segment_close(late);
    destroy(segment, "x");
}

TEST(several_listeners_each_hear_all_and_clear_their_own) /* G15 */
{
    ferry_segment *sender = create("x", 10);
    ferry_segment *listeners[4];
    int descriptors[4];
    for (int i = 0; i < 4; i++) {
        listeners[i] = attach("x");
        descriptors[i] = listen_to(listeners[i]);
    }
    uint32_t versions[4] = {0};
    for (int round = 0; round < 20; round++) {
        CHECK_OK(ferry_segment_notify(sender));
        for (int i = 0; i < 4; i++) {
            for (int j = i; j < 4; j++)
                CHECK(is_readable(descriptors[j]));
            CHECK_OK(ferry_segment_wait(listeners[i], &versions[i], FERRY_NOW));
            CHECK(!is_readable(descriptors[i]));
        }
    }
    for (int i = 0; i < 4; i++)
        ferry_segment_close(listeners[i]);
    destroy(sender, "x");
}

TEST(descriptor_joins_an_epoll_loop) /* G15 */
{
    ferry_segment *first = create("x", 10), *second = create("y", 10);
    ferry_segment *of[2] = {first, second};
    int loop = epoll_create1(EPOLL_CLOEXEC);
    for (uint64_t i = 0; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
        CHECK_ERRNO(epoll_ctl(loop, EPOLL_CTL_ADD, listen_to(of[i]), &event));
    }
    uint32_t versions[2] = {0};
    for (uint64_t round = 0; round < 20; round++) {
        struct epoll_event event = {.data.u64 = 99};
        CHECK_EQ(epoll_wait(loop, &event, 1, 0), 0);
        CHECK_OK(ferry_segment_notify(of[round % 2]));
        for (int look = 0; look < 2; look++) {
            CHECK_EQ(epoll_wait(loop, &event, 1, 1000), 1);
            CHECK_EQ(event.data.u64, round % 2);
        }
        CHECK_OK(ferry_segment_wait(of[round % 2], &versions[round % 2], FERRY_NOW));
    }
    close(loop);
    destroy(first, "x");
    destroy(second, "y");
}

struct listening {
    _Atomic uint32_t seen;
    struct test_gate *ready;
    bool by_epoll;
};

/* Follows the version by nothing but its descriptor. */
static void listen_without_end(void *context)
{
    struct listening *listening = context;
    ferry_segment *segment = attach("x");
    struct pollfd watched = {.fd = listen_to(segment), .events = POLLIN};
    uint32_t version = 0;
    test_gate_open(listening->ready);
    for (;;) {
        CHECK_EQ(poll(&watched, 1, -1), 1);
        int r = ferry_segment_wait(segment, &version, FERRY_NOW);
        CHECK(r == 0 || r == -EAGAIN); /* its sender may have died before the commit */
        atomic_store(&listening->seen, version);
    }
}

static void notify_without_end(void *context)
{
    ferry_segment *segment = context;
    for (;;)
        CHECK_OK(ferry_segment_notify(segment));
}

TEST_LONG(listener_hears_the_next_notice_wherever_the_last_notifier_was_killed, 120) /* G8, G15 */
{
    ferry_segment *segment = create("x", 10);
    struct listening *listening = test_shared(sizeof *listening);
    listening->ready = test_gate_new();
    pid_t listener = test_child(listen_without_end, listening);
    test_gate_wait(listening->ready);
    uint32_t random = 88675123, version;
    int rounds = test_thorough() ? 50000 : 1000;
    for (int i = 0; i < rounds; i++) {
        pid_t notifier = test_child(notify_without_end, segment);
        struct timespec moment = {.tv_nsec = (long)(next_random(&random) % 300000)};
        nanosleep(&moment, NULL);
        test_kill(notifier);
        CHECK_OK(ferry_segment_notify(segment));
        CHECK_OK(ferry_segment_version(segment, &version));
        test_wait_until(listening->seen == version);
    }
    test_kill(listener);
    destroy(segment, "x");
}

TEST(notice_never_blocks_on_a_listener_that_does_not_listen) /* H5 */
{
    ferry_segment *sender = create("x", 10), *lazy = attach("x");
    int descriptor = listen_to(lazy);
    for (int i = 0; i < 100000; i++)
        CHECK_OK(ferry_segment_notify(sender));
    uint32_t version = 0;
    CHECK(is_readable(descriptor));
    CHECK_OK(ferry_segment_wait(lazy, &version, FERRY_NOW));
    CHECK_EQ(version, 100000);
    CHECK(!is_readable(descriptor));
    CHECK_OK(ferry_segment_notify(sender));
    CHECK(is_readable(descriptor));
    ferry_segment_close(lazy);
    destroy(sender, "x");
}

TEST(listeners_that_died_or_left_are_forgotten) /* G8 */
{
    ferry_segment *segment = create("x", 10), *gone = attach("x");
    listen_to(gone);
    ferry_segment_close(gone);
    struct listening *listening = test_shared(sizeof *listening);
    listening->ready = test_gate_new();
    pid_t listener = test_child(listen_without_end, listening);
    test_gate_wait(listening->ready);
    test_kill(listener);
    uint32_t version;
    for (int i = 0; i < 1000; i++)
        CHECK_OK(ferry_segment_notify(segment));
    CHECK_OK(ferry_segment_version(segment, &version));
    CHECK_EQ(version, 1000);
    destroy(segment, "x");
}

static void listen_in_child(void *context)
{
    ferry_segment *segment = context;
    int descriptor = listen_to(segment);
    CHECK(!is_readable(descriptor));
    CHECK_OK(ferry_segment_notify(segment));
    CHECK(is_readable(descriptor));
    uint32_t version = 0;
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_NOW));
    CHECK(!is_readable(descriptor));
}

TEST(forked_child_listens_for_itself) /* G11, G15 */
{
    ferry_segment *segment = create("x", 10);
    int descriptor = listen_to(segment);
    test_wait_ok(test_child(listen_in_child, segment));
    CHECK(is_readable(descriptor)); /* what the child cleared was its own */
    uint32_t version = 0;
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_NOW));
    CHECK(!is_readable(descriptor));
    destroy(segment, "x");
}

static void take_and_release(void *context)
{
    CHECK_OK(ferry_segment_lock(context, FERRY_FOREVER));
    CHECK_OK(ferry_segment_unlock(context));
}

TEST(listener_that_was_woken_for_the_lock_finds_nothing_and_rests) /* G15 */
{
    ferry_segment *segment = create("x", 10), *listener = attach("x");
    int descriptor = listen_to(listener);
    uint32_t version = 0;
    for (int i = 0; i < 10; i++) {
        CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
        pid_t waiter = test_child(take_and_release, segment);
        test_sleeping(waiter);
        CHECK_OK(ferry_segment_unlock(segment));
        test_wait_ok(waiter);
        CHECK_ERR(ferry_segment_wait(listener, &version, FERRY_NOW), EAGAIN);
        CHECK(!is_readable(descriptor));
    }
    CHECK_OK(ferry_segment_notify(segment));
    CHECK(is_readable(descriptor));
    ferry_segment_close(listener);
    destroy(segment, "x");
}

static void poll_for_good(void *context)
{
    struct listening *listening = context;
    ferry_segment *segment = attach("x");
    struct pollfd watched = {.fd = listen_to(segment), .events = POLLIN};
    test_gate_open(listening->ready);
    poll(&watched, 1, -1);
    atomic_store(&listening->seen, 1);
}

TEST(listener_sleeps_while_nothing_happens) /* G15 */
{
    ferry_segment *segment = create("x", 10);
    struct listening *listening = test_shared(sizeof *listening);
    listening->ready = test_gate_new();
    pid_t listener = test_child(poll_for_good, listening);
    test_gate_wait(listening->ready);
    for (int i = 0; i < 10; i++) {
        CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER)); /* no notice */
        CHECK_OK(ferry_segment_unlock(segment));
    }
    test_sleeping(listener);
    CHECK_EQ(listening->seen, 0);
    CHECK_OK(ferry_segment_notify(segment));
    test_wait_ok(listener);
    destroy(segment, "x");
}
