/* Making, opening and closing queues. */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "ipc/queue.h"
#include "os/file.h"
#include "shared/members.h"
#include "shared/ring.h"

static const unsigned KNOWN_FLAGS = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_READ |
                                    FERRY_WRITE | FERRY_EINTR | FERRY_TAP | QUEUE_SHAPE_FLAGS |
                                    FERRY_SOLE_SENDER | FERRY_SOLE_RECEIVER;

/* ---- The handle ------------------------------------------------------------------------------- */

static ferry_queue *of_object(struct object *object)
{
    return (ferry_queue *)(void *)((char *)object - offsetof(ferry_queue, object));
}

static void hold(struct object *object)
{
    ferry_queue *queue = of_object(object);
    pthread_mutex_lock(&queue->guard);
    queue->flow.engine->hold(&queue->flow);
    pthread_mutex_lock(&queue->flow.receivers.guard);
    pthread_mutex_lock(&queue->flow.senders.guard);
}

static void let_go(struct object *object)
{
    ferry_queue *queue = of_object(object);
    pthread_mutex_unlock(&queue->flow.senders.guard);
    pthread_mutex_unlock(&queue->flow.receivers.guard);
    queue->flow.engine->let_go(&queue->flow);
    pthread_mutex_unlock(&queue->guard);
}

/* A child of a sole sender or receiver is not another one. */
static void bar(ferry_queue *queue)
{
    struct slots *slots = &queue->object.slots;
    uint32_t role = slots->role;
    if ((role & LAYOUT_SOLE_SENDER) != 0)
        role &= ~(LAYOUT_SOLE_SENDER | FERRY_WRITE);
    if ((role & LAYOUT_SOLE_RECEIVER) != 0)
        role &= ~(LAYOUT_SOLE_RECEIVER | FERRY_READ);
    if (role == slots->role)
        return;
    queue->barred = true;
    if (slots->tag != 0)
        members_change_role(slots, role);
}

static void after_fork(struct object *object)
{
    ferry_queue *queue = of_object(object);
    crowd_after_fork(&queue->flow.receivers);
    crowd_after_fork(&queue->flow.senders);
    queue->flow.engine->after_fork(&queue->flow);
    queue_poll_after_fork(queue);
    bar(queue);
}

static const struct object_hooks hooks = {.hold = hold, .let_go = let_go, .after_fork = after_fork};

static void deinit_flow(struct flow *flow)
{
    flow->engine->deinit(flow);
    file_close(&flow->data);
    crowd_deinit(&flow->receivers);
    crowd_deinit(&flow->senders);
}

static int init_flow(ferry_queue *queue)
{
    struct object *object = &queue->object;
    struct layout_queue *shared = &object->slots.control->queue;
    struct flow *flow = &queue->flow;
    *flow = (struct flow){.region = &object->region,
                          .slots = &object->slots,
                          .shared = shared,
                          .data = -1,
                          .interruptible = object_is_interruptible(object),
                          .message_spin = SPIN_INIT,
                          .room_spin = SPIN_INIT};
    int r = queue_read_shape(object, &flow->shape);
    if (r < 0)
        return r;
    flow->engine = queue_engine(&flow->shape) == LAYOUT_RING ? &ring_engine : &store_engine;
    crowd_init(&flow->receivers, flow->slots, &shared->receivers, &shared->in.lonely);
    crowd_init(&flow->senders, flow->slots, &shared->senders, &shared->out.lonely);
    r = (flow->shape.flags & FERRY_UNBOUNDED) != 0 ? flow_open_data(flow) : 0;
    if (r == 0)
        r = flow->engine->init(flow);
    if (r < 0)
        file_close(&flow->data);
    return r;
}

/* The handle is where it stays, so what points into it can be made. */
static int begin_handle(ferry_queue *queue)
{
    int r = init_flow(queue);
    if (r < 0) {
        region_release(&queue->object.region);
        return r;
    }
    r = object_follow(&queue->object, &hooks);
    if (r < 0)
        deinit_flow(&queue->flow);
    return r;
}

