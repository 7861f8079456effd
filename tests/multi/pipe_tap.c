/* Looking on at a pipe: all of a slow stream, what is left of a fast one, and harm to nobody. */
#include "pipes.h"

enum { CAPACITY = 65536, SOME = 100 };

static ferry_pipe *open_tap(const char *name)
{
    ferry_pipe *tap;
    CHECK_OK(ferry_pipe_open(&tap, name, FERRY_PIPE(.flags = FERRY_TAP)));
    return tap;
}

/* Looks, and has missed nothing. */
static void see(ferry_pipe *tap, size_t count, uint64_t position)
{
    unsigned char *bytes = malloc(count + 1);
    uint64_t missed = 99;
    CHECK(bytes != NULL);
    CHECK_EQ(ferry_pipe_tap(tap, bytes, count + 1, &missed, FERRY_NOW), (ssize_t)count);
    CHECK_EQ(missed, 0u);
    check_bytes(bytes, count, position);
    free(bytes);
}

static void see_nothing(ferry_pipe *tap)
{
    char byte;
    uint64_t missed;
    CHECK_ERR(ferry_pipe_tap(tap, &byte, 1, &missed, FERRY_NOW), EAGAIN);
}

static void done(ferry_pipe *tap, ferry_pipe *both)
{
    ferry_pipe_close(tap);
    ferry_pipe_close(both);
    CHECK_OK(ferry_remove("p"));
}

/* ---- A slow stream ---------------------------------------------------------------------------- */

TEST(a_tap_sees_all_in_order_and_takes_nothing)
{
    ferry_pipe *both = open_pipe("p", FERRY_CREATE), *tap = open_tap("p");
    uint64_t at = 0;
    see_nothing(tap);
    for (size_t count = 1; count < CAPACITY; at += count, count = count * 3 + 1) {
        write_bytes(both, count, at);
        see(tap, count, at);
        CHECK_EQ(depth_of(both), count);
        see_nothing(tap);
        read_bytes(both, count, at);
        see_nothing(tap);
    }
    done(tap, both);
}

TEST(a_tap_sees_what_readers_took_before_it_looked_first)
{
    ferry_pipe *both = open_pipe("p", FERRY_CREATE), *tap = open_tap("p");
    write_bytes(both, SOME, 0);
    read_bytes(both, SOME, 0);
    see(tap, SOME, 0);
    done(tap, both);
}

TEST(a_tap_begins_with_what_is_in_the_pipe)
{
    ferry_pipe *both = open_pipe("p", FERRY_CREATE);
    write_bytes(both, 2 * SOME, 0);
    read_bytes(both, SOME, 0);
    ferry_pipe *tap = open_tap("p");
    see(tap, SOME, SOME);
    done(tap, both);
}

TEST(each_tap_sees_all_and_one_that_leaves_takes_nothing_along)
{
    ferry_pipe *both = open_pipe("p", FERRY_CREATE), *taps[3];
    for (int i = 0; i < 3; i++)
        taps[i] = open_tap("p");
    for (int gone = 0; gone < 3; gone++) {
        write_bytes(both, SOME, (uint64_t)gone * SOME);
        for (int i = gone; i < 3; i++)
            see(taps[i], SOME, (uint64_t)gone * SOME);
        ferry_pipe_close(taps[gone]);
    }
    read_bytes(both, 3 * SOME, 0);
    done(NULL, both);
}

/* ---- Not counted ------------------------------------------------------------------------------ */

