/* Who receives chooses: by type, as the kernel's System V queues; or the highest priority comes first, as with its
 * POSIX queues. */
#include <stdio.h>

#include "queue.h"

static void put_types(struct queue *queue, const uint64_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        CHECK_EQ(queue_put(queue, (struct item){.number = i, .size = 20 + i, .type = types[i]},
                           FERRY_NOW),
                 0);
}

static struct item item_of(const uint64_t *types, uint32_t number)
{
    return (struct item){.number = number, .size = 20 + number, .type = types[number]};
}

static const uint64_t five[] = {3, 1, 3, 2, 1};

QUEUE_CONFORMANCE(the_first_of_a_type, CAN_TYPES) /* Q2 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    put_types(&queue, five, 5);
    queue_expect_none(&queue, OF_TYPE(4));
    queue_expect_none(&queue, OF_TYPE(0));
    queue_expect(&queue, OF_TYPE(1), item_of(five, 1));
    queue_expect(&queue, OF_TYPE(1), item_of(five, 4));
    queue_expect_none(&queue, OF_TYPE(1));
    queue_expect(&queue, OF_TYPE(2), item_of(five, 3));
    queue_expect(&queue, OF_TYPE(3), item_of(five, 0));
    queue_expect(&queue, OF_TYPE(3), item_of(five, 2));
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(the_lowest_type_up_to_a_bound_and_the_first_of_it, CAN_TYPES) /* Q2 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    put_types(&queue, five, 5);
    queue_expect_none(&queue, UP_TO(0));
    queue_expect(&queue, UP_TO(3), item_of(five, 1));
    queue_expect(&queue, UP_TO(1), item_of(five, 4));
    queue_expect_none(&queue, UP_TO(1));
    queue_expect(&queue, UP_TO(1000), item_of(five, 3));
    queue_expect(&queue, UP_TO(3), item_of(five, 0));
    queue_expect(&queue, UP_TO(3), item_of(five, 2));
    queue_expect_none(&queue, UP_TO(1000));
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(any_but_one_type, CAN_TYPES) /* Q2 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    put_types(&queue, five, 5);
    queue_expect(&queue, EXCEPT(3), item_of(five, 1));
    queue_expect(&queue, EXCEPT(9), item_of(five, 0));
    queue_expect(&queue, EXCEPT(3), item_of(five, 3));
    queue_expect(&queue, EXCEPT(3), item_of(five, 4));
    queue_expect_none(&queue, EXCEPT(3));
    queue_expect(&queue, EXCEPT(0), item_of(five, 2));
    queue_expect_none(&queue, EXCEPT(0));
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(who_does_not_choose_gets_the_first_of_all, CAN_TYPES) /* Q2 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    put_types(&queue, five, 5);
    for (uint32_t i = 0; i < 5; i++)
        queue_expect(&queue, ANY, item_of(five, i));
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(types_are_large_numbers, CAN_TYPES) /* Q2 */
{
    static const uint64_t large[] = {0x7ffffff0, 0x10000, 0x7fffffef, 0xffff, 0x8000, 0};
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    put_types(&queue, large, 6);
    queue_expect(&queue, UP_TO(0xffff), item_of(large, 5));
    queue_expect(&queue, UP_TO(0xffff), item_of(large, 4));
    queue_expect(&queue, OF_TYPE(0x7fffffef), item_of(large, 2));
    queue_expect(&queue, EXCEPT(0x7ffffff0), item_of(large, 1));
    queue_expect(&queue, UP_TO(0x7fffffef), item_of(large, 3));
    queue_expect_none(&queue, UP_TO(0x7fffffef));
    queue_expect(&queue, UP_TO(0x7ffffff0), item_of(large, 0));
    queue_destroy(&queue);
}

/* ---- Priorities ---- */

QUEUE_CONFORMANCE(the_highest_priority_comes_first_and_each_in_order, CAN_PRIORITIES) /* Q1, Q2 */
{
    static const uint32_t priorities[] = {0, 31, 5, 31, 0, 5, 30, 1, 31, 5};
    static const uint32_t order[] = {1, 3, 8, 6, 2, 5, 9, 7, 0, 4};
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    for (uint32_t i = 0; i < 10; i++)
        CHECK_EQ(queue_put(&queue,
                           (struct item){.number = i, .size = 10 * i, .priority = priorities[i]},
                           FERRY_NOW),
                 0);
    for (uint32_t i = 0; i < 10; i++)
        queue_expect(&queue, ANY,
                     (struct item){.number = order[i],
                                   .size = 10 * order[i],
                                   .priority = priorities[order[i]]});
    queue_expect_none(&queue, ANY);
    queue_destroy(&queue);
}

QUEUE_CONFORMANCE(all_priorities_from_0_to_31, CAN_PRIORITIES) /* Q2 */
{
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    for (uint32_t first = 0; first < 32; first++) {
        for (uint32_t i = 0; i < 8; i++)
            CHECK_EQ(queue_put(&queue,
                               (struct item){.number = i, .size = 8, .priority = (first + i) % 32},
                               FERRY_NOW),
                     0);
        for (int priority = 31; priority >= 0; priority--) {
            uint32_t number = ((uint32_t)priority + 32 - first) % 32;
            if (number < 8)
                queue_expect(
                    &queue, ANY,
                    (struct item){.number = number, .size = 8, .priority = (uint32_t)priority});
        }
        queue_expect_none(&queue, ANY);
    }
    queue_destroy(&queue);
}

/* ---- All choices from all contents ---- */

static struct item random_item(const struct queue *queue, uint32_t number, uint32_t *random)
{
    return (struct item){.number = number,
                         .size = random_below(random, 100),
                         .type = queue_can(queue, CAN_TYPES) ? random_below(random, 6) : 0,
                         .priority =
                             queue_can(queue, CAN_PRIORITIES) ? random_below(random, 32) / 8 : 0};
}

static struct ferry_choice random_choice(const struct queue *queue, uint32_t *random)
{
    if (!queue_can(queue, CAN_TYPES))
        return (struct ferry_choice){0};
    return (struct ferry_choice){.selection = random_below(random, 4),
                                 .type = random_below(random, 6)};
}

static void receive_as_from(struct queue *queue, struct list *list,
                            const struct ferry_choice *choice)
{
    int index = list_find(list, choice);
    if (index < 0)
        queue_expect_none(queue, choice);
    else
        queue_expect(queue, choice, list_take(list, index));
}

QUEUE_CONFORMANCE(any_choice_from_any_content, 0) /* Q1, Q2 */
{
    uint32_t random = seed_for(back_end->name, "any_choice_from_any_content");
    struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
    static struct list list;
    for (uint32_t number = 0; number < 20000; number++) {
        if (random_below(&random, 5) < 3 && list.count < queue.bounds.messages) {
            struct item item = random_item(&queue, number, &random);
            CHECK_EQ(queue_put(&queue, item, FERRY_NOW), 0);
            list_add(&list, item);
        } else {
            struct ferry_choice choice = random_choice(&queue, &random);
            receive_as_from(&queue, &list, &choice);
        }
    }
    while (list.count > 0)
        receive_as_from(&queue, &list, ANY);
    queue_destroy(&queue);
}
