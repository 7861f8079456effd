/* Queues: who may be there beside whom, who looks on, who is another user, and what a signal does (contract Q8, G2, G4,
 * G7, G11). */
#include <grp.h>
#include <sys/stat.h>

#include "queues.h"

/* ---- Alone on a side ---- */

static int try_to_open(unsigned flags)
{
    ferry_queue *queue;
    int r = ferry_queue_open(&queue, "q", FERRY_QUEUE(.flags = flags));
    if (r == 0)
        ferry_queue_close(queue);
    return r;
}

EACH_QUEUE(a_sole_sender_suffers_no_other) /* Q8 */
{
    ferry_queue *queue = make_queue(kind, "q", FERRY_WRITE | FERRY_SOLE_SENDER);
    CHECK_ERR(try_to_open(FERRY_WRITE), EBUSY);
    CHECK(strlen(ferry_explain()) > 20);
    CHECK_ERR(try_to_open(FERRY_WRITE | FERRY_SOLE_SENDER), EBUSY);
    CHECK_ERR(try_to_open(0), EBUSY);
    CHECK_OK(try_to_open(FERRY_READ));
    CHECK_OK(try_to_open(FERRY_READ | FERRY_SOLE_RECEIVER));
    CHECK_EQ(look("q").attached, 1);
    ferry_queue *reader = open_queue("q", FERRY_READ);
    for (int i = 0; i < 100; i++) {
        put(queue, "alone");
        expect(reader, "alone");
    }
    ferry_queue_close(queue);
    CHECK_OK(try_to_open(FERRY_WRITE));
    CHECK_OK(try_to_open(FERRY_WRITE | FERRY_SOLE_SENDER));
    CHECK_OK(try_to_open(0));
    destroy_queue(reader, "q");
}

EACH_QUEUE(a_sole_receiver_suffers_no_other) /* Q8 */
{
    ferry_queue *queue = make_queue(kind, "q", FERRY_READ | FERRY_SOLE_RECEIVER);
    CHECK_ERR(try_to_open(FERRY_READ), EBUSY);
    CHECK_ERR(try_to_open(FERRY_READ | FERRY_SOLE_RECEIVER), EBUSY);
    CHECK_ERR(try_to_open(0), EBUSY);
    ferry_queue *writer = open_queue("q", FERRY_WRITE);
    CHECK_OK(try_to_open(FERRY_WRITE));
    for (int i = 0; i < 100; i++) {
        put(writer, "alone");
        expect(queue, "alone");
    }
    ferry_queue_close(queue);
    CHECK_OK(try_to_open(FERRY_READ));
    CHECK_OK(try_to_open(FERRY_READ | FERRY_SOLE_RECEIVER));
    destroy_queue(writer, "q");
}

EACH_QUEUE(who_would_be_alone_must_be_the_first) /* Q8 */
{
    ferry_queue *queue = make_queue(kind, "q", FERRY_WRITE);
    CHECK_ERR(try_to_open(FERRY_WRITE | FERRY_SOLE_SENDER), EBUSY);
    CHECK_OK(try_to_open(FERRY_READ | FERRY_SOLE_RECEIVER));
    ferry_queue_close(queue);
    CHECK_OK(try_to_open(FERRY_WRITE | FERRY_SOLE_SENDER));
    queue = open_queue("q", FERRY_SOLE_SENDER | FERRY_SOLE_RECEIVER);
    put(queue, "to myself");
    expect(queue, "to myself");
    CHECK_ERR(try_to_open(FERRY_READ), EBUSY);
    destroy_queue(queue, "q");
}

static void be_alone(void *context)
{
    ferry_queue *queue =
        open_queue("q", FERRY_SOLE_SENDER | FERRY_SOLE_RECEIVER | FERRY_READ | FERRY_WRITE);
    put(queue, "left");
    test_gate_open(context);
    stay();
}

