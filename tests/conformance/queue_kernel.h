/* The kernel's queues: what the back ends, and the wrong ones, have in common. */
#ifndef FERRY_CONFORMANCE_QUEUE_KERNEL_H
#define FERRY_CONFORMANCE_QUEUE_KERNEL_H

#include "queue.h"

/* For make(): this process and its children have queues of their own from here on, which go with them.  Where that is
 * not allowed, what a failing case has made stays. */
void kernel_queues_prepare(void);

void system_v_make(struct queue *queue);
void system_v_open(struct queue *queue);
void system_v_close(struct queue *queue);
void system_v_remove(struct queue *queue);
int system_v_send(struct queue *queue, const struct ferry_message *message, int64_t timeout_ns);
ssize_t system_v_receive(struct queue *queue, struct ferry_message *message,
                         const struct ferry_choice *choice, int64_t timeout_ns);

void posix_mq_make(struct queue *queue);
void posix_mq_open(struct queue *queue);
void posix_mq_close(struct queue *queue);
void posix_mq_remove(struct queue *queue);
int posix_mq_send(struct queue *queue, const struct ferry_message *message, int64_t timeout_ns);
ssize_t posix_mq_receive(struct queue *queue, struct ferry_message *message,
                         const struct ferry_choice *choice, int64_t timeout_ns);
int posix_mq_descriptor(struct queue *queue, unsigned role);

enum {
    SYSTEM_V_CAN = CAN_TYPES | CAN_BYTES | CAN_TRUNCATE | CAN_SHORT_BUFFER | CAN_TELL_REMOVAL,
    POSIX_CAN = CAN_PRIORITIES | CAN_COUNT | CAN_TIME_OUT | CAN_GO_ON | CAN_POLL,
};

#endif
