/* Pipes whose control memory is overwritten by another member, once more (contract G9): descriptors,
 * another capacity, records, looking on, one end closed. */
#include <errno.h>
#include <string.h>

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
    ferry_pipe *tap;   /* the peer's, and the victim's */
};

static char bytes[2 * CAPACITY];

static void make_flagged(struct world *world, unsigned flags)
{
    CHECK_OK(ferry_pipe_open(
        &world->pipe, NAME,
        FERRY_PIPE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE | flags, .capacity = CAPACITY)));
}

static void make(void *memory)
{
    make_flagged(memory, 0);
}

static void make_records(void *memory)
{
    make_flagged(memory, FERRY_RECORDS);
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_pipe_close(world->tap);
    ferry_pipe_close(world->pipe);
    CHECK_OK(ferry_remove(NAME));
}

static void make_tapped(void *memory)
{
    struct world *world = memory;
    make(world);
    CHECK_OK(ferry_pipe_open(&world->tap, NAME, FERRY_PIPE(.flags = FERRY_TAP)));
}

static void rescue(void *memory, struct layout *control)
{
    rescue_pipe(((struct world *)memory)->pipe, control);
}

static int result(ssize_t count)
{
    return count < 0 ? (int)count : 0;
}

/* ---- Preparations, which must not fail -------------------------------------------------------- */

static int empty(void *memory)
{
    struct world *world = memory;
    ferry_pipe_read(world->pipe, bytes, sizeof(bytes), FERRY_NOW);
    return 0;
}

static int fill(void *memory)
{
    struct world *world = memory;
    ferry_pipe_write(world->pipe, bytes, SOME, FERRY_NOW);
    return 0;
}

static int brim(void *memory)
{
    struct world *world = memory;
    ferry_pipe_write(world->pipe, bytes, CAPACITY, FERRY_NOW);
    return 0;
}

static int open_writer(void *memory)
{
    struct world *world = memory;
    return ferry_pipe_open(&world->other, NAME, FERRY_PIPE(.flags = FERRY_WRITE));
}

static int open_another(void *memory)
{
    struct world *world = memory;
    return ferry_pipe_open(&world->other, NAME, NULL);
}

static int brim_with_writer(void *memory)
{
    brim(memory);
    return open_writer(memory);
}

static void drop_another(void *memory)
{
    struct world *world = memory;
    world->other = ferry_pipe_close(world->other);
}

/* ---- Polling and sizes ------------------------------------------------------------------------ */

static int listen_to_bytes(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_descriptor(world->pipe));
}

static int listen_to_room(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_descriptor(world->other));
}

static int try_to_read(void *memory)
{
    struct world *world = memory;
    ferry_pipe_descriptor(world->pipe);
    return result(ferry_pipe_read(world->pipe, bytes, 1, FERRY_NOW));
}

static int try_to_write(void *memory)
{
    struct world *world = memory;
    ferry_pipe_descriptor(world->other);
    return result(ferry_pipe_write(world->other, bytes, SOME, FERRY_NOW));
}

static int change_size(void *memory)
{
    struct world *world = memory;
    int r = ferry_pipe_set_capacity(world->pipe, 4 * CAPACITY);
    ferry_pipe_set_capacity(world->pipe, 1);
    int back = ferry_pipe_set_capacity(world->pipe, CAPACITY);
    return r < 0 ? r : back;
}

static int close_reading(void *memory)
{
    struct world *world = memory;
    int r = ferry_pipe_close_end(world->other, FERRY_READ);
    return r < 0 ? r : result(ferry_pipe_write(world->other, bytes, SOME, FERRY_NOW));
}

static int close_writing(void *memory)
{
    struct world *world = memory;
    int r = ferry_pipe_close_end(world->other, FERRY_WRITE);
    return r < 0 ? r : result(ferry_pipe_read(world->other, bytes, SOME, FERRY_NOW));
}

static const struct hostile_operation polling[] = {
    {.name = "listen-to-bytes", .prepare = fill, .run = listen_to_bytes},
    {.name = "try-to-read", .prepare = empty, .run = try_to_read},
    {.name = "listen-to-room",
     .prepare = brim_with_writer,
     .run = listen_to_room,
     .finish = drop_another,
     .dear = true},
    {.name = "try-to-write",
     .prepare = brim_with_writer,
     .run = try_to_write,
     .finish = drop_another,
     .dear = true},
    {0}};

static const struct hostile_operation sizes[] = {
    {.name = "change-size", .prepare = fill, .run = change_size, .dear = true},
    {.name = "close-reading",
     .prepare = open_another,
     .run = close_reading,
     .finish = drop_another,
     .dear = true},
    {.name = "close-writing",
     .prepare = open_another,
     .run = close_writing,
     .finish = drop_another,
     .dear = true},
    {0}};

