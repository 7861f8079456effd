/* What victims do beside sending and receiving: they join and leave, poll, ask for notices and look on. */
#include <signal.h>
#include <unistd.h>

#include "queue_world.h"

/* ---- Members ---------------------------------------------------------------------------------- */

static int open_flagged(struct world *world, unsigned flags)
{
    int r = ferry_queue_open(&world->other, NAME, FERRY_QUEUE(.flags = flags));
    return r < 0 ? r : result(ferry_queue_send(world->other, bytes, 1, FERRY_NOW));
}

static int open_another(void *memory)
{
    return open_flagged(memory, 0);
}

static int open_sole(void *memory)
{
    return open_flagged(memory, FERRY_WRITE | FERRY_SOLE_SENDER);
}

static int open_ready(void *memory)
{
    struct world *world = memory;
    empty(memory);
    return ferry_queue_open(&world->other, NAME, NULL);
}

static int close_another(void *memory)
{
    struct world *world = memory;
    world->other = ferry_queue_close(world->other);
    return 0;
}

static int hand_over(void *memory)
{
    struct world *world = memory;
    return ferry_queue_hand_over(world->queue, 0, &world->parcel);
}

static int take_parcel(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_take(&world->other, world->parcel);
    if (r == 0)
        world->parcel = -1;
    return r;
}

static void drop_another(void *memory)
{
    struct world *world = memory;
    close_another(memory);
    if (world->parcel >= 0)
        close(world->parcel);
    world->parcel = -1;
}

const struct hostile_operation members[] = {
    {.name = "open",
     .prepare = empty,
     .run = open_another,
     .finish = drop_another,
     .patience_ms = 2000},
    {.name = "open-sole",
     .prepare = empty,
     .run = open_sole,
     .finish = drop_another,
     .patience_ms = 2000},
    {.name = "close", .prepare = open_ready, .run = close_another, .patience_ms = 2000},
    {.name = "hand-over", .run = hand_over, .finish = drop_another, .patience_ms = 2000},
    {.name = "take-parcel",
     .prepare = hand_over,
     .run = take_parcel,
     .finish = drop_another,
     .patience_ms = 2000},
    {0}};

/* ---- Polling and looking on ------------------------------------------------------------------- */

static int poll_for_messages(void *memory)
{
    struct world *world = memory;
    int r = result(ferry_queue_descriptor(world->other, FERRY_READ));
    return r < 0 ? r : result(ferry_queue_receive(world->other, bytes, LARGEST, FERRY_NOW));
}

static int poll_for_room(void *memory)
{
    struct world *world = memory;
    int r = result(ferry_queue_descriptor(world->other, FERRY_WRITE));
    return r < 0 ? r : result(ferry_queue_send(world->other, bytes, LARGEST, FERRY_NOW));
}

static int ask_for_signals(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_notify(world->other, &(struct ferry_arrival){.signal = SIGURG});
    return r < 0 ? r : ferry_queue_notify(world->other, NULL);
}

static int open_and_fill(void *memory)
{
    int r = open_ready(memory);
    return r < 0 ? r : fill(memory);
}

const struct hostile_operation polling[] = {{.name = "poll-for-messages",
                                             .prepare = open_ready,
                                             .run = poll_for_messages,
                                             .finish = drop_another,
                                             .dear = true},
                                            {.name = "poll-for-room",
                                             .prepare = open_and_fill,
                                             .run = poll_for_room,
                                             .finish = drop_another,
                                             .dear = true},
                                            {.name = "notices",
                                             .prepare = open_ready,
                                             .run = ask_for_signals,
                                             .finish = drop_another,
                                             .dear = true},
                                            {0}};

static int look_for(struct world *world, int64_t timeout_ns)
{
    uint64_t missed;
    struct ferry_message message = {.bytes = bytes, .size_bytes = LARGEST};
    return result(ferry_queue_tap(world->other, &message, &missed, timeout_ns));
}

static int look_now(void *memory)
{
    return look_for(memory, FERRY_NOW);
}

static int look_for_a_while(void *memory)
{
    return look_for(memory, MILLISECOND / 2);
}

static int open_tap(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_open(&world->other, NAME, FERRY_QUEUE(.flags = FERRY_TAP));
    return r < 0 ? r : look_now(memory);
}

/* Whoever looks on sees what comes from then on. */
static int begin_to_look(void *memory)
{
    struct world *world = memory;
    begin_anew(world);
    return ferry_queue_open(&world->other, NAME, FERRY_QUEUE(.flags = FERRY_TAP));
}

static int look_on(void *memory)
{
    int r = begin_to_look(memory);
    return r < 0 ? r : put_in(memory);
}

const struct hostile_operation looking_on[] = {
    {.name = "tap-now", .prepare = look_on, .run = look_now, .finish = drop_another},
    {.name = "tap-nothing", .prepare = begin_to_look, .run = look_now, .finish = drop_another},
    {.name = "tap-a-while",
     .prepare = begin_to_look,
     .run = look_for_a_while,
     .finish = drop_another,
     .dear = true},
    {.name = "open-tap",
     .prepare = put_in,
     .run = open_tap,
     .finish = drop_another,
     .patience_ms = 2000,
     .dear = true},
    {0}};
