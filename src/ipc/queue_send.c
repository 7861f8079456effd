/* Queues: sending.  The contract is in <ferry/queue.h>.
 *
 * What is tried and how one sleeps is the engine's business (shared/flow.h); here is what happens when there is no room. */
#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "ipc/queue.h"

static int explain_send(int error)
{
    switch (error) {
    case -EAGAIN:
        return fail_often(error, "the queue has no room for it now; wait with a timeout");
    case -ETIMEDOUT:
        return fail_often(error, "the queue had no room for it in time, or nobody took it");
    case -EIDRM:
        return fail_often(error, "the queue was removed, and has no room; make it anew");
    case -EINTR:
        return fail_often(error, "a signal handler ran during the wait");
    default:
        return error; /* explained where it was found */
    }
}

static int check_message(const ferry_queue *queue, const struct ferry_message *message)
{
    const struct flow_shape *shape = &queue->flow.shape;
    if (message->size_bytes > shape->largest)
        return fail(
            -EMSGSIZE,
            "a message of %zu bytes is larger than the queue's largest (%llu); make the queue "
            "anew for larger ones (.largest, --max)",
            message->size_bytes, (unsigned long long)shape->largest);
    if (message->type != 0 && (shape->flags & FERRY_TYPES) == 0)
        return fail(-EINVAL,
                    "the queue has no types; make it anew with them (FERRY_TYPES, --typed)");
    if (message->priority != 0 && (shape->flags & FERRY_PRIORITIES) == 0)
        return fail(-EINVAL,
                    "the queue has no priorities; make it anew with them (FERRY_PRIORITIES, "
                    "--priority)");
    return 0;
}

/* Some messages on their way: how many are dropped for them, and how to try. */
struct sending {
    const struct ferry_message *messages;
    size_t count;
    deadline end;
    uint64_t ticket;
    int dropped;
    bool dropped_itself;
    bool is_loan;
};

static ssize_t try_send(ferry_queue *queue, struct sending *sending)
{
    struct flow *flow = &queue->flow;
    bool keeps_loan = (flow->shape.flags & FERRY_RENDEZVOUS) != 0; /* until somebody has come */
    if (!sending->is_loan || keeps_loan)
        return flow->engine->try_send(flow, sending->messages, sending->count, sending->end,
                                      &sending->ticket);
    int r = flow->engine->try_send_loan(flow, sending->messages, sending->end, &sending->ticket);
    return r < 0 ? r : 1;
}

static int await_room(ferry_queue *queue, uint64_t size, deadline end)
{
    if (end != QUEUE_NOW)
        return queue->flow.engine->await_room(&queue->flow, size, end);
    queue_quieten(queue, size);
    return queue_in_vain(queue);
}

/* Makes room by dropping the oldest, unless a receiver has made some meanwhile.  0: try again.  Other senders may take what
 * was made, but not for ever. */
static int drop_oldest(ferry_queue *queue, struct sending *sending)
{
    struct flow *flow = &queue->flow;
    if (flow->engine->has_room(flow, sending->messages->size_bytes))
        return 0;
    if ((uint32_t)sending->dropped > flow->shape.messages)
        return -EAGAIN;
    int r = flow->engine->drop_oldest(flow, sending->end);
    if (r == -EBUSY)
        return -EAGAIN;
    if (r == 0) /* what keeps the room is not a message of the queue any more */
        return await_room(queue, sending->messages->size_bytes, sending->end);
    if (r > 0 && sending->dropped < INT_MAX)
        sending->dropped++;
    return r < 0 ? r : 0;
}

/* There is no room.  0: try again; 1: the message is dropped. */
static int overflow(ferry_queue *queue, struct sending *sending)
{
    struct layout_queue_side *in = &queue->flow.shared->in;
    switch (queue->flow.shape.overflow) {
    case FERRY_OVERFLOW_REFUSE:
        /* Relaxed: for people, and without the lock. */
        atomic_fetch_add_explicit(&in->refused, 1, memory_order_relaxed);
        queue_quieten(queue, sending->messages->size_bytes);
        return queue_in_vain(queue);
    case FERRY_OVERFLOW_DROP_NEWEST:
        atomic_fetch_add_explicit(&in->dropped, 1, memory_order_relaxed);
        sending->dropped = 1;
        sending->dropped_itself = true;
        return 1;
    case FERRY_OVERFLOW_DROP_OLDEST:
        return drop_oldest(queue, sending);
    default:
        return await_room(queue, sending->messages->size_bytes, sending->end);
    }
}

/* How many were sent, or dropped by policy, at least one. */
static ssize_t send_some(ferry_queue *queue, struct sending *sending)
{
    for (;;) {
        ssize_t n = try_send(queue, sending);
        if (n >= 0 && atomic_load_explicit(&queue->polls, memory_order_relaxed) == FERRY_WRITE)
            queue_has_room(queue);
        if (n != -EAGAIN)
            return n == -EBUSY ? -EAGAIN : n; /* whether there is room is not known: no policy */
        int r = overflow(queue, sending);
        if (r != 0)
            return r;
    }
}

