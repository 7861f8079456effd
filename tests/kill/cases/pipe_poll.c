/* Pipes that the survivor polls: whoever is killed, and wherever, its descriptors show the bytes and
 * the room that there are.  What they show beyond that is gone after one try. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <ferry/ferry.h>

#include "../harness.h"
#include "test.h"

enum { BYTES = 10, CAPACITY = 4096 };

struct world {
    ferry_pipe *reading, *writing;
    int readable, writable; /* the survivor's descriptors; -1: that end is not polled */
};

static char page[CAPACITY];

static short poll_now(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN | POLLOUT};
    CHECK_ERRNO(poll(&watched, 1, 0));
    return watched.revents;
}

static void make(void *memory)
{
    struct world *world = memory;
    ferry_pipe *ends[2];
    CHECK_OK(ferry_pipe_pair(ends, FERRY_PIPE(.capacity = CAPACITY)));
    *world = (struct world){ends[0], ends[1], -1, -1};
}

static void make_read_poll(void *memory)
{
    struct world *world = memory;
    make(world);
    world->readable = ferry_pipe_descriptor(world->reading);
}

static void make_both_poll(void *memory)
{
    struct world *world = memory;
    make_read_poll(world);
    world->writable = ferry_pipe_descriptor(world->writing);
}

static void put(struct world *world, size_t count)
{
    CHECK_EQ(ferry_pipe_write(world->writing, page, count, FERRY_NOW), (ssize_t)count);
}

static void make_with_ten(void *memory)
{
    make_both_poll(memory);
    put(memory, BYTES);
}

static void make_full(void *memory)
{
    make_both_poll(memory);
    put(memory, CAPACITY);
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_pipe_close(world->reading);
    ferry_pipe_close(world->writing);
}

/* ---- Questions -------------------------------------------------------------------------------- */

static uint64_t depth_of(struct world *world)
{
    uint64_t depth;
    CHECK_OK(ferry_pipe_depth(world->reading, &depth));
    return depth;
}

static void check_readable(struct world *world, bool expected)
{
    if (world->readable >= 0)
        CHECK_EQ((poll_now(world->readable) & POLLIN) != 0, expected);
}

static void check_writable(struct world *world, bool expected)
{
    if (world->writable >= 0)
        CHECK_EQ((poll_now(world->writable) & POLLOUT) != 0, expected);
}

/* Takes all there is, and tries again until nothing is shown: as a poll loop would, that is told once
 * or twice too often. */
static void take_all(struct world *world)
{
    ssize_t n;
    while ((n = ferry_pipe_read(world->reading, page, CAPACITY, FERRY_NOW)) > 0)
        continue;
    CHECK_ERR((int)n, EAGAIN);
    if (world->readable >= 0)
        test_wait_until((poll_now(world->readable) & POLLIN) == 0 ||
                        ferry_pipe_read(world->reading, page, 1, FERRY_NOW) != -EAGAIN);
}

/* From here on it is as if nobody had died. */
static void check_levels(struct world *world)
{
    take_all(world);
    for (int round = 0; round < 2; round++) {
        check_readable(world, false);
        check_writable(world, true);
        put(world, BYTES);
        check_readable(world, true);
        check_writable(world, false); /* less than a page is free */
        put(world, round == 0 ? 1 : CAPACITY - BYTES);
        check_readable(world, true);
        check_writable(world, false);
        CHECK_EQ(ferry_pipe_read(world->reading, page, 1, FERRY_NOW), 1);
        check_readable(world, true);
        check_writable(world, false);
        take_all(world);
    }
}

static void check_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    if (depth_of(world) > 0)
        check_readable(world, true);
    else if (point->returned)
        check_writable(world, true);
    check_levels(world);
}

/* ---- Writers ---------------------------------------------------------------------------------- */

static void write_ten(void *memory)
{
    struct world *world = memory;
    ferry_pipe_write(world->writing, page, BYTES, FERRY_FOREVER);
}

static const struct kill_case write_case = {.name = "pipe write to one that polls",
                                            .world_bytes = sizeof(struct world),
                                            .setup = make_read_poll,
                                            .operation = write_ten,
                                            .check = check_told,
                                            .teardown = drop};

TEST_LONG(who_polls_is_told_of_what_a_killed_writer_wrote /* G8 G15 P5 */, 900)
{
    CHECK_OK(kill_run(&write_case, NULL));
}

/* It fills a pipe of one page, since less than one is free then. */
TEST_LONG(so_is_who_polls_for_room /* G8 G15 P6 */, 900)
{
    struct kill_case both = write_case;
    both.name = "pipe write beside one that polls";
    both.setup = make_both_poll;
    CHECK_OK(kill_run(&both, NULL));
}

static void try_to_write(void *memory)
{
    struct world *world = memory;
    ferry_pipe_write(world->writing, page, 1, FERRY_NOW);
}

