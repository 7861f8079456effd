/* Another capacity for a pipe (contract P4), while it is in use. */
#include "bad.h"
#include "pipes.h"

enum { KIB = 1024, MIB = 1024 * KIB };

/* ---- What it becomes -------------------------------------------------------------------------- */

TEST(a_capacity_is_rounded_up_and_read_back) /* P4 */
{
    static const uint64_t asked[] = {1,     4096,   4097,    5000,        65536,
                                     65537, 100000, 1 * MIB, 1 * MIB + 1, 16 * MIB},
                          got[] = {4096,   4096,   8192,    8192,    65536,
                                   131072, 131072, 1 * MIB, 2 * MIB, 16 * MIB};
    ferry_pipe *ends[2];
    open_pair(ends, 0, 0);
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        CHECK_OK(ferry_pipe_set_capacity(ends[1], asked[i]));
        CHECK_EQ(capacity_of(ends[1]), got[i]);
        CHECK_EQ(capacity_of(ends[0]), got[i]);
    }
    FAILS(ferry_pipe_set_capacity(ends[1], 16 * MIB + 1), EINVAL, "at most");
    FAILS(ferry_pipe_set_capacity(ends[1], 0), EINVAL, "bytes");
    FAILS(ferry_pipe_set_capacity(ends[1], UINT64_MAX), EINVAL, "bytes");
    CHECK_EQ(capacity_of(ends[0]), 16u * MIB);
    close_pair(ends);
}

TEST(one_that_was_made_larger_can_be_as_large_again) /* P4 */
{
    ferry_pipe *ends[2];
    open_pair(ends, 64 * MIB, 0);
    CHECK_OK(ferry_pipe_set_capacity(ends[1], 4096));
    CHECK_OK(ferry_pipe_set_capacity(ends[1], 64 * MIB));
    FAILS(ferry_pipe_set_capacity(ends[1], 64 * MIB + 1), EINVAL, "at most");
    close_pair(ends);
}

TEST(what_is_in_it_stays_and_decides_how_small_it_gets) /* P4 */
{
    static const uint64_t sizes[] = {8192, 16384, 1 * MIB, 8192};
    ferry_pipe *ends[2];
    open_pair(ends, 0, 0);
    for (uint64_t at = 0; at < 200000; at += 6000) { /* wherever in the ring it lies */
        write_bytes(ends[1], 6000, at);
        FAILS(ferry_pipe_set_capacity(ends[1], 4096), EBUSY, "6000 bytes");
        CHECK_OK(ferry_pipe_set_capacity(ends[1], sizes[at / 6000 % 4]));
        CHECK_EQ(depth_of(ends[0]), 6000u);
        read_bytes(ends[0], 6000, at);
    }
    close_pair(ends);
}

TEST(every_member_may_give_it_another_that_may_write) /* P4 */
{
    ferry_pipe *ends[2], *both = open_pipe("p", FERRY_CREATE);
    ferry_pipe *writer = open_pipe("p", FERRY_WRITE);
    write_bytes(both, 5000, 0);
    CHECK_OK(ferry_pipe_set_capacity(both, 8192));
    CHECK_OK(ferry_pipe_set_capacity(writer, 131072));
    read_bytes(both, 5000, 0);
    CHECK_EQ(capacity_of(both), 131072u);
    ferry_pipe_close(writer);
    ferry_pipe_close(both);
    CHECK_OK(ferry_remove("p"));

    open_pair(ends, 0, 0);
    write_bytes(ends[1], 5000, 0);
    CHECK_OK(ferry_pipe_set_capacity(ends[1], 16384));
    read_bytes(ends[0], 5000, 0);
    close_pair(ends);
}

TEST(so_may_one_that_only_reads_if_permissions_let_it_write) /* P4 */
{
    ferry_pipe *ends[2], *both = open_pipe("p", FERRY_CREATE);
    ferry_pipe *reader = open_pipe("p", FERRY_READ);
    write_bytes(both, 5000, 0);
    CHECK_OK(ferry_pipe_set_capacity(reader, 8192));
    CHECK_EQ(capacity_of(both), 8192u);
    read_bytes(reader, 5000, 0);
    write_bytes(both, 8192, 0);
    CHECK_OK(ferry_pipe_close_end(both, FERRY_WRITE));
    CHECK_OK(ferry_pipe_set_capacity(both, 131072));
    read_bytes(both, 8192, 0);
    ferry_pipe_close(reader);
    ferry_pipe_close(both);
    CHECK_OK(ferry_remove("p"));

    open_pair(ends, 0, 0);
    write_bytes(ends[1], 5000, 0);
    CHECK_OK(ferry_pipe_set_capacity(ends[0], 8192));
    read_bytes(ends[0], 5000, 0);
    close_pair(ends);
}