EACH_QUEUE(who_was_alone_and_is_killed_is_in_nobodys_way) /* Q8, G8 */
{
    ferry_queue_close(make_queue(kind, "q", 0));
    for (int i = 0; i < 10; i++) {
        struct test_gate *ready = test_gate_new();
        pid_t child = test_child(be_alone, ready);
        test_gate_wait(ready);
        CHECK_ERR(try_to_open(FERRY_READ), EBUSY);
        test_kill(child);
        ferry_queue *queue = open_queue("q", FERRY_SOLE_SENDER | FERRY_SOLE_RECEIVER);
        expect(queue, "left");
        ferry_queue_close(queue);
    }
    CHECK_OK(ferry_remove("q"));
}

static void be_barred(void *context)
{
    char byte;
    CHECK_ERR(ferry_queue_send(context, "x", 1, FERRY_NOW), EBUSY);
    CHECK(strlen(ferry_explain()) > 20);
    CHECK_ERR(ferry_queue_receive(context, &byte, 1, FERRY_NOW), EBUSY);
    ferry_queue_close(context);
}

EACH_QUEUE(a_child_of_who_is_alone_takes_no_part) /* Q8, G11 */
{
    ferry_queue *queue = make_queue(kind, "q", FERRY_SOLE_SENDER | FERRY_SOLE_RECEIVER);
    test_wait_ok(test_child(be_barred, queue));
    put(queue, "still");
    expect(queue, "still");
    destroy_queue(queue, "q");
}

/* ---- Looking on ---- */

static ssize_t tap(ferry_queue *queue, char *ret_text, uint64_t *ret_missed, int64_t timeout_ns)
{
    struct ferry_message message = {.bytes = ret_text, .size_bytes = 64};
    memset(ret_text, 0, 65);
    ssize_t size = ferry_queue_tap(queue, &message, ret_missed, timeout_ns);
    if (size >= 0)
        CHECK_EQ(size, message.size_bytes);
    return size;
}

/* Messages in order can be looked at; where they cannot, who would is told. */
static bool can_be_tapped(const struct queue_kind *kind)
{
    ferry_queue *looker;
    int r = ferry_queue_open(&looker, "q", FERRY_QUEUE(.flags = FERRY_TAP));
    if (kind->flags != FERRY_UNBOUNDED)
        CHECK_OK(r);
    if (r != -EOPNOTSUPP)
        CHECK_OK(r);
    else
        CHECK(strlen(ferry_explain()) > 20);
    if (r == 0)
        ferry_queue_close(looker);
    return r == 0;
}

EACH_BOUNDED_QUEUE(who_looks_on_sees_all_and_takes_nothing) /* G13 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    char text[65];
    uint64_t missed = 99;
    if (!can_be_tapped(kind)) {
        destroy_queue(queue, "q");
        return;
    }
    put(queue, "before");
    ferry_queue *looker = open_queue("q", FERRY_TAP);
    CHECK_ERR(tap(looker, text, &missed, FERRY_NOW), EAGAIN);
    CHECK_ERR(tap(looker, text, &missed, MILLISECOND), ETIMEDOUT);
    put(queue, "one");
    put(queue, "two");
    expect(queue, "before");
    expect(queue, "one");
    expect(queue, "two");
    CHECK_EQ(tap(looker, text, &missed, FERRY_NOW), 3);
    CHECK_STR(text, "one");
    CHECK_EQ(missed, 0);
    CHECK_EQ(tap(looker, text, &missed, FERRY_FOREVER), 3);
    CHECK_STR(text, "two");
    CHECK_ERR(tap(looker, text, &missed, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_queue_send(looker, "x", 1, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_queue_receive(looker, text, 1, FERRY_NOW), EBADF);
    CHECK_EQ(statistics_of(queue).received, 3);
    ferry_queue_close(looker);
    destroy_queue(queue, "q");
}

EACH_BOUNDED_QUEUE(who_is_too_slow_is_told_what_it_missed) /* G13 */
{
    enum { COUNT = 20000, BETWEEN = 5000 };
    ferry_queue *queue, *looker;
    char text[65], sent[16];
    uint64_t missed = 0, seen = 0, bytes = kind->largest > 0 ? kind->largest : 4096;
    CHECK_OK(ferry_queue_open(&queue, "q",
                              FERRY_QUEUE(.flags = FERRY_CREATE | kind->flags, .messages = 4,
                                          .bytes = bytes, .largest = bytes)));
    if (!can_be_tapped(kind)) {
        destroy_queue(queue, "q");
        return;
    }
    looker = open_queue("q", FERRY_TAP);
    for (int i = 0; i < COUNT; i++) {
        snprintf(sent, sizeof sent, "%d", i);
        put(queue, sent);
        expect(queue, sent);
        if (i % BETWEEN == BETWEEN - 1)
            while (tap(looker, text, &missed, FERRY_NOW) >= 0) {
                CHECK_EQ((uint64_t)atoi(text), seen + missed);
                seen++;
            }
    }
    put(queue, sent);
    CHECK_OK(tap(looker, text, &missed, FERRY_NOW));
    CHECK_EQ(seen + missed, COUNT);
    CHECK(missed > 0);
    ferry_queue_close(looker);
    destroy_queue(queue, "q");
}

