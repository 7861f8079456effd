/* Queues: waiting elsewhere, in poll() or epoll, and being told (contract Q7, G15). */
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>

#include "queues.h"

static int descriptor_of(ferry_queue *queue, unsigned role)
{
    int fd = ferry_queue_descriptor(queue, role);
    CHECK_OK(fd);
    CHECK_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    return fd;
}

/* ---- In poll() ---- */

EACH_QUEUE(readable_while_there_are_messages) /* Q7, G15 */
{
    ferry_queue *queue = make_queue(kind, "q", 0), *other = open_queue("q", 0);
    int fd = descriptor_of(queue, FERRY_READ);
    CHECK_EQ(descriptor_of(queue, FERRY_READ), fd);
    CHECK_ERR(ferry_queue_descriptor(queue, FERRY_WRITE), EBUSY);
    for (int lap = 0; lap < 50; lap++) {
        expect_nothing(queue);
        CHECK(!is_readable(fd));
        put(other, "one");
        CHECK(is_readable(fd) && is_readable(fd));
        put(other, "two");
        expect(queue, "one");
        CHECK(is_readable(fd));
        expect(queue, "two");
    }
    ferry_queue_close(other);
    destroy_queue(queue, "q");
}

EACH_QUEUE(readable_at_once_if_there_are_messages_already) /* Q7 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    put(queue, "already");
    CHECK(is_readable(descriptor_of(queue, FERRY_READ)));
    expect(queue, "already");
    destroy_queue(queue, "q");
}

EACH_QUEUE(all_who_poll_are_told) /* Q7 */
{
    ferry_queue *queue = make_queue(kind, "q", 0), *others[5];
    for (int i = 0; i < 5; i++) {
        others[i] = open_queue("q", FERRY_READ);
        descriptor_of(others[i], FERRY_READ);
        expect_nothing(others[i]);
    }
    put(queue, "hello");
    for (int i = 0; i < 5; i++)
        CHECK(is_readable(descriptor_of(others[i], FERRY_READ)));
    expect(others[2], "hello");
    for (int i = 0; i < 5; i++) {
        expect_nothing(others[i]);
        CHECK(!is_readable(descriptor_of(others[i], FERRY_READ)));
        ferry_queue_close(others[i]);
    }
    destroy_queue(queue, "q");
}

EACH_BOUNDED_QUEUE(readable_while_there_is_room) /* Q7, G15 */
{
    ferry_queue *queue = make_bounded(kind, "q", 0, 2, FERRY_OVERFLOW_BLOCK),
                *other = open_queue("q", 0);
    int fd = descriptor_of(queue, FERRY_WRITE);
    for (int lap = 0; lap < 50; lap++) {
        CHECK(is_readable(fd));
        put(queue, "one");
        put(queue, "two");
        CHECK_ERR(ferry_queue_send(queue, "three", 5, FERRY_NOW), EAGAIN);
        CHECK(!is_readable(fd));
        expect(other, "one");
        CHECK(is_readable(fd));
        expect(other, "two");
    }
    ferry_queue_close(other);
    destroy_queue(queue, "q");
}

enum { STREAM = 5000 };

/* Everything comes through a loop that sleeps in epoll alone. */
static void send_through_a_loop(void *context)
{
    ferry_queue *queue = open_queue(context, FERRY_WRITE);
    int fd = descriptor_of(queue, FERRY_WRITE);
    for (uint32_t i = 0; i < STREAM;) {
        int r = ferry_queue_send(queue, &i, sizeof i, FERRY_NOW);
        if (r != -EAGAIN)
            CHECK_OK(r);
        if (r == -EAGAIN)
            poll_until_readable(fd);
        else
            i++;
    }
    ferry_queue_close(queue);
}

EACH_BOUNDED_QUEUE(loops_on_both_sides_miss_nothing) /* Q7, G15 */
{
    ferry_queue *queue = make_bounded(kind, "q", 0, 3, FERRY_OVERFLOW_BLOCK);
    int fd = descriptor_of(queue, FERRY_READ), loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK_ERRNO(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event));
    pid_t sender = test_child(send_through_a_loop, (char[]){"q"});
    for (uint32_t i = 0, got; i < STREAM;) {
        ssize_t size = ferry_queue_receive(queue, &got, sizeof got, FERRY_NOW);
        if (size == -EAGAIN) {
            CHECK_EQ(epoll_wait(loop, &event, 1, -1), 1);
            continue;
        }
        CHECK_EQ(size, sizeof got);
        CHECK_EQ(got, i++);
    }
    test_wait_ok(sender);
    close(loop);
    destroy_queue(queue, "q");
}

static void sleep_in_poll(void *context)
{
    poll_until_readable(descriptor_of(context, FERRY_READ));
    expect(context, "child");
}

/* A child of fork has a descriptor of its own. */
EACH_QUEUE(a_child_of_fork_polls_for_itself) /* Q7, G11 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    int fd = descriptor_of(queue, FERRY_READ);
    expect_nothing(queue);
    pid_t child = test_child(sleep_in_poll, queue);
    put(queue, "child");
    CHECK(is_readable(fd));
    test_wait_ok(child);
    expect_nothing(queue);
    CHECK(!is_readable(fd));
    destroy_queue(queue, "q");
}

/* ---- By signal ---- */

