/* Ends of named pipes that are opened and closed, and pipes that are looked on at, by who is killed at
 * any instruction of it: the other side hears in any case. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

#include <ferry/ferry.h>

#include "../harness.h"
#include "test.h"

#define NAME "ends"

enum { CAPACITY = 4096, BYTES = 10 };

struct world {
    ferry_pipe *both; /* the survivor's */
    pid_t third;
    _Atomic int heard; /* what a third process was told at last; 1: nothing yet */
};

static ferry_pipe *victim;

static ferry_pipe *open_now(unsigned flags)
{
    ferry_pipe *pipe;
    CHECK_OK(ferry_pipe_open(
        &pipe, NAME,
        FERRY_PIPE(.flags = flags, .capacity = CAPACITY, .patience_ns = FERRY_NO_WAIT)));
    return pipe;
}

static void make(void *memory)
{
    struct world *world = memory;
    world->both = open_now(FERRY_CREATE);
    atomic_store(&world->heard, 1);
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_pipe_close(world->both);
    CHECK_OK(ferry_remove(NAME));
}

static void disinherit(struct world *world)
{
    ferry_pipe_close(world->both);
}

static void drop_with_third(void *memory)
{
    struct world *world = memory;
    drop(world);
    CHECK_ERRNO(waitpid(world->third, NULL, 0));
}

/* Whoever comes now finds a pipe that works. */
static void check_usable(struct world *world)
{
    char got[4] = "";
    ferry_pipe *reader = open_now(FERRY_READ), *writer = open_now(FERRY_WRITE);
    CHECK_EQ(ferry_pipe_write(writer, "abc", 3, FERRY_NOW), 3);
    CHECK_EQ(ferry_pipe_read(reader, got, sizeof(got), FERRY_NOW), 3);
    CHECK_STR(got, "abc");
    ferry_pipe_close(reader);
    ferry_pipe_close(writer);
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look(NAME, &object));
    CHECK_EQ(object.attach_count, object.detach_count + object.death_count + object.attached);
    (void)world;
}

/* ---- Closing ---------------------------------------------------------------------------------- */

static void third_reads(void *memory)
{
    struct world *world = memory;
    char got;
    disinherit(world);
    ferry_pipe *reader = open_now(FERRY_READ);
    atomic_store(&world->heard, 2);
    int n = (int)ferry_pipe_read(reader, &got, 1, FERRY_FOREVER);
    ferry_pipe_close(reader);
    atomic_store(&world->heard, n);
}

static void third_writes(void *memory)
{
    struct world *world = memory;
    ssize_t n;
    disinherit(world);
    ferry_pipe *writer = open_now(FERRY_WRITE);
    atomic_store(&world->heard, 2);
    while ((n = ferry_pipe_write(writer, "x", 1, FERRY_FOREVER)) == 1)
        continue;
    ferry_pipe_close(writer);
    atomic_store(&world->heard, (int)n);
}

static void make_with(struct world *world, void (*body)(void *memory))
{
    make(world);
    world->third = test_child(body, world);
    test_wait_until(atomic_load(&world->heard) == 2);
}

static void make_with_reader(void *memory)
{
    make_with(memory, third_reads);
}

static void make_with_writer(void *memory)
{
    make_with(memory, third_writes);
}

/* The victim has ends of its own; the survivor keeps only the one that nobody sleeps for. */
static void take_over(void *memory)
{
    struct world *world = memory;
    victim = open_now(0);
    disinherit(world);
    test_sleeping(world->third);
}

static void close_writing(void *memory)
{
    (void)memory;
    ferry_pipe_close_end(victim, FERRY_WRITE);
}

static void close_reading(void *memory)
{
    (void)memory;
    ferry_pipe_close_end(victim, FERRY_READ);
}

static void close_all(void *memory)
{
    (void)memory;
    ferry_pipe_close(victim);
}

/* Dead, the victim holds nothing; the survivor lets go of its own. */
static void check_end(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_EQ(atomic_load(&world->heard), 2);
    CHECK_OK(ferry_pipe_close_end(world->both, FERRY_WRITE));
    test_wait_until(atomic_load(&world->heard) == 0);
    check_usable(world);
}

static void check_break(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_EQ(atomic_load(&world->heard), 2);
    CHECK_OK(ferry_pipe_close_end(world->both, FERRY_READ));
    test_wait_until(atomic_load(&world->heard) == -EPIPE);
    ferry_pipe_close(world->both); /* and what it kept from being read */
    world->both = open_now(0);
    check_usable(world);
}

static const struct kill_case close_case = {.name = "pipe close of the writing end",
                                            .world_bytes = sizeof(struct world),
                                            .setup = make_with_reader,
                                            .prepare = take_over,
                                            .operation = close_writing,
                                            .check = check_end,
                                            .teardown = drop_with_third};

TEST_LONG(a_sleeping_reader_hears_the_end_wherever_a_writer_died_closing /* G8 P7 */, 900)
{
    struct kill_case all = close_case;
    CHECK_OK(kill_run(&all, NULL));
    all.name = "pipe close";
    all.operation = close_all;
    CHECK_OK(kill_run(&all, NULL));
}

