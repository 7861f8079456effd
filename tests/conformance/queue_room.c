/* What is too large, and what there is no room for. */
#include "queue.h"

static struct item sized(uint32_t number, uint32_t size)
{
    return (struct item){.number = number, .size = size};
}

/* ---- Too large ---- */

QUEUE_CONFORMANCE(a_message_larger_than_the_largest_is_refused, 0) /* Q4 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    CHECK_ERR(queue_put(&queue, sized(1, LARGEST + 1), FERRY_NOW), EMSGSIZE);
    CHECK_ERR(queue_put(&queue, sized(1, LARGEST + 1), FERRY_FOREVER), EMSGSIZE);
    queue_expect_none(&queue, ANY);
    CHECK_EQ(queue_put(&queue, sized(2, LARGEST), FERRY_NOW), 0);
    queue_expect(&queue, ANY, sized(2, LARGEST));
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(what_does_not_fit_into_the_buffer_stays, 0) /* Q4 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    CHECK_EQ(queue_put(&queue, sized(1, LARGEST), FERRY_NOW), 0);
    CHECK_EQ(queue_put(&queue, sized(2, 3), FERRY_NOW), 0);
    CHECK_ERR(queue_get(&queue, ANY, LARGEST - 1, FERRY_NOW), EMSGSIZE);
    CHECK_ERR(queue_get(&queue, ANY, LARGEST - 1, FERRY_FOREVER), EMSGSIZE);
    CHECK_ERR(queue_get(&queue, ANY, 0, FERRY_NOW), EMSGSIZE);
    queue_expect(&queue, ANY, sized(1, LARGEST));
    queue_expect(&queue, ANY, sized(2, 3));
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(a_buffer_of_exactly_the_size_is_enough, CAN_SHORT_BUFFER) /* Q4 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    for (uint32_t size = 0; size < 300; size++) {
        CHECK_EQ(queue_put(&queue, sized(size, size), FERRY_NOW), 0);
        if (size > 0)
            CHECK_ERR(queue_get(&queue, ANY, size - 1, FERRY_NOW), EMSGSIZE);
        CHECK_EQ(queue_get(&queue, ANY, size, FERRY_NOW), size);
    }
    queue_destroy(&queue);
}

static void receive_truncated(struct queue *queue, const struct item *item, uint32_t room)
{
    unsigned char bytes[LARGEST];
    struct ferry_message message = {.bytes = bytes, .size_bytes = room};
    memset(bytes, 0xa5, sizeof bytes);
    CHECK_EQ(queue->back_end->receive(queue, &message,
                                      &(struct ferry_choice){.flags = FERRY_TRUNCATE}, FERRY_NOW),
             room < item->size ? room : item->size);
    for (uint32_t i = 0; i < room && i < item->size; i++)
        CHECK_EQ(bytes[i], item_byte(item, i));
    for (uint32_t i = room; i < room + 64; i++)
        CHECK_EQ(bytes[i], 0xa5);
}

QUEUE_CONFORMANCE(what_does_not_fit_is_cut_off_where_asked_to, CAN_TRUNCATE) /* Q4 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    for (uint32_t room = 0; room < 200; room += 7) {
        CHECK_EQ(queue_put(&queue, sized(1, 100), FERRY_NOW), 0);
        CHECK_EQ(queue_put(&queue, sized(2, 9), FERRY_NOW), 0);
        receive_truncated(&queue, &(struct item){.number = 1, .size = 100}, room);
        queue_expect(&queue, ANY, sized(2, 9));
        queue_expect_none(&queue, ANY);
    }
    queue_destroy(&queue);
}

/* ---- Full ---- */

