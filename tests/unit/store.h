/* A store to try, below the handles of the public API: any number of views of it in one process, as if they were several. */
#ifndef FERRY_TEST_STORE_H
#define FERRY_TEST_STORE_H

#include "object.h"
#include "os/file.h"
#include "shared/store_inside.h"

struct store_object {
    struct object object;
    struct flow_shape shape;
    struct flow first;
};

static inline int store_object_begin(int control_fd, const struct region_request *request)
{
    return store_begin(control_fd, request->context);
}

static inline void store_view(struct flow *flow, struct store_object *of, struct slots *slots)
{
    struct layout_queue *shared = &slots->control->queue;
    *flow = (struct flow){.engine = &store_engine,
                          .data = -1,
                          .region = &of->object.region,
                          .slots = slots,
                          .shared = shared,
                          .shape = of->shape,
                          .message_spin = SPIN_INIT,
                          .room_spin = SPIN_INIT};
    crowd_init(&flow->receivers, slots, &shared->receivers, &shared->in.lonely);
    crowd_init(&flow->senders, slots, &shared->senders, &shared->out.lonely);
    if ((of->shape.flags & FERRY_UNBOUNDED) != 0)
        CHECK_OK(flow_open_data(flow));
    CHECK_OK(flow->engine->init(flow));
}

static inline void store_unview(struct flow *flow)
{
    flow->engine->deinit(flow);
    file_close(&flow->data);
    crowd_deinit(&flow->receivers);
    crowd_deinit(&flow->senders);
}

static inline struct store_object *store_object_make(struct flow_shape shape)
{
    struct store_object *of = calloc(1, sizeof(*of));
    CHECK(of != NULL);
    of->shape = shape;
    struct flow_needs needs = store_needs(&shape);
    const struct region_request request = {.name = "q",
                                           .kind = FERRY_KIND_QUEUE,
                                           .flags = FERRY_CREATE,
                                           .mode = 0600,
                                           .size_bytes = needs.data_bytes,
                                           .first_bytes = needs.first_bytes,
                                           .index_bytes = needs.index_bytes,
                                           .first_index_bytes = needs.first_index_bytes,
                                           .begin = store_object_begin,
                                           .context = &of->shape};
    CHECK_OK(region_make(&of->object.region, &of->object.first, &request));
    store_view(&of->first, of, &of->object.first);
    return of;
}

static inline void store_object_remove(struct store_object *of)
{
    store_unview(&of->first);
    object_leave(&of->object.first);
    of->object.region.lock_fd = -1;
    object_remove(&of->object);
    free(of);
}

static inline int store_send(struct flow *flow, const void *bytes, size_t size, uint64_t type,
                             uint32_t priority)
{
    const struct ferry_message message = {
        .bytes = (void *)(uintptr_t)bytes, .size_bytes = size, .type = type, .priority = priority};
    uint64_t ticket;
    ssize_t n = flow->engine->try_send(flow, &message, 1, clock_deadline(1000000000), &ticket);
    return n < 0 ? (int)n : 0;
}

static inline ssize_t store_receive(struct flow *flow, struct ferry_message *message,
                                    unsigned selection, uint64_t type, unsigned flags)
{
    const struct ferry_choice choice = {.selection = selection, .type = type, .flags = flags};
    return flow->engine->try_receive(flow, message, &choice, clock_deadline(1000000000));
}

#endif
