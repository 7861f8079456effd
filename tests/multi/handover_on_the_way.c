/* Pipes on their way to another process: what ends and bytes in a parcel are worth to the others (contract
 * G5, G8, P7, P8, P12, P13). */
#include "handover_pipes.h"

TEST(a_write_end_in_a_parcel_is_a_writer) /* P7 */
{
    for (int named = 0; named < 2; named++) {
        struct pair pair = make(named);
        int parcel = pack(pair.writing, 0);
        pair.writing = ferry_pipe_close(pair.writing);
        expect_nothing_yet(pair.reading);
        ferry_pipe *taken = take(parcel);
        expect_nothing_yet(pair.reading);
        put(taken, "abc");
        expect(pair.reading, "abc");
        ferry_pipe_close(taken);
        expect_end(pair.reading);
        drop(pair, named);
    }
}

TEST(a_read_end_in_a_parcel_is_a_reader) /* P8 */
{
    for (int named = 0; named < 2; named++) {
        struct pair pair = make(named);
        int parcel = pack(pair.reading, 0);
        pair.reading = ferry_pipe_close(pair.reading);
        put(pair.writing, "abc");
        ferry_pipe *taken = take(parcel);
        expect(taken, "abc");
        put(pair.writing, "def");
        expect(taken, "def");
        ferry_pipe_close(taken);
        CHECK_ERR((int)ferry_pipe_write(pair.writing, "x", 1, FERRY_NOW), EPIPE);
        drop(pair, named);
    }
}

struct sleeper {
    struct pair pair;
    int parcel;
};

static void read_to_the_end(void *context)
{
    struct sleeper *sleeper = context;
    close(sleeper->parcel);
    ferry_pipe_close(sleeper->pair.writing);
    expect_end(sleeper->pair.reading);
    ferry_pipe_close(sleeper->pair.reading);
}

static void write_to_the_end(void *context)
{
    struct sleeper *sleeper = context;
    close(sleeper->parcel);
    ferry_pipe_close(sleeper->pair.reading);
    while (ferry_pipe_write(sleeper->pair.writing, "x", 1, FERRY_FOREVER) == 1)
        ;
    CHECK_ERR((int)ferry_pipe_write(sleeper->pair.writing, "x", 1, FERRY_FOREVER), EPIPE);
    ferry_pipe_close(sleeper->pair.writing);
}

static void lose_beside(bool named, unsigned role, void (*sleep)(void *context))
{
    struct pair pair = make(named);
    struct sleeper sleeper = {pair, pack(role == FERRY_READ ? pair.reading : pair.writing, role)};
    pid_t child = test_child(sleep, &sleeper);
    ferry_pipe_close(pair.reading);
    ferry_pipe_close(pair.writing);
    test_sleeping(child);
    close(sleeper.parcel);
    test_wait_ok(child);
    if (named)
        CHECK_OK(ferry_remove("x"));
}

TEST(a_lost_parcel_wakes_who_sleeps_for_the_other_end) /* P7, P8, G8 */
{
    for (int named = 0; named < 2; named++) {
        lose_beside(named, FERRY_WRITE, read_to_the_end);
        lose_beside(named, FERRY_READ, write_to_the_end);
    }
}

TEST(bytes_survive_in_a_parcel) /* P12 */
{
    for (int named = 0; named < 2; named++) {
        struct pair pair = make(named);
        put(pair.writing, "abc");
        int parcel = pack(pair.reading, 0);
        drop(pair, false);
        ferry_pipe *taken = take(parcel); /* the only one who holds it */
        expect(taken, "abc");
        expect_end(taken);
        ferry_pipe_close(taken);
        if (named)
            CHECK_OK(ferry_remove("x"));
    }
}

static uint64_t depth_by_name(void)
{
    ferry_pipe *pipe;
    uint64_t depth;
    CHECK_OK(ferry_pipe_open(&pipe, "x", NULL));
    CHECK_OK(ferry_pipe_depth(pipe, &depth));
    ferry_pipe_close(pipe);
    return depth;
}

