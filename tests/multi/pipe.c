/* Pipes, as their users see them. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "test.h"

#define SECOND INT64_C(1000000000)

struct pair {
    ferry_pipe *reading, *writing;
};

static struct pair pair(void)
{
    ferry_pipe *ends[2];
    CHECK_OK(ferry_pipe_pair(ends, NULL));
    return (struct pair){.reading = ends[0], .writing = ends[1]};
}

static void close_both(struct pair pair)
{
    ferry_pipe_close(pair.reading);
    ferry_pipe_close(pair.writing);
}

TEST(bytes_come_out_in_the_order_they_went_in) /* P1 P2 */
{
    struct pair p = pair();
    char got[16] = "";
    CHECK_EQ(ferry_pipe_write(p.writing, "hello", 5, FERRY_NOW), 5);
    CHECK_EQ(ferry_pipe_write(p.writing, " world", 6, FERRY_NOW), 6);
    CHECK_EQ(ferry_pipe_read(p.reading, got, 3, FERRY_NOW), 3);
    CHECK_EQ(ferry_pipe_read(p.reading, got + 3, 13, FERRY_NOW), 8);
    CHECK_STR(got, "hello world");
    CHECK_ERR(ferry_pipe_read(p.reading, got, 1, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_pipe_read(p.reading, got, 1, 1000000), ETIMEDOUT);
    close_both(p);
}

TEST(capacity_is_64_kib_and_a_page_has_to_be_free) /* P4 P6 X1 */
{
    struct pair p = pair();
    uint64_t capacity;
    char page[4096];
    CHECK_OK(ferry_pipe_capacity(p.writing, &capacity));
    CHECK_EQ(capacity, 65536u);
    for (int i = 0; i < 65536; i++)
        CHECK_EQ(ferry_pipe_write(p.writing, "x", 1, FERRY_NOW), 1);
    CHECK_ERR(ferry_pipe_write(p.writing, "x", 1, FERRY_NOW), EAGAIN);
    CHECK_EQ(ferry_pipe_read(p.reading, page, 64, FERRY_NOW), 64);
    CHECK_ERR(ferry_pipe_write(p.writing, "x", 1, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_pipe_write(p.writing, "x", 1, 1000000), ETIMEDOUT);
    CHECK_EQ(ferry_pipe_read(p.reading, page, 4032, FERRY_NOW), 4032);
    CHECK_EQ(ferry_pipe_write(p.writing, "x", 1, FERRY_NOW), 1);
    close_both(p);
}

TEST(the_writer_s_end_is_the_end_of_the_stream) /* P7 X2 */
{
    struct pair p = pair();
    char got[16];
    CHECK_EQ(ferry_pipe_write(p.writing, "rest", 4, FERRY_NOW), 4);
    ferry_pipe_close(p.writing);
    CHECK_EQ(ferry_pipe_read(p.reading, got, 16, FERRY_FOREVER), 4);
    CHECK_EQ(ferry_pipe_read(p.reading, got, 16, FERRY_FOREVER), 0);
    CHECK_EQ(ferry_pipe_read(p.reading, got, 16, FERRY_NOW), 0);
    ferry_pipe_close(p.reading);
}

TEST(the_reader_s_end_breaks_the_pipe) /* P8 X2 */
{
    struct pair p = pair();
    CHECK_EQ(ferry_pipe_write(p.writing, "x", 1, FERRY_NOW), 1);
    ferry_pipe_close(p.reading);
    CHECK_ERR(ferry_pipe_write(p.writing, "x", 1, FERRY_NOW), EPIPE);
    CHECK_ERR(ferry_pipe_write(p.writing, "x", 1, FERRY_FOREVER), EPIPE);
    ferry_pipe_close(p.writing);
}

/* What a child does with its copy of a pair. */
struct work {
    struct pair pair;
    size_t bytes, chunk;
};

static unsigned char byte_at(size_t position)
{
    return (unsigned char)(position * 2654435761u >> 13);
}

static void produce(void *context)
{
    struct work *work = context;
    ferry_pipe_close(work->pair.reading);
    unsigned char *chunk = malloc(work->chunk);
    for (size_t done = 0; done < work->bytes;) {
        size_t part = work->bytes - done < work->chunk ? work->bytes - done : work->chunk;
        for (size_t i = 0; i < part; i++)
            chunk[i] = byte_at(done + i);
        CHECK_EQ(ferry_pipe_write(work->pair.writing, chunk, part, FERRY_FOREVER), (ssize_t)part);
        done += part;
    }
    free(chunk);
    ferry_pipe_close(work->pair.writing);
}

static void transfer(size_t bytes, size_t chunk, size_t read_chunk)
{
    struct work work = {.pair = pair(), .bytes = bytes, .chunk = chunk};
    pid_t pid = test_child(produce, &work);
    ferry_pipe_close(work.pair.writing);
    unsigned char *got = malloc(read_chunk);
    size_t done = 0;
    ssize_t n;
    while ((n = ferry_pipe_read(work.pair.reading, got, read_chunk, FERRY_FOREVER)) > 0)
        for (ssize_t i = 0; i < n; i++, done++)
            CHECK_EQ(got[i], byte_at(done));
    CHECK_EQ(n, 0);
    CHECK_EQ(done, bytes);
    int status;
    CHECK_ERRNO(waitpid(pid, &status, 0));
    CHECK_EQ(status, 0);
    free(got);
    ferry_pipe_close(work.pair.reading);
}

TEST(streams_of_all_sizes_arrive_byte_by_byte) /* P1 P2 P5 P6 P11 */
{
    transfer(3000000, 1, 7);
    transfer(3000000, 64, 64);
    transfer(10000000, 3000, 5000);
    transfer(30000000, 65536, 65536);
    transfer(30000000, 1 << 20, 1 << 20);
    transfer(3000000, 100000, 13);
}

static void sleep_with_both(void *context)
{
    (void)context;
    for (;;)
        pause();
}

TEST(a_killed_child_s_ends_are_gone) /* P7 P8 */
{
    struct pair p = pair();
    char got;
    pid_t pid = test_child(sleep_with_both, NULL);
    ferry_pipe_close(p.writing);
    CHECK_ERR(ferry_pipe_read(p.reading, &got, 1, 10000000), ETIMEDOUT);
    kill(pid, SIGKILL);
    CHECK_EQ(ferry_pipe_read(p.reading, &got, 1, FERRY_FOREVER), 0);
    CHECK_ERRNO(waitpid(pid, NULL, 0));
    ferry_pipe_close(p.reading);

    p = pair();
    pid = test_child(sleep_with_both, NULL);
    ferry_pipe_close(p.reading);
    CHECK_EQ(ferry_pipe_write(p.writing, "x", 1, FERRY_NOW), 1);
    kill(pid, SIGKILL);
    CHECK_ERRNO(waitpid(pid, NULL, 0));
    CHECK_ERR(ferry_pipe_write(p.writing, "x", 1, FERRY_NOW), EPIPE);
    ferry_pipe_close(p.writing);
}

enum { RECORDS = 3000, WRITERS = 8 };

struct record {
    uint32_t writer, number;
    unsigned char rest[4088];
};

static void write_records(void *context)
{
    struct work *work = context;
    ferry_pipe_close(work->pair.reading);
    struct record record = {.writer = (uint32_t)work->bytes};
    memset(record.rest, (int)work->bytes, sizeof(record.rest));
    for (record.number = 0; record.number < RECORDS; record.number++)
        CHECK_EQ(ferry_pipe_write(work->pair.writing, &record, sizeof(record), FERRY_FOREVER),
                 (ssize_t)sizeof(record));
    ferry_pipe_close(work->pair.writing);
}

static void read_whole(ferry_pipe *pipe, struct record *record)
{
    for (size_t done = 0; done < sizeof(*record);) {
        ssize_t n =
            ferry_pipe_read(pipe, (char *)record + done, sizeof(*record) - done, FERRY_FOREVER);
        CHECK(n > 0);
        done += (size_t)n;
    }
}

TEST_LONG(records_of_eight_writers_are_never_mixed, 120) /* P9 P10 X3 */
{
    struct work work = {.pair = pair()};
    pid_t pids[WRITERS];
    uint32_t next[WRITERS] = {0};
    for (work.bytes = 0; work.bytes < WRITERS; work.bytes++)
        pids[work.bytes] = test_child(write_records, &work);
    ferry_pipe_close(work.pair.writing);
    struct record record;
    for (int i = 0; i < RECORDS * WRITERS; i++) {
        read_whole(work.pair.reading, &record);
        CHECK(record.writer < WRITERS);
        CHECK_EQ(record.number, next[record.writer]++);
        for (size_t k = 0; k < sizeof(record.rest); k++)
            CHECK_EQ(record.rest[k], record.writer);
    }
    CHECK_EQ(ferry_pipe_read(work.pair.reading, &record, 1, FERRY_FOREVER), 0);
    for (int i = 0; i < WRITERS; i++) {
        int status;
        CHECK_ERRNO(waitpid(pids[i], &status, 0));
        CHECK_EQ(status, 0);
    }
    ferry_pipe_close(work.pair.reading);
}

static void read_by_name(void *context)
{
    (void)context;
    ferry_pipe *pipe;
    char got[16] = "";
    CHECK_OK(ferry_pipe_open(&pipe, "named", FERRY_PIPE(.flags = FERRY_CREATE | FERRY_READ)));
    CHECK_EQ(ferry_pipe_read(pipe, got, 15, FERRY_FOREVER), 5);
    CHECK_STR(got, "hello");
    CHECK_EQ(ferry_pipe_read(pipe, got, 15, FERRY_FOREVER), 0);
    ferry_pipe_close(pipe);
}

TEST(two_meet_by_a_name) /* P12 P13 */
{
    ferry_pipe *pipe;
    int status;
    CHECK_ERR(ferry_pipe_open(&pipe, "named", FERRY_PIPE(.flags = FERRY_WRITE)), ENOENT);
    pid_t pid = test_child(read_by_name, NULL);
    CHECK_OK(ferry_pipe_open(&pipe, "named", FERRY_PIPE(.flags = FERRY_CREATE | FERRY_WRITE)));
    CHECK_EQ(ferry_pipe_write(pipe, "hello", 5, FERRY_FOREVER), 5);
    ferry_pipe_close(pipe);
    CHECK_ERRNO(waitpid(pid, &status, 0));
    CHECK_EQ(status, 0);
    CHECK_OK(ferry_remove("named"));
}

TEST(opening_does_not_wait_unless_it_should) /* P13 */
{
    ferry_pipe *reader, *writer, *both;
    const unsigned make = FERRY_CREATE;
    CHECK_ERR(
        ferry_pipe_open(&writer, "p",
                        FERRY_PIPE(.flags = make | FERRY_WRITE, .patience_ns = FERRY_NO_WAIT)),
        ENXIO);
    CHECK_ERR(
        ferry_pipe_open(&writer, "p", FERRY_PIPE(.flags = FERRY_WRITE, .patience_ns = 1000000)),
        ETIMEDOUT);
    CHECK_ERR(
        ferry_pipe_open(&reader, "p", FERRY_PIPE(.flags = FERRY_READ, .patience_ns = 1000000)),
        ETIMEDOUT);
    CHECK_OK(ferry_pipe_open(&reader, "p",
                             FERRY_PIPE(.flags = FERRY_READ, .patience_ns = FERRY_NO_WAIT)));
    CHECK_OK(ferry_pipe_open(&writer, "p",
                             FERRY_PIPE(.flags = FERRY_WRITE, .patience_ns = FERRY_NO_WAIT)));
    CHECK_OK(ferry_pipe_open(&both, "p", NULL));
    ferry_pipe_close(reader);
    CHECK_EQ(ferry_pipe_write(writer, "x", 1, FERRY_NOW), 1);
    ferry_pipe_close(both);
    CHECK_ERR(ferry_pipe_write(writer, "x", 1, FERRY_NOW), EPIPE);
    ferry_pipe_close(writer);
    CHECK_OK(ferry_remove("p"));
}

TEST(room_and_bytes_without_a_copy) /* P14 */
{
    struct pair p = pair();
    void *room;
    const void *bytes;
    CHECK_EQ(ferry_pipe_reserve(p.writing, &room, 100, FERRY_NOW), 65536);
    memcpy(room, "abcdef", 6);
    CHECK_ERR(ferry_pipe_read(p.reading, room, 1, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_pipe_commit(p.writing, 65537), EINVAL);
    CHECK_OK(ferry_pipe_commit(p.writing, 6));
    CHECK_ERR(ferry_pipe_commit(p.writing, 0), EINVAL);
    CHECK_EQ(ferry_pipe_peek(p.reading, &bytes, FERRY_NOW), 6);
    CHECK(memcmp(bytes, "abcdef", 6) == 0);
    CHECK_OK(ferry_pipe_consume(p.reading, 2));
    CHECK_EQ(ferry_pipe_peek(p.reading, &bytes, FERRY_NOW), 4);
    CHECK(memcmp(bytes, "cdef", 4) == 0);
    CHECK_OK(ferry_pipe_consume(p.reading, 0));
    CHECK_ERR(ferry_pipe_reserve(p.writing, &room, 65537, FERRY_NOW), EMSGSIZE);
    close_both(p);
}

TEST(each_end_has_its_role)
{
    struct pair p = pair();
    char got;
    CHECK_ERR(ferry_pipe_write(p.reading, "x", 1, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_pipe_read(p.writing, &got, 1, FERRY_NOW), EBADF);
    close_both(p);
}

TEST(bytes_do_not_outlive_who_holds_the_pipe) /* P12 */
{
    ferry_pipe *pipe, *other;
    uint64_t depth;
    CHECK_OK(ferry_pipe_open(&pipe, "p", FERRY_PIPE(.flags = FERRY_CREATE)));
    CHECK_EQ(ferry_pipe_write(pipe, "abc", 3, FERRY_NOW), 3);
    CHECK_OK(ferry_pipe_open(&other, "p", NULL));
    CHECK_OK(ferry_pipe_depth(other, &depth));
    CHECK_EQ(depth, 3u); /* somebody held it */
    ferry_pipe_close(pipe);
    ferry_pipe_close(other);
    CHECK_OK(ferry_pipe_open(&pipe, "p", NULL));
    CHECK_OK(ferry_pipe_depth(pipe, &depth));
    CHECK_EQ(depth, 0u);
    CHECK_EQ(ferry_pipe_write(pipe, "d", 1, FERRY_NOW), 1);
    char got[4] = "";
    CHECK_EQ(ferry_pipe_read(pipe, got, 3, FERRY_NOW), 1);
    CHECK_STR(got, "d");
    ferry_pipe_close(pipe);
    CHECK_OK(ferry_remove("p"));
}
