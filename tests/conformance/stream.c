/* A stream of bytes: no boundaries, in order, read once; empty. */
#include <stdio.h>

#include "back_end.h"

CONFORMANCE(bytes_come_out_in_the_order_they_went_in) /* P1 P2 */
{
    struct ends ends = ends_make(back_end);
    char got[16] = "";
    CHECK_EQ(end_write(ends.writing, "hello", 5, FERRY_NOW), 5);
    CHECK_EQ(end_write(ends.writing, " world", 6, FERRY_NOW), 6);
    CHECK_EQ(end_read(ends.reading, got, 3, FERRY_NOW), 3);
    CHECK_EQ(end_read(ends.reading, got + 3, 13, FERRY_NOW), 8);
    CHECK_STR(got, "hello world");
    ends_close(&ends);
}

CONFORMANCE(a_read_takes_what_is_there_though_it_came_in_pieces) /* P1 */
{
    struct ends ends = ends_make(back_end);
    char got[16] = "";
    CHECK_EQ(end_write(ends.writing, "ab", 2, FERRY_NOW), 2);
    CHECK_EQ(end_read(ends.reading, got, 1, FERRY_NOW), 1);
    CHECK_EQ(end_write(ends.writing, "cd", 2, FERRY_NOW), 2);
    CHECK_EQ(end_read(ends.reading, got + 1, 15, FERRY_NOW), 3);
    CHECK_STR(got, "abcd");
    ends_close(&ends);
}

CONFORMANCE(reading_consumes) /* P2 */
{
    struct ends ends = ends_make(back_end);
    char got;
    CHECK_EQ(end_write(ends.writing, "ab", 2, FERRY_NOW), 2);
    CHECK_EQ(end_depth(ends.reading), 2);
    CHECK_EQ(end_read(ends.reading, &got, 1, FERRY_NOW), 1);
    CHECK_EQ(end_depth(ends.reading), 1);
    CHECK_EQ(end_read(ends.reading, &got, 1, FERRY_NOW), 1);
    CHECK_EQ(got, 'b');
    CHECK_EQ(end_depth(ends.reading), 0);
    CHECK_EQ(end_read(ends.reading, &got, 1, FERRY_NOW), -EAGAIN);
    ends_close(&ends);
}

CONFORMANCE(an_end_has_one_direction) /* P3 */
{
    struct ends ends = ends_make(back_end);
    char got;
    CHECK_EQ(end_write(ends.reading, "x", 1, FERRY_NOW), -EBADF);
    CHECK_EQ(end_read(ends.writing, &got, 1, FERRY_NOW), -EBADF);
    CHECK_EQ(end_read(ends.reading, &got, 1, FERRY_NOW), -EAGAIN);
    ends_close(&ends);
}

CONFORMANCE(no_bytes_are_always_read_and_written) /* P1 */
{
    struct ends ends = ends_make(back_end);
    char got;
    CHECK_EQ(end_read(ends.reading, &got, 0, FERRY_NOW), 0);
    CHECK_EQ(end_read(ends.reading, &got, 0, FERRY_FOREVER), 0);
    CHECK_EQ(end_write(ends.writing, "", 0, FERRY_NOW), 0);
    CHECK_EQ(end_read(ends.reading, &got, 1, FERRY_NOW), -EAGAIN);
    ends_close_reading(&ends);
    CHECK_EQ(end_write(ends.writing, "", 0, FERRY_NOW), 0);
    ends_close(&ends);
}

/* ---- Any sizes ---- */

/* Mostly small, sometimes at the edges, sometimes large; at least 1. */
static size_t random_size(uint32_t *random)
{
    static const size_t edges[] = {1,    2,        63,           64,       65,          PAGE - 1,
                                   PAGE, PAGE + 1, CAPACITY - 1, CAPACITY, CAPACITY + 1};
    switch (random_below(random, 4)) {
    case 0:
        return edges[random_below(random, sizeof edges / sizeof *edges)];
    case 1:
        return 1 + random_below(random, 2 * CAPACITY);
    default:
        return 1 + random_below(random, 300);
    }
}

/* What has gone in and come out so far: all that a pipe is, below its capacity. */
struct model {
    uint64_t in, out;
};

/* With room for whole pages, however the kernel has packed those that are there, a write of up to
 * a page goes in. */
static void write_some(struct end *end, struct model *model, uint32_t *random)
{
    unsigned char bytes[PAGE];
    size_t count = 1 + random_size(random) % PAGE;
    for (size_t i = 0; i < count; i++)
        bytes[i] = byte_at(model->in + i);
    ssize_t written = end_write(end, bytes, count, FERRY_NOW);
    if (written == -EAGAIN)
        CHECK(model->in - model->out > 0);
    else
        CHECK_EQ(written, count);
    if (written > 0)
        model->in += (uint64_t)written;
}

static void read_some(struct end *end, struct model *model, uint32_t *random)
{
    static unsigned char bytes[2 * CAPACITY + 1];
    size_t count = random_size(random), there = (size_t)(model->in - model->out);
    ssize_t got = end_read(end, bytes, count, FERRY_NOW);
    CHECK_EQ(got, there == 0 ? -EAGAIN : (ssize_t)(there < count ? there : count));
    for (ssize_t i = 0; i < got; i++)
        CHECK_EQ(bytes[i], byte_at(model->out + (uint64_t)i));
    if (got > 0)
        model->out += (uint64_t)got;
}

