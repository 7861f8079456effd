/* Sleeping for messages and for room: who is woken, by what, and who is not. */
#include <errno.h>
#include <signal.h>

#include "store.h"

enum { CHILDREN = 8 };

struct world {
    struct store_object *of;
    struct test_gate *done[CHILDREN];
    _Atomic int ready;
    uint64_t type; /* of the first child; the others' follow */
    unsigned selection;
    _Atomic int index;
};

static struct world *world_make(struct flow_shape shape)
{
    struct world *world = test_shared(sizeof(*world));
    world->of = store_object_make(shape);
    for (int i = 0; i < CHILDREN; i++)
        world->done[i] = test_gate_new();
    return world;
}

/* A member of its own, with a view of its own. */
static struct flow *join(struct world *world)
{
    static struct slots slots;
    static struct flow flow;
    slots = object_join(&world->of->object);
    store_view(&flow, world->of, &slots);
    return &flow;
}

static ssize_t receive_waiting(struct flow *flow, struct ferry_message *message,
                               const struct ferry_choice *choice, deadline end)
{
    size_t size = message->size_bytes;
    for (;;) {
        message->size_bytes = size;
        ssize_t n = flow->engine->try_receive(flow, message, choice, end);
        if (n != -EAGAIN)
            return n;
        int r = flow->engine->await_message(flow, choice, end);
        if (r < 0)
            return r;
    }
}

static int send_waiting(struct flow *flow, const void *bytes, size_t size, uint64_t type)
{
    for (;;) {
        int r = store_send(flow, bytes, size, type, 0);
        if (r != -EAGAIN)
            return r;
        r = flow->engine->await_room(flow, size, CLOCK_NEVER);
        if (r < 0)
            return r;
    }
}

static void wait_for_own_type(void *context)
{
    struct world *world = context;
    int index = atomic_fetch_add(&world->index, 1);
    struct flow *flow = join(world);
    const struct ferry_choice choice = {.selection = world->selection,
                                        .type = world->type + (uint64_t)index};
    char bytes[16];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    CHECK_EQ(receive_waiting(flow, &message, &choice, CLOCK_NEVER), 1);
    if (world->selection == FERRY_OF_TYPE)
        CHECK_EQ(message.type, choice.type);
    test_gate_open(world->done[index]);
}

TEST(each_is_woken_by_its_own_message) /* Q2 Q8 */
{
    struct world *world = world_make(
        (struct flow_shape){.flags = FERRY_TYPES, .messages = 100, .bytes = 1000, .largest = 100});
    world->type = 5;
    world->selection = FERRY_OF_TYPE;
    pid_t pids[CHILDREN];
    for (int i = 0; i < CHILDREN; i++)
        pids[i] = test_child(wait_for_own_type, world);
    for (int i = 0; i < CHILDREN; i++)
        test_sleeping(pids[i]);
    CHECK_OK(store_send(&world->of->first, "x", 1, 4, 0));
    for (int i = CHILDREN - 1; i >= 0; i--) {
        CHECK_OK(store_send(&world->of->first, "x", 1, 5 + (uint64_t)i, 0));
        test_gate_wait(world->done[i]);
        for (int other = 0; other < i; other++)
            CHECK_EQ(atomic_load(&world->done[other]->open), 0);
    }
    for (int i = 0; i < CHILDREN; i++)
        test_wait_ok(pids[i]);
    store_object_remove(world->of);
}

/* Who waits for another type alone does not even wake. */
TEST(another_ones_message_wakes_nobody) /* Q2 */
{
    struct world *world = world_make(
        (struct flow_shape){.flags = FERRY_TYPES, .messages = 100, .bytes = 1000, .largest = 100});
    world->type = 5;
    world->selection = FERRY_OF_TYPE;
    pid_t pid = test_child(wait_for_own_type, world);
    test_sleeping(pid);
    const struct layout *control = world->of->first.slots->control;
    uint64_t sleeps = atomic_load(&control->queue.in.sleeps);
    uint32_t word = atomic_load(&control->members[1].wake);
    for (uint64_t type = 6; type < 50; type++)
        CHECK_OK(store_send(&world->of->first, "x", 1, type, 0));
    test_sleeping(pid);
    CHECK_EQ(atomic_load(&control->queue.in.sleeps), sleeps);
    CHECK_EQ(atomic_load(&control->members[1].wake), word);
    CHECK_OK(store_send(&world->of->first, "x", 1, 5, 0));
    test_wait_ok(pid);
    store_object_remove(world->of);
}

TEST(a_message_is_not_lost_on_a_sleeper_that_died) /* G8 Q8 */
{
    struct world *world = world_make(
        (struct flow_shape){.flags = FERRY_TYPES, .messages = 100, .bytes = 1000, .largest = 100});
    world->selection = FERRY_ANY;
    pid_t first = test_child(wait_for_own_type, world);
    test_sleeping(first);
    pid_t second = test_child(wait_for_own_type, world);
    test_sleeping(second);
    test_kill(first);
    CHECK_OK(store_send(&world->of->first, "x", 1, 1, 0));
    test_wait_ok(second);
    store_object_remove(world->of);
}

