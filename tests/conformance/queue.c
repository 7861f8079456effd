/* What is the same for all queues. */
#include "queue.h"

#include <stdio.h>

struct queue queue_make(const struct queue_back_end *back_end, struct bounds bounds)
{
    static unsigned made;
    struct queue queue = {.back_end = back_end, .id = -1, .bounds = bounds};
    snprintf(queue.name, sizeof queue.name, "queue-%d-%u", (int)getpid(), made++);
    back_end->make(&queue);
    return queue;
}

struct queue queue_open(const struct queue *made)
{
    struct queue queue = *made;
    queue.back_end->open(&queue);
    return queue;
}

void queue_close(struct queue *queue)
{
    queue->back_end->close(queue);
}

void queue_destroy(struct queue *queue)
{
    queue->back_end->close(queue);
    queue->back_end->remove(queue);
}

/* ---- Messages ---- */

unsigned char item_byte(const struct item *item, uint32_t position)
{
    return (unsigned char)((item->number * 40503u + position) * 2654435761u >> 13);
}

int queue_put(struct queue *queue, struct item item, int64_t timeout_ns)
{
    unsigned char bytes[LARGEST + 64];
    struct ferry_message message = {
        .bytes = bytes, .size_bytes = item.size, .type = item.type, .priority = item.priority};
    CHECK(item.size <= sizeof bytes);
    for (uint32_t i = 0; i < item.size; i++)
        bytes[i] = item_byte(&item, i);
    return queue->back_end->send(queue, &message, timeout_ns);
}

static void expect_in_time(struct queue *queue, const struct ferry_choice *choice, struct item item,
                           int64_t timeout_ns)
{
    unsigned char bytes[LARGEST + 64];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof bytes};
    CHECK_EQ(queue->back_end->receive(queue, &message, choice, timeout_ns), item.size);
    CHECK_EQ(message.size_bytes, item.size);
    CHECK_EQ(message.type, item.type);
    CHECK_EQ(message.priority, item.priority);
    for (uint32_t i = 0; i < item.size; i++)
        if (bytes[i] != item_byte(&item, i))
            test_fail(__FILE__, __LINE__, "byte %u of message %u, of %u bytes, is wrong", i,
                      item.number, item.size);
}

void queue_expect(struct queue *queue, const struct ferry_choice *choice, struct item item)
{
    expect_in_time(queue, choice, item, FERRY_NOW);
}

void queue_await(struct queue *queue, const struct ferry_choice *choice, struct item item)
{
    expect_in_time(queue, choice, item, FERRY_FOREVER);
}

ssize_t queue_get(struct queue *queue, const struct ferry_choice *choice, uint32_t room,
                  int64_t timeout_ns)
{
    unsigned char bytes[LARGEST + 64];
    struct ferry_message message = {.bytes = bytes, .size_bytes = room};
    CHECK(room <= sizeof bytes);
    return queue->back_end->receive(queue, &message, choice, timeout_ns);
}

void queue_expect_none(struct queue *queue, const struct ferry_choice *choice)
{
    CHECK_ERR(queue_get(queue, choice, LARGEST, FERRY_NOW), EAGAIN);
}

/* ---- A queue as a list ---- */

void list_add(struct list *list, struct item item)
{
    CHECK(list->count < LIST_ROOM);
    list->items[list->count++] = item;
    list->bytes += item.size;
}

struct item list_take(struct list *list, int index)
{
    struct item item = list->items[index];
    list->count--;
    list->bytes -= item.size;
    for (uint32_t i = (uint32_t)index; i < list->count; i++)
        list->items[i] = list->items[i + 1];
    return item;
}

static bool suits(const struct item *item, const struct ferry_choice *choice)
{
    switch (choice == NULL ? FERRY_ANY : (int)choice->selection) {
    case FERRY_OF_TYPE:
        return item->type == choice->type;
    case FERRY_UP_TO:
        return item->type <= choice->type;
    case FERRY_EXCEPT:
        return item->type != choice->type;
    default:
        return true;
    }
}

/* Does one come before another that is older? */
static bool overtakes(const struct item *item, const struct item *older,
                      const struct ferry_choice *choice)
{
    if (choice != NULL && choice->selection == FERRY_UP_TO && item->type != older->type)
        return item->type < older->type;
    return item->priority > older->priority;
}

int list_find(const struct list *list, const struct ferry_choice *choice)
{
    int found = -1;
    for (uint32_t i = 0; i < list->count; i++)
        if (suits(&list->items[i], choice) &&
            (found < 0 || overtakes(&list->items[i], &list->items[found], choice)))
            found = (int)i;
    return found;
}