CONFORMANCE_LONG(any_sizes_read_meet_any_sizes_written, 120) /* P1 P2 */
{
    struct ends ends = ends_make(back_end);
    struct model model = {0};
    uint32_t random = seed_for(back_end->name, "any_sizes_read_meet_any_sizes_written");
    for (int i = 0; i < (test_thorough() ? 1000000 : 20000); i++) {
        if (random_below(&random, 2) == 0)
            write_some(ends.writing, &model, &random);
        else
            read_some(ends.reading, &model, &random);
        CHECK_EQ(end_depth(ends.reading), model.in - model.out);
    }
    ends_close(&ends);
}

/* ---- Between processes ---- */

struct transfer {
    struct ends ends;
    uint32_t seed;
    uint64_t size_bytes;
};

static void write_all(void *context)
{
    struct transfer *transfer = context;
    uint32_t random = transfer->seed ^ 0x5555;
    random += random == 0;
    ends_close_reading(&transfer->ends);
    for (uint64_t done = 0; done < transfer->size_bytes;) {
        uint64_t rest = transfer->size_bytes - done;
        size_t part = random_size(&random);
        part = part < rest ? part : (size_t)rest;
        write_stream(transfer->ends.writing, done, part);
        done += part;
    }
    ends_close_writing(&transfer->ends);
}

/* Sometimes waits with a limit that does not pass while bytes come, mostly without one. */
static int64_t random_timeout(uint32_t *random)
{
    return random_below(random, 8) == 0 ? 100 * INT64_C(1000000000) : FERRY_FOREVER;
}

CONFORMANCE_LONG(a_stream_between_processes_arrives_byte_by_byte, 120) /* P1 P2 P5 P6 P7 */
{
    static unsigned char got[2 * CAPACITY + 1];
    struct transfer transfer = {.ends = ends_make(back_end),
                                .seed = seed_for(back_end->name, "a_stream_between_processes"),
                                .size_bytes = test_thorough() ? 300000000 : 5000000};
    uint32_t random = transfer.seed;
    pid_t writer = test_child(write_all, &transfer);
    ends_close_writing(&transfer.ends);
    uint64_t done = 0;
    ssize_t count;
    while ((count = end_read(transfer.ends.reading, got, random_size(&random),
                             random_timeout(&random))) > 0)
        for (ssize_t i = 0; i < count; i++, done++)
            CHECK_EQ(got[i], byte_at(done));
    CHECK_EQ(count, 0);
    CHECK_EQ(done, transfer.size_bytes);
    test_wait_ok(writer);
    ends_close(&transfer.ends);
}

/* ---- Empty ---- */

CONFORMANCE(an_empty_pipe_has_nothing_now_nor_in_time) /* P5 */
{
    struct ends ends = ends_make(back_end);
    char got;
    int64_t start_ns = test_now_ns();
    CHECK_EQ(end_read(ends.reading, &got, 1, FERRY_NOW), -EAGAIN);
    CHECK_EQ(end_read(ends.reading, &got, 1, 20 * MILLISECOND), -ETIMEDOUT);
    CHECK(test_now_ns() - start_ns >= 20 * MILLISECOND);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_NOW), 1);
    CHECK_EQ(end_read(ends.reading, &got, 1, 20 * MILLISECOND), 1);
    CHECK_EQ(end_read(ends.reading, &got, 1, FERRY_NOW), -EAGAIN);
    ends_close(&ends);
}

struct reader {
    struct ends ends;
    int64_t timeout_ns;
};

/* Both ends are there: the end of the stream cannot be what it wakes up for. */
static void read_five(void *context)
{
    struct reader *reader = context;
    char got[16] = "";
    CHECK_EQ(end_read(reader->ends.reading, got, 15, reader->timeout_ns), 5);
    CHECK_STR(got, "hello");
}

static void sleep_until_written(const struct back_end *back_end, int64_t timeout_ns)
{
    struct reader reader = {.ends = ends_make(back_end), .timeout_ns = timeout_ns};
    pid_t pid = test_child(read_five, &reader);
    test_sleeping(pid);
    CHECK_EQ(end_write(reader.ends.writing, "hello", 5, FERRY_NOW), 5);
    test_wait_ok(pid);
    ends_close(&reader.ends);
}

CONFORMANCE(a_reader_of_nothing_sleeps_until_something_comes) /* P5 */
{
    sleep_until_written(back_end, FERRY_FOREVER);
    sleep_until_written(back_end, 100 * INT64_C(1000000000));
}

CONFORMANCE(a_killed_sleeper_takes_nothing_with_it) /* P5 */
{
    struct ends ends = ends_make(back_end);
    struct reader reader = {.ends = ends, .timeout_ns = FERRY_FOREVER};
    pid_t victim = test_child(read_five, &reader);
    test_sleeping(victim);
    test_kill(victim);
    pid_t other = test_child(read_five, &reader);
    test_sleeping(other);
    CHECK_EQ(end_write(ends.writing, "hello", 5, FERRY_NOW), 5);
    test_wait_ok(other);
    ends_close(&ends);
}