/* ---- Room -------------------------------------------------------------------------------------- */

static void send_some(void *context)
{
    struct world *world = context;
    int index = atomic_fetch_add(&world->index, 1);
    struct flow *flow = join(world);
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t bytes[2] = {(uint64_t)index, i};
        CHECK_OK(send_waiting(flow, bytes, sizeof(bytes), 0));
    }
}

TEST_LONG(senders_sleep_until_there_is_room, 60) /* Q3 Q8 */
{
    struct world *world =
        world_make((struct flow_shape){.messages = 3, .bytes = 1000, .largest = 100});
    pid_t pids[CHILDREN / 2];
    uint64_t next[CHILDREN / 2] = {0};
    for (int i = 0; i < CHILDREN / 2; i++)
        pids[i] = test_child(send_some, world);
    const struct ferry_choice any = {0};
    for (int i = 0; i < CHILDREN / 2 * 2000; i++) {
        uint64_t bytes[2];
        struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
        CHECK_EQ(receive_waiting(&world->of->first, &message, &any, CLOCK_NEVER), 16);
        CHECK(bytes[0] < CHILDREN / 2);
        CHECK_EQ(bytes[1], next[bytes[0]]++);
    }
    for (int i = 0; i < CHILDREN / 2; i++)
        test_wait_ok(pids[i]);
    store_object_remove(world->of);
}

/* ---- Rendezvous -------------------------------------------------------------------------------- */

static void receive_one(void *context)
{
    struct world *world = context;
    struct flow *flow = join(world);
    const struct ferry_choice any = {0};
    char bytes[100];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    CHECK_EQ(receive_waiting(flow, &message, &any, CLOCK_NEVER), 1);
}

TEST(who_waits_for_its_message_hears_that_it_was_taken) /* Q3 */
{
    struct world *world = world_make((struct flow_shape){
        .flags = FERRY_TYPES | FERRY_RENDEZVOUS, .messages = 1, .bytes = 100, .largest = 100});
    struct flow *flow = &world->of->first;
    const struct ferry_message message = {.bytes = (void *)(uintptr_t) "x", .size_bytes = 1};
    uint64_t ticket;
    CHECK_EQ(flow->engine->try_send(flow, &message, 1, CLOCK_NEVER, &ticket), 1);
    CHECK_EQ(flow->engine->await_taken(flow, ticket, clock_deadline(1000000)), -ETIMEDOUT);
    struct ferry_queue_statistics statistics;
    CHECK_OK(flow->engine->measure(flow, &statistics));
    CHECK_EQ(statistics.messages, 0);
    pid_t pid = test_child(receive_one, world);
    CHECK_EQ(flow->engine->try_send(flow, &message, 1, CLOCK_NEVER, &ticket), 1);
    CHECK_EQ(flow->engine->await_taken(flow, ticket, CLOCK_NEVER), 0);
    test_wait_ok(pid);
    store_object_remove(world->of);
}

/* Or else who drops the oldest would drop all of them, in vain. */
TEST(a_lock_that_is_kept_says_nothing_of_room_or_messages) /* Q3 */
{
    struct world *world =
        world_make((struct flow_shape){.messages = 4, .bytes = 1024, .largest = 256});
    struct slots slots = object_join(&world->of->object);
    struct flow other;
    store_view(&other, world->of, &slots);
    const struct flow_engine *engine = other.engine;
    char byte = 'x';
    struct ferry_message message = {.bytes = &byte, .size_bytes = 1};
    const struct ferry_choice any = {.selection = FERRY_ANY};
    uint64_t ticket;
    CHECK_OK(store_lock(store_of(&world->of->first), 0));
    CHECK_ERR(engine->try_send(&other, &message, 1, 0, &ticket), EBUSY);
    CHECK_ERR(engine->try_receive(&other, &message, &any, 0), EBUSY);
    CHECK_ERR(engine->drop_oldest(&other, 0), EBUSY);
    store_unlock(store_of(&world->of->first));
    CHECK_EQ(engine->try_send(&other, &message, 1, 0, &ticket), 1);
    CHECK_EQ(engine->drop_oldest(&other, 0), 1);
    store_unview(&other);
    object_leave(&slots);
    store_object_remove(world->of);
}

TEST(a_wait_ends_in_time) /* G7 */
{
    struct world *world =
        world_make((struct flow_shape){.messages = 1, .bytes = 100, .largest = 100});
    struct flow *flow = &world->of->first;
    const struct ferry_choice any = {0};
    CHECK_EQ(flow->engine->await_message(flow, &any, clock_deadline(1000000)), -ETIMEDOUT);
    CHECK_OK(store_send(flow, "x", 1, 0, 0));
    CHECK_EQ(flow->engine->await_message(flow, &any, clock_deadline(1000000)), 0);
    CHECK_EQ(flow->engine->await_room(flow, 1, clock_deadline(1000000)), -ETIMEDOUT);
    store_object_remove(world->of);
}
