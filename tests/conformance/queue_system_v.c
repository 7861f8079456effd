/* The kernel's System V queue: msgget(2).
 *
 * Its types begin with 1, so Ferry's type t is its t + 1.  Its codes differ: E2BIG is a buffer that is too small,
 * EINVAL a message that is too large, ENOMSG that there is none. */
#include "queue_kernel.h"

#include <sched.h>
#include <sys/msg.h>

struct text {
    long type;
    unsigned char bytes[LARGEST + 64];
};

void kernel_queues_prepare(void)
{
    static bool is_prepared;
    if (!is_prepared)
        unshare(CLONE_NEWIPC);
    is_prepared = true;
}

void system_v_make(struct queue *queue)
{
    kernel_queues_prepare();
    queue->id = msgget(IPC_PRIVATE, 0600);
    CHECK_ERRNO(queue->id);
    struct msqid_ds status;
    CHECK_ERRNO(msgctl(queue->id, IPC_STAT, &status));
    status.msg_qbytes = queue->bounds.bytes;
    CHECK_ERRNO(msgctl(queue->id, IPC_SET, &status));
}

/* A number is all that there is to a handle. */
void system_v_open(struct queue *queue)
{
    (void)queue;
}

void system_v_close(struct queue *queue)
{
    (void)queue;
}

void system_v_remove(struct queue *queue)
{
    CHECK_ERRNO(msgctl(queue->id, IPC_RMID, NULL));
}

static ssize_t result(ssize_t returned)
{
    if (returned >= 0)
        return returned;
    return errno == E2BIG ? -EMSGSIZE : errno == ENOMSG ? -EAGAIN : -errno;
}

int system_v_send(struct queue *queue, const struct ferry_message *message, int64_t timeout_ns)
{
    struct text text = {.type = (long)message->type + 1};
    CHECK(timeout_ns <= 0);
    if (message->size_bytes > 0)
        memcpy(text.bytes, message->bytes, message->size_bytes);
    int r = msgsnd(queue->id, &text, message->size_bytes, timeout_ns == 0 ? IPC_NOWAIT : 0);
    if (r < 0 && errno == EINVAL && message->size_bytes > LARGEST)
        return -EMSGSIZE;
    return (int)result(r);
}

static long type_of(const struct ferry_choice *choice)
{
    switch (choice == NULL ? FERRY_ANY : (int)choice->selection) {
    case FERRY_ANY:
        return 0;
    case FERRY_UP_TO:
        return -((long)choice->type + 1);
    default:
        return (long)choice->type + 1;
    }
}

static int flags_of(const struct ferry_choice *choice, int64_t timeout_ns)
{
    int flags = timeout_ns == 0 ? IPC_NOWAIT : 0;
    if (choice != NULL && choice->selection == FERRY_EXCEPT)
        flags |= MSG_EXCEPT;
    if (choice != NULL && (choice->flags & FERRY_TRUNCATE) != 0)
        flags |= MSG_NOERROR;
    return flags;
}

ssize_t system_v_receive(struct queue *queue, struct ferry_message *message,
                         const struct ferry_choice *choice, int64_t timeout_ns)
{
    struct text text;
    CHECK(timeout_ns <= 0);
    ssize_t size = msgrcv(queue->id, &text, message->size_bytes, type_of(choice),
                          flags_of(choice, timeout_ns));
    if (size < 0)
        return result(size);
    if (size > 0)
        memcpy(message->bytes, text.bytes, (size_t)size);
    message->size_bytes = (size_t)size;
    message->type = (uint64_t)text.type - 1;
    message->priority = 0;
    return size;
}

const struct queue_back_end system_v = {.name = "system_v",
                                        .can = SYSTEM_V_CAN,
                                        .make = system_v_make,
                                        .open = system_v_open,
                                        .close = system_v_close,
                                        .remove = system_v_remove,
                                        .send = system_v_send,
                                        .receive = system_v_receive};
