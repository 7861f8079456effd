/* Queues: receiving, and looking on.  The contract is in <ferry/queue.h>. */
#include <errno.h>

#include "base/error.h"
#include "ipc/queue.h"

static const struct ferry_choice ANY = {.selection = FERRY_ANY};

static int explain_receive(int error, const struct ferry_choice *choice)
{
    bool chosen = choice->selection != FERRY_ANY;
    switch (error) {
    case -EAGAIN:
        return fail_often(error, chosen ? "the queue has no such message now; wait with a timeout"
                                        : "the queue is empty; wait with a timeout");
    case -ETIMEDOUT:
        return fail_often(error,
                          chosen ? "no such message came in time" : "no message came in time");
    case -EIDRM:
        return fail_often(error, chosen ? "the queue was removed, and has no such message"
                                        : "the queue was removed, and is empty");
    case -EINTR:
        return fail_often(error, "a signal handler ran during the wait");
    default:
        return error; /* explained where it was found */
    }
}

static int check_choice(const ferry_queue *queue, const struct ferry_choice *choice)
{
    if (choice->selection > FERRY_EXCEPT || (choice->flags & ~(FERRY_TRUNCATE | FERRY_PEEK)) != 0)
        return fail(-EINVAL, "there is no such choice (selection %u, flags 0x%x)",
                    choice->selection, choice->flags);
    if (choice->selection != FERRY_ANY && (queue->flow.shape.flags & FERRY_TYPES) == 0)
        return fail(-EINVAL, "the queue has no types to choose by; make it anew with them "
                             "(FERRY_TYPES, --typed)");
    return 0;
}

/* How often to look again, where others may be faster. */
enum { SECOND_LOOKS = 16 };

typedef ssize_t try_receive(struct flow *flow, struct ferry_message *message,
                            const struct ferry_choice *choice, deadline end);

static ssize_t receive(ferry_queue *queue, struct ferry_message *message,
                       const struct ferry_choice *choice, deadline end, try_receive *try)
{
    struct flow *flow = &queue->flow;
    for (int looks = 0;; looks++) {
        /* Who does not wait looks often, and mostly in vain. */
        bool is_empty = end == QUEUE_NOW && !flow->engine->has_message(flow, choice);
        ssize_t n = is_empty ? -EAGAIN : try(flow, message, choice, end);
        if (n != -EAGAIN)
            return n == -EBUSY ? -EAGAIN : n;
        if (end == QUEUE_NOW && (looks == SECOND_LOOKS || queue_is_empty_for_sure(queue))) {
            queue_quieten(queue, 0);
            return queue_in_vain(queue);
        }
        if (end == QUEUE_NOW)
            continue;
        int r = flow->engine->await_message(flow, choice, end);
        if (r < 0)
            return r;
    }
}

static int check_receive(const ferry_queue *queue, const struct ferry_choice **choice)
{
    if (*choice == NULL)
        *choice = &ANY;
    int r = queue_check_usable(queue, FERRY_READ);
    return r < 0 ? r : check_choice(queue, *choice);
}

static ssize_t receive_one(ferry_queue *queue, struct ferry_message *message,
                           const struct ferry_choice *choice, int64_t timeout_ns, try_receive *try)
{
    int r = check_receive(queue, &choice);
    if (r < 0)
        return r;
    ssize_t n = receive(queue, message, choice, queue_deadline(timeout_ns), try);
    return n < 0 ? explain_receive((int)n, choice) : n;
}

ssize_t ferry_queue_receive(ferry_queue *queue, void *ret_bytes, size_t size, int64_t timeout_ns)
{
    struct ferry_message message = {.bytes = ret_bytes, .size_bytes = size};
    return receive_one(queue, &message, &ANY, timeout_ns, queue->flow.engine->try_receive);
}

ssize_t ferry_queue_receive_message(ferry_queue *queue, struct ferry_message *message,
                                    const struct ferry_choice *choice, int64_t timeout_ns)
{
    return receive_one(queue, message, choice, timeout_ns, queue->flow.engine->try_receive);
}

ssize_t ferry_queue_receive_batch(ferry_queue *queue, struct ferry_message *messages, size_t count,
                                  const struct ferry_choice *choice, int64_t timeout_ns)
{
    int r = check_receive(queue, &choice);
    if (r < 0)
        return r;
    if ((choice->flags & FERRY_PEEK) != 0)
        return fail(-EINVAL, "peeking shows one message, however often; peek without a batch");
    const struct flow *flow = &queue->flow;
    deadline end = queue_deadline(timeout_ns);
    for (size_t i = 0; i < count; i++) {
        ssize_t n = receive(queue, &messages[i], choice, i == 0 ? end : QUEUE_NOW,
                            flow->engine->try_receive);
        if (n < 0)
            return i > 0 ? (ssize_t)i : explain_receive((int)n, choice);
    }
    return (ssize_t)count;
}

/* ---- Without copying -------------------------------------------------------------------------------- */

ssize_t ferry_queue_take_message(ferry_queue *queue, struct ferry_message *ret_message,
                                 const struct ferry_choice *choice, int64_t timeout_ns)
{
    if (choice != NULL && choice->flags != 0)
        return fail(-EINVAL, "what is taken is taken whole, and from the queue: no flags");
    return receive_one(queue, ret_message, choice, timeout_ns, queue->flow.engine->try_take);
}

int ferry_queue_release_message(ferry_queue *queue, const void *bytes)
{
    int r = queue_check_usable(queue, FERRY_READ);
    return r < 0
               ? r
               : queue_explain_kept(queue->flow.engine->release(&queue->flow, bytes, queue_soon()));
}

/* ---- Looking on ------------------------------------------------------------------------------- */

ssize_t ferry_queue_tap(ferry_queue *queue, struct ferry_message *message, uint64_t *ret_missed,
                        int64_t timeout_ns)
{
    int r = object_usable(&queue->object);
    if (r < 0)
        return r;
    if (!queue->taps)
        return fail(-EBADF, "this handle takes part; open one with FERRY_TAP to look on");
    struct flow *flow = &queue->flow;
    deadline end = queue_deadline(timeout_ns);
    ssize_t n;
    while ((n = flow->engine->try_tap(flow, message, ret_missed)) == -EAGAIN && end != QUEUE_NOW) {
        r = clock_left_ns(end) > 0 ? flow->engine->await_sight(flow, end) : -ETIMEDOUT;
        if (r < 0)
            return explain_receive(r, &ANY);
    }
    return n < 0 ? explain_receive((int)n, &ANY) : n;
}