QUEUE_CONFORMANCE(it_is_full_by_number, CAN_COUNT) /* Q3 */
{
    for (uint32_t most = 1; most <= DEFAULT_MESSAGES; most++) {
        struct queue queue = queue_make(
            back_end, (struct bounds){.messages = most, .bytes = 16384, .largest = LARGEST});
        for (uint32_t lap = 0; lap < 5; lap++) {
            for (uint32_t i = 0; i < most; i++)
                CHECK_EQ(queue_put(&queue, sized(i, i % 2), FERRY_NOW), 0);
            CHECK_ERR(queue_put(&queue, sized(most, 1), FERRY_NOW), EAGAIN);
            CHECK_ERR(queue_put(&queue, sized(most, 0), FERRY_NOW), EAGAIN);
            queue_expect(&queue, ANY, sized(0, 0));
            CHECK_EQ(queue_put(&queue, sized(most, 1), FERRY_NOW), 0);
            CHECK_ERR(queue_put(&queue, sized(most, 1), FERRY_NOW), EAGAIN);
            for (uint32_t i = 1; i <= most; i++)
                queue_expect(&queue, ANY, sized(i, i == most ? 1 : i % 2));
        }
        queue_destroy(&queue);
    }
}

enum { FEW_BYTES = 1000 };

static const struct bounds few_bytes = {
    .messages = DEFAULT_MESSAGES, .bytes = FEW_BYTES, .largest = FEW_BYTES};

QUEUE_CONFORMANCE(it_is_full_by_bytes, CAN_BYTES) /* Q3 */
{
    struct queue queue = queue_make(back_end, few_bytes);
    for (uint32_t first = 1; first < FEW_BYTES; first++) {
        uint32_t second = FEW_BYTES - first;
        CHECK_EQ(queue_put(&queue, sized(1, first), FERRY_NOW), 0);
        CHECK_ERR(queue_put(&queue, sized(2, second + 1), FERRY_NOW), EAGAIN);
        CHECK_EQ(queue_put(&queue, sized(2, second), FERRY_NOW), 0);
        CHECK_ERR(queue_put(&queue, sized(3, 1), FERRY_NOW), EAGAIN);
        CHECK_EQ(queue_put(&queue, sized(3, 0), FERRY_NOW), 0);
        queue_expect(&queue, ANY, sized(1, first));
        CHECK_ERR(queue_put(&queue, sized(4, first + 1), FERRY_NOW), EAGAIN);
        CHECK_EQ(queue_put(&queue, sized(4, first), FERRY_NOW), 0);
        queue_expect(&queue, ANY, sized(2, second));
        queue_expect(&queue, ANY, sized(3, 0));
        queue_expect(&queue, ANY, sized(4, first));
        queue_expect_none(&queue, ANY);
    }
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(room_that_was_made_by_choice_is_room, CAN_BYTES | CAN_TYPES) /* Q2, Q3 */
{
    struct queue queue = queue_make(back_end, few_bytes);
    for (uint32_t lap = 0; lap < 200; lap++) {
        for (uint32_t i = 0; i < 4; i++)
            CHECK_EQ(
                queue_put(&queue, (struct item){.number = i, .size = 250, .type = i}, FERRY_NOW),
                0);
        CHECK_ERR(queue_put(&queue, sized(9, 1), FERRY_NOW), EAGAIN);
        queue_expect(&queue, OF_TYPE(2), (struct item){.number = 2, .size = 250, .type = 2});
        queue_expect(&queue, EXCEPT(0), (struct item){.number = 1, .size = 250, .type = 1});
        CHECK_EQ(queue_put(&queue, (struct item){.number = 5, .size = 500, .type = 5}, FERRY_NOW),
                 0);
        CHECK_ERR(queue_put(&queue, sized(9, 1), FERRY_NOW), EAGAIN);
        queue_expect(&queue, OF_TYPE(5), (struct item){.number = 5, .size = 500, .type = 5});
        queue_expect(&queue, ANY, (struct item){.number = 0, .size = 250, .type = 0});
        queue_expect(&queue, ANY, (struct item){.number = 3, .size = 250, .type = 3});
    }
    queue_destroy(&queue);
}
