/* Many senders and many receivers: each message comes to exactly one of them, whole, and those of one sender in order. */
#include <stdatomic.h>
#include <stdio.h>

#include "queue.h"

enum { SENDERS = 5, RECEIVERS = 4, MOST = 100000, LAST = 1000 };

/* At the start of each message; what follows it is filled from its number. */
struct head {
    uint32_t sender, number, size, sum;
};

struct work {
    struct queue queue;
    uint32_t count; /* of messages of each sender */
    bool by_type;   /* each receiver has a type of its own */
    uint32_t self, seed;
    _Atomic uint8_t *received; /* how often, by sender and number */
};

static uint32_t sum_of(const struct head *head)
{
    return ((head->sender * 31 + head->number) * 2654435761u) ^ head->size;
}

static void make_message(unsigned char *bytes, uint32_t sender, uint32_t number, uint32_t size)
{
    struct head head = {.sender = sender, .number = number, .size = size};
    head.sum = sum_of(&head);
    memcpy(bytes, &head, sizeof head);
    for (uint32_t i = sizeof head; i < size; i++)
        bytes[i] = (unsigned char)(head.sum + i * 7);
}

static struct head check_message(const unsigned char *bytes, ssize_t size)
{
    struct head head;
    CHECK(size >= (ssize_t)sizeof head);
    memcpy(&head, bytes, sizeof head);
    CHECK_EQ(head.size, size);
    CHECK_EQ(head.sum, sum_of(&head));
    for (uint32_t i = sizeof head; i < head.size; i++)
        if (bytes[i] != (unsigned char)(head.sum + i * 7))
            test_fail(__FILE__, __LINE__, "message %u of sender %u is torn at %u of %u bytes",
                      head.number, head.sender, i, head.size);
    return head;
}

static void send_many(void *context)
{
    struct work *work = context;
    struct queue queue = queue_open(&work->queue);
    unsigned char bytes[LARGEST];
    uint32_t random = work->seed + work->self * 7919 + 1;
    for (uint32_t number = 0; number < work->count; number++) {
        uint32_t lot = next_random(&random);
        uint32_t size = (uint32_t)sizeof(struct head) + lot % (lot % 37 == 0 ? 4000 : 100);
        make_message(bytes, work->self, number, size);
        struct ferry_message message = {.bytes = bytes, .size_bytes = size};
        if (work->by_type)
            message.type = next_random(&random) % RECEIVERS;
        if (queue_can(&queue, CAN_PRIORITIES))
            message.priority = next_random(&random) % 4;
        CHECK_EQ(queue.back_end->send(&queue, &message, FERRY_FOREVER), 0);
    }
    queue_close(&queue);
}

static void receive_many(void *context)
{
    struct work *work = context;
    struct queue queue = queue_open(&work->queue);
    unsigned char bytes[LARGEST];
    int64_t last[SENDERS][4];
    memset(last, -1, sizeof last);
    for (;;) {
        struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof bytes};
        ssize_t size = queue.back_end->receive(
            &queue, &message, work->by_type ? OF_TYPE(work->self) : ANY, FERRY_FOREVER);
        struct head head = check_message(bytes, size);
        if (head.sender == LAST)
            break;
        CHECK(head.sender < SENDERS && head.number < work->count && message.priority < 4);
        CHECK(!work->by_type || message.type == work->self);
        CHECK(head.number > last[head.sender][message.priority]);
        last[head.sender][message.priority] = head.number;
        CHECK_EQ(atomic_fetch_add(&work->received[head.sender * work->count + head.number], 1), 0);
    }
    queue_close(&queue);
}

static void send_the_last(struct work *work)
{
    unsigned char bytes[sizeof(struct head)];
    make_message(bytes, LAST, 0, sizeof bytes);
    for (uint32_t i = 0; i < RECEIVERS; i++) {
        struct ferry_message message = {
            .bytes = bytes, .size_bytes = sizeof bytes, .type = work->by_type ? i : 0};
        CHECK_EQ(work->queue.back_end->send(&work->queue, &message, FERRY_FOREVER), 0);
    }
}

static void run(const struct queue_back_end *back_end, struct bounds bounds, bool by_type,
                const char *name)
{
    struct work work = {.queue = queue_make(back_end, bounds),
                        .count = test_thorough() ? MOST : 3000,
                        .by_type = by_type,
                        .seed = seed_for(back_end->name, name)};
    work.received = test_shared((size_t)SENDERS * work.count);
    pid_t senders[SENDERS], receivers[RECEIVERS];
    for (work.self = 0; work.self < RECEIVERS; work.self++)
        receivers[work.self] = test_child(receive_many, &work);
    for (work.self = 0; work.self < SENDERS; work.self++)
        senders[work.self] = test_child(send_many, &work);
    for (int i = 0; i < SENDERS; i++)
        test_wait_ok(senders[i]);
    send_the_last(&work);
    for (int i = 0; i < RECEIVERS; i++)
        test_wait_ok(receivers[i]);
    for (uint32_t i = 0; i < SENDERS * work.count; i++)
        if (work.received[i] != 1)
            test_fail(__FILE__, __LINE__, "message %u of sender %u was received %u times",
                      i % work.count, i / work.count, work.received[i]);
    queue_expect_none(&work.queue, ANY);
    queue_destroy(&work.queue);
}

QUEUE_CONFORMANCE_LONG(each_message_comes_to_exactly_one, 0, 300) /* Q1, Q8 */
{
    run(back_end, DEFAULT_BOUNDS, false, "each_message_comes_to_exactly_one");
}

/* With so little room, everybody sleeps most of the time. */
QUEUE_CONFORMANCE_LONG(each_message_comes_to_exactly_one_through_little_room, 0, 300) /* Q3, Q8 */
{
    run(back_end, (struct bounds){.messages = 2, .bytes = 4096, .largest = 4096}, false,
        "each_message_comes_to_exactly_one_through_little_room");
}

QUEUE_CONFORMANCE_LONG(each_message_comes_to_the_one_of_its_type, CAN_TYPES, 300) /* Q2, Q8 */
{
    run(back_end, (struct bounds){.messages = 64, .bytes = 16384, .largest = LARGEST}, true,
        "each_message_comes_to_the_one_of_its_type");
}
