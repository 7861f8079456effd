/* How a queue is made: what is asked for, which engine carries it, and what is noted of it in its control memory. */
#include <errno.h>

#include "base/error.h"
#include "ipc/queue.h"
#include "os/file.h"
#include "shared/ring.h"

enum { DEFAULT_MESSAGES = 1024, DEFAULT_BYTES = 1 << 20, DEFAULT_LARGEST = 8192 };
static const uint64_t MOST_MESSAGES = UINT64_C(1) << 20, MOST_BYTES = UINT64_C(1) << 30,
                      DEFAULT_LIMIT = UINT64_C(256) << 20;

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

/* What is asked for, with what was left open filled in. */
struct flow_shape queue_wanted_shape(const struct ferry_queue_options *options)
{
    struct flow_shape shape = {.flags = options->flags & QUEUE_SHAPE_FLAGS,
                               .overflow = options->overflow,
                               .messages = (uint32_t)at_most(options->messages, MOST_MESSAGES + 1),
                               .bytes = options->bytes,
                               .largest = options->largest};
    bool unbounded = (shape.flags & FERRY_UNBOUNDED) != 0;
    if (shape.messages == 0)
        shape.messages = unbounded ? (uint32_t)MOST_MESSAGES : DEFAULT_MESSAGES;
    if (shape.bytes == 0)
        shape.bytes = unbounded                       ? DEFAULT_LIMIT
                      : shape.largest > DEFAULT_BYTES ? shape.largest
                                                      : DEFAULT_BYTES;
    if (shape.largest == 0)
        shape.largest = at_most(DEFAULT_LARGEST, shape.bytes);
    if ((shape.flags & FERRY_RENDEZVOUS) != 0) {
        shape.messages = 1;
        shape.bytes = shape.largest;
    }
    return shape;
}

/* The one rule about which engine a queue has. */
uint32_t queue_engine(const struct flow_shape *shape)
{
    bool chosen = (shape->flags & (FERRY_TYPES | FERRY_PRIORITIES)) != 0;
    return chosen || shape->largest > RING_LARGEST ? LAYOUT_STORE : LAYOUT_RING;
}

struct flow_needs queue_needs(const struct flow_shape *shape)
{
    return queue_engine(shape) == LAYOUT_RING ? ring_needs(shape) : store_needs(shape);
}

static int check_rendezvous(const struct flow_shape *shape)
{
    if (shape->overflow >= FERRY_OVERFLOW_DROP_OLDEST)
        return fail(-EINVAL,
                    "a queue without a buffer has nothing to drop; its senders wait, or are "
                    "refused");
    if ((shape->flags & FERRY_UNBOUNDED) != 0)
        return fail(-EINVAL, "a queue without a buffer cannot be unbounded");
    return 0;
}

int queue_check_shape(const struct flow_shape *shape)
{
    if (shape->messages > MOST_MESSAGES)
        return fail(-EINVAL, "a queue holds at most %llu messages",
                    (unsigned long long)MOST_MESSAGES);
    if (shape->bytes > MOST_BYTES)
        return fail(-EINVAL, "a queue holds at most %llu bytes", (unsigned long long)MOST_BYTES);
    if (shape->largest > shape->bytes)
        return fail(-EINVAL,
                    "a message of %llu bytes, the largest, would never fit in a queue of %llu",
                    (unsigned long long)shape->largest, (unsigned long long)shape->bytes);
    if (shape->overflow > FERRY_OVERFLOW_DROP_NEWEST)
        return fail(-EINVAL, "there is no such policy for overflow (%u)", shape->overflow);
    return (shape->flags & FERRY_RENDEZVOUS) != 0 ? check_rendezvous(shape) : 0;
}

/* Relaxed: written before the object had a name. */
static uint32_t once(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static uint64_t once_wide(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* How the queue was made, read once and checked against its files. */
int queue_read_shape(const struct object *object, struct flow_shape *ret_shape)
{
    const struct layout_queue_shape *shared = &object->slots.control->queue.shape;
    const struct flow_shape shape = {.flags = once(&shared->flags),
                                     .overflow = once(&shared->overflow),
                                     .messages = once(&shared->messages),
                                     .bytes = once_wide(&shared->bytes),
                                     .largest = once_wide(&shared->largest)};
    uint32_t engine = once(&shared->engine);
    const struct layout_identity *identity = &object->region.identity;
    if (queue_check_shape(&shape) < 0 || shape.messages == 0 ||
        (shape.flags & ~QUEUE_SHAPE_FLAGS) != 0 || engine != queue_engine(&shape))
        return flow_damaged();
    struct flow_needs needs = queue_needs(&shape);
    if (needs.data_bytes != identity->size_bytes || needs.index_bytes != identity->index_bytes)
        return flow_damaged();
    *ret_shape = shape;
    return 0;
}

int queue_begin_shape(int control_fd, const struct region_request *request)
{
    const struct flow_shape *shape = request->context;
    const struct layout_queue_shape shared = {.engine = queue_engine(shape),
                                              .flags = shape->flags,
                                              .overflow = shape->overflow,
                                              .messages = shape->messages,
                                              .bytes = shape->bytes,
                                              .largest = shape->largest};
    int r =
        file_write_at(control_fd, &shared, sizeof(shared), offsetof(struct layout, queue.shape));
    if (r < 0)
        return r;
    return queue_engine(shape) == LAYOUT_STORE ? store_begin(control_fd, shape) : 0;
}
