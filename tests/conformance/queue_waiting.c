/* Who waits: for a message that suits, or for room; until then, or a signal, or the removal, or for as long as was
 * said. */
#include <signal.h>
#include <stdio.h>

#include "queue.h"

/* What a process that waits is to do, and what came of it, in memory that all share. */
struct wait {
    struct queue queue;
    struct item item; /* to send, or what must come */
    struct ferry_choice choice;
    bool to_send;
    int64_t timeout_ns, result;
    bool is_own; /* a handle of its own, and not the inherited one */
};

static void wait_there(void *context)
{
    struct wait *wait = context;
    struct queue queue = wait->is_own ? queue_open(&wait->queue) : wait->queue;
    if (wait->to_send)
        wait->result = queue_put(&queue, wait->item, wait->timeout_ns);
    else
        wait->result = queue_get(&queue, &wait->choice, LARGEST, wait->timeout_ns);
}

static struct wait *wait_new(struct queue *queue)
{
    struct wait *wait = test_shared(sizeof *wait);
    wait->queue = *queue;
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

static void put(struct queue *queue, struct item item)
{
    CHECK_EQ(queue_put(queue, item, FERRY_NOW), 0);
}

static void fill(struct queue *queue)
{
    uint32_t size = queue->bounds.bytes / queue->bounds.messages;
    for (uint32_t i = 0; i < queue->bounds.messages; i++)
        put(queue, (struct item){.number = i, .size = size});
}

/* Divides without a rest, so that fill() makes it full by number as well as by bytes. */
static const struct bounds narrow = {.messages = 4, .bytes = 4000, .largest = 4000};

/* ---- For a message ---- */

static void a_receiver_wakes_up(const struct queue_back_end *back_end, bool is_own)
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    struct wait *wait = wait_new(&queue);
    wait->is_own = is_own;
    for (uint32_t size = 0; size < 40; size++) {
        pid_t pid = start(wait);
        put(&queue, (struct item){.number = size, .size = size * 100});
        test_wait_ok(pid);
        CHECK_EQ(wait->result, size * 100);
        queue_expect_none(&queue, ANY);
    }
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(a_receiver_is_woken_by_a_message, 0) /* Q8 */
{
    a_receiver_wakes_up(back_end, false);
}

QUEUE_CONFORMANCE(a_receiver_with_its_own_handle_is_woken_by_a_message, 0) /* Q8 */
{
    a_receiver_wakes_up(back_end, true);
}

enum { SLEEPERS = 6 };

QUEUE_CONFORMANCE(several_receivers_get_one_each, 0) /* Q8 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    struct wait *waits[SLEEPERS];
    pid_t pids[SLEEPERS];
    int64_t sum = 0;
    for (int i = 0; i < SLEEPERS; i++) {
        waits[i] = wait_new(&queue);
        waits[i]->is_own = i % 2 == 0;
        pids[i] = start(waits[i]);
    }
    for (uint32_t i = 0; i < SLEEPERS; i++)
        put(&queue, (struct item){.number = i, .size = 1u << i});
    for (int i = 0; i < SLEEPERS; i++) {
        test_wait_ok(pids[i]);
        sum += waits[i]->result;
    }
    CHECK_EQ(sum, (1 << SLEEPERS) - 1);
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

/* One that is killed in its sleep takes nothing with it. */
QUEUE_CONFORMANCE(a_message_is_not_for_the_dead, 0) /* G8 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    struct wait *first = wait_new(&queue), *second = wait_new(&queue);
    pid_t killed = start(first), other = start(second);
    test_kill(killed);
    put(&queue, (struct item){.number = 1, .size = 11});
    test_wait_ok(other);
    CHECK_EQ(second->result, 11);
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

/* ---- For one that suits ---- */

QUEUE_CONFORMANCE(who_waits_for_a_type_is_not_woken_by_another, CAN_TYPES) /* Q2 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    struct wait *wait = wait_new(&queue);
    wait->choice = *OF_TYPE(5);
    pid_t pid = start(wait);
    for (uint32_t i = 0; i < 4; i++) {
        put(&queue, (struct item){.number = i, .size = i, .type = i});
        test_sleeping(pid);
    }
    put(&queue, (struct item){.number = 5, .size = 55, .type = 5});
    test_wait_ok(pid);
    CHECK_EQ(wait->result, 55);
    for (uint32_t i = 0; i < 4; i++)
        queue_expect(&queue, ANY, (struct item){.number = i, .size = i, .type = i});
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(who_waits_for_a_bound_or_but_one_type_gets_it, CAN_TYPES) /* Q2 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    struct wait *bound = wait_new(&queue), *but = wait_new(&queue);
    bound->choice = *UP_TO(2);
    but->choice = *EXCEPT(7);
    pid_t pid = start(bound);
    put(&queue, (struct item){.number = 1, .size = 1, .type = 7});
    put(&queue, (struct item){.number = 2, .size = 2, .type = 7});
    test_sleeping(pid);
    pid_t other = start(but);
    put(&queue, (struct item){.number = 3, .size = 3, .type = 3});
    test_wait_ok(other);
    CHECK_EQ(but->result, 3);
    test_sleeping(pid);
    put(&queue, (struct item){.number = 4, .size = 4, .type = 2});
    test_wait_ok(pid);
    CHECK_EQ(bound->result, 4);
    queue_expect(&queue, ANY, (struct item){.number = 1, .size = 1, .type = 7});
    queue_expect(&queue, ANY, (struct item){.number = 2, .size = 2, .type = 7});
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(each_who_waits_gets_the_one_of_its_type, CAN_TYPES) /* Q2, Q8 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    struct wait *waits[SLEEPERS];
    pid_t pids[SLEEPERS];
    for (uint32_t i = 0; i < SLEEPERS; i++) {
        waits[i] = wait_new(&queue);
        waits[i]->choice = *OF_TYPE(i);
        pids[i] = start(waits[i]);
    }
    for (uint32_t i = SLEEPERS; i-- > 0;) {
        put(&queue, (struct item){.number = i, .size = 100 + i, .type = i});
        test_wait_ok(pids[i]);
        CHECK_EQ(waits[i]->result, 100 + i);
        for (uint32_t j = 0; j < i; j++)
            test_sleeping(pids[j]);
    }
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

/* ---- For room ---- */

QUEUE_CONFORMANCE(a_sender_goes_on_when_there_is_room, 0) /* Q3 */
{
    struct queue queue = queue_make(back_end, narrow);
    struct wait *wait = wait_new(&queue);
    wait->to_send = true;
    wait->item = (struct item){.number = 50, .size = 1000};
    for (int lap = 0; lap < 20; lap++) {
        wait->is_own = lap % 2 == 0;
        fill(&queue);
        pid_t pid = start(wait);
        queue_expect(&queue, ANY, (struct item){.number = 0, .size = 1000});
        test_wait_ok(pid);
        CHECK_EQ(wait->result, 0);
        for (uint32_t i = 1; i < 4; i++)
            queue_expect(&queue, ANY, (struct item){.number = i, .size = 1000});
        queue_expect(&queue, ANY, wait->item);
        queue_expect_none(&queue, ANY);
    }
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(a_sender_waits_until_there_is_room_for_all_of_it, CAN_BYTES) /* Q3 */
{
    struct queue queue = queue_make(back_end, narrow);
    struct wait *wait = wait_new(&queue);
    wait->to_send = true;
    wait->item = (struct item){.number = 50, .size = 2001};
    fill(&queue);
    pid_t pid = start(wait);
    for (uint32_t i = 0; i < 3; i++) {
        test_sleeping(pid);
        queue_expect(&queue, ANY, (struct item){.number = i, .size = 1000});
    }
    test_wait_ok(pid);
    CHECK_EQ(wait->result, 0);
    queue_expect(&queue, ANY, (struct item){.number = 3, .size = 1000});
    queue_expect(&queue, ANY, wait->item);
    queue_destroy(&queue);
}

/* Room for two is not news for one of them alone. */
QUEUE_CONFORMANCE(several_senders_go_on_when_there_is_room, 0) /* Q3, Q8 */
{
    struct queue queue = queue_make(back_end, narrow);
    struct wait *waits[SLEEPERS];
    pid_t pids[SLEEPERS];
    fill(&queue);
    for (uint32_t i = 0; i < SLEEPERS; i++) {
        waits[i] = wait_new(&queue);
        waits[i]->to_send = true;
        waits[i]->item = (struct item){.number = i, .size = 1000};
        pids[i] = start(waits[i]);
    }
    for (uint32_t i = 0; i < 4; i++)
        queue_expect(&queue, ANY, (struct item){.number = i, .size = 1000});
    for (uint32_t i = 0; i < SLEEPERS; i++)
        CHECK_EQ(queue_get(&queue, ANY, LARGEST, FERRY_FOREVER), 1000);
    for (uint32_t i = 0; i < SLEEPERS; i++) {
        test_wait_ok(pids[i]);
        CHECK_EQ(waits[i]->result, 0);
    }
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(a_sender_that_is_killed_in_its_sleep_sends_nothing, 0) /* G8 */
{
    struct queue queue = queue_make(back_end, narrow);
    struct wait *first = wait_new(&queue), *second = wait_new(&queue);
    first->to_send = second->to_send = true;
    first->item = (struct item){.number = 60, .size = 1000};
    second->item = (struct item){.number = 61, .size = 1000};
    fill(&queue);
    pid_t killed = start(first), other = start(second);
    test_kill(killed);
    queue_expect(&queue, ANY, (struct item){.number = 0, .size = 1000});
    test_wait_ok(other);
    for (uint32_t i = 1; i < 4; i++)
        queue_expect(&queue, ANY, (struct item){.number = i, .size = 1000});
    queue_expect(&queue, ANY, second->item);
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

/* ---- Removal ---- */

QUEUE_CONFORMANCE(receivers_that_wait_hear_of_the_removal, CAN_TELL_REMOVAL) /* Q5 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    struct wait *waits[SLEEPERS];
    pid_t pids[SLEEPERS];
    for (uint32_t i = 0; i < SLEEPERS; i++) {
        waits[i] = wait_new(&queue);
        waits[i]->is_own = i % 2 == 0;
        if (queue_can(&queue, CAN_TYPES))
            waits[i]->choice = *OF_TYPE(i);
        pids[i] = start(waits[i]);
    }
    back_end->remove(&queue);
    for (int i = 0; i < SLEEPERS; i++) {
        test_wait_ok(pids[i]);
        CHECK_ERR(waits[i]->result, EIDRM);
    }
    queue_close(&queue);
}

QUEUE_CONFORMANCE(senders_that_wait_hear_of_the_removal, CAN_TELL_REMOVAL) /* Q5 */
{
    struct queue queue = queue_make(back_end, narrow);
    struct wait *waits[SLEEPERS];
    pid_t pids[SLEEPERS];
    fill(&queue);
    for (uint32_t i = 0; i < SLEEPERS; i++) {
        waits[i] = wait_new(&queue);
        waits[i]->is_own = i % 2 == 0;
        waits[i]->to_send = true;
        waits[i]->item = (struct item){.number = i, .size = 1000};
        pids[i] = start(waits[i]);
    }
    back_end->remove(&queue);
    for (int i = 0; i < SLEEPERS; i++) {
        test_wait_ok(pids[i]);
        CHECK_ERR(waits[i]->result, EIDRM);
    }
    queue_close(&queue);
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

static void a_signal_comes(const struct queue_back_end *back_end, bool to_send)
{
    struct bounds bounds = narrow;
    bounds.interruptible = true;
    struct queue queue = queue_make(back_end, bounds);
    struct wait *wait = wait_new(&queue);
    handle_signals(0);
    if (to_send)
        fill(&queue);
    wait->to_send = to_send;
    wait->item = (struct item){.number = 9, .size = 1000};
    for (int lap = 0; lap < 10; lap++) {
        pid_t pid = start(wait);
        CHECK_ERRNO(kill(pid, SIGUSR1));
        test_wait_ok(pid);
        CHECK_ERR(wait->result, EINTR);
    }
    for (uint32_t i = 0; to_send && i < bounds.messages; i++)
        queue_expect(&queue, ANY, (struct item){.number = i, .size = 1000});
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(a_signal_ends_the_wait_of_a_receiver, 0) /* G7 */
{
    a_signal_comes(back_end, false);
}

QUEUE_CONFORMANCE(a_signal_ends_the_wait_of_a_sender, 0) /* G7 */
{
    a_signal_comes(back_end, true);
}

QUEUE_CONFORMANCE(a_wait_outlives_signals, CAN_GO_ON) /* G7 */
{
    struct queue queue = queue_make(back_end, narrow);
    struct wait *receiver = wait_new(&queue), *sender = wait_new(&queue);
    handle_signals(SA_RESTART);
    pid_t pid = start(receiver);
    for (int i = 0; i < 10; i++) {
        CHECK_ERRNO(kill(pid, SIGUSR1));
        test_sleeping(pid);
    }
    put(&queue, (struct item){.number = 1, .size = 10});
    test_wait_ok(pid);
    CHECK_EQ(receiver->result, 10);

    fill(&queue);
    sender->to_send = true;
    sender->item = (struct item){.number = 9, .size = 1000};
    pid = start(sender);
    for (int i = 0; i < 10; i++) {
        CHECK_ERRNO(kill(pid, SIGUSR1));
        test_sleeping(pid);
    }
    queue_expect(&queue, ANY, (struct item){.number = 0, .size = 1000});
    test_wait_ok(pid);
    CHECK_EQ(sender->result, 0);
    queue_destroy(&queue);
}

/* ---- Time ---- */

static const int64_t moment_ns = 20000000, long_ns = INT64_C(60000000000);

QUEUE_CONFORMANCE(a_wait_ends_when_its_time_is_over, CAN_TIME_OUT) /* G7 */
{
    struct queue queue = queue_make(back_end, narrow);
    int64_t begin_ns = test_now_ns();
    CHECK_ERR(queue_get(&queue, ANY, LARGEST, moment_ns), ETIMEDOUT);
    CHECK(test_now_ns() - begin_ns >= moment_ns);
    fill(&queue);
    begin_ns = test_now_ns();
    CHECK_ERR(queue_put(&queue, (struct item){.number = 9, .size = 1000}, moment_ns), ETIMEDOUT);
    CHECK(test_now_ns() - begin_ns >= moment_ns);
    for (uint32_t i = 0; i < 4; i++)
        queue_expect(&queue, ANY, (struct item){.number = i, .size = 1000});
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(what_comes_in_time_is_received, CAN_TIME_OUT) /* G7 */
{
    struct queue queue = queue_make(back_end, narrow);
    struct wait *wait = wait_new(&queue);
    wait->timeout_ns = long_ns;
    pid_t pid = start(wait);
    put(&queue, (struct item){.number = 1, .size = 10});
    test_wait_ok(pid);
    CHECK_EQ(wait->result, 10);
    put(&queue, (struct item){.number = 2, .size = 20});
    CHECK_EQ(queue_get(&queue, ANY, LARGEST, long_ns), 20);
    queue_destroy(&queue);
}

/* ---- In poll() ---- */

static short look(struct queue *queue, unsigned role)
{
    struct pollfd watched = {.fd = queue->back_end->descriptor(queue, role),
                             .events = role == FERRY_READ ? POLLIN : queue->back_end->room_event};
    CHECK_ERRNO(poll(&watched, 1, 0));
    return watched.revents & watched.events;
}

/* It is quiet when a call has said that there is nothing to do. */
QUEUE_CONFORMANCE(poll_tells_of_messages_and_room, CAN_POLL) /* Q7, G15 */
{
    struct queue queue = queue_make(back_end, narrow), other = queue_open(&queue);
    for (int lap = 0; lap < 50; lap++) {
        queue_expect_none(&queue, ANY);
        CHECK_EQ(look(&queue, FERRY_READ), 0);
        CHECK(look(&other, FERRY_WRITE) != 0);
        fill(&other);
        CHECK_ERR(queue_put(&other, (struct item){.number = 9, .size = 1}, FERRY_NOW), EAGAIN);
        CHECK_EQ(look(&other, FERRY_WRITE), 0);
        for (uint32_t i = 0; i < 4; i++) {
            CHECK(look(&queue, FERRY_READ) != 0);
            queue_expect(&queue, ANY, (struct item){.number = i, .size = 1000});
            CHECK(look(&other, FERRY_WRITE) != 0);
        }
    }
    queue_close(&other);
    queue_destroy(&queue);
}

static void sleep_in_poll(void *context)
{
    struct queue queue = queue_open(context);
    struct pollfd watched = {.fd = queue.back_end->descriptor(&queue, FERRY_READ),
                             .events = POLLIN};
    queue_expect_none(&queue, ANY);
    ssize_t size;
    do /* who sends may say so a moment before the message is there */
        CHECK_EQ(poll(&watched, 1, -1), 1);
    while ((size = queue_get(&queue, ANY, LARGEST, FERRY_NOW)) == -EAGAIN);
    CHECK_EQ(size, 30);
    queue_close(&queue);
}

QUEUE_CONFORMANCE(a_message_ends_a_sleep_in_poll, CAN_POLL) /* Q7, G15 */
{
    struct queue queue = queue_make(back_end, narrow);
    for (int lap = 0; lap < 20; lap++) {
        pid_t pid = test_child(sleep_in_poll, &queue);
        test_sleeping(pid);
        put(&queue, (struct item){.number = 1, .size = 30});
        test_wait_ok(pid);
    }
    queue_destroy(&queue);
}