static sigset_t only(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

static void await_signal(int number)
{
    sigset_t set = only(number);
    struct timespec long_time = {.tv_sec = 20};
    CHECK_EQ(sigtimedwait(&set, NULL, &long_time), number);
}

static void receive_all(ferry_queue *queue)
{
    char byte[16];
    while (ferry_queue_receive(queue, byte, sizeof byte, FERRY_NOW) >= 0)
        ;
}

EACH_QUEUE(a_signal_tells_of_the_first_message) /* Q7 */
{
    sigset_t set = only(SIGUSR1);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    ferry_queue *queue = make_queue(kind, "q", 0), *other = open_queue("q", 0);
    CHECK_OK(ferry_queue_notify(queue, &(struct ferry_arrival){.signal = SIGUSR1}));
    for (int lap = 0; lap < 20; lap++) {
        receive_all(queue);
        put(other, "news");
        await_signal(SIGUSR1);
    }
    CHECK_OK(ferry_queue_notify(queue, NULL));
    sigtimedwait(&set, NULL, &(struct timespec){0});
    receive_all(queue);
    put(other, "unheard");
    expect(queue, "unheard");
    CHECK(sigtimedwait(&set, NULL, &(struct timespec){.tv_nsec = 20000000}) < 0);
    ferry_queue_close(other);
    destroy_queue(queue, "q");
}

TEST(a_real_time_signal_will_do_and_nonsense_not) /* Q7 */
{
    sigset_t set = only(SIGRTMIN + 3);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    ferry_queue *queue = make_queue(&plain, "q", 0);
    CHECK_ERR(ferry_queue_notify(queue, &(struct ferry_arrival){.signal = -1}), EINVAL);
    CHECK_ERR(ferry_queue_notify(queue, &(struct ferry_arrival){.signal = SIGRTMAX + 1}), EINVAL);
    CHECK_OK(ferry_queue_notify(queue, &(struct ferry_arrival){.signal = SIGRTMIN + 3}));
    put(queue, "news");
    await_signal(SIGRTMIN + 3);
    CHECK_OK(ferry_queue_notify(queue, &(struct ferry_arrival){0}));
    destroy_queue(queue, "q");
}

/* ---- By a call ---- */

struct calls {
    _Atomic unsigned received;
    ferry_queue *queue;
};

static void receive_in_call(ferry_queue *queue, void *context)
{
    struct calls *calls = context;
    char byte[16];
    CHECK(queue == calls->queue);
    while (ferry_queue_receive(queue, byte, sizeof byte, FERRY_NOW) >= 0)
        atomic_fetch_add(&calls->received, 1);
}

EACH_QUEUE(a_function_is_called_for_messages) /* Q7 */
{
    ferry_queue *queue = make_queue(kind, "q", 0), *other = open_queue("q", 0);
    struct calls calls = {.queue = queue};
    CHECK_OK(ferry_queue_notify(
        queue, &(struct ferry_arrival){.function = receive_in_call, .context = &calls}));
    for (unsigned i = 1; i <= 200; i++) {
        put(other, "news");
        if (i % 3 == 0)
            test_wait_until(atomic_load(&calls.received) == i);
    }
    test_wait_until(atomic_load(&calls.received) == 200);
    CHECK_OK(ferry_queue_notify(queue, NULL));
    put(other, "for me");
    expect(queue, "for me");
    CHECK_EQ(calls.received, 200);
    ferry_queue_close(other);
    destroy_queue(queue, "q");
}

EACH_QUEUE(closing_ends_the_notice) /* Q7, G12 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    for (int i = 0; i < 20; i++) {
        ferry_queue *other = open_queue("q", 0);
        struct calls calls = {.queue = other};
        CHECK_OK(ferry_queue_notify(
            other, &(struct ferry_arrival){.function = receive_in_call, .context = &calls}));
        put(queue, "news");
        ferry_queue_close(other);
        receive_all(queue);
    }
    destroy_queue(queue, "q");
}

static void have_no_notice(void *context)
{
    struct calls *calls = context;
    put(calls->queue, "child");
    test_wait_until(atomic_load(&calls->received) == 1);
    CHECK_OK(ferry_queue_notify(calls->queue, NULL));
}

/* The child has none until it asks; the parent's goes on. */
EACH_QUEUE(the_parents_notice_stays_the_parents) /* Q7, G11 */
{
    struct calls *calls = test_shared(sizeof *calls);
    calls->queue = make_queue(kind, "q", 0);
    CHECK_OK(ferry_queue_notify(
        calls->queue, &(struct ferry_arrival){.function = receive_in_call, .context = calls}));
    test_wait_ok(test_child(have_no_notice, calls));
    put(calls->queue, "parent");
    test_wait_until(atomic_load(&calls->received) == 2);
    destroy_queue(calls->queue, "q");
}

/* A receiver that dies with a notice leaves nothing that harms senders. */
static void ask_and_stay(void *context)
{
    sigset_t set = only(SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    ferry_queue *queue = open_queue("q", FERRY_READ);
    CHECK_OK(ferry_queue_notify(queue, &(struct ferry_arrival){.signal = SIGUSR1}));
    test_gate_open(context);
    stay();
}

EACH_QUEUE(notices_of_the_dead_harm_nobody) /* Q7, G8 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    for (int i = 0; i < 10; i++) {
        struct test_gate *ready = test_gate_new();
        pid_t child = test_child(ask_and_stay, ready);
        test_gate_wait(ready);
        test_kill(child);
        put(queue, "on");
        expect(queue, "on");
    }
    destroy_queue(queue, "q");
}
