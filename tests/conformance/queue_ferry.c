/* Ferry's queues: one in order, and those that are chosen from. */
#include "queue.h"

static unsigned flags_of(const struct queue *queue)
{
    return queue->bounds.interruptible ? FERRY_EINTR : 0;
}

static void make(struct queue *queue)
{
    CHECK_OK(ferry_queue_open(&queue->ferry, queue->name,
                              FERRY_QUEUE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE |
                                                   queue->back_end->flags | flags_of(queue),
                                          .messages = queue->bounds.messages,
                                          .bytes = queue->bounds.bytes,
                                          .largest = queue->bounds.largest)));
}

static void open_again(struct queue *queue)
{
    CHECK_OK(ferry_queue_open(&queue->ferry, queue->name, FERRY_QUEUE(.flags = flags_of(queue))));
}

static void close_handle(struct queue *queue)
{
    queue->ferry = ferry_queue_close(queue->ferry);
}

static void remove_name(struct queue *queue)
{
    CHECK_OK(ferry_remove(queue->name));
}

static int send(struct queue *queue, const struct ferry_message *message, int64_t timeout_ns)
{
    return ferry_queue_send_message(queue->ferry, message, timeout_ns);
}

static ssize_t receive(struct queue *queue, struct ferry_message *message,
                       const struct ferry_choice *choice, int64_t timeout_ns)
{
    return ferry_queue_receive_message(queue->ferry, message, choice, timeout_ns);
}

static int descriptor(struct queue *queue, unsigned role)
{
    int fd = ferry_queue_descriptor(queue->ferry, role);
    CHECK_OK(fd);
    return fd;
}

enum { CAN_WITHOUT_CHOICE = CAN_ALL & ~(CAN_TYPES | CAN_PRIORITIES) };

#define FERRY_BACK_END(name_, can_, flags_)                                                        \
    const struct queue_back_end name_ = {.name = #name_,                                           \
                                         .can = CAN_WITHOUT_CHOICE | (can_),                       \
                                         .flags = (flags_),                                        \
                                         .make = make,                                             \
                                         .open = open_again,                                       \
                                         .close = close_handle,                                    \
                                         .remove = remove_name,                                    \
                                         .send = send,                                             \
                                         .receive = receive,                                       \
                                         .descriptor = descriptor,                                 \
                                         .room_event = POLLIN}

FERRY_BACK_END(ferry_plain, 0, 0);
FERRY_BACK_END(ferry_priority, CAN_PRIORITIES, FERRY_PRIORITIES);
FERRY_BACK_END(ferry_typed, CAN_TYPES, FERRY_TYPES);
FERRY_BACK_END(ferry_typed_priority, CAN_TYPES | CAN_PRIORITIES, FERRY_TYPES | FERRY_PRIORITIES);