int queue_new(struct object *object, void *ret_queue)
{
    ferry_queue *queue = calloc(1, sizeof(*queue));
    if (queue == NULL) {
        region_release(&object->region);
        return fail(-ENOMEM, "no memory for a handle");
    }
    queue->object = *object;
    queue->taps = (object->flags & FERRY_TAP) != 0;
    queue->latch = queue->notice.latch = queue->notice.stop = -1;
    pthread_mutex_init(&queue->guard, NULL);
    pthread_mutex_init(&queue->notice_guard, NULL);
    int r = begin_handle(queue);
    if (r < 0) {
        free(queue);
        return r;
    }
    *(ferry_queue **)ret_queue = queue;
    return 0;
}

ferry_queue *ferry_queue_close(ferry_queue *queue)
{
    if (queue == NULL)
        return NULL;
    queue_stop_polling(queue);
    fork_hold();
    if (queue->taps && object_is_ours(&queue->object))
        flow_tap_end(&queue->flow);
    deinit_flow(&queue->flow);
    object_leave(&queue->object);
    pthread_mutex_destroy(&queue->guard);
    pthread_mutex_destroy(&queue->notice_guard);
    region_release(&queue->object.region);
    fork_unhold();
    free(queue);
    return NULL;
}

/* ---- Alone on its side ------------------------------------------------------------------------ */

/* Is another member in the way of what this one is, or this one of it? */
static bool is_conflict(uint32_t own, uint32_t other)
{
    return ((own & LAYOUT_SOLE_SENDER) != 0 && (other & FERRY_WRITE) != 0) ||
           ((other & LAYOUT_SOLE_SENDER) != 0 && (own & FERRY_WRITE) != 0) ||
           ((own & LAYOUT_SOLE_RECEIVER) != 0 && (other & FERRY_READ) != 0) ||
           ((other & LAYOUT_SOLE_RECEIVER) != 0 && (own & FERRY_READ) != 0);
}

static int refuse_beside(uint32_t own, uint32_t other, const struct layout_entry *entry)
{
    bool sends = is_conflict(own & ~LAYOUT_SOLE_RECEIVER & ~FERRY_READ,
                             other & ~LAYOUT_SOLE_RECEIVER & ~FERRY_READ);
    const char *verb = sends ? "sends" : "receives", *side = sends ? "SENDER" : "RECEIVER";
    const char *role = sends ? "FERRY_READ" : "FERRY_WRITE";
    uint64_t joined = atomic_load_explicit(&entry->joined, memory_order_relaxed);
    if (joined == 0)
        return fail(
            -EBUSY,
            "a handle that was handed over, and not taken yet, %s through this queue, and one "
            "of the two wants to be alone; open it without FERRY_SOLE_%s, or with %s alone",
            verb, side, role);
    return fail(
        -EBUSY,
        "process %d %s through this queue already, and one of the two wants to be alone; open it "
        "without FERRY_SOLE_%s, or with %s alone, or when that one has closed it",
        layout_stamp_pid(joined), verb, side, role);
}

/* A member, or one that is on its way in a parcel. */
static bool is_or_will_be(const struct slots *slots, uint32_t slot, struct layout_entry *entry)
{
    return atomic_load_explicit(&entry->joined, memory_order_seq_cst) != 0 ||
           slots_is_offered(slots, slot);
}

/* As a member, with its role noted: of two who come at once, both may find the other. */
int queue_check_alone(struct slots *slots)
{
    uint32_t high = slots_high(slots), own = slots->role;
    for (uint32_t slot = 0; slot < high; slot++) {
        struct layout_entry *entry = slots_entry(slots, slot);
        if (entry == NULL || slot == slots->slot || !is_or_will_be(slots, slot, entry))
            continue;
        uint32_t other = atomic_load_explicit(&entry->role, memory_order_seq_cst);
        if (is_conflict(own, other) && slots_is_locked(slots, slot))
            return refuse_beside(own, other, entry);
    }
    return 0;
}

static uint32_t role_of(uint32_t role, unsigned flags)
{
    if ((flags & FERRY_TAP) != 0)
        return 0;
    return role | ((flags & FERRY_SOLE_SENDER) != 0 ? LAYOUT_SOLE_SENDER : 0) |
           ((flags & FERRY_SOLE_RECEIVER) != 0 ? LAYOUT_SOLE_RECEIVER : 0);
}

/* ---- Opening ---------------------------------------------------------------------------------- */

