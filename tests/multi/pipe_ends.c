/* Ends of pipes: pipes both ways, and one end of two closed. */
#include "pipes.h"

#include <sys/resource.h>

/* ---- Both ways (contract P3) ------------------------------------------------------------------ */

static void answer(void *context)
{
    struct ferry_pipe_duplex *sides = context;
    struct ferry_pipe_duplex mine = sides[1];
    uint32_t number;
    ferry_pipe_close(sides[0].in);
    ferry_pipe_close(sides[0].out);
    while (ferry_pipe_read(mine.in, &number, sizeof(number), FERRY_FOREVER) == sizeof(number)) {
        number = number * 3 + 1;
        CHECK_EQ(ferry_pipe_write(mine.out, &number, sizeof(number), FERRY_FOREVER),
                 (ssize_t)sizeof(number));
    }
    ferry_pipe_close(mine.in);
    ferry_pipe_close(mine.out);
}

static void converse(unsigned flags, bool parent_hangs_up)
{
    struct ferry_pipe_duplex sides[2];
    CHECK_OK(ferry_pipe_duplex(sides, FERRY_PIPE(.flags = flags)));
    pid_t pid = test_child(answer, sides);
    ferry_pipe_close(sides[1].in);
    ferry_pipe_close(sides[1].out);
    for (uint32_t i = 0, got; i < 1000; i++) {
        CHECK_EQ(ferry_pipe_write(sides[0].out, &i, sizeof(i), FERRY_FOREVER), (ssize_t)sizeof(i));
        CHECK_EQ(ferry_pipe_read(sides[0].in, &got, sizeof(got), FERRY_FOREVER),
                 (ssize_t)sizeof(got));
        CHECK_EQ(got, i * 3 + 1);
    }
    if (parent_hangs_up) {
        ferry_pipe_close(sides[0].out);
        CHECK_EQ(ferry_pipe_read(sides[0].in, &flags, sizeof(flags), FERRY_FOREVER), 0);
        test_wait_ok(pid);
    } else {
        test_kill(pid);
        CHECK_EQ(ferry_pipe_read(sides[0].in, &flags, sizeof(flags), FERRY_FOREVER), 0);
        CHECK_ERR(ferry_pipe_write(sides[0].out, "x", 1, FERRY_FOREVER), EPIPE);
        ferry_pipe_close(sides[0].out);
    }
    ferry_pipe_close(sides[0].in);
}

TEST(two_talk_both_ways_until_one_hangs_up_or_dies) /* P3 P7 P8 P11 */
{
    converse(0, true);
    converse(FERRY_RECORDS, true);
    converse(0, false);
}

TEST(each_direction_is_a_pipe_of_its_own) /* P3 */
{
    struct ferry_pipe_duplex sides[2];
    char got[8];
    CHECK_OK(ferry_pipe_duplex(sides, FERRY_PIPE(.capacity = 8192)));
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(capacity_of(sides[i].in), 8192u);
        CHECK_ERR(ferry_pipe_write(sides[i].in, "x", 1, FERRY_NOW), EBADF);
        CHECK_ERR(ferry_pipe_read(sides[i].out, got, 1, FERRY_NOW), EBADF);
        CHECK_EQ(ferry_pipe_write(sides[i].out, i == 0 ? "ab" : "cde", i == 0 ? 2u : 3u, FERRY_NOW),
                 i == 0 ? 2 : 3);
    }
    CHECK_EQ(ferry_pipe_read(sides[1].in, got, 8, FERRY_NOW), 2);
    CHECK_EQ(ferry_pipe_read(sides[0].in, got, 8, FERRY_NOW), 3);
    ferry_pipe_close(sides[0].out); /* one direction ends, the other goes on */
    CHECK_EQ(ferry_pipe_read(sides[1].in, got, 8, FERRY_FOREVER), 0);
    CHECK_EQ(ferry_pipe_write(sides[1].out, "f", 1, FERRY_NOW), 1);
    CHECK_EQ(ferry_pipe_read(sides[0].in, got, 8, FERRY_NOW), 1);
    ferry_pipe_close(sides[0].in);
    CHECK_ERR(ferry_pipe_write(sides[1].out, "f", 1, FERRY_NOW), EPIPE);
    ferry_pipe_close(sides[1].in);
    ferry_pipe_close(sides[1].out);
}

TEST(what_cannot_be_made_leaves_nothing) /* P3 G10 */
{
    struct ferry_pipe_duplex sides[2];
    CHECK_ERR(ferry_pipe_duplex(sides, FERRY_PIPE(.flags = FERRY_CREATE)), EINVAL);
    CHECK_ERR(ferry_pipe_duplex(sides, FERRY_PIPE(.capacity = UINT64_MAX)), EINVAL);
    struct rlimit limit;
    CHECK_ERRNO(getrlimit(RLIMIT_NOFILE, &limit));
    int next = dup(0), made = 0;
    CHECK_ERRNO(next);
    close(next);
    for (rlim_t more = 0; !made; more++) {
        CHECK(more < 40);
        CHECK_ERRNO(
            setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next + more, limit.rlim_max}));
        int r = ferry_pipe_duplex(sides, NULL);
        CHECK(r == 0 || r == -EMFILE);
        made = r == 0;
    }
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit));
    for (int i = 0; i < 2; i++) {
        ferry_pipe_close(sides[i].in);
        ferry_pipe_close(sides[i].out);
    }
}

