/* Pipes whose capacity is changed, and in which room and bytes are open in place, by who is killed at
 * any instruction of it. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

#include <ferry/ferry.h>

#include "../harness.h"
#include "test.h"

enum { BYTES = 10, SMALL = 4096, LARGE = 8192 };

static const char TEN[BYTES + 1] = "0123456789";

struct world {
    ferry_pipe *reading, *writing;
    pid_t third;
    _Atomic uint32_t seen; /* bytes that a third process has written */
};

static void make_flagged(struct world *world, unsigned flags, uint64_t capacity)
{
    ferry_pipe *ends[2];
    CHECK_OK(ferry_pipe_pair(ends, FERRY_PIPE(.capacity = capacity, .flags = flags)));
    world->reading = ends[0];
    world->writing = ends[1];
}

static void put_ten(struct world *world)
{
    CHECK_EQ(ferry_pipe_write(world->writing, TEN, BYTES, FERRY_NOW), BYTES);
}

static void take_ten(struct world *world)
{
    char got[BYTES + 1] = "";
    CHECK_EQ(ferry_pipe_read(world->reading, got, BYTES, FERRY_NOW), BYTES);
    CHECK_STR(got, TEN);
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_pipe_close(world->reading);
    ferry_pipe_close(world->writing);
}

static void check_nothing_is_left(struct world *world)
{
    char got;
    CHECK_ERR((int)ferry_pipe_read(world->reading, &got, 1, FERRY_NOW), EAGAIN);
}

static void check_usable(struct world *world)
{
    check_nothing_is_left(world);
    put_ten(world);
    take_ten(world);
    check_nothing_is_left(world);
}

/* ---- Another capacity ------------------------------------------------------------------------- */

/* With bytes that lie across the end of the ring. */
static void make_wound(struct world *world, uint64_t capacity)
{
    static char rest[LARGE];
    size_t before = (size_t)capacity - BYTES / 2;
    make_flagged(world, 0, capacity);
    CHECK_EQ(ferry_pipe_write(world->writing, rest, before, FERRY_NOW), (ssize_t)before);
    CHECK_EQ(ferry_pipe_read(world->reading, rest, before, FERRY_NOW), (ssize_t)before);
    put_ten(world);
}

static void make_small(void *memory)
{
    make_wound(memory, SMALL);
}

static void make_large(void *memory)
{
    make_wound(memory, LARGE);
}

static void grow(void *memory)
{
    struct world *world = memory;
    ferry_pipe_set_capacity(world->writing, LARGE);
}

static void shrink(void *memory)
{
    struct world *world = memory;
    ferry_pipe_set_capacity(world->writing, SMALL);
}

static uint64_t capacity_of(struct world *world)
{
    uint64_t capacity;
    CHECK_OK(ferry_pipe_capacity(world->reading, &capacity));
    return capacity;
}

/* It has one capacity or the other, and so much room; it can have any. */
static void check_capacity(void *memory, const struct kill_point *point, uint64_t wanted)
{
    struct world *world = memory;
    static char rest[2 * LARGE];
    uint64_t capacity = capacity_of(world);
    CHECK(capacity == wanted || (!point->returned && capacity == SMALL + LARGE - wanted));
    take_ten(world);
    CHECK_EQ(ferry_pipe_write(world->writing, rest, sizeof(rest), FERRY_NOW), (ssize_t)capacity);
    CHECK_EQ(ferry_pipe_read(world->reading, rest, sizeof(rest), FERRY_NOW), (ssize_t)capacity);
    put_ten(world);
    CHECK_OK(ferry_pipe_set_capacity(world->writing, wanted));
    CHECK_OK(ferry_pipe_set_capacity(world->writing, 4 * LARGE));
    CHECK_EQ(capacity_of(world), 4u * LARGE);
    take_ten(world);
    check_usable(world);
}

static void check_grown(void *memory, const struct kill_point *point)
{
    check_capacity(memory, point, LARGE);
}

static void check_shrunk(void *memory, const struct kill_point *point)
{
    check_capacity(memory, point, SMALL);
}

static const struct kill_case grow_case = {.name = "pipe grows",
                                           .world_bytes = sizeof(struct world),
                                           .setup = make_small,
                                           .operation = grow,
                                           .check = check_grown,
                                           .teardown = drop};

TEST_LONG(a_capacity_grows_or_not_and_nothing_is_lost /* G8 P4 */, 900)
{
    CHECK_OK(kill_run(&grow_case, NULL));
}

TEST_LONG(it_shrinks_or_not /* G8 P4 */, 900)
{
    struct kill_case smaller = grow_case;
    smaller.name = "pipe shrinks";
    smaller.setup = make_large;
    smaller.operation = shrink;
    smaller.check = check_shrunk;
    CHECK_OK(kill_run(&smaller, NULL));
}

static void third_writes(void *memory)
{
    struct world *world = memory;
    ferry_pipe_close(world->reading);
    if (ferry_pipe_write(world->writing, "x", 1, FERRY_FOREVER) == 1)
        atomic_fetch_add(&world->seen, 1);
    ferry_pipe_close(world->writing);
}