/* The part that this handle takes. */
static int check_part(const char *name, unsigned flags)
{
    unsigned role = region_role(flags);
    if ((flags & FERRY_TAP) != 0 && (name == NULL || (flags & ~(FERRY_TAP | FERRY_EINTR)) != 0))
        return fail(-EINVAL, "who taps a queue takes no part in it and makes none: FERRY_TAP goes "
                             "with FERRY_EINTR alone");
    if (((flags & FERRY_SOLE_SENDER) != 0 && (role & FERRY_WRITE) == 0) ||
        ((flags & FERRY_SOLE_RECEIVER) != 0 && (role & FERRY_READ) == 0))
        return fail(-EINVAL,
                    "a sole sender opens with FERRY_WRITE, a sole receiver with FERRY_READ");
    return 0;
}

static int check_mode(unsigned mode)
{
    if (((mode >> 1 & ~(mode >> 2)) & 0111) == 0)
        return 0;
    return fail(-EINVAL,
                "with mode 0%o somebody may write and not read, but to send needs both; add "
                "the right to read",
                mode);
}

static int check_options(const char *name, const struct ferry_queue_options *options)
{
    const struct object_options common = {.options_bytes = options->options_bytes,
                                          .options_known = sizeof(*options),
                                          .macro = "FERRY_QUEUE",
                                          .name = name,
                                          .flags = options->flags,
                                          .known_flags = KNOWN_FLAGS,
                                          .mode = options->mode};
    int r = object_check_options(&common);
    if (r == 0)
        r = check_part(name, options->flags);
    if (r == 0)
        r = check_mode(options->mode);
    return r;
}

/* The queue decides about its manner; but whoever asks for another one is not to work without. */
static int check_manner(const ferry_queue *queue)
{
    unsigned missing = queue->object.flags & QUEUE_SHAPE_FLAGS & ~queue->flow.shape.flags;
    if (missing == 0)
        return 0;
    return fail(-EMEDIUMTYPE,
                "\"%s\" is there already, %s; remove it and make it anew, or open it "
                "without that",
                queue->object.region.name,
                (missing & FERRY_TYPES) != 0        ? "without types (FERRY_TYPES)"
                : (missing & FERRY_PRIORITIES) != 0 ? "without priorities (FERRY_PRIORITIES)"
                : (missing & FERRY_RENDEZVOUS) != 0 ? "with a buffer (no FERRY_RENDEZVOUS)"
                                                    : "bounded (no FERRY_UNBOUNDED)");
}

static int begin_part(ferry_queue *queue)
{
    struct slots *slots = &queue->object.slots;
    int r = check_manner(queue);
    if (r < 0)
        return r;
    uint32_t role = role_of(queue->object.region.role, queue->object.flags);
    if (role != slots->role)
        members_change_role(slots, role);
    atomic_thread_fence(
        memory_order_seq_cst); /* between noting one's own role and reading others' */
    r = queue_check_alone(slots);
    return r == 0 && queue->taps ? queue->flow.engine->tap_begin(&queue->flow) : r;
}

static struct region_request request_for(const char *name,
                                         const struct ferry_queue_options *options,
                                         const struct flow_shape *shape)
{
    struct flow_needs needs = queue_needs(shape);
    return (struct region_request){.name = name,
                                   .kind = FERRY_KIND_QUEUE,
                                   .flags = object_flags(options->flags),
                                   .mode = options->mode ? options->mode : 0600,
                                   .size_bytes = needs.data_bytes,
                                   .index_bytes = needs.index_bytes,
                                   .first_index_bytes = needs.first_index_bytes,
                                   .first_bytes = needs.first_bytes,
                                   .begin = queue_begin_shape,
                                   .context = shape,
                                   .trusted_owners = options->trusted_owners,
                                   .trusted_owner_count = options->trusted_owner_count};
}

int ferry_queue_open(ferry_queue **ret_queue, const char *name,
                     const struct ferry_queue_options *options)
{
    const struct ferry_queue_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    int r = check_options(name, options);
    if (r < 0)
        return r;
    const struct flow_shape shape = queue_wanted_shape(options);
    r = queue_check_shape(&shape);
    if (r < 0)
        return r;
    const struct region_request request = request_for(name, options, &shape);
    ferry_queue *queue = NULL;
    r = object_open(&request, queue_new, &queue);
    if (r == 0)
        r = begin_part(queue);
    if (r < 0) {
        ferry_queue_close(queue);
        return r;
    }
    *ret_queue = queue;
    return 0;
}
