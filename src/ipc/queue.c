/* Queues: sending and receiving.  The contract is in <ferry/queue.h>.
 *
 * What is tried and how one sleeps is the engine's business (shared/flow.h); here is what happens when there is no room, and
 * what is said about it. */
#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "ipc/queue.h"

/* The deadline of who does not wait. */
#define NOW ((deadline)0)

static deadline deadline_of(int64_t timeout_ns)
{
    return timeout_ns == FERRY_NOW ? NOW : clock_deadline(timeout_ns);
}

static const struct ferry_choice ANY = {.selection = FERRY_ANY};

/* ---- What was wrong --------------------------------------------------------------------------- */

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

static int check_usable(const ferry_queue *queue, unsigned role)
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
    if (queue->barred && (queue->object.slots.role & role) == 0)
        return fail(-EBUSY,
                    "this handle's parent is the queue's sole %s, and a child of fork is none",
                    role == FERRY_WRITE ? "sender" : "receiver");
    return 0;
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

/* ---- Sending ---------------------------------------------------------------------------------- */

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

/* What who does not wait is told. */
static int in_vain(const ferry_queue *queue)
{
    int r = flow_check_removed(&queue->flow);
    return r < 0 ? r : -EAGAIN;
}

static int await_room(ferry_queue *queue, uint64_t size, deadline end)
{
    if (end != NOW)
        return queue->flow.engine->await_room(&queue->flow, size, end);
    queue_quieten(queue, size);
    return in_vain(queue);
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
        return in_vain(queue);
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
    if (sending->end == NOW && !crowd_is_any(flow->slots, &flow->shared->receivers))
        return -EAGAIN;
    ssize_t n = send_some(queue, sending);
    if (n < 0 || sending->dropped_itself)
        return n;
    deadline end = sending->end == NOW ? clock_deadline(RENDEZVOUS_PATIENCE_NS) : sending->end;
    int r = flow->engine->await_taken(flow, sending->ticket, end);
    if (r < 0)
        return r == -ETIMEDOUT && sending->end == NOW ? -EAGAIN : r;
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
    int r = check_usable(queue, FERRY_WRITE);
    if (r == 0)
        r = check_message(queue, message);
    if (r == 0 && is_loan)
        r = queue->flow.engine->check_loan(&queue->flow, message);
    if (r < 0)
        return r;
    struct sending sending = {
        .messages = message, .count = 1, .end = deadline_of(timeout_ns), .is_loan = is_loan};
    ssize_t n = send_checked(queue, &sending);
    if (n < 0)
        return (int)n;
    bool is_kept = (queue->flow.shape.flags & FERRY_RENDEZVOUS) != 0 || sending.dropped_itself;
    if (is_loan && is_kept)
        queue->flow.engine->return_loan(&queue->flow, message->bytes, CLOCK_NEVER);
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
    int r = check_usable(queue, FERRY_WRITE);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = check_message(queue, &messages[i]);
    if (r < 0)
        return r;
    deadline end = deadline_of(timeout_ns);
    for (size_t sent = 0; sent < count;) {
        struct sending sending = {
            .messages = messages + sent, .count = count - sent, .end = sent == 0 ? end : NOW};
        ssize_t n = send_checked(queue, &sending);
        if (n < 0)
            return sent > 0 ? (ssize_t)sent : n;
        sent += (size_t)n;
    }
    return (ssize_t)count;
}

/* ---- Receiving -------------------------------------------------------------------------------- */

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
        bool is_empty = end == NOW && !flow->engine->has_message(flow, choice);
        ssize_t n = is_empty ? -EAGAIN : try(flow, message, choice, end);
        if (n != -EAGAIN)
            return n == -EBUSY ? -EAGAIN : n;
        if (end == NOW && (looks == SECOND_LOOKS || queue_is_empty_for_sure(queue))) {
            queue_quieten(queue, 0);
            return in_vain(queue);
        }
        if (end == NOW)
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
    int r = check_usable(queue, FERRY_READ);
    return r < 0 ? r : check_choice(queue, *choice);
}

static ssize_t receive_one(ferry_queue *queue, struct ferry_message *message,
                           const struct ferry_choice *choice, int64_t timeout_ns, try_receive *try)
{
    int r = check_receive(queue, &choice);
    if (r < 0)
        return r;
    ssize_t n = receive(queue, message, choice, deadline_of(timeout_ns), try);
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
    deadline end = deadline_of(timeout_ns);
    for (size_t i = 0; i < count; i++) {
        ssize_t n =
            receive(queue, &messages[i], choice, i == 0 ? end : NOW, flow->engine->try_receive);
        if (n < 0)
            return i > 0 ? (ssize_t)i : explain_receive((int)n, choice);
    }
    return (ssize_t)count;
}

/* ---- Without copying -------------------------------------------------------------------------- */

int ferry_queue_loan(ferry_queue *queue, void **ret_bytes, size_t size, int64_t timeout_ns)
{
    struct flow *flow = &queue->flow;
    const struct ferry_message message = {.size_bytes = size};
    int r = check_usable(queue, FERRY_WRITE);
    if (r == 0)
        r = check_message(queue, &message);
    if (r < 0)
        return r;
    deadline end = deadline_of(timeout_ns);
    struct sending sending = {.messages = &message, .count = 1, .end = end};
    while ((r = flow->engine->try_loan(flow, ret_bytes, size, end)) == -EAGAIN) {
        /* There is no message yet that could be dropped. */
        bool drops_newest = flow->shape.overflow == FERRY_OVERFLOW_DROP_NEWEST;
        r = drops_newest ? -EAGAIN : overflow(queue, &sending);
        if (r < 0)
            break;
    }
    return r < 0 ? explain_send(r) : 0;
}

int ferry_queue_send_loan(ferry_queue *queue, const struct ferry_message *message,
                          int64_t timeout_ns)
{
    return send_one(queue, message, timeout_ns, true);
}

int ferry_queue_return_loan(ferry_queue *queue, void *bytes)
{
    int r = check_usable(queue, FERRY_WRITE);
    return r < 0 ? r : queue->flow.engine->return_loan(&queue->flow, bytes, CLOCK_NEVER);
}

ssize_t ferry_queue_take_message(ferry_queue *queue, struct ferry_message *ret_message,
                                 const struct ferry_choice *choice, int64_t timeout_ns)
{
    if (choice != NULL && choice->flags != 0)
        return fail(-EINVAL, "what is taken is taken whole, and from the queue: no flags");
    return receive_one(queue, ret_message, choice, timeout_ns, queue->flow.engine->try_take);
}

int ferry_queue_release_message(ferry_queue *queue, const void *bytes)
{
    int r = check_usable(queue, FERRY_READ);
    return r < 0 ? r : queue->flow.engine->release(&queue->flow, bytes, CLOCK_NEVER);
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
    deadline end = deadline_of(timeout_ns);
    ssize_t n;
    while ((n = flow->engine->try_tap(flow, message, ret_missed)) == -EAGAIN && end != NOW) {
        r = clock_left_ns(end) > 0 ? flow->engine->await_sight(flow, end) : -ETIMEDOUT;
        if (r < 0)
            return explain_receive(r, &ANY);
    }
    return n < 0 ? explain_receive((int)n, &ANY) : n;
}