static void make_full_with_writer(void *memory)
{
    struct world *world = memory;
    static char page[SMALL];
    make_flagged(world, 0, SMALL);
    CHECK_EQ(ferry_pipe_write(world->writing, page, SMALL, FERRY_NOW), SMALL);
    world->third = test_child(third_writes, world);
}

static void wait_for_third(void *memory)
{
    struct world *world = memory;
    test_sleeping(world->third);
}

/* If it has not grown, or nobody was told, whoever reads tells. */
static void check_writer_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    static char page[SMALL];
    if (!point->returned)
        CHECK_EQ(ferry_pipe_read(world->reading, page, SMALL, FERRY_NOW), SMALL);
    test_wait_until(atomic_load(&world->seen) == 1);
}

static void drop_with_third(void *memory)
{
    struct world *world = memory;
    drop(world);
    CHECK_ERRNO(waitpid(world->third, NULL, 0));
}

TEST_LONG(a_sleeping_writer_goes_on_when_it_has_grown_or_is_read /* G8 P4 P6 */, 900)
{
    struct kill_case told = grow_case;
    told.name = "pipe grows for a sleeper";
    told.setup = make_full_with_writer;
    told.prepare = wait_for_third;
    told.check = check_writer_told;
    told.teardown = drop_with_third;
    CHECK_OK(kill_run(&told, NULL));
}

/* ---- In place --------------------------------------------------------------------------------- */

static void make(void *memory)
{
    make_flagged(memory, 0, SMALL);
}

static void make_records(void *memory)
{
    make_flagged(memory, FERRY_RECORDS, SMALL);
}

static void make_with_ten(void *memory)
{
    make(memory);
    put_ten(memory);
}

static void make_with_records(void *memory)
{
    make_records(memory);
    put_ten(memory);
    put_ten(memory);
}

static void write_in_place(void *memory)
{
    struct world *world = memory;
    void *room;
    if (ferry_pipe_reserve(world->writing, &room, 100, FERRY_FOREVER) < 0)
        return;
    memcpy(room, TEN, BYTES);
    ferry_pipe_commit(world->writing, BYTES);
}

static void write_ten(void *memory)
{
    struct world *world = memory;
    ferry_pipe_write(world->writing, TEN, BYTES, FERRY_FOREVER);
}

/* All of it or nothing; so also for records. */
static void check_written(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    char got[4 * BYTES] = "";
    ssize_t n = ferry_pipe_read(world->reading, got, sizeof(got), FERRY_NOW);
    CHECK(n == BYTES || (n == -EAGAIN && !point->returned));
    if (n > 0)
        CHECK_STR(got, TEN);
    check_usable(world);
}

static const struct kill_case place_case = {.name = "pipe reserve and commit",
                                            .world_bytes = sizeof(struct world),
                                            .setup = make,
                                            .operation = write_in_place,
                                            .check = check_written,
                                            .teardown = drop};

TEST_LONG(what_is_written_in_place_counts_or_not /* G8 P14 */, 900)
{
    CHECK_OK(kill_run(&place_case, NULL));
}

TEST_LONG(a_record_is_there_whole_or_not_at_all /* G8 P15 */, 900)
{
    struct kill_case record = place_case;
    record.setup = make_records;
    record.name = "pipe reserve and commit a record";
    CHECK_OK(kill_run(&record, NULL));
    record.operation = write_ten;
    record.name = "pipe write a record";
    CHECK_OK(kill_run(&record, NULL));
}

static void read_in_place(void *memory)
{
    struct world *world = memory;
    const void *bytes;
    if (ferry_pipe_peek(world->reading, &bytes, FERRY_FOREVER) > 0)
        ferry_pipe_consume(world->reading, BYTES);
}

static void check_consumed(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    uint64_t depth;
    CHECK_OK(ferry_pipe_depth(world->reading, &depth));
    CHECK(depth == 0 || (depth == BYTES && !point->returned));
    if (depth > 0)
        take_ten(world);
    check_usable(world);
}

TEST_LONG(what_is_read_in_place_is_gone_or_there /* G8 P14 */, 900)
{
    struct kill_case reading = place_case;
    reading.name = "pipe peek and consume";
    reading.setup = make_with_ten;
    reading.operation = read_in_place;
    reading.check = check_consumed;
    CHECK_OK(kill_run(&reading, NULL));
}

/* The second of two records is there in any case. */
static void check_records(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    char got[BYTES + 1] = "";
    int count = 0;
    for (; ferry_pipe_read(world->reading, got, BYTES, FERRY_NOW) == BYTES; count++)
        CHECK_STR(got, TEN);
    CHECK(count == 1 || (count == 2 && !point->returned));
    check_usable(world);
}

TEST_LONG(a_record_is_taken_whole_or_not_at_all /* G8 P15 */, 900)
{
    struct kill_case record = place_case;
    record.setup = make_with_records;
    record.operation = read_in_place;
    record.check = check_records;
    record.name = "pipe peek and consume a record";
    CHECK_OK(kill_run(&record, NULL));
}
