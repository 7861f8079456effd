/* Pipes whose control memory is overwritten by another member (contract G9). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "../harness.h"
#include "pipes.h"
#include "test.h"

#define NAME        "hostile"
#define MILLISECOND INT64_C(1000000)

enum { CAPACITY = 8192, SOME = 100 };

struct world {
    ferry_pipe *pipe;  /* the peer's, and as inherited by it the victim's; both ends */
    ferry_pipe *other; /* opened by an operation */
    int parcel;        /* the same; -1: none */
};

static char bytes[2 * CAPACITY];

static void make(void *memory)
{
    struct world *world = memory;
    world->parcel = -1;
    CHECK_OK(
        ferry_pipe_open(&world->pipe, NAME,
                        FERRY_PIPE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .capacity = CAPACITY)));
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_pipe_close(world->pipe);
    CHECK_OK(ferry_remove(NAME));
}

static void rescue(void *memory, struct layout *control)
{
    rescue_pipe(((struct world *)memory)->pipe, control);
}

/* ---- Operations ------------------------------------------------------------------------------- */

static int result(ssize_t count)
{
    return count < 0 ? (int)count : 0;
}

static int write_now(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_write(world->pipe, bytes, SOME, FERRY_NOW));
}

static int write_for_a_while(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_write(world->pipe, bytes, 2 * CAPACITY, MILLISECOND / 2));
}

static int write_forever(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_write(world->pipe, bytes, 2 * CAPACITY, FERRY_FOREVER));
}

static int read_now(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_read(world->pipe, bytes, sizeof(bytes), FERRY_NOW));
}

static int read_for_a_while(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_read(world->pipe, bytes, sizeof(bytes), MILLISECOND / 2));
}

static int read_forever(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_read(world->pipe, bytes, sizeof(bytes), FERRY_FOREVER));
}

static int reserve(void *memory)
{
    struct world *world = memory;
    void *room;
    ssize_t n = ferry_pipe_reserve(world->pipe, &room, 1, FERRY_NOW);
    if (n > 0)
        memset(room, 'r', (size_t)n);
    return result(n);
}

static int commit(void *memory)
{
    struct world *world = memory;
    return ferry_pipe_commit(world->pipe, 1);
}

static int peek(void *memory)
{
    struct world *world = memory;
    const void *found;
    ssize_t n = ferry_pipe_peek(world->pipe, &found, FERRY_NOW);
    if (n > 0)
        memcpy(bytes, found, (size_t)n < sizeof(bytes) ? (size_t)n : sizeof(bytes));
    return result(n);
}

static int consume(void *memory)
{
    struct world *world = memory;
    return ferry_pipe_consume(world->pipe, 1);
}

static int ask(void *memory)
{
    struct world *world = memory;
    uint64_t number;
    int r = ferry_pipe_capacity(world->pipe, &number);
    return r < 0 ? r : ferry_pipe_depth(world->pipe, &number);
}

static int open_another(void *memory)
{
    struct world *world = memory;
    return ferry_pipe_open(&world->other, NAME, NULL);
}

/* The handle has nothing of the ring yet. */
static int write_first(void *memory)
{
    struct world *world = memory;
    ssize_t n = ferry_pipe_write(world->other, bytes, 1, FERRY_NOW);
    return n < 0 ? (int)n : result(ferry_pipe_read(world->other, bytes, 1, FERRY_NOW));
}

static int open_reading(void *memory)
{
    struct world *world = memory;
    return ferry_pipe_open(&world->other, NAME,
                           FERRY_PIPE(.flags = FERRY_READ, .patience_ns = MILLISECOND));
}

static int close_another(void *memory)
{
    struct world *world = memory;
    world->other = ferry_pipe_close(world->other);
    return 0;
}

static int hand_over(void *memory)
{
    struct world *world = memory;
    return ferry_pipe_hand_over(world->pipe, 0, &world->parcel);
}

