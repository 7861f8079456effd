/* What victims do with messages: they send them, receive them, and write and read them in place. */
#include <errno.h>
#include <string.h>

#include "queue_world.h"

/* ---- Sending ---------------------------------------------------------------------------------- */

static int send_now(void *memory)
{
    struct world *world = memory;
    return result(ferry_queue_send(world->queue, bytes, SOME, FERRY_NOW));
}

static int send_for_a_while(void *memory)
{
    struct world *world = memory;
    return result(ferry_queue_send(world->queue, bytes, LARGEST, MILLISECOND / 2));
}

static int send_forever(void *memory)
{
    struct world *world = memory;
    return result(ferry_queue_send(world->queue, bytes, LARGEST, FERRY_FOREVER));
}

static int send_batch(void *memory)
{
    struct world *world = memory;
    const struct ferry_message messages[3] = {{.bytes = bytes, .size_bytes = SOME},
                                              {.bytes = bytes, .size_bytes = LARGEST},
                                              {.bytes = bytes, .size_bytes = 1}};
    return result(ferry_queue_send_batch(world->queue, messages, 3, FERRY_NOW));
}

static int loan(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_loan(world->queue, &world->loan, SOME, FERRY_NOW);
    if (r == 0)
        memset(world->loan, 'l', SOME);
    else
        world->loan = NULL;
    return r;
}

static int send_loan(void *memory)
{
    struct world *world = memory;
    const struct ferry_message message = {.bytes = world->loan, .size_bytes = SOME};
    int r = ferry_queue_send_loan(world->queue, &message, FERRY_NOW);
    if (r >= 0)
        world->loan = NULL;
    return r;
}

static int return_loan(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_return_loan(world->queue, world->loan);
    if (r == 0)
        world->loan = NULL;
    return r;
}

const struct hostile_operation sending[] = {
    {.name = "send-now", .prepare = empty, .run = send_now},
    {.name = "send-batch", .prepare = put_in, .run = send_batch},
    {.name = "send-to-a-full-one", .prepare = fill, .run = send_now},
    {.name = "send-a-while", .prepare = fill, .run = send_for_a_while, .dear = true},
    {.name = "send-forever", .prepare = fill, .run = send_forever, .endless = true, .dear = true},
    {0}};

/* ---- Receiving -------------------------------------------------------------------------------- */

static int receive_with(struct world *world, unsigned flags, size_t size, int64_t timeout_ns)
{
    struct ferry_message message = {.bytes = bytes, .size_bytes = size};
    const struct ferry_choice choice = {.flags = flags};
    return result(ferry_queue_receive_message(world->queue, &message, &choice, timeout_ns));
}

static int receive_now(void *memory)
{
    return receive_with(memory, 0, LARGEST, FERRY_NOW);
}

static int receive_for_a_while(void *memory)
{
    return receive_with(memory, 0, LARGEST, MILLISECOND / 2);
}

static int receive_forever(void *memory)
{
    return receive_with(memory, 0, LARGEST, FERRY_FOREVER);
}

static int receive_little(void *memory)
{
    int r = receive_with(memory, 0, 1, FERRY_NOW);
    return r == -EMSGSIZE ? receive_with(memory, FERRY_TRUNCATE, 1, FERRY_NOW) : r;
}

static int peek(void *memory)
{
    return receive_with(memory, FERRY_PEEK, LARGEST, FERRY_NOW);
}

static int receive_batch(void *memory)
{
    struct world *world = memory;
    static char room[3][LARGEST];
    struct ferry_message messages[3];
    for (int i = 0; i < 3; i++)
        messages[i] = (struct ferry_message){.bytes = room[i], .size_bytes = LARGEST};
    return result(ferry_queue_receive_batch(world->queue, messages, 3, NULL, FERRY_NOW));
}

static int take(void *memory)
{
    struct world *world = memory;
    struct ferry_message message;
    ssize_t n = ferry_queue_take_message(world->queue, &message, NULL, FERRY_NOW);
    world->taken = n >= 0 ? message.bytes : NULL;
    if (n >= 0 && n <= LARGEST)
        memcpy(bytes, message.bytes, (size_t)n);
    return result(n);
}

static int release(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_release_message(world->queue, world->taken);
    if (r == 0)
        world->taken = NULL;
    return r;
}

static int ask(void *memory)
{
    struct world *world = memory;
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof(statistics)};
    return ferry_queue_statistics(world->queue, &statistics);
}

const struct hostile_operation receiving[] = {
    {.name = "receive-now", .prepare = put_in, .run = receive_now},
    {.name = "receive-nothing", .prepare = empty, .run = receive_now},
    {.name = "receive-little", .prepare = put_in, .run = receive_little},
    {.name = "receive-batch", .prepare = put_in, .run = receive_batch},
    {.name = "peek", .prepare = put_in, .run = peek},
    {.name = "ask", .prepare = put_in, .run = ask, .patience_ms = 2000},
    {.name = "receive-a-while", .prepare = empty, .run = receive_for_a_while, .dear = true},
    {.name = "receive-forever",
     .prepare = empty,
     .run = receive_forever,
     .endless = true,
     .dear = true},
    {0}};

/* ---- In place --------------------------------------------------------------------------------- */

static int empty_and_loan(void *memory)
{
    empty(memory);
    loan(memory);
    return 0;
}

static int put_in_and_take(void *memory)
{
    put_in(memory);
    take(memory);
    return 0;
}

/* What it had and could not give back. */
static void let_go(void *memory)
{
    struct world *world = memory;
    if (world->loan != NULL)
        return_loan(memory);
    if (world->taken != NULL)
        release(memory);
}

const struct hostile_operation in_place[] = {
    {.name = "loan", .prepare = empty, .run = loan, .finish = let_go},
    {.name = "send-loan", .prepare = empty_and_loan, .run = send_loan, .finish = let_go},
    {.name = "return-loan", .prepare = empty_and_loan, .run = return_loan, .finish = let_go},
    {.name = "take", .prepare = put_in, .run = take, .finish = let_go},
    {.name = "release", .prepare = put_in_and_take, .run = release, .finish = let_go},
    {0}};
