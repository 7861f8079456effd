/* Queues: what all calls begin with, and statistics.  The contract is in <ferry/queue.h>. */
#include <errno.h>

#include "base/error.h"
#include "ipc/queue.h"

int queue_explain_kept(int error)
{
    if (error != -ETIMEDOUT)
        return error;
    return fail(error, "another member stands in the middle of using the queue; is it stopped?");
}

int queue_explain_unusable(const ferry_queue *queue, unsigned role)
{
    int r = object_usable(&queue->object);
    if (r < 0)
        return r;
    if (queue->taps)
        return fail(-EBADF, "this handle looks on and takes no part; open another one");
    if ((queue->object.region.role & role) == 0)
        return fail(-EBADF, role == FERRY_WRITE
                                ? "this handle only receives; open one with FERRY_WRITE"
                                : "this handle only sends; open one with FERRY_READ");
    return fail(-EBUSY, "this handle's parent is the queue's sole %s, and a child of fork is none",
                role == FERRY_WRITE ? "sender" : "receiver");
}

int queue_in_vain(const ferry_queue *queue)
{
    int r = flow_check_removed(&queue->flow);
    return r < 0 ? r : -EAGAIN;
}

/* ---- Asking ----------------------------------------------------------------------------------- */

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

int ferry_queue_statistics(ferry_queue *queue, struct ferry_queue_statistics *ret_statistics)
{
    int r = object_usable(&queue->object);
    if (r < 0)
        return r;
    if (ret_statistics->statistics_bytes != sizeof(*ret_statistics))
        return fail(-EINVAL,
                    "the statistics have %zu bytes, this library knows %zu; fill in "
                    "statistics_bytes",
                    ret_statistics->statistics_bytes, sizeof(*ret_statistics));
    struct flow *flow = &queue->flow;
    const struct layout_queue_side *in = &flow->shared->in, *out = &flow->shared->out;
    uint64_t dropped = get(&out->dropped), withdrawn = get(&out->withdrawn);
    uint64_t taken = get(&out->messages), gone = dropped + withdrawn;
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof(statistics),
                                                .most_messages = get(&in->most_messages),
                                                .most_bytes = get(&in->most_bytes),
                                                .capacity_messages = flow->shape.messages,
                                                .capacity_bytes = flow->shape.bytes,
                                                .largest_bytes = flow->shape.largest,
                                                .sent = get(&in->messages) - withdrawn,
                                                .received = taken > gone ? taken - gone : 0,
                                                .dropped_oldest = dropped,
                                                .dropped_newest = get(&in->dropped),
                                                .refused = get(&in->refused),
                                                .overflow = flow->shape.overflow,
                                                .flags = flow->shape.flags};
    r = flow->engine->measure(flow, &statistics);
    if (r == 0)
        *ret_statistics = statistics;
    return r;
}