static int take(void *memory)
{
    struct world *world = memory;
    int r = ferry_pipe_take(&world->other, world->parcel);
    if (r == 0)
        world->parcel = -1;
    return r;
}

static void drop_parcel(void *memory)
{
    struct world *world = memory;
    close_another(memory);
    if (world->parcel >= 0)
        close(world->parcel);
    world->parcel = -1;
}

static void let_go(void *memory)
{
    commit(memory);
    consume(memory);
}

static void drop_another(void *memory)
{
    close_another(memory);
}

/* As preparations, which must not fail: a pipe that is empty, one with bytes, some of them open. */
static int empty(void *memory)
{
    read_now(memory);
    return 0;
}

static int fill(void *memory)
{
    write_now(memory);
    return 0;
}

static int fill_and_peek(void *memory)
{
    fill(memory);
    return peek(memory);
}

static int empty_and_reserve(void *memory)
{
    empty(memory);
    return reserve(memory);
}

static const struct hostile_operation streaming[] = {
    {.name = "write-now", .run = write_now},
    {.name = "write-a-while", .run = write_for_a_while, .dear = true},
    {.name = "write-forever", .run = write_forever, .endless = true, .dear = true},
    {.name = "read-now", .prepare = fill, .run = read_now},
    {.name = "read-a-while", .prepare = empty, .run = read_for_a_while, .dear = true},
    {.name = "read-forever", .prepare = empty, .run = read_forever, .endless = true, .dear = true},
    {0}};

static const struct hostile_operation in_place[] = {
    {.name = "reserve", .prepare = empty, .run = reserve, .finish = let_go},
    {.name = "commit", .prepare = empty_and_reserve, .run = commit, .finish = let_go},
    {.name = "peek", .prepare = fill, .run = peek, .finish = let_go},
    {.name = "consume", .prepare = fill_and_peek, .run = consume, .finish = let_go},
    {.name = "ask", .run = ask},
    {0}};

static const struct hostile_operation members[] = {
    {.name = "open", .run = open_another, .finish = drop_another, .patience_ms = 2000},
    {.name = "open-to-read", .run = open_reading, .finish = drop_another, .patience_ms = 2000},
    {.name = "write-first",
     .prepare = open_another,
     .run = write_first,
     .finish = drop_another,
     .patience_ms = 2000},
    {.name = "close", .prepare = open_another, .run = close_another, .patience_ms = 2000},
    {.name = "hand-over", .run = hand_over, .finish = drop_parcel, .patience_ms = 2000},
    {.name = "take", .prepare = hand_over, .run = take, .finish = drop_parcel, .patience_ms = 2000},
    {0}};

static struct hostile_case pipe_case(const char *name, const struct hostile_operation *operations)
{
    return (struct hostile_case){.name = name,
                                 .object = NAME,
                                 .kind = FERRY_KIND_PIPE,
                                 .world_bytes = sizeof(struct world),
                                 .setup = make,
                                 .teardown = drop,
                                 .rescue = rescue,
                                 .operations = operations};
}

static void survives(const char *name, const struct hostile_operation *operations)
{
    struct hostile_case pipe = pipe_case(name, operations);
    CHECK_OK(hostile_run(&pipe, NULL));
}

static void survives_race(const char *name, const struct hostile_operation *operations)
{
    struct hostile_case pipe = pipe_case(name, operations);
    CHECK_OK(hostile_race(&pipe, NULL));
}

TEST_LONG(streams_survive_any_word, 600) /* G9 */
{
    survives("pipe stream", streaming);
}

TEST_LONG(pieces_survive_any_word, 600) /* G9 */
{
    survives("pipe in place", in_place);
}

TEST_LONG(joining_and_leaving_survive_any_word, 600) /* G9 */
{
    survives("pipe members", members);
}

TEST_LONG(streams_survive_changing_words, 300) /* G9 */
{
    survives_race("pipe stream", streaming);
}

TEST_LONG(pieces_survive_changing_words, 300) /* G9 */
{
    survives_race("pipe in place", in_place);
}
