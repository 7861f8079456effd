/* Queues with a store: a sender, a receiver and who holds memory die at any instruction. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ferry/ferry.h>
#include <ferry/queue.h>

#include "harness.h"
#include "test.h"

enum { LARGE = 1500, TYPES = 3 };

struct market {
    ferry_queue *queue;
    size_t size; /* of the message that it sends or receives */
    pid_t sleeper;
};

static ferry_queue *victims; /* of this process */

static void open_queue(ferry_queue **ret_queue, unsigned flags)
{
    CHECK_OK(ferry_queue_open(ret_queue, "store",
                              FERRY_QUEUE(.flags = flags | FERRY_TYPES | FERRY_PRIORITIES,
                                          .messages = 16, .bytes = 65536, .largest = 20000,
                                          .overflow = FERRY_OVERFLOW_DROP_OLDEST)));
}

static void send_one(ferry_queue *queue, uint64_t type, size_t size)
{
    char bytes[LARGE];
    memset(bytes, (int)('a' + type), sizeof(bytes));
    const struct ferry_message message = {
        .bytes = bytes, .size_bytes = size, .type = type, .priority = (uint32_t)(type % 2)};
    CHECK_OK(ferry_queue_send_message(queue, &message, FERRY_FOREVER));
}

static void make(void *memory, size_t size)
{
    struct market *world = memory;
    ferry_remove("store");
    open_queue(&world->queue, FERRY_CREATE);
    world->size = size;
    for (uint64_t type = 0; type < TYPES; type++)
        for (int i = 0; i < 2; i++)
            send_one(world->queue, type, size);
}

static void make_small(void *memory)
{
    make(memory, 10);
}

static void make_large(void *memory)
{
    make(memory, LARGE);
}

static void prepare(void *memory)
{
    (void)memory;
    open_queue(&victims, 0);
}

static void drop(void *memory)
{
    struct market *world = memory;
    ferry_queue_close(world->queue);
    ferry_remove("store");
}

static void send_of_type(void *memory)
{
    struct market *world = memory;
    char bytes[LARGE];
    memset(bytes, 'b', sizeof(bytes));
    const struct ferry_message message = {
        .bytes = bytes, .size_bytes = world->size, .type = 1, .priority = 1};
    ferry_queue_send_message(victims, &message, FERRY_NOW);
}

static void receive_of_type(void *memory)
{
    (void)memory;
    char bytes[LARGE];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    const struct ferry_choice choice = {.selection = FERRY_OF_TYPE, .type = 1};
    ferry_queue_receive_message(victims, &message, &choice, FERRY_NOW);
}

static void receive_other(void *memory)
{
    (void)memory;
    char bytes[LARGE];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    const struct ferry_choice choice = {.selection = FERRY_EXCEPT, .type = 1};
    ferry_queue_receive_message(victims, &message, &choice, FERRY_NOW);
}

static void loan_and_send(void *memory)
{
    struct market *world = memory;
    void *bytes;
    if (ferry_queue_loan(victims, &bytes, world->size, FERRY_NOW) < 0)
        return;
    memset(bytes, 'b', world->size);
    const struct ferry_message message = {
        .bytes = bytes, .size_bytes = world->size, .type = 1, .priority = 1};
    ferry_queue_send_loan(victims, &message, FERRY_NOW);
}

static void take_and_release(void *memory)
{
    (void)memory;
    struct ferry_message message = {0};
    const struct ferry_choice choice = {.selection = FERRY_OF_TYPE, .type = 1};
    if (ferry_queue_take_message(victims, &message, &choice, FERRY_NOW) >= 0)
        ferry_queue_release_message(victims, message.bytes);
}

/* How many there are of each type, all whole; and then there is all of the room again. */
static void count_out(struct market *world, int ret_counts[TYPES])
{
    char bytes[LARGE];
    struct ferry_message message = {.bytes = bytes};
    const struct ferry_choice any = {0};
    memset(ret_counts, 0, TYPES * sizeof(int));
    for (;;) {
        message.size_bytes = sizeof(bytes);
        ssize_t n = ferry_queue_receive_message(world->queue, &message, &any, FERRY_NOW);
        if (n == -EAGAIN)
            break;
        CHECK_EQ(n, world->size);
        CHECK(message.type < TYPES);
        for (size_t i = 0; i < world->size; i++)
            CHECK_EQ(bytes[i], 'a' + (int)message.type);
        ret_counts[message.type]++;
    }
    for (int i = 0; i < 3; i++) {
        static char most[20000];
        CHECK_EQ(ferry_queue_send(world->queue, most, sizeof(most), FERRY_NOW), 0);
    }
    static char rest[5536];
    CHECK_EQ(ferry_queue_send(world->queue, rest, sizeof(rest), FERRY_NOW), 0);
}