static void look_on_for_ever(void *context)
{
    char text[65];
    uint64_t missed;
    ferry_queue *looker = open_queue("q", FERRY_TAP);
    test_gate_open(context);
    CHECK_EQ(tap(looker, text, &missed, FERRY_FOREVER), 5);
    CHECK_STR(text, "hello");
    ferry_queue_close(looker);
}

/* Nobody counts it as a receiver, and nobody waits for it. */
EACH_BOUNDED_QUEUE(who_looks_on_sleeps_until_something_comes) /* G13, G15 */
{
    ferry_queue *queue = make_queue(kind, "q", FERRY_SOLE_RECEIVER);
    for (int i = 0; i < 10 && can_be_tapped(kind); i++) {
        struct test_gate *ready = test_gate_new();
        pid_t child = test_child(look_on_for_ever, ready);
        test_gate_wait(ready);
        test_sleeping(child);
        put(queue, "hello");
        test_wait_ok(child);
        expect(queue, "hello");
    }
    destroy_queue(queue, "q");
}

static void receive_hello(void *context)
{
    expect(context, "hello");
}

/* Whoever looks on is woken beside a receiver, and not instead. */
EACH_BOUNDED_QUEUE(who_looks_on_takes_nobodys_turn) /* G8, G13, Q8 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    for (int i = 0; i < 10 && can_be_tapped(kind); i++) {
        struct test_gate *ready = test_gate_new();
        ferry_queue *looker = open_queue("q", FERRY_TAP);
        pid_t other = test_child(look_on_for_ever, ready);
        test_gate_wait(ready);
        test_sleeping(other);
        ferry_queue_close(looker);
        pid_t receiver = test_child(receive_hello, queue);
        test_sleeping(receiver);
        put(queue, "hello");
        test_wait_ok(receiver);
        test_wait_ok(other);
    }
    destroy_queue(queue, "q");
}

/* ---- Signals ---- */

static void do_nothing(int number)
{
    (void)number;
}

static void be_interrupted(void *context)
{
    ferry_queue *queue = open_queue("q", FERRY_EINTR);
    char bytes[64];
    if (context == NULL)
        CHECK_ERR(ferry_queue_receive(queue, bytes, sizeof bytes, FERRY_FOREVER), EINTR);
    else
        CHECK_ERR(ferry_queue_send(queue, "x", 1, 60 * SECOND), EINTR);
    ferry_queue_close(queue);
}

EACH_BOUNDED_QUEUE(signals_end_waits_where_asked_to) /* G7 */
{
    struct sigaction action = {.sa_handler = do_nothing};
    CHECK_ERRNO(sigaction(SIGUSR1, &action, NULL));
    ferry_queue *queue = make_bounded(kind, "q", 0, 1, FERRY_OVERFLOW_BLOCK);
    for (int i = 0; i < 10; i++) {
        if (i == 5)
            put(queue, "full");
        pid_t child = test_child(be_interrupted, i < 5 ? NULL : queue);
        test_sleeping(child);
        CHECK_ERRNO(kill(child, SIGUSR1));
        test_wait_ok(child);
    }
    expect(queue, "full");
    expect_nothing(queue);
    destroy_queue(queue, "q");
}

