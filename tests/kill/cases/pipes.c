/* Pipes: writing and reading, asleep and awake, killed and paused anywhere. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "../harness.h"
#include "test.h"

enum { BYTES = 10, CAPACITY = 4096 };

static const char TEN[BYTES + 1] = "0123456789";

struct world {
    ferry_pipe *reading, *writing;
    int parcel;
    ssize_t result;       /* what the victim's operation returned */
    struct test_gate *go; /* for third processes */
    pid_t third;
    _Atomic uint32_t seen; /* bytes that a third process has read or written */
};

static void make(void *memory)
{
    struct world *world = memory;
    ferry_pipe *ends[2];
    CHECK_OK(ferry_pipe_pair(ends, FERRY_PIPE(.capacity = CAPACITY)));
    world->reading = ends[0];
    world->writing = ends[1];
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_pipe_close(world->reading);
    ferry_pipe_close(world->writing);
}

static uint64_t depth_of(struct world *world)
{
    uint64_t depth;
    CHECK_OK(ferry_pipe_depth(world->reading, &depth));
    return depth;
}

/* What was written last can still be written and read, and nothing else is in the way. */
static void check_usable(struct world *world)
{
    char got[4] = "";
    CHECK_EQ(ferry_pipe_write(world->writing, "abc", 3, FERRY_NOW), 3);
    CHECK_EQ(ferry_pipe_read(world->reading, got, sizeof(got), FERRY_NOW), 3);
    CHECK_STR(got, "abc");
    CHECK_ERR(ferry_pipe_read(world->reading, got, 1, FERRY_NOW), EAGAIN);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static void write_ten(void *memory)
{
    struct world *world = memory;
    world->result = ferry_pipe_write(world->writing, TEN, BYTES, FERRY_FOREVER);
}

static void check_written(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    char got[BYTES + 1] = "";
    ssize_t n = ferry_pipe_read(world->reading, got, sizeof(got), FERRY_NOW);
    if (n < 0) {
        CHECK_ERR((int)n, EAGAIN);
        CHECK(!point->returned);
    } else {
        CHECK_EQ(n, BYTES);
        CHECK_STR(got, TEN);
    }
    check_usable(world);
}

static const struct kill_case write_case = {.name = "pipe write",
                                            .world_bytes = sizeof(struct world),
                                            .setup = make,
                                            .operation = write_ten,
                                            .check = check_written,
                                            .teardown = drop};

TEST_LONG(a_write_happens_or_not /* G8 P9 */, 900)
{
    CHECK_OK(kill_run(&write_case, NULL));
}

static void write_letters(void *memory)
{
    struct world *world = memory;
    CHECK_EQ(ferry_pipe_write(world->writing, "abcdefghij", BYTES, FERRY_FOREVER), BYTES);
}

static void check_both_written(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    char got[2 * BYTES + 1] = "";
    (void)point;
    CHECK_EQ(world->result, BYTES);
    CHECK_EQ(ferry_pipe_read(world->reading, got, sizeof(got), FERRY_NOW), 2 * BYTES);
    CHECK(strcmp(got, "0123456789abcdefghij") == 0 || strcmp(got, "abcdefghij0123456789") == 0);
    check_usable(world);
}

TEST_LONG(two_write_in_some_order_wherever_one_stands /* G8 P9 P10 */, 900)
{
    struct kill_case pause = write_case;
    pause.between = write_letters;
    pause.check = check_both_written;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static void make_with_ten(void *memory)
{
    make(memory);
    write_ten(memory);
}

static void read_ten(void *memory)
{
    struct world *world = memory;
    char got[BYTES];
    world->result = 0;
    world->result = ferry_pipe_read(world->reading, got, BYTES, FERRY_FOREVER);
}

static void check_read(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    if (point->returned)
        CHECK_EQ(depth_of(world), 0u);
    else if (depth_of(world) > 0)
        CHECK_EQ(depth_of(world), BYTES);
    char got[BYTES + 1] = "";
    if (depth_of(world) > 0) {
        ssize_t n = ferry_pipe_read(world->reading, got, sizeof(got), FERRY_NOW);
        CHECK_EQ(n, BYTES);
        CHECK_STR(got, TEN);
    }
    check_usable(world);
}

static const struct kill_case read_case = {.name = "pipe read",
                                           .world_bytes = sizeof(struct world),
                                           .setup = make_with_ten,
                                           .operation = read_ten,
                                           .check = check_read,
                                           .teardown = drop};

TEST_LONG(a_read_happens_or_not /* G8 P2 */, 900)
{
    CHECK_OK(kill_run(&read_case, NULL));
}

/* The survivor reads all that the victim has left, and leaves it as much again. */
static void read_rest(void *memory)
{
    struct world *world = memory;
    char got[BYTES];
    ssize_t n = ferry_pipe_read(world->reading, got, BYTES, FERRY_NOW);
    if (n < 0)
        CHECK_ERR((int)n, EAGAIN);
    atomic_store(&world->seen, n > 0 ? (uint32_t)n : 0);
    CHECK_EQ(ferry_pipe_write(world->writing, TEN, BYTES, FERRY_NOW), BYTES);
}

static void check_read_once(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK(point->returned);
    CHECK_EQ(world->result, BYTES);
    CHECK_EQ(depth_of(world) + BYTES + atomic_load(&world->seen), 2u * BYTES);
}

TEST_LONG(two_readers_get_different_bytes_wherever_one_stands /* G8 P2 P10 */, 900)
{
    struct kill_case pause = read_case;
    pause.between = read_rest;
    pause.check = check_read_once;
    pause.setup = make_with_ten;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Writing to a sleeper --------------------------------------------------------------------- */

static void third_reads(void *memory)
{
    struct world *world = memory;
    char got;
    ferry_pipe_close(world->writing);
    while (ferry_pipe_read(world->reading, &got, 1, FERRY_FOREVER) == 1)
        atomic_fetch_add(&world->seen, 1);
}

static void make_with_reader(void *memory)
{
    struct world *world = memory;
    make(world);
    world->third = test_child(third_reads, world);
}

static void wait_for_third(void *memory)
{
    struct world *world = memory;
    test_sleeping(world->third);
}

/* If the bytes were written, the sleeper has them or gets them, without anybody's help; and what is
 * written afterwards reaches it in any case. */
static void check_reader_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    if (point->returned || depth_of(world) > 0)
        test_wait_until(atomic_load(&world->seen) == BYTES);
    CHECK_EQ(ferry_pipe_write(world->writing, "x", 1, FERRY_NOW), 1);
    test_wait_until(atomic_load(&world->seen) % BYTES == 1);
}

static void drop_with_reader(void *memory)
{
    struct world *world = memory;
    drop(world);
    CHECK_ERRNO(waitpid(world->third, NULL, 0));
}

static const struct kill_case tell_case = {.name = "pipe write to a sleeper",
                                           .world_bytes = sizeof(struct world),
                                           .setup = make_with_reader,
                                           .prepare = wait_for_third,
                                           .operation = write_ten,
                                           .check = check_reader_told,
                                           .teardown = drop_with_reader};

TEST_LONG(a_sleeping_reader_never_misses_what_was_written /* G8 P5 */, 900)
{
    CHECK_OK(kill_run(&tell_case, NULL));
}

/* A spin that never paid is left out: what is tried here is the way to sleep. */
static void calm_reader(void *memory)
{
    struct world *world = memory;
    char got;
    for (int i = 0; i < 10; i++)
        CHECK_ERR((int)ferry_pipe_read(world->reading, &got, 1, 1000), ETIMEDOUT);
}

static void calm_writer(void *memory)
{
    struct world *world = memory;
    for (int i = 0; i < 10; i++)
        CHECK_ERR((int)ferry_pipe_write(world->writing, "x", 1, 1000), ETIMEDOUT);
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

static void end_wait(void *memory)
{
    struct world *world = memory;
    CHECK_EQ(ferry_pipe_write(world->writing, TEN, BYTES, FERRY_NOW), BYTES);
}

TEST_LONG(a_waiting_reader_may_die_anywhere /* G8 P5 */, 900)
{
    struct kill_case wait = read_case;
    wait.name = "pipe read, waiting";
    wait.setup = make;
    wait.prepare = calm_reader;
    wait.unblock = end_wait;
    CHECK_OK(kill_run(&wait, NULL));
}

static void make_full(void *memory)
{
    struct world *world = memory;
    static const char page[CAPACITY];
    make(world);
    CHECK_EQ(ferry_pipe_write(world->writing, page, CAPACITY, FERRY_NOW), CAPACITY);
}

static void empty(struct world *world)
{
    char page[CAPACITY];
    CHECK_EQ(ferry_pipe_read(world->reading, page, CAPACITY, FERRY_NOW), CAPACITY);
}

static void end_wait_for_room(void *memory)
{
    empty(memory);
}

static void check_written_at_last(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    if (depth_of(world) >= CAPACITY)
        empty(world);
    check_written(world, point);
}

TEST_LONG(a_waiting_writer_may_die_anywhere /* G8 P6 */, 900)
{
    struct kill_case wait = write_case;
    wait.name = "pipe write, waiting";
    wait.setup = make_full;
    wait.prepare = calm_writer;
    wait.unblock = end_wait_for_room;
    wait.check = check_written_at_last;
    CHECK_OK(kill_run(&wait, NULL));
}

/* ---- Reading from a sleeper ------------------------------------------------------------------- */

static void third_writes(void *memory)
{
    struct world *world = memory;
    ferry_pipe_close(world->reading);
    while (ferry_pipe_write(world->writing, "x", 1, FERRY_FOREVER) == 1)
        if (atomic_fetch_add(&world->seen, 1) == BYTES)
            break;
}

static void make_with_writer(void *memory)
{
    struct world *world = memory;
    make_full(world);
    world->third = test_child(third_writes, world);
}

/* Without a copy, whose 4,096 steps would all be alike. */
static void consume_page(void *memory)
{
    struct world *world = memory;
    const void *page;
    CHECK_EQ(ferry_pipe_peek(world->reading, &page, FERRY_FOREVER), CAPACITY);
    world->result = ferry_pipe_consume(world->reading, CAPACITY);
}

/* If the room was made, the sleeper has used it or does; and it does so in any case when the survivor
 * reads, or finds that all has been read. */
static void check_writer_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    char page[CAPACITY];
    if (!point->returned)
        ferry_pipe_read(world->reading, page, CAPACITY, FERRY_NOW);
    test_wait_until(atomic_load(&world->seen) > BYTES);
}

static const struct kill_case make_room_case = {.name = "pipe read from a sleeper",
                                                .world_bytes = sizeof(struct world),
                                                .setup = make_with_writer,
                                                .prepare = wait_for_third,
                                                .operation = consume_page,
                                                .check = check_writer_told,
                                                .teardown = drop_with_reader};

TEST_LONG(a_sleeping_writer_never_misses_the_room_that_was_made /* G8 P6 */, 900)
{
    CHECK_OK(kill_run(&make_room_case, NULL));
}

/* ---- Handing over ----------------------------------------------------------------------------- */

static ferry_pipe *open_both(unsigned flags)
{
    ferry_pipe *pipe;
    CHECK_OK(ferry_pipe_open(&pipe, "kill", FERRY_PIPE(.flags = flags, .capacity = CAPACITY)));
    return pipe;
}

static void make_named(void *memory)
{
    struct world *world = memory;
    world->writing = open_both(FERRY_CREATE | FERRY_EXCLUSIVE);
    CHECK_OK(ferry_pipe_open(&world->reading, "kill", FERRY_PIPE(.flags = FERRY_READ)));
}

static void drop_named(void *memory)
{
    drop(memory);
    CHECK_OK(ferry_remove("kill"));
}

static void hand_over(void *memory)
{
    struct world *world = memory;
    int parcel;
    world->result = ferry_pipe_hand_over(world->writing, FERRY_WRITE, &parcel);
}

/* Members, ends and bytes are the survivor's alone: its reader sees the end as soon as it closes. */
static void check_nothing_left(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    struct ferry_object object = {.object_bytes = sizeof(object)};
    char got;
    CHECK(!point->returned || world->result == 0);
    check_usable(world);
    CHECK_OK(ferry_look("kill", &object));
    CHECK_EQ(object.attached, 2);
    world->writing = ferry_pipe_close(world->writing);
    CHECK_EQ(ferry_pipe_read(world->reading, &got, 1, FERRY_FOREVER), 0);
    CHECK_OK(ferry_look("kill", &object));
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.attach_count, object.detach_count + object.death_count + 1);
}

TEST_LONG(a_hand_over_leaves_no_end_wherever_it_is_killed /* G8 P7 */, 900)
{
    CHECK_OK(kill_run(&(struct kill_case){.name = "pipe hand over",
                                          .world_bytes = sizeof(struct world),
                                          .setup = make_named,
                                          .operation = hand_over,
                                          .check = check_nothing_left,
                                          .teardown = drop_named},
                      NULL));
}

/* The parcel alone holds the pipe, with ten bytes in it. */
static void make_parcel(void *memory)
{
    struct world *world = memory;
    ferry_pipe *pipe = open_both(FERRY_CREATE | FERRY_EXCLUSIVE);
    CHECK_EQ(ferry_pipe_write(pipe, TEN, BYTES, FERRY_NOW), BYTES);
    CHECK_OK(ferry_pipe_hand_over(pipe, 0, &world->parcel));
    ferry_pipe_close(pipe);
}

static void drop_parcel(void *memory)
{
    struct world *world = memory;
    if (world->parcel >= 0)
        close(world->parcel);
    drop_named(world);
}

static void take(void *memory)
{
    struct world *world = memory;
    ferry_pipe *taken;
    world->result = ferry_pipe_take(&taken, world->parcel);
}

static void survivor_takes(void *memory)
{
    struct world *world = memory;
    int r = ferry_pipe_take(&world->reading, world->parcel);
    if (r == 0)
        world->parcel = -1;
    else
        CHECK_ERR(r, EBADMSG);
}

/* Either the parcel can still be taken, bytes and all, or it has gone with the victim, and the bytes with it. */
static void check_parcel(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    char got[BYTES + 1] = "";
    survivor_takes(world);
    CHECK(world->reading == NULL || !point->returned);
    if (world->reading) {
        CHECK_EQ(ferry_pipe_read(world->reading, got, BYTES, FERRY_NOW), BYTES);
        CHECK_STR(got, TEN);
    } else {
        world->reading = open_both(0);
        CHECK_EQ(depth_of(world), 0u);
    }
    world->writing = open_both(0);
    check_usable(world);
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look("kill", &object));
    CHECK_EQ(object.attached, 2);
    CHECK_EQ(object.attach_count, object.detach_count + object.death_count + 2);
}

static const struct kill_case take_case = {.name = "pipe take",
                                           .world_bytes = sizeof(struct world),
                                           .setup = make_parcel,
                                           .operation = take,
                                           .check = check_parcel,
                                           .teardown = drop_parcel};

TEST_LONG(a_parcel_is_taken_or_not_wherever_its_taker_dies /* G8 P12 */, 900)
{
    CHECK_OK(kill_run(&take_case, NULL));
}

static void check_one_took(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    char got[BYTES + 1] = "";
    (void)point;
    if (world->reading == NULL) {
        CHECK_OK((int)world->result);
        world->reading = open_both(0); /* the victim still has its own */
    } else {
        CHECK_ERR((int)world->result, EBADMSG);
    }
    CHECK_EQ(ferry_pipe_read(world->reading, got, BYTES, FERRY_NOW), BYTES);
    CHECK_STR(got, TEN);
}

TEST_LONG(of_two_takers_one_gets_the_pipe_wherever_the_other_stands /* G8 G11 */, 900)
{
    struct kill_case pause = take_case;
    pause.between = survivor_takes;
    pause.check = check_one_took;
    CHECK_OK(kill_run_paused(&pause, NULL));
}
