/* The kernel's POSIX queue: mq_open(3).
 *
 * O_NONBLOCK belongs to the open queue, which forked processes share, so a call that does not wait is one with a time
 * that has passed. */
#include "queue_kernel.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <time.h>

static const char *path_of(const struct queue *queue)
{
    static char path[64];
    snprintf(path, sizeof path, "/ferry-%s", queue->name);
    return path;
}

void posix_mq_make(struct queue *queue)
{
    kernel_queues_prepare();
    struct mq_attr bounds = {.mq_maxmsg = (long)queue->bounds.messages,
                             .mq_msgsize = (long)queue->bounds.largest};
    queue->id = mq_open(path_of(queue), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &bounds);
    CHECK_ERRNO(queue->id);
}

void posix_mq_open(struct queue *queue)
{
    queue->id = mq_open(path_of(queue), O_RDWR | O_CLOEXEC);
    CHECK_ERRNO(queue->id);
}

void posix_mq_close(struct queue *queue)
{
    CHECK_ERRNO(mq_close(queue->id));
}

void posix_mq_remove(struct queue *queue)
{
    CHECK_ERRNO(mq_unlink(path_of(queue)));
}

/* Of the clock that the call knows.  Not NULL for one that waits for ever, which would be the same. */
static struct timespec end_of(int64_t timeout_ns)
{
    struct timespec end = {.tv_sec = 1};
    if (timeout_ns == FERRY_NOW)
        return end;
    clock_gettime(CLOCK_REALTIME, &end);
    if (timeout_ns == FERRY_FOREVER) {
        end.tv_sec += 1000000;
        return end;
    }
    int64_t ns = end.tv_nsec + timeout_ns;
    return (struct timespec){.tv_sec = end.tv_sec + (time_t)(ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
}

static ssize_t result(ssize_t returned, int64_t timeout_ns)
{
    if (returned >= 0)
        return returned;
    return errno == ETIMEDOUT && timeout_ns == FERRY_NOW ? -EAGAIN : -errno;
}

int posix_mq_send(struct queue *queue, const struct ferry_message *message, int64_t timeout_ns)
{
    struct timespec end = end_of(timeout_ns);
    return (int)result(
        mq_timedsend(queue->id, message->bytes, message->size_bytes, message->priority, &end),
        timeout_ns);
}

ssize_t posix_mq_receive(struct queue *queue, struct ferry_message *message,
                         const struct ferry_choice *choice, int64_t timeout_ns)
{
    (void)choice;
    struct timespec end = end_of(timeout_ns);
    unsigned priority;
    ssize_t size =
        result(mq_timedreceive(queue->id, message->bytes, message->size_bytes, &priority, &end),
               timeout_ns);
    if (size >= 0) {
        message->size_bytes = (size_t)size;
        message->type = 0;
        message->priority = priority;
    }
    return size;
}

/* It can be polled, being a file. */
int posix_mq_descriptor(struct queue *queue, unsigned role)
{
    (void)role;
    return queue->id;
}

const struct queue_back_end posix = {.name = "posix",
                                     .can = POSIX_CAN,
                                     .make = posix_mq_make,
                                     .open = posix_mq_open,
                                     .close = posix_mq_close,
                                     .remove = posix_mq_remove,
                                     .send = posix_mq_send,
                                     .receive = posix_mq_receive,
                                     .descriptor = posix_mq_descriptor,
                                     .room_event = POLLOUT};