TEST(while_room_or_bytes_are_open_it_is_busy) /* P4 P14 */
{
    void *room;
    const void *bytes;
    ferry_pipe *ends[2];
    open_pair(ends, 0, 0);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(ferry_pipe_reserve(ends[1], &room, 100, FERRY_NOW));
        CHECK_ERR(ferry_pipe_set_capacity(ends[1], 131072), EBUSY);
        put_bytes(room, 100, 0);
        CHECK_OK(ferry_pipe_commit(ends[1], 100));
        CHECK_EQ(ferry_pipe_peek(ends[0], &bytes, FERRY_NOW), 100);
        CHECK_ERR(ferry_pipe_set_capacity(ends[1], 131072), EBUSY);
        check_bytes(bytes, 100, 0);
        CHECK_OK(ferry_pipe_consume(ends[0], 100));
    }
    CHECK_EQ(capacity_of(ends[0]), 65536u);
    CHECK_OK(ferry_pipe_set_capacity(ends[1], 131072));
    close_pair(ends);
}

/* ---- Memory ----------------------------------------------------------------------------------- */

static uint64_t reserved(const char *name)
{
    return look(name).reserved_bytes;
}

TEST(memory_is_reserved_for_what_it_became_and_given_back) /* P4 G10 */
{
    ferry_pipe *both = open_pipe("p", FERRY_CREATE);
    uint64_t before = reserved("p");
    CHECK_OK(ferry_pipe_set_capacity(both, 16 * MIB));
    CHECK(reserved("p") >= 16 * MIB);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(ferry_pipe_set_capacity(both, 1 * MIB));
        CHECK_OK(ferry_pipe_set_capacity(both, 4096));
        CHECK(reserved("p") < before);
        CHECK_OK(ferry_pipe_set_capacity(both, 65536));
        CHECK_EQ(reserved("p"), before);
    }
    ferry_pipe_close(both);
    CHECK_OK(ferry_remove("p"));
}

TEST(a_full_root_is_said_and_nothing_is_lost) /* P4 G10 */
{
    mount_over_root(0, "size=1m");
    ferry_pipe *both = open_pipe("p", FERRY_CREATE);
    write_bytes(both, 50000, 0);
    uint64_t before = reserved("p");
    for (uint64_t size = 16 * MIB; size > 512 * KIB; size /= 2) {
        CHECK_ERR(ferry_pipe_set_capacity(both, size), ENOSPC);
        CHECK(strlen(ferry_explain()) > 0);
        CHECK_EQ(capacity_of(both), 65536u);
        CHECK_EQ(reserved("p"), before);
    }
    read_bytes(both, 50000, 0);
    write_bytes(both, 65536, 0); /* what it has, it has */
    CHECK_OK(ferry_pipe_set_capacity(both, 131072));
    read_bytes(both, 65536, 0);
    ferry_pipe_close(both);
    CHECK_OK(ferry_remove("p"));
    CHECK_ERRNO(umount(test_root()));
}

/* ---- Who waits -------------------------------------------------------------------------------- */

static void write_one(void *context)
{
    ferry_pipe **ends = context;
    ferry_pipe_close(ends[0]);
    write_bytes(ends[1], 1, 65536);
    ferry_pipe_close(ends[1]);
}

TEST(a_writer_that_sleeps_goes_on_when_it_grows) /* P4 P6 */
{
    ferry_pipe *ends[2];
    open_pair(ends, 0, 0);
    write_bytes(ends[1], 65536, 0);
    pid_t writer = test_child(write_one, ends);
    test_sleeping(writer);
    CHECK_OK(ferry_pipe_set_capacity(ends[1], 131072));
    test_wait_ok(writer);
    read_bytes(ends[0], 65537, 0);
    close_pair(ends);
}