static void be_interrupted_looking_on(void *context)
{
    char text[65];
    uint64_t missed;
    ferry_queue *looker = context;
    CHECK_ERR(tap(looker, text, &missed, FERRY_FOREVER), EINTR);
}

EACH_BOUNDED_QUEUE(signals_end_looking_on_where_asked_to) /* G7 */
{
    struct sigaction action = {.sa_handler = do_nothing};
    CHECK_ERRNO(sigaction(SIGUSR1, &action, NULL));
    ferry_queue *queue = make_queue(kind, "q", 0);
    if (can_be_tapped(kind)) {
        ferry_queue *looker = open_queue("q", FERRY_TAP | FERRY_EINTR);
        pid_t child = test_child(be_interrupted_looking_on, looker);
        test_sleeping(child);
        CHECK_ERRNO(kill(child, SIGUSR1));
        test_wait_ok(child);
        ferry_queue_close(looker);
    }
    destroy_queue(queue, "q");
}

/* Restarting system calls is the handler's wish about those of its own program. */
TEST(signals_end_waits_even_if_system_calls_are_restarted) /* G7 */
{
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
    CHECK_ERRNO(sigaction(SIGUSR1, &action, NULL));
    ferry_queue *queue = make_queue(&plain, "q", 0);
    pid_t child = test_child(be_interrupted, NULL);
    test_sleeping(child);
    CHECK_ERRNO(kill(child, SIGUSR1));
    test_wait_ok(child);
    destroy_queue(queue, "q");
}

/* ---- Other users ---- */

enum { OTHER = 61003 };

struct attempt {
    unsigned flags;
    int expected;
    bool sends, receives;
};

static void attempt(void *context)
{
    static const uid_t trusted[] = {0};
    const struct attempt *attempt = context;
    ferry_queue *queue;
    CHECK_ERRNO(setgroups(0, NULL));
    CHECK_ERRNO(setresgid(OTHER, OTHER, OTHER));
    CHECK_ERRNO(setresuid(OTHER, OTHER, OTHER));
    int r = ferry_queue_open(
        &queue, "q",
        FERRY_QUEUE(.flags = attempt->flags, .trusted_owners = trusted, .trusted_owner_count = 1));
    CHECK_EQ(r, attempt->expected);
    if (r < 0)
        return;
    if (attempt->receives)
        expect(queue, "hello");
    if (attempt->sends)
        put(queue, "other");
    ferry_queue_close(queue);
}

static void attempt_as_other(unsigned flags, int expected)
{
    struct attempt it = {.flags = flags,
                         .expected = expected,
                         .sends = (flags & FERRY_READ) == 0 && (flags & FERRY_TAP) == 0,
                         .receives = (flags & FERRY_WRITE) == 0 && (flags & FERRY_TAP) == 0};
    test_wait_ok(test_child(attempt, &it));
}

EACH_QUEUE(the_mode_decides_who_sends_and_receives) /* G4 */
{
    if (geteuid() != 0)
        SKIP("becoming another user needs root");
    CHECK_ERRNO(chmod(test_root(), 01777));
    umask(0);
    static const unsigned modes[] = {0600, 0604, 0606};
    for (int i = 0; i < 3; i++) {
        ferry_queue *queue;
        CHECK_OK(ferry_queue_open(&queue, "q",
                                  FERRY_QUEUE(.flags = FERRY_CREATE | kind->flags,
                                              .largest = kind->largest, .mode = modes[i])));
        put(queue, "hello");
        put(queue, "hello");
        attempt_as_other(FERRY_READ, modes[i] == 0600 ? -EACCES : 0);
        attempt_as_other(FERRY_WRITE, modes[i] == 0606 ? 0 : -EACCES);
        attempt_as_other(0, modes[i] == 0606 ? 0 : -EACCES);
        struct ferry_queue_statistics now = statistics_of(queue);
        CHECK_EQ(now.messages, modes[i] == 0600 ? 2 : modes[i] == 0604 ? 1 : 2);
        destroy_queue(queue, "q");
    }
}