static void check_sent(void *memory, const struct kill_point *point)
{
    int counts[TYPES];
    count_out(memory, counts);
    CHECK_EQ(counts[0], 2);
    CHECK_EQ(counts[2], 2);
    CHECK(counts[1] == 3 || (counts[1] == 2 && !point->returned));
}

static void check_received(void *memory, const struct kill_point *point)
{
    int counts[TYPES];
    count_out(memory, counts);
    CHECK_EQ(counts[0], 2);
    CHECK_EQ(counts[2], 2);
    CHECK(counts[1] == 1 || (counts[1] == 2 && !point->returned));
}

static void check_received_other(void *memory, const struct kill_point *point)
{
    int counts[TYPES];
    count_out(memory, counts);
    CHECK_EQ(counts[1], 2);
    CHECK_EQ(counts[2], 2);
    CHECK(counts[0] == 1 || (counts[0] == 2 && !point->returned));
}

static struct kill_case of(const char *name, void (*setup)(void *), void (*operation)(void *),
                           void (*check)(void *, const struct kill_point *))
{
    return (struct kill_case){.name = name,
                              .world_bytes = sizeof(struct market),
                              .setup = setup,
                              .prepare = prepare,
                              .operation = operation,
                              .check = check,
                              .teardown = drop};
}

static void run(struct kill_case kill_case)
{
    CHECK_OK(kill_run(&kill_case, NULL));
}

TEST_LONG(a_small_message_is_sent_or_not, 300) /* G8 Q1 */
{
    run(of("send small", make_small, send_of_type, check_sent));
}

TEST_LONG(a_large_message_is_sent_or_not, 300) /* G8 Q1 */
{
    run(of("send large", make_large, send_of_type, check_sent));
}

TEST_LONG(a_small_message_is_received_or_not, 300) /* G8 Q2 */
{
    run(of("receive small", make_small, receive_of_type, check_received));
    run(of("receive small, except", make_small, receive_other, check_received_other));
}

TEST_LONG(a_large_message_is_received_or_not, 300) /* G8 Q2 */
{
    run(of("receive large", make_large, receive_of_type, check_received));
}

TEST_LONG(a_loan_is_sent_or_comes_back, 300) /* G8 Q6 */
{
    run(of("loan and send", make_large, loan_and_send, check_sent));
}

TEST_LONG(what_was_taken_comes_back, 300) /* G8 Q6 */
{
    run(of("take and release", make_large, take_and_release, check_received));
}

static void check_both(void *memory, const struct kill_point *point)
{
    int counts[TYPES];
    count_out(memory, counts);
    CHECK(counts[0] == 1 || (counts[0] == 2 && !point->returned));
    CHECK(counts[1] == 2 || counts[1] == 3);
    CHECK_EQ(counts[2], 2);
}

TEST_LONG(who_recovers_may_die_as_well, 600) /* G8 */
{
    struct kill_case first = of("send", make_small, send_of_type, NULL);
    struct kill_case second = of("receive after that", make_small, receive_other, check_both);
    CHECK_OK(kill_run_recovery(&first, &second, NULL));
}

/* ---- Beside one who sleeps --------------------------------------------------------------------- */

enum { LAST = 2 };

/* Receives until the last message. */
static void sleep_for_messages(void *memory)
{
    (void)memory;
    ferry_queue *queue;
    open_queue(&queue, 0);
    struct ferry_message message;
    char bytes[LARGE];
    do {
        message = (struct ferry_message){.bytes = bytes, .size_bytes = sizeof(bytes)};
        CHECK_OK(ferry_queue_receive_message(queue, &message, NULL, FERRY_FOREVER));
    } while (message.type != LAST);
    ferry_queue_close(queue);
}

static void make_sleeper(void *memory)
{
    struct market *market = memory;
    ferry_remove("store");
    open_queue(&market->queue, FERRY_CREATE);
    market->size = 10;
    market->sleeper = test_child(sleep_for_messages, NULL);
    test_sleeping(market->sleeper);
}

/* What was sent, the sleeper hears of without another message. */
static void check_sleeper(void *memory, const struct kill_point *point)
{
    (void)point;
    struct market *market = memory;
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof(statistics)};
    do
        CHECK_OK(ferry_queue_statistics(market->queue, &statistics));
    while (statistics.messages != 0);
    send_one(market->queue, LAST, market->size);
    test_wait_ok(market->sleeper);
}

TEST_LONG(who_sleeps_is_woken_by_what_was_sent, 300) /* G8 Q8 */
{
    run(of("send to a sleeper", make_sleeper, send_of_type, check_sleeper));
}