TEST(a_tap_is_no_reader_and_no_writer) /* P8 P13 */
{
    char byte;
    ferry_pipe *reader = open_pipe("p", FERRY_CREATE | FERRY_READ), *tap = open_tap("p"), *other;
    ferry_pipe *writer = open_pipe("p", FERRY_WRITE);
    CHECK_ERR(ferry_pipe_read(tap, &byte, 1, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_pipe_write(tap, "x", 1, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_pipe_descriptor(tap), EBADF);
    ferry_pipe_close(reader);
    CHECK_ERR(ferry_pipe_write(writer, "x", 1, FERRY_NOW), EPIPE);
    ferry_pipe_close(writer);
    CHECK_ERR(ferry_pipe_open(&other, "p",
                              FERRY_PIPE(.flags = FERRY_WRITE, .patience_ns = FERRY_NO_WAIT)),
              ENXIO);
    CHECK_ERR(ferry_pipe_open(&other, "p",
                              FERRY_PIPE(.flags = FERRY_WRITE, .patience_ns = 5 * MILLISECOND)),
              ETIMEDOUT);
    CHECK_ERR(ferry_pipe_open(&other, "p",
                              FERRY_PIPE(.flags = FERRY_READ, .patience_ns = 5 * MILLISECOND)),
              ETIMEDOUT);
    done(tap, NULL);
}

TEST(only_a_handle_for_it_looks_on)
{
    char byte;
    uint64_t missed;
    ferry_pipe *both = open_pipe("p", FERRY_CREATE), *tap = open_tap("p"), *other;
    CHECK_ERR(ferry_pipe_tap(both, &byte, 1, &missed, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_pipe_tap(tap, &byte, 0, &missed, FERRY_NOW), EINVAL);
    const unsigned with[] = {FERRY_CREATE, FERRY_READ, FERRY_WRITE, FERRY_RECORDS, FERRY_SIGPIPE};
    for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
        CHECK_ERR(ferry_pipe_open(&other, "p", FERRY_PIPE(.flags = FERRY_TAP | with[i])), EINVAL);
    CHECK_ERR(ferry_pipe_open(&other, "none", FERRY_PIPE(.flags = FERRY_TAP)), ENOENT);
    done(tap, both);
}

/* ---- The end of the stream -------------------------------------------------------------------- */

TEST(the_end_of_the_stream_is_0_for_a_tap_that_kept_up)
{
    char byte;
    uint64_t missed;
    ferry_pipe *reader = open_pipe("p", FERRY_CREATE | FERRY_READ), *tap = open_tap("p");
    see_nothing(tap); /* there was no writer yet */
    for (int round = 0; round < 3; round++) {
        ferry_pipe *writer = open_pipe("p", FERRY_WRITE);
        see_nothing(tap);
        write_bytes(writer, SOME, 0);
        see(tap, SOME, 0);
        see_nothing(tap);
        ferry_pipe_close(writer);
        CHECK_EQ(ferry_pipe_tap(tap, &byte, 1, &missed, FERRY_NOW), 0);
        read_bytes(reader, SOME, 0);
    }
    done(tap, reader);
}

TEST(the_end_of_the_stream_is_0_for_a_tap_that_never_found_it_empty)
{
    char byte;
    uint64_t missed;
    ferry_pipe *reader = open_pipe("p", FERRY_CREATE | FERRY_READ), *tap = open_tap("p");
    ferry_pipe *writer = open_pipe("p", FERRY_WRITE);
    write_bytes(writer, SOME, 0);
    ferry_pipe_close(writer);
    see(tap, SOME, 0);
    CHECK_EQ(ferry_pipe_tap(tap, &byte, 1, &missed, SECOND), 0);
    done(tap, reader);
}

static void write_and_close(void *context)
{
    struct test_gate *gate = context;
    ferry_pipe *writer = open_pipe("p", FERRY_WRITE);
    write_bytes(writer, SOME, 0);
    test_gate_wait(gate);
    ferry_pipe_close(writer);
}

static ferry_pipe *inherited; /* is no child's to hold */

static void see_to_the_end(void *context)
{
    unsigned char bytes[SOME];
    uint64_t missed;
    ferry_pipe_close(inherited);
    ferry_pipe *tap = open_tap("p");
    test_gate_open(context);
    for (size_t at = 0; at < SOME;) {
        ssize_t n = ferry_pipe_tap(tap, bytes, SOME, &missed, FERRY_FOREVER);
        CHECK_OK(n);
        check_bytes(bytes, (size_t)n, at);
        at += (size_t)n;
    }
    CHECK_EQ(ferry_pipe_tap(tap, bytes, SOME, &missed, FERRY_FOREVER), 0);
    ferry_pipe_close(tap);
}

TEST(a_sleeping_tap_hears_of_bytes_and_of_the_last_writer_s_closing)
{
    for (int round = 0; round < 100; round++) {
        ferry_pipe *reader = open_pipe("p", FERRY_CREATE | FERRY_READ);
        struct test_gate *looks = test_gate_new(), *close = test_gate_new();
        pid_t tap = test_child(see_to_the_end, looks);
        test_gate_wait(looks);
        pid_t writer = test_child(write_and_close, close);
        test_gate_open(close);
        test_wait_ok(tap);
        test_wait_ok(writer);
        done(NULL, reader);
    }
}

/* Until it has seen something; then it is killed in its sleep. */
static void see_and_sleep(void *context)
{
    (void)context;
    char byte;
    uint64_t missed;
    ferry_pipe_close(inherited);
    ferry_pipe *tap = open_tap("p");
    for (;;)
        ferry_pipe_tap(tap, &byte, 1, &missed, FERRY_FOREVER);
}

TEST(a_killed_tap_harms_nobody_and_another_is_told) /* G8 */
{
    ferry_pipe *both = inherited = open_pipe("p", FERRY_CREATE);
    pid_t victim = test_child(see_and_sleep, NULL);
    test_sleeping(victim);
    struct test_gate *gate = test_gate_new();
    pid_t second = test_child(see_to_the_end, gate);
    test_gate_wait(gate);
    test_sleeping(second);
    test_kill(victim);
    write_bytes(both, SOME, 0);
    read_bytes(both, SOME, 0);
    ferry_pipe_close(both);
    test_wait_ok(second);
    CHECK_OK(ferry_remove("p"));
}

static void do_nothing(int number)
{
    (void)number;
}

static void be_interrupted(void *context)
{
    char byte;
    uint64_t missed;
    CHECK_ERR(ferry_pipe_tap(context, &byte, 1, &missed, FERRY_FOREVER), EINTR);
}

TEST(signals_end_looking_on_where_asked_to) /* G7 */
{
    struct sigaction action = {.sa_handler = do_nothing};
    CHECK_ERRNO(sigaction(SIGUSR1, &action, NULL));
    ferry_pipe *both = open_pipe("p", FERRY_CREATE), *tap;
    CHECK_OK(ferry_pipe_open(&tap, "p", FERRY_PIPE(.flags = FERRY_TAP | FERRY_EINTR)));
    pid_t child = test_child(be_interrupted, tap);
    test_sleeping(child);
    CHECK_ERRNO(kill(child, SIGUSR1));
    test_wait_ok(child);
    done(tap, both);
}

static void write_and_sleep(void *context)
{
    ferry_pipe *writer = open_pipe("p", FERRY_WRITE);
    write_bytes(writer, SOME, 0);
    test_gate_open(context);
    stay();
}

TEST(a_tap_that_looks_again_finds_a_killed_writer_gone)
{
    char byte;
    uint64_t missed;
    ferry_pipe *reader = open_pipe("p", FERRY_CREATE | FERRY_READ), *tap = open_tap("p");
    struct test_gate *gate = test_gate_new();
    pid_t writer = test_child(write_and_sleep, gate);
    test_gate_wait(gate);
    see(tap, SOME, 0);
    see_nothing(tap);
    test_kill(writer);
    CHECK_EQ(ferry_pipe_tap(tap, &byte, 1, &missed, FERRY_NOW), 0);
    done(tap, reader);
}

/* ---- A fast stream ---------------------------------------------------------------------------- */

struct traffic {
    uint64_t total;
    bool in_place;
};

/* Both sides of it, as fast as one process can. */
static void make_traffic(void *context)
{
    const struct traffic *traffic = context;
    ferry_pipe *both = open_pipe("p", 0);
    uint32_t random = 7;
    for (uint64_t at = 0; at < traffic->total;) {
        void *room;
        size_t count = 1 + next_random(&random) % 9000;
        if (count > traffic->total - at)
            count = (size_t)(traffic->total - at);
        if (traffic->in_place) {
            CHECK_OK(ferry_pipe_reserve(both, &room, count, FERRY_FOREVER));
            put_bytes(room, count, at);
            CHECK_OK(ferry_pipe_commit(both, count));
        } else {
            write_bytes(both, count, at);
        }
        read_bytes(both, count, at);
        at += count;
    }
    ferry_pipe_close(both);
}

/* Seen and missed is all that was written, and what was seen is right. */
static void tap_traffic(struct traffic traffic)
{
    static unsigned char bytes[20000];
    uint64_t missed = 0, seen = 0;
    ferry_pipe *reader = open_pipe("p", FERRY_CREATE | FERRY_READ), *tap = open_tap("p");
    pid_t pid = test_child(make_traffic, &traffic);
    uint32_t random = 99;
    while (missed + seen < traffic.total) {
        uint64_t before = missed;
        ssize_t n = ferry_pipe_tap(tap, bytes, 1 + next_random(&random) % sizeof(bytes), &missed,
                                   10 * SECOND);
        CHECK_OK(n);
        CHECK(n > 0 && missed >= before);
        check_bytes(bytes, (size_t)n, seen + missed);
        seen += (uint64_t)n;
    }
    CHECK_EQ(missed + seen, traffic.total);
    CHECK(seen > 0);
    test_wait_ok(pid);
    done(tap, reader);
}

TEST_LONG(of_a_fast_stream_all_that_is_seen_is_right_and_the_rest_is_counted, 120)
{
    tap_traffic((struct traffic){.total = 30000000});
}

TEST_LONG(the_same_of_bytes_written_in_place, 120)
{
    tap_traffic((struct traffic){.total = 30000000, .in_place = true});
}

/* ---- Overwritten and moved -------------------------------------------------------------------- */

/* Looks; whatever is seen is right, and with what was missed it is `end` bytes.  That something was
 * missed shows with the next byte that is seen. */
static void see_or_miss(ferry_pipe *tap, uint64_t *seen, uint64_t *missed, uint64_t end)
{
    static unsigned char bytes[2 * CAPACITY];
    while (*seen + *missed < end) {
        ssize_t n = ferry_pipe_tap(tap, bytes, sizeof(bytes), missed, FERRY_NOW);
        if (n == -EAGAIN)
            return;
        CHECK_OK(n);
        CHECK(n > 0);
        check_bytes(bytes, (size_t)n, *seen + *missed);
        *seen += (uint64_t)n;
    }
    CHECK_EQ(*seen + *missed, end);
}

TEST(room_that_was_reserved_and_not_used_is_not_seen) /* P14 */
{
    ferry_pipe *both = open_pipe("p", FERRY_CREATE), *tap = open_tap("p");
    uint64_t seen = 0, missed = 0;
    void *room;
    write_bytes(both, SOME, 0);
    see_or_miss(tap, &seen, &missed, SOME);
    write_bytes(both, SOME, SOME);
    read_bytes(both, 2 * SOME, 0);
    ssize_t n = ferry_pipe_reserve(both, &room, CAPACITY, FERRY_NOW);
    CHECK_EQ(n, CAPACITY);
    memset(room, 'X', (size_t)n);
    CHECK_OK(ferry_pipe_commit(both, 0));
    write_bytes(both, SOME, 2 * SOME);
    see_or_miss(tap, &seen, &missed, 3 * SOME);
    done(tap, both);
}

TEST(a_tap_follows_the_pipe_to_other_sizes) /* P4 */
{
    static const uint64_t sizes[] = {131072, 65536, 4096, 1 << 20, 65536, 65536};
    ferry_pipe *both = open_pipe("p", FERRY_CREATE), *tap = open_tap("p");
    uint64_t seen = 0, missed = 0, at = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++, at += SOME) {
        write_bytes(both, SOME, at);
        if (i % 2 == 0)
            read_bytes(both, SOME, at);
        CHECK_OK(ferry_pipe_set_capacity(both, sizes[i]));
        see_or_miss(tap, &seen, &missed, at + SOME);
        if (i % 2 != 0)
            read_bytes(both, SOME, at);
    }
    done(tap, both);
}

TEST(a_pipe_that_became_larger_and_as_large_as_before_shows_nothing_that_was_not_written) /* P4 */
{
    ferry_pipe *both = open_pipe("p", FERRY_CREATE), *tap = open_tap("p");
    uint64_t seen = 0, missed = 0;
    write_bytes(both, SOME, 0);
    see_or_miss(tap, &seen, &missed, SOME);
    write_bytes(both, SOME, SOME);
    read_bytes(both, 2 * SOME, 0);
    CHECK_OK(ferry_pipe_set_capacity(both, 2 * CAPACITY));
    CHECK_OK(ferry_pipe_set_capacity(both, CAPACITY));
    write_bytes(both, SOME, 2 * SOME);
    see_or_miss(tap, &seen, &missed, 3 * SOME);
    done(tap, both);
}

/* ---- Records ---------------------------------------------------------------------------------- */

/* A record: its number, and bytes that follow from it. */
static void write_record(ferry_pipe *pipe, uint32_t number, size_t count)
{
    unsigned char record[4000];
    memcpy(record, &number, sizeof(number));
    put_bytes(record + sizeof(number), count - sizeof(number), number);
    CHECK_EQ(ferry_pipe_write(pipe, record, count, FERRY_NOW), (ssize_t)count);
}

static void skip_record(ferry_pipe *pipe)
{
    char record[4000];
    CHECK_OK(ferry_pipe_read(pipe, record, sizeof(record), FERRY_NOW));
}

TEST(after_a_gap_a_tap_of_records_goes_on_with_a_whole_one) /* P15 */
{
    static unsigned char bytes[CAPACITY];
    ferry_pipe *both = open_pipe("p", FERRY_CREATE | FERRY_RECORDS), *tap = open_tap("p");
    uint32_t random = 5, number = 0;
    uint64_t missed = 0, seen = 0, written = 0;
    for (int round = 0; round < 200; round++) {
        for (uint32_t many = next_random(&random) % 60; many > 0; many--) {
            size_t count = 4 + next_random(&random) % 3996;
            write_record(both, number++, count);
            written += count + 4;
            if (next_random(&random) % 8 != 0 || depth_of(both) > CAPACITY - 5000)
                while (depth_of(both) > 10000)
                    skip_record(both);
        }
        ssize_t n = ferry_pipe_tap(tap, bytes, sizeof(bytes), &missed, FERRY_NOW);
        if (n < 0)
            continue;
        seen += (uint64_t)n;
        CHECK_EQ(missed + seen, written);
        for (uint32_t size, first, at = 0; at < (uint32_t)n; at += 4 + size) {
            memcpy(&size, bytes + at, 4);
            CHECK(size >= 4 && size <= (uint32_t)n - at - 4);
            memcpy(&first, bytes + at + 4, 4);
            check_bytes(bytes + at + 8, size - 4, first);
        }
    }
    CHECK(missed > 0);
    done(tap, both);
}