static void listen_to_room(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_pipe_descriptor(world->writing));
}

TEST_LONG(a_killed_writer_s_vain_try_hides_no_room /* G8 G15 P6 */, 900)
{
    struct kill_case full = write_case;
    full.name = "pipe write to a full one";
    full.setup = make_full;
    full.prepare = listen_to_room;
    full.operation = try_to_write;
    CHECK_OK(kill_run(&full, NULL));
}

/* ---- Readers ---------------------------------------------------------------------------------- */

static void read_five(void *memory)
{
    struct world *world = memory;
    char got[5];
    ferry_pipe_read(world->reading, got, sizeof(got), FERRY_FOREVER);
}

static void calm(void *memory)
{
    struct world *world = memory;
    char got;
    for (int i = 0; i < 10; i++)
        CHECK_ERR((int)ferry_pipe_read(world->reading, &got, 1, 1000), ETIMEDOUT);
}

static void end_wait(void *memory)
{
    put(memory, BYTES);
}

static const struct kill_case read_case = {.name = "pipe read beside one that polls",
                                           .world_bytes = sizeof(struct world),
                                           .setup = make_with_ten,
                                           .operation = read_five,
                                           .check = check_told,
                                           .teardown = drop};

TEST_LONG(what_a_killed_reader_leaves_is_shown /* G8 G15 P5 */, 900)
{
    CHECK_OK(kill_run(&read_case, NULL));
}

/* Asleep, it takes the token that all were to see. */
TEST_LONG(what_a_killed_sleeper_was_woken_for_is_shown /* G8 G15 P5 P10 */, 900)
{
    struct kill_case asleep = read_case;
    asleep.name = "pipe read, waiting, beside one that polls";
    asleep.setup = make_read_poll;
    asleep.prepare = calm;
    asleep.unblock = end_wait;
    CHECK_OK(kill_run(&asleep, NULL));
}

/* Takes all, with what follows from it: the tokens. */
static void consume_all(void *memory)
{
    struct world *world = memory;
    const void *bytes;
    if (ferry_pipe_peek(world->reading, &bytes, FERRY_NOW) > 0)
        ferry_pipe_consume(world->reading, CAPACITY);
}

static void read_with_the_survivor(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    if (!point->returned)
        take_all(world); /* until somebody reads, its reading has not happened */
    check_told(world, point);
}

TEST_LONG(room_that_a_killed_reader_made_is_shown_once_anybody_reads /* G8 G15 P6 */, 900)
{
    struct kill_case full = read_case;
    full.name = "pipe read from a full one";
    full.setup = make_full;
    full.operation = consume_all;
    full.check = read_with_the_survivor;
    CHECK_OK(kill_run(&full, NULL));
}

static void read_nothing(void *memory)
{
    struct world *world = memory;
    char got;
    ferry_pipe_read(world->reading, &got, 1, FERRY_NOW);
}

/* Wherever it stands, bytes come; then it dies or goes on. */
static void write_meanwhile(void *memory)
{
    put(memory, BYTES);
}

static void check_still_shown(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    if (depth_of(world) > 0)
        check_readable(world, true);
    check_levels(world);
}

TEST_LONG(bytes_that_come_while_another_looks_in_vain_are_shown /* G15 P5 P10 */, 900)
{
    struct kill_case pause = read_case;
    pause.name = "pipe read of nothing, and a write";
    pause.setup = make_read_poll;
    pause.operation = read_nothing;
    pause.between = write_meanwhile;
    pause.check = check_still_shown;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

static void make_with_ten_read_poll(void *memory)
{
    make_read_poll(memory);
    put(memory, BYTES);
}

static void take_ten(void *memory)
{
    struct world *world = memory;
    char got[BYTES];
    ferry_pipe_read(world->reading, got, BYTES, FERRY_NOW);
}

TEST_LONG(bytes_that_come_while_another_empties_it_are_shown /* G15 P5 P10 */, 900)
{
    struct kill_case pause = read_case;
    pause.name = "pipe emptied, and a write";
    pause.setup = make_with_ten_read_poll;
    pause.operation = take_ten;
    pause.between = write_meanwhile;
    pause.check = check_still_shown;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Beginning to listen ---------------------------------------------------------------------- */

static void listen_to_both(void *memory)
{
    struct world *world = memory;
    ferry_pipe_descriptor(world->reading);
    ferry_pipe_descriptor(world->writing);
}

TEST_LONG(who_dies_beginning_to_poll_is_in_nobody_s_way /* G8 G15 */, 900)
{
    struct kill_case listen = read_case;
    listen.name = "pipe descriptors";
    listen.operation = listen_to_both;
    CHECK_OK(kill_run(&listen, NULL));
    listen.setup = make_full;
    CHECK_OK(kill_run(&listen, NULL));
}