/* How long who does not wait waits for a receiver that is asleep for it. */
static const int64_t RENDEZVOUS_PATIENCE_NS = 50000000;

/* The message is sent when it has been received.  Who does not wait finds somebody who does, or fails. */
static ssize_t meet(ferry_queue *queue, struct sending *sending)
{
    struct flow *flow = &queue->flow;
    if (sending->end == QUEUE_NOW && !crowd_is_any(flow->slots, &flow->shared->receivers))
        return queue_in_vain(queue);
    sending->count = 1; /* the first may be taken before the next is tried */
    ssize_t n = send_some(queue, sending);
    if (n < 0 || sending->dropped_itself)
        return n;
    deadline end =
        sending->end == QUEUE_NOW ? clock_deadline(RENDEZVOUS_PATIENCE_NS) : sending->end;
    int r = flow->engine->await_taken(flow, sending->ticket, end);
    if (r < 0)
        return r == -ETIMEDOUT && sending->end == QUEUE_NOW ? -EAGAIN : r;
    return n;
}

static ssize_t send_checked(ferry_queue *queue, struct sending *sending)
{
    ssize_t n = (queue->flow.shape.flags & FERRY_RENDEZVOUS) != 0 ? meet(queue, sending)
                                                                  : send_some(queue, sending);
    return n < 0 ? explain_send((int)n) : n;
}

static int send_one(ferry_queue *queue, const struct ferry_message *message, int64_t timeout_ns,
                    bool is_loan)
{
    int r = queue_check_usable(queue, FERRY_WRITE);
    if (r == 0)
        r = check_message(queue, message);
    if (r == 0 && is_loan)
        r = queue->flow.engine->check_loan(&queue->flow, message);
    if (r < 0)
        return r;
    struct sending sending = {
        .messages = message, .count = 1, .end = queue_deadline(timeout_ns), .is_loan = is_loan};
    ssize_t n = send_checked(queue, &sending);
    if (n < 0)
        return (int)n;
    bool is_kept = (queue->flow.shape.flags & FERRY_RENDEZVOUS) != 0 || sending.dropped_itself;
    if (is_loan && is_kept)
        queue->flow.engine->return_loan(&queue->flow, message->bytes, queue_soon());
    return sending.dropped;
}

int ferry_queue_send(ferry_queue *queue, const void *bytes, size_t size, int64_t timeout_ns)
{
    const struct ferry_message message = {.bytes = (void *)(uintptr_t)bytes, .size_bytes = size};
    return send_one(queue, &message, timeout_ns, false);
}

int ferry_queue_send_message(ferry_queue *queue, const struct ferry_message *message,
                             int64_t timeout_ns)
{
    return send_one(queue, message, timeout_ns, false);
}

ssize_t ferry_queue_send_batch(ferry_queue *queue, const struct ferry_message *messages,
                               size_t count, int64_t timeout_ns)
{
    int r = queue_check_usable(queue, FERRY_WRITE);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = check_message(queue, &messages[i]);
    if (r < 0)
        return r;
    deadline end = queue_deadline(timeout_ns);
    for (size_t sent = 0; sent < count;) {
        struct sending sending = {
            .messages = messages + sent, .count = count - sent, .end = sent == 0 ? end : QUEUE_NOW};
        ssize_t n = send_checked(queue, &sending);
        if (n < 0)
            return sent > 0 ? (ssize_t)sent : n;
        sent += (size_t)n;
    }
    return (ssize_t)count;
}

/* ---- Loans ------------------------------------------------------------------------------------------ */

int ferry_queue_loan(ferry_queue *queue, void **ret_bytes, size_t size, int64_t timeout_ns)
{
    struct flow *flow = &queue->flow;
    const struct ferry_message message = {.size_bytes = size};
    int r = queue_check_usable(queue, FERRY_WRITE);
    if (r == 0)
        r = check_message(queue, &message);
    if (r < 0)
        return r;
    deadline end = queue_deadline(timeout_ns);
    struct sending sending = {.messages = &message, .count = 1, .end = end};
    while ((r = flow->engine->try_loan(flow, ret_bytes, size, end)) == -EAGAIN) {
        /* There is no message yet that could be dropped. */
        bool drops_newest = flow->shape.overflow == FERRY_OVERFLOW_DROP_NEWEST;
        r = drops_newest ? -EAGAIN : overflow(queue, &sending);
        if (r < 0)
            break;
    }
    return r < 0 ? explain_send(r == -EBUSY ? -EAGAIN : r) : 0;
}

int ferry_queue_send_loan(ferry_queue *queue, const struct ferry_message *message,
                          int64_t timeout_ns)
{
    return send_one(queue, message, timeout_ns, true);
}

int ferry_queue_return_loan(ferry_queue *queue, void *bytes)
{
    int r = queue_check_usable(queue, FERRY_WRITE);
    return r < 0 ? r
                 : queue_explain_kept(
                       queue->flow.engine->return_loan(&queue->flow, bytes, queue_soon()));
}