/* ---- One end of two --------------------------------------------------------------------------- */

TEST(closing_the_writing_end_ends_the_stream) /* P7 */
{
    char got[8];
    ferry_pipe *both = open_pipe("p", FERRY_CREATE);
    write_bytes(both, 5, 0);
    CHECK_OK(ferry_pipe_close_end(both, FERRY_WRITE));
    read_bytes(both, 5, 0);
    CHECK_EQ(ferry_pipe_read(both, got, 8, FERRY_FOREVER), 0);
    CHECK_ERR(ferry_pipe_write(both, "x", 1, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_pipe_close_end(both, FERRY_WRITE), EBADF);
    CHECK_ERR(ferry_pipe_close_end(both, FERRY_READ), EBADF); /* its only one */
    ferry_pipe *writer = open_pipe("p", FERRY_WRITE);
    write_bytes(writer, 3, 0);
    read_bytes(both, 3, 0);
    ferry_pipe_close(writer);
    ferry_pipe_close(both);
    CHECK_OK(ferry_remove("p"));
}

TEST(closing_the_reading_end_breaks_the_pipe) /* P8 */
{
    char got[8];
    ferry_pipe *both = open_pipe("p", FERRY_CREATE), *other;
    CHECK_OK(ferry_pipe_close_end(both, FERRY_READ));
    CHECK_ERR(ferry_pipe_write(both, "x", 1, FERRY_NOW), EPIPE);
    CHECK_ERR(ferry_pipe_read(both, got, 8, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_pipe_open(&other, "p",
                              FERRY_PIPE(.flags = FERRY_WRITE, .patience_ns = FERRY_NO_WAIT)),
              ENXIO);
    other = open_pipe("p", FERRY_READ);
    CHECK_EQ(ferry_pipe_write(both, "x", 1, FERRY_NOW), 1);
    ferry_pipe_close(both);
    CHECK_EQ(ferry_pipe_read(other, got, 8, FERRY_FOREVER), 1);
    CHECK_EQ(ferry_pipe_read(other, got, 8, FERRY_FOREVER), 0);
    ferry_pipe_close(other);
    CHECK_OK(ferry_remove("p"));
}

TEST(one_end_at_a_time_and_none_in_use_is_closed)
{
    void *room;
    const void *bytes;
    ferry_pipe *both = open_pipe("p", FERRY_CREATE);
    CHECK_ERR(ferry_pipe_close_end(both, 0), EINVAL);
    CHECK_ERR(ferry_pipe_close_end(both, FERRY_READ | FERRY_WRITE), EINVAL);
    CHECK_ERR(ferry_pipe_close_end(both, 1u << 31), EINVAL);
    CHECK_OK(ferry_pipe_reserve(both, &room, 1, FERRY_NOW));
    CHECK_ERR(ferry_pipe_close_end(both, FERRY_WRITE), EBUSY);
    memset(room, 'x', 1);
    CHECK_OK(ferry_pipe_commit(both, 1));
    CHECK_EQ(ferry_pipe_peek(both, &bytes, FERRY_NOW), 1);
    CHECK_ERR(ferry_pipe_close_end(both, FERRY_READ), EBUSY);
    CHECK_OK(ferry_pipe_consume(both, 1));
    ferry_pipe_close(both);
    CHECK_OK(ferry_remove("p"));
}

/* Children let go of what they inherited, and open the name for themselves. */
static void read_to_the_end(void *context)
{
    char got;
    ferry_pipe_close(context);
    ferry_pipe *reader = open_pipe("p", FERRY_READ);
    CHECK_EQ(ferry_pipe_read(reader, &got, 1, FERRY_FOREVER), 0);
    ferry_pipe_close(reader);
}

static void write_until_broken(void *context)
{
    ferry_pipe_close(context);
    ferry_pipe *writer = open_pipe("p", FERRY_WRITE);
    while (ferry_pipe_write(writer, "x", 1, FERRY_FOREVER) == 1)
        continue;
    CHECK_ERR(ferry_pipe_write(writer, "x", 1, FERRY_FOREVER), EPIPE);
    ferry_pipe_close(writer);
}

static void sleeper_hears(void (*sleep)(void *context), unsigned role)
{
    ferry_pipe *both;
    CHECK_OK(ferry_pipe_open(&both, "p", FERRY_PIPE(.flags = FERRY_CREATE, .capacity = 4096)));
    pid_t pid = test_child(sleep, both);
    test_sleeping(pid);
    CHECK_OK(ferry_pipe_close_end(both, role));
    test_wait_ok(pid);
    ferry_pipe_close(both);
    CHECK_OK(ferry_remove("p"));
}

TEST(sleepers_hear_of_the_end_that_was_closed) /* P7 P8 */
{
    sleeper_hears(read_to_the_end, FERRY_WRITE);
    sleeper_hears(write_until_broken, FERRY_READ);
}