/* ---- Records ---------------------------------------------------------------------------------- */

static int write_record(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_write(world->pipe, bytes, SOME, FERRY_NOW));
}

static int write_large_record(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_write(world->pipe, bytes, CAPACITY - 4, MILLISECOND / 2));
}

static int read_record(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_read(world->pipe, bytes, sizeof(bytes), FERRY_NOW));
}

static int read_small(void *memory)
{
    struct world *world = memory;
    return result(ferry_pipe_read(world->pipe, bytes, 1, FERRY_NOW));
}

static int put_in_place(void *memory)
{
    struct world *world = memory;
    void *room;
    ssize_t n = ferry_pipe_reserve(world->pipe, &room, 1, FERRY_NOW);
    if (n > 0)
        memset(room, 'r', (size_t)n);
    return n < 0 ? (int)n : ferry_pipe_commit(world->pipe, 1);
}

static int take_in_place(void *memory)
{
    struct world *world = memory;
    const void *found;
    ssize_t n = ferry_pipe_peek(world->pipe, &found, FERRY_NOW);
    if (n > 0)
        memcpy(bytes, found, (size_t)n < sizeof(bytes) ? (size_t)n : sizeof(bytes));
    return n < 0 ? (int)n : ferry_pipe_consume(world->pipe, (size_t)n);
}

static const struct hostile_operation records[] = {
    {.name = "write-record", .prepare = empty, .run = write_record},
    {.name = "write-large-record", .prepare = empty, .run = write_large_record, .dear = true},
    {.name = "read-record", .prepare = fill, .run = read_record},
    {.name = "read-small", .prepare = fill, .run = read_small},
    {.name = "put-record", .prepare = empty, .run = put_in_place},
    {.name = "take-record", .prepare = fill, .run = take_in_place},
    {0}};

/* ---- Looking on ------------------------------------------------------------------------------- */

static int look_now(void *memory)
{
    struct world *world = memory;
    uint64_t missed;
    return result(ferry_pipe_tap(world->tap, bytes, sizeof(bytes), &missed, FERRY_NOW));
}

static int look_for_a_while(void *memory)
{
    struct world *world = memory;
    uint64_t missed;
    look_now(memory);
    return result(ferry_pipe_tap(world->tap, bytes, 1, &missed, MILLISECOND / 2));
}

static int open_tap(void *memory)
{
    struct world *world = memory;
    uint64_t missed;
    int r = ferry_pipe_open(&world->other, NAME, FERRY_PIPE(.flags = FERRY_TAP));
    return r < 0 ? r : result(ferry_pipe_tap(world->other, bytes, SOME, &missed, FERRY_NOW));
}

static const struct hostile_operation taps[] = {
    {.name = "tap-now", .prepare = fill, .run = look_now},
    {.name = "tap-nothing", .prepare = empty, .run = look_now},
    {.name = "tap-a-while", .prepare = fill, .run = look_for_a_while, .dear = true},
    {.name = "open-tap",
     .prepare = fill,
     .run = open_tap,
     .finish = drop_another,
     .patience_ms = 2000,
     .dear = true},
    {0}};

/* ---- All of it -------------------------------------------------------------------------------- */

static void survives(const char *name, void (*setup)(void *world),
                     const struct hostile_operation *operations, bool race)
{
    struct hostile_case pipe = {.name = name,
                                .object = NAME,
                                .kind = FERRY_KIND_PIPE,
                                .world_bytes = sizeof(struct world),
                                .setup = setup,
                                .teardown = drop,
                                .rescue = rescue,
                                .operations = operations};
    CHECK_OK(race ? hostile_race(&pipe, NULL) : hostile_run(&pipe, NULL));
}

TEST_LONG(polling_survives_any_word, 600) /* G9 G15 */
{
    survives("pipe polling", make, polling, false);
}

TEST_LONG(sizes_and_ends_survive_any_word, 600) /* G9 P4 */
{
    survives("pipe sizes", make, sizes, false);
}

TEST_LONG(records_survive_any_word, 600) /* G9 P15 */
{
    survives("pipe records", make_records, records, false);
}

TEST_LONG(looking_on_survives_any_word, 600) /* G9 */
{
    survives("pipe tap", make_tapped, taps, false);
}

TEST_LONG(polling_survives_changing_words, 300) /* G9 G15 */
{
    survives("pipe polling", make, polling, true);
}

TEST_LONG(sizes_and_ends_survive_changing_words, 300) /* G9 P4 */
{
    survives("pipe sizes", make, sizes, true);
}

TEST_LONG(records_survive_changing_words, 300) /* G9 P15 */
{
    survives("pipe records", make_records, records, true);
}

TEST_LONG(looking_on_survives_changing_words, 300) /* G9 */
{
    survives("pipe tap", make_tapped, taps, true);
}