TEST_LONG(a_sleeping_writer_hears_the_break_wherever_a_reader_died_closing /* G8 P8 */, 900)
{
    struct kill_case all = close_case;
    all.name = "pipe close of the reading end";
    all.setup = make_with_writer;
    all.operation = close_reading;
    all.check = check_break;
    CHECK_OK(kill_run(&all, NULL));
    all.name = "pipe close";
    all.operation = close_all;
    CHECK_OK(kill_run(&all, NULL));
}

/* ---- Opening ---------------------------------------------------------------------------------- */

static void open_reading(void *memory)
{
    (void)memory;
    ferry_pipe_open(&victim, NAME, FERRY_PIPE(.flags = FERRY_READ));
}

static void open_writing(void *memory)
{
    (void)memory;
    ferry_pipe_open(&victim, NAME, FERRY_PIPE(.flags = FERRY_WRITE));
}

static void disinherit_victim(void *memory)
{
    disinherit(memory);
}

static void check_opened(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    char got;
    (void)point;
    CHECK_ERR((int)ferry_pipe_read(world->both, &got, 1, FERRY_NOW), EAGAIN);
    check_usable(world);
    CHECK_OK(ferry_pipe_close_end(world->both, FERRY_WRITE));
    CHECK_EQ(ferry_pipe_read(world->both, &got, 1, FERRY_FOREVER), 0);
}

static const struct kill_case open_case = {.name = "pipe open to read",
                                           .world_bytes = sizeof(struct world),
                                           .setup = make,
                                           .prepare = disinherit_victim,
                                           .operation = open_reading,
                                           .check = check_opened,
                                           .teardown = drop};

TEST_LONG(who_dies_opening_was_never_there /* G8 P12 P13 */, 900)
{
    struct kill_case writing = open_case;
    CHECK_OK(kill_run(&writing, NULL));
    writing.name = "pipe open to write";
    writing.operation = open_writing;
    CHECK_OK(kill_run(&writing, NULL));
}

/* ---- Looking on ------------------------------------------------------------------------------- */

static void make_with_ten(void *memory)
{
    struct world *world = memory;
    make(world);
    CHECK_EQ(ferry_pipe_write(world->both, "0123456789", BYTES, FERRY_NOW), BYTES);
}

static void tap_all(void *memory)
{
    char bytes[BYTES];
    uint64_t missed;
    (void)memory;
    if (ferry_pipe_open(&victim, NAME, FERRY_PIPE(.flags = FERRY_TAP)) < 0)
        return;
    ferry_pipe_tap(victim, bytes, BYTES, &missed, FERRY_NOW);
    ferry_pipe_close(victim);
}

static void check_untouched(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    char got[BYTES + 1] = "";
    uint64_t missed;
    (void)point;
    ferry_pipe *tap = NULL;
    CHECK_OK(ferry_pipe_open(&tap, NAME, FERRY_PIPE(.flags = FERRY_TAP)));
    CHECK_EQ(ferry_pipe_tap(tap, got, BYTES, &missed, FERRY_NOW), BYTES);
    CHECK_STR(got, "0123456789");
    memset(got, 0, sizeof(got));
    CHECK_EQ(ferry_pipe_read(world->both, got, BYTES, FERRY_NOW), BYTES);
    CHECK_STR(got, "0123456789");
    check_usable(world);
    ferry_pipe_close(tap);
}

TEST_LONG(a_killed_tap_takes_nothing_and_leaves_nothing /* G8 */, 900)
{
    struct kill_case tap = open_case;
    tap.name = "pipe tap";
    tap.setup = make_with_ten;
    tap.operation = tap_all;
    tap.check = check_untouched;
    CHECK_OK(kill_run(&tap, NULL));
}

/* One that sleeps is told of what is written, by whoever writes on. */
static void third_taps(void *memory)
{
    struct world *world = memory;
    char bytes[BYTES];
    uint64_t missed;
    ferry_pipe *tap;
    disinherit(world);
    CHECK_OK(ferry_pipe_open(&tap, NAME, FERRY_PIPE(.flags = FERRY_TAP)));
    atomic_store(&world->heard, 2);
    int n = (int)ferry_pipe_tap(tap, bytes, BYTES, &missed, FERRY_FOREVER);
    ferry_pipe_close(tap);
    atomic_store(&world->heard, 10 + n);
}

static void make_with_tap(void *memory)
{
    make_with(memory, third_taps);
}

static void write_ten(void *memory)
{
    (void)memory;
    ferry_pipe_write(victim, "0123456789", BYTES, FERRY_FOREVER);
}

static void check_tap_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    if (point->returned)
        test_wait_until(atomic_load(&world->heard) == 10 + BYTES);
    CHECK_EQ(ferry_pipe_write(world->both, "0123456789", BYTES, FERRY_NOW), BYTES);
    test_wait_until(atomic_load(&world->heard) == 10 + BYTES);
}

TEST_LONG(a_sleeping_tap_is_told_by_the_next_writer /* G8 */, 900)
{
    struct kill_case told = close_case;
    told.name = "pipe write to a sleeping tap";
    told.setup = make_with_tap;
    told.operation = write_ten;
    told.check = check_tap_told;
    CHECK_OK(kill_run(&told, NULL));
}
