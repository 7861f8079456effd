/* See queue_planted.h. */
#include <stdatomic.h>

#include "queue_kernel.h"

/* The kernel's, but for what is in the list behind. */
#define SYSTEM_V_BUT(name_, ...)                                                                   \
    const struct queue_back_end name_ = {.name = #name_,                                           \
                                         .can = SYSTEM_V_CAN,                                      \
                                         .make = system_v_make,                                    \
                                         .open = system_v_open,                                    \
                                         .close = system_v_close,                                  \
                                         .remove = system_v_remove,                                \
                                         .send = system_v_send,                                    \
                                         .receive = system_v_receive,                              \
                                         __VA_ARGS__}
#define POSIX_BUT(name_, ...)                                                                      \
    const struct queue_back_end name_ = {.name = #name_,                                           \
                                         .can = POSIX_CAN,                                         \
                                         .make = posix_mq_make,                                    \
                                         .open = posix_mq_open,                                    \
                                         .close = posix_mq_close,                                  \
                                         .remove = posix_mq_remove,                                \
                                         .send = posix_mq_send,                                    \
                                         .receive = posix_mq_receive,                              \
                                         .descriptor = posix_mq_descriptor,                        \
                                         .room_event = POLLOUT,                                    \
                                         __VA_ARGS__}

#pragma GCC diagnostic ignored "-Woverride-init"

/* ---- Order ---- */

static int send_to_the_front(struct queue *queue, const struct ferry_message *message,
                             int64_t timeout_ns)
{
    static unsigned sent;
    struct ferry_message other = *message;
    other.priority = sent++ % 32768;
    return posix_mq_send(queue, &other, timeout_ns);
}

static ssize_t receive_from_the_front(struct queue *queue, struct ferry_message *message,
                                      const struct ferry_choice *choice, int64_t timeout_ns)
{
    ssize_t size = posix_mq_receive(queue, message, choice, timeout_ns);
    message->priority = 0;
    return size;
}

POSIX_BUT(last_first, .can = POSIX_CAN & ~(unsigned)CAN_PRIORITIES, .send = send_to_the_front,
          .receive = receive_from_the_front);

static int send_reversed(struct queue *queue, const struct ferry_message *message,
                         int64_t timeout_ns)
{
    struct ferry_message other = *message;
    other.priority = 31 - message->priority;
    return posix_mq_send(queue, &other, timeout_ns);
}

static ssize_t receive_reversed(struct queue *queue, struct ferry_message *message,
                                const struct ferry_choice *choice, int64_t timeout_ns)
{
    ssize_t size = posix_mq_receive(queue, message, choice, timeout_ns);
    message->priority = 31 - message->priority;
    return size;
}

POSIX_BUT(reversed, .send = send_reversed, .receive = receive_reversed);

/* ---- How many ---- */

static ssize_t receive_merged(struct queue *queue, struct ferry_message *message,
                              const struct ferry_choice *choice, int64_t timeout_ns)
{
    size_t room = message->size_bytes;
    ssize_t size = system_v_receive(queue, message, choice, timeout_ns);
    if (size < 0)
        return size;
    struct ferry_message second = {.bytes = (char *)message->bytes + size,
                                   .size_bytes = room - (size_t)size};
    ssize_t more = system_v_receive(queue, &second, choice, FERRY_NOW);
    size += more > 0 ? more : 0;
    message->size_bytes = (size_t)size;
    return size;
}

SYSTEM_V_BUT(merged, .receive = receive_merged);

static int send_and_lose(struct queue *queue, const struct ferry_message *message,
                         int64_t timeout_ns)
{
    static unsigned sent;
    return ++sent % 7 == 0 ? 0 : system_v_send(queue, message, timeout_ns);
}

SYSTEM_V_BUT(lost, .send = send_and_lose);

static ssize_t receive_twice(struct queue *queue, struct ferry_message *message,
                             const struct ferry_choice *choice, int64_t timeout_ns)
{
    static unsigned received;
    static unsigned char kept[LARGEST];
    static struct ferry_message again;
    if (again.bytes != NULL && message->size_bytes >= again.size_bytes) {
        if (again.size_bytes > 0)
            memcpy(message->bytes, kept, again.size_bytes);
        message->size_bytes = again.size_bytes;
        message->type = again.type;
        again.bytes = NULL;
        return (ssize_t)message->size_bytes;
    }
    ssize_t size = system_v_receive(queue, message, choice, timeout_ns);
    if (size >= 0 && ++received % 5 == 0) {
        again = *message;
        if (size > 0)
            memcpy(kept, message->bytes, (size_t)size);
    }
    return size;
}

SYSTEM_V_BUT(twice, .receive = receive_twice);

/* ---- Choice ---- */

static ssize_t receive_any(struct queue *queue, struct ferry_message *message,
                           const struct ferry_choice *choice, int64_t timeout_ns)
{
    struct ferry_choice any = {.flags = choice == NULL ? 0 : choice->flags};
    return system_v_receive(queue, message, &any, timeout_ns);
}

SYSTEM_V_BUT(typeless, .receive = receive_any);

static ssize_t receive_or_put_back(struct queue *queue, struct ferry_message *message,
                                   const struct ferry_choice *choice, int64_t timeout_ns)
{
    if (timeout_ns == FERRY_NOW || choice == NULL || choice->selection != FERRY_OF_TYPE)
        return system_v_receive(queue, message, choice, timeout_ns);
    ssize_t size = system_v_receive(queue, message, NULL, timeout_ns);
    if (size < 0 || message->type == choice->type)
        return size;
    system_v_send(queue, message, FERRY_NOW);
    return -EAGAIN;
}

SYSTEM_V_BUT(restless, .receive = receive_or_put_back);

/* ---- Sizes and room ---- */

static ssize_t receive_cut_off(struct queue *queue, struct ferry_message *message,
                               const struct ferry_choice *choice, int64_t timeout_ns)
{
    struct ferry_choice other = choice == NULL ? (struct ferry_choice){0} : *choice;
    other.flags |= FERRY_TRUNCATE;
    return system_v_receive(queue, message, &other, timeout_ns);
}

SYSTEM_V_BUT(cut_off, .receive = receive_cut_off);

static void make_with_a_byte_more(struct queue *queue)
{
    struct bounds bounds = queue->bounds;
    queue->bounds.bytes -= queue->bounds.bytes == 16384 ? 1 : 0; /* more is for root alone */
    queue->bounds.bytes++;
    system_v_make(queue);
    queue->bounds = bounds;
}

SYSTEM_V_BUT(roomy_bytes, .make = make_with_a_byte_more);

static void make_with_a_message_more(struct queue *queue)
{
    struct bounds bounds = queue->bounds;
    if (queue->bounds.messages < DEFAULT_MESSAGES)
        queue->bounds.messages++;
    posix_mq_make(queue);
    queue->bounds = bounds;
}

POSIX_BUT(roomy_count, .make = make_with_a_message_more);

/* ---- Removal ---- */

static ssize_t receive_untold(struct queue *queue, struct ferry_message *message,
                              const struct ferry_choice *choice, int64_t timeout_ns)
{
    ssize_t size = system_v_receive(queue, message, choice, timeout_ns);
    return size == -EIDRM ? -EINVAL : size;
}

SYSTEM_V_BUT(untold, .receive = receive_untold);