TEST(bytes_survive_in_a_parcel_while_others_come_and_go) /* P12 */
{
    struct pair pair = make(true);
    put(pair.writing, "abc");
    int parcel = pack(pair.writing, 0); /* any end holds the pipe */
    drop(pair, false);
    CHECK_EQ(depth_by_name(), 3u);
    CHECK_EQ(depth_by_name(), 3u);
    close(parcel);
    CHECK_EQ(depth_by_name(), 0u);
    CHECK_OK(ferry_remove("x"));
}

static int open_to_read(int64_t patience_ns)
{
    ferry_pipe *pipe;
    int r =
        ferry_pipe_open(&pipe, "x", FERRY_PIPE(.flags = FERRY_READ, .patience_ns = patience_ns));
    if (r == 0)
        ferry_pipe_close(pipe);
    return r;
}

static int open_to_write(int64_t patience_ns)
{
    ferry_pipe *pipe;
    int r =
        ferry_pipe_open(&pipe, "x", FERRY_PIPE(.flags = FERRY_WRITE, .patience_ns = patience_ns));
    if (r == 0)
        ferry_pipe_close(pipe);
    return r;
}

TEST(an_opener_meets_an_end_in_a_parcel) /* P13 */
{
    struct pair pair = make(true);
    int writing = pack(pair.writing, 0), reading = pack(pair.reading, 0);
    drop(pair, false);
    CHECK_OK(open_to_read(10 * SECOND));
    CHECK_OK(open_to_write(FERRY_NO_WAIT));
    close(writing);
    CHECK_ERR(open_to_read(MILLISECOND), ETIMEDOUT);
    close(reading);
    CHECK_ERR(open_to_write(FERRY_NO_WAIT), ENXIO);
    CHECK_OK(ferry_remove("x"));
}

TEST(an_end_that_is_handed_over_knows_that_the_other_is_gone) /* P7, P8 */
{
    for (int named = 0; named < 2; named++) {
        struct pair pair = make(named);
        put(pair.writing, "abc");
        pair.writing = ferry_pipe_close(pair.writing);
        ferry_pipe *taken = take(pack(pair.reading, 0));
        expect(taken, "abc");
        CHECK_EQ(read_within(taken, 10 * SECOND), 0);
        expect_end(taken);
        ferry_pipe_close(taken);
        drop(pair, named);

        pair = make(named);
        pair.reading = ferry_pipe_close(pair.reading);
        taken = take(pack(pair.writing, 0));
        CHECK_ERR((int)ferry_pipe_write(taken, "x", 1, FERRY_NOW), EPIPE);
        ferry_pipe_close(taken);
        drop(pair, named);
    }
}

TEST(a_parcel_is_no_member_until_it_is_opened) /* G13 */
{
    struct pair pair = make(true);
    int parcel = pack(pair.writing, 0);
    CHECK_EQ(look("x").attached, 2);
    ferry_pipe *taken = take(parcel);
    struct ferry_object object = look("x");
    CHECK_EQ(object.attached, 3);
    check_ledger(&object);
    ferry_pipe_close(taken);
    drop(pair, true);
}

TEST(dropped_parcels_leave_no_trace) /* G8 */
{
    struct pair pair = make(true);
    for (int i = 0; i < 5000; i++) /* more than there are slots */
        close(pack(i % 2 ? pair.reading : pair.writing, 0));
    struct ferry_object object = look("x");
    CHECK_EQ(object.attached, 2);
    CHECK_EQ(object.attach_count, 2);
    CHECK_EQ(object.death_count, 0);
    put(pair.writing, "abc");
    expect(pair.reading, "abc");
    drop(pair, true);
}

TEST(a_temporary_pipe_lives_in_a_parcel) /* G5 */
{
    ferry_pipe *pipe;
    CHECK_OK(ferry_pipe_open(&pipe, "x", FERRY_PIPE(.flags = FERRY_CREATE | FERRY_TEMPORARY)));
    put(pipe, "abc");
    int parcel = pack(pipe, 0);
    ferry_pipe_close(pipe);
    CHECK_EQ(depth_by_name(), 3u);
    pipe = take(parcel);
    expect(pipe, "abc");
    ferry_pipe_close(pipe);
    check_gone("x");
}