TEST(a_writer_that_polls_is_shown_the_room_that_growth_made) /* P4 P6 G15 */
{
    ferry_pipe *ends[2];
    open_pair(ends, 4096, 0);
    int fd = descriptor_of(ends[1]);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(poll_now(fd), POLLOUT);
        write_bytes(ends[1], 4096, 0);
        CHECK_EQ(poll_now(fd), 0);
        CHECK_OK(ferry_pipe_set_capacity(ends[1], 8192));
        CHECK_EQ(poll_now(fd), POLLOUT);
        CHECK_OK(ferry_pipe_set_capacity(ends[1], 4096));
        CHECK_EQ(poll_now(fd), 0);
        read_bytes(ends[0], 4096, 0);
    }
    close_pair(ends);
}

static void write_large_record(void *context)
{
    ferry_pipe **ends = context;
    char record[62000] = "";
    CHECK_ERR(ferry_pipe_write(ends[1], record, sizeof(record), FERRY_FOREVER), EMSGSIZE);
}

/* What is left of the pipe's records is too much for it at first, and then the pipe is too small. */
TEST(a_record_that_no_longer_fits_is_too_large_also_for_who_waits) /* P4 P15 */
{
    ferry_pipe *ends[2];
    open_pair(ends, 0, FERRY_RECORDS);
    write_bytes(ends[1], 30000, 0);
    write_bytes(ends[1], 3600, 30000);
    pid_t writer = test_child(write_large_record, ends);
    test_sleeping(writer);
    read_bytes(ends[0], 30000, 0);
    CHECK_OK(ferry_pipe_set_capacity(ends[1], 4096));
    read_bytes(ends[0], 3600, 30000);
    test_wait_ok(writer);
    close_pair(ends);
}

/* ---- While it streams ------------------------------------------------------------------------- */

enum { CHANGES = 300 };

struct streaming {
    ferry_pipe *ends[2];
    _Atomic uint32_t *done; /* the pipe has changed so often */
    bool polls;
};

/* In pieces of any size; of at most a page, if poll() says when. */
static void stream_out(void *context)
{
    struct streaming *streaming = context;
    unsigned char bytes[4096];
    uint32_t random = 11;
    ferry_pipe_close(streaming->ends[0]);
    int fd = streaming->polls ? descriptor_of(streaming->ends[1]) : -1;
    for (uint64_t at = 0; atomic_load(streaming->done) == 0;) {
        size_t count = 1 + next_random(&random) % (streaming->polls ? sizeof(bytes) : 30000);
        if (!streaming->polls) {
            write_bytes(streaming->ends[1], count, at);
            at += count;
            continue;
        }
        put_bytes(bytes, count, at);
        CHECK_EQ(poll_for(fd, POLLOUT), POLLOUT);
        ssize_t n = ferry_pipe_write(streaming->ends[1], bytes, count, FERRY_NOW);
        CHECK(n > 0 || n == -EAGAIN);
        at += n > 0 ? (uint64_t)n : 0;
    }
    ferry_pipe_close(streaming->ends[1]);
}

static void stream_in(void *context)
{
    struct streaming *streaming = context;
    static unsigned char bytes[40000];
    uint32_t random = 13;
    uint64_t at = 0;
    ssize_t n;
    ferry_pipe_close(streaming->ends[1]);
    while ((n = ferry_pipe_read(streaming->ends[0], bytes, 1 + next_random(&random) % sizeof(bytes),
                                FERRY_FOREVER)) > 0) {
        check_bytes(bytes, (size_t)n, at);
        at += (uint64_t)n;
    }
    CHECK_EQ(n, 0);
    ferry_pipe_close(streaming->ends[0]);
}

/* By a third process, which holds both ends until it has done it so often. */
static void stream_and_resize(bool polls)
{
    struct streaming streaming = {.done = test_shared(sizeof(uint32_t)), .polls = polls};
    open_pair(streaming.ends, 0, 0);
    pid_t writer = test_child(stream_out, &streaming);
    pid_t reader = test_child(stream_in, &streaming);
    uint32_t random = 19;
    for (int changes = 0; changes < CHANGES;) {
        uint64_t size = UINT64_C(4096) << next_random(&random) % 13;
        int r = ferry_pipe_set_capacity(streaming.ends[1], size);
        CHECK(r == 0 || r == -EBUSY);
        changes += r == 0;
    }
    atomic_store(streaming.done, 1);
    close_pair(streaming.ends);
    test_wait_ok(writer);
    test_wait_ok(reader);
}

TEST_LONG(a_stream_goes_through_all_sizes_unharmed, 120) /* P4 P2 */
{
    stream_and_resize(false);
}

TEST_LONG(so_does_one_whose_writer_polls, 120) /* P4 P2 G15 */
{
    stream_and_resize(true);
}
