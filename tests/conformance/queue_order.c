/* Whole messages, in the order they went in, from a queue that outlives its users. */
#include <stdio.h>

#include "queue.h"

QUEUE_CONFORMANCE(messages_come_out_in_the_order_they_went_in, 0) /* Q1 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    for (uint32_t number = 0; number < 1000; number += DEFAULT_MESSAGES) {
        for (uint32_t i = number; i < number + DEFAULT_MESSAGES; i++)
            CHECK_EQ(queue_put(&queue, (struct item){.number = i, .size = i % 97}, FERRY_NOW), 0);
        for (uint32_t i = number; i < number + DEFAULT_MESSAGES; i++)
            queue_expect(&queue, ANY, (struct item){.number = i, .size = i % 97});
        queue_expect_none(&queue, ANY);
    }
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(a_message_of_any_size_is_whole, 0) /* Q1 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    for (uint32_t size = 0; size <= LARGEST; size++) {
        CHECK_EQ(queue_put(&queue, (struct item){.number = size, .size = size}, FERRY_NOW), 0);
        queue_expect(&queue, ANY, (struct item){.number = size, .size = size});
    }
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

/* One call receives one message, however much room there is for more. */
QUEUE_CONFORMANCE(boundaries_stay_where_they_were, 0) /* Q1 */
{
    static const uint32_t sizes[] = {1, 0, 0, 64, 3, 48, 49, 0, 4000, 16};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    for (uint32_t i = 0; i < COUNT; i++)
        CHECK_EQ(queue_put(&queue, (struct item){.number = i, .size = sizes[i]}, FERRY_NOW), 0);
    for (uint32_t i = 0; i < COUNT; i++)
        queue_expect(&queue, ANY, (struct item){.number = i, .size = sizes[i]});
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

static uint32_t random_size(uint32_t *random)
{
    switch (random_below(random, 4)) {
    case 0:
        return 0;
    case 1:
        return random_below(random, LARGEST + 1);
    default:
        return random_below(random, 200);
    }
}

/* At every depth, and over the end of whatever they lie in. */
QUEUE_CONFORMANCE(random_sizes_come_out_as_they_went_in, 0) /* Q1 */
{
    uint32_t random = seed_for(back_end->name, "random_sizes_come_out_as_they_went_in");
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    static struct list list;
    for (uint32_t number = 0; number < 20000; number++) {
        struct item item = {.number = number, .size = random_size(&random)};
        if (random_below(&random, 2) == 0 && list.count < queue.bounds.messages &&
            list.bytes + item.size <= queue.bounds.bytes) {
            CHECK_EQ(queue_put(&queue, item, FERRY_NOW), 0);
            list_add(&list, item);
        } else if (list.count > 0) {
            queue_expect(&queue, ANY, list_take(&list, 0));
        } else {
            queue_expect_none(&queue, ANY);
        }
    }
    while (list.count > 0)
        queue_expect(&queue, ANY, list_take(&list, 0));
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

/* ---- Between processes ---- */

enum { STREAM = 20000 };

static struct item streamed(uint32_t number)
{
    return (struct item){.number = number, .size = number * 2654435761u % 300};
}

static void send_stream(void *context)
{
    struct queue queue = queue_open(context);
    for (uint32_t i = 0; i < STREAM; i++)
        CHECK_EQ(queue_put(&queue, streamed(i), FERRY_FOREVER), 0);
    queue_close(&queue);
}

QUEUE_CONFORMANCE(a_stream_of_messages_between_processes, 0) /* Q1, Q8 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    pid_t sender = test_child(send_stream, &queue);
    for (uint32_t i = 0; i < STREAM; i++)
        queue_await(&queue, ANY, streamed(i));
    test_wait_ok(sender);
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

static void send_three_and_exit(void *context)
{
    struct queue queue = queue_open(context);
    for (uint32_t i = 0; i < 3; i++)
        CHECK_EQ(queue_put(&queue, (struct item){.number = i, .size = 100}, FERRY_NOW), 0);
    _exit(0);
}

static void send_two_and_stay(void *context)
{
    struct queue queue = queue_open(context);
    for (uint32_t i = 3; i < 5; i++)
        CHECK_EQ(queue_put(&queue, (struct item){.number = i, .size = 200}, FERRY_NOW), 0);
    for (;;)
        pause();
}

static void receive_five(void *context)
{
    struct queue queue = queue_open(context);
    for (uint32_t i = 0; i < 5; i++)
        queue_expect(&queue, ANY, (struct item){.number = i, .size = i < 3 ? 100 : 200});
    queue_close(&queue);
}

QUEUE_CONFORMANCE(it_outlives_its_users, 0) /* Q5 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    queue_close(&queue);
    test_wait_ok(test_child(send_three_and_exit, &queue));
    pid_t killed = test_child(send_two_and_stay, &queue);
    test_sleeping(killed);
    test_kill(killed);
    test_wait_ok(test_child(receive_five, &queue));
    queue = queue_open(&queue);
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}
