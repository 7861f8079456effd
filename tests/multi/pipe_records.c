/* Records through pipes (contract P15): what is written at once is read at once. */
#include "pipes.h"

enum { CAPACITY = 65536, HEADER = 4, MOST = CAPACITY - HEADER };

TEST(each_read_takes_one_record_and_all_of_it) /* P15 */
{
    ferry_pipe *ends[2];
    unsigned char got[5000];
    open_pair(ends, 0, FERRY_RECORDS);
    CHECK_EQ(ferry_pipe_keeps_records(ends[0]), 1);
    uint64_t at = 0, out = 0;
    for (size_t count = 1; count < 5000; at += count, count = 2 * count + 1)
        write_bytes(ends[1], count, at);
    for (size_t count = 1; count < 5000; out += count, count = 2 * count + 1) {
        CHECK_EQ(ferry_pipe_read(ends[0], got, sizeof(got), FERRY_NOW), (ssize_t)count);
        check_bytes(got, count, out);
    }
    CHECK_ERR(ferry_pipe_read(ends[0], got, sizeof(got), FERRY_NOW), EAGAIN);
    close_pair(ends);
}

TEST(a_buffer_that_is_too_small_loses_nothing) /* P15 */
{
    ferry_pipe *ends[2];
    unsigned char got[100];
    open_pair(ends, 0, FERRY_RECORDS);
    write_bytes(ends[1], 100, 0);
    for (size_t count = 0; count < 100; count += 33)
        CHECK_ERR(ferry_pipe_read(ends[0], got, count, FERRY_FOREVER), EMSGSIZE);
    CHECK_EQ(ferry_pipe_read(ends[0], got, 100, FERRY_NOW), 100);
    check_bytes(got, 100, 0);
    close_pair(ends);
}

TEST(pieces_are_one_record) /* P14 P15 */
{
    ferry_pipe *ends[2];
    char a[3] = "ab", b[8] = "";
    open_pair(ends, 0, FERRY_RECORDS);
    const struct iovec out[] = {{.iov_base = a, .iov_len = 2}, {0}, {.iov_base = a, .iov_len = 1}};
    const struct iovec in[] = {{.iov_base = b, .iov_len = 1}, {.iov_base = b + 1, .iov_len = 4}};
    CHECK_EQ(ferry_pipe_writev(ends[1], out, 3, FERRY_NOW), 3);
    CHECK_EQ(ferry_pipe_writev(ends[1], out, 1, FERRY_NOW), 2);
    CHECK_ERR(ferry_pipe_readv(ends[0], in, 1, FERRY_NOW), EMSGSIZE);
    CHECK_EQ(ferry_pipe_readv(ends[0], in, 2, FERRY_NOW), 3);
    CHECK_STR(b, "aba");
    CHECK_EQ(ferry_pipe_readv(ends[0], in, 2, FERRY_NOW), 2);
    close_pair(ends);
}

TEST(a_record_has_at_least_one_byte_and_fits_the_pipe) /* P15 */
{
    ferry_pipe *ends[2];
    static unsigned char bytes[CAPACITY + 1];
    void *room;
    open_pair(ends, 0, FERRY_RECORDS);
    CHECK_ERR(ferry_pipe_write(ends[1], bytes, 0, FERRY_NOW), EINVAL);
    CHECK_ERR(ferry_pipe_writev(ends[1], NULL, 0, FERRY_NOW), EINVAL);
    for (size_t count = MOST + 1; count <= sizeof(bytes); count++)
        CHECK_ERR(ferry_pipe_write(ends[1], bytes, count, FERRY_FOREVER), EMSGSIZE);
    CHECK_ERR(ferry_pipe_reserve(ends[1], &room, MOST + 1, FERRY_FOREVER), EMSGSIZE);
    for (int round = 0; round < 3; round++) {
        write_bytes(ends[1], MOST, 7);
        CHECK_ERR(ferry_pipe_write(ends[1], bytes, 1, FERRY_NOW), EAGAIN);
        CHECK_EQ(ferry_pipe_read(ends[0], bytes, MOST, FERRY_NOW), MOST);
        check_bytes(bytes, MOST, 7);
        CHECK_ERR(ferry_pipe_read(ends[0], bytes, MOST, FERRY_NOW), EAGAIN);
    }
    close_pair(ends);
}

TEST(records_in_place_are_written_and_taken_whole) /* P14 P15 */
{
    ferry_pipe *ends[2];
    void *room;
    const void *bytes;
    open_pair(ends, 0, FERRY_RECORDS);
    for (size_t count = 1; count < 60000; count = 3 * count + 1) {
        ssize_t n = ferry_pipe_reserve(ends[1], &room, count, FERRY_FOREVER);
        CHECK(n >= (ssize_t)count);
        put_bytes(room, count, 3);
        CHECK_ERR(ferry_pipe_commit(ends[1], (size_t)n + 1), EINVAL);
        CHECK_OK(ferry_pipe_commit(ends[1], count));
        CHECK_OK(ferry_pipe_reserve(ends[1], &room, 1, FERRY_FOREVER));
        CHECK_OK(ferry_pipe_commit(ends[1], 0)); /* no record */
        for (int round = 0; round < 2; round++) {
            CHECK_EQ(ferry_pipe_peek(ends[0], &bytes, FERRY_NOW), (ssize_t)count);
            check_bytes(bytes, count, 3);
            if (count > 1)
                CHECK_ERR(ferry_pipe_consume(ends[0], 1), EINVAL);
            CHECK_OK(ferry_pipe_consume(ends[0], round == 0 ? 0 : count));
        }
        CHECK_ERR(ferry_pipe_peek(ends[0], &bytes, FERRY_NOW), EAGAIN);
    }
    close_pair(ends);
}

TEST(records_move_with_the_pipe_to_another_capacity) /* P4 P15 */
{
    ferry_pipe *ends[2];
    open_pair(ends, 0, FERRY_RECORDS);
    for (uint64_t at = 0; at < 300000; at += 4500) {
        write_bytes(ends[1], 4000, at);
        write_bytes(ends[1], 500, at + 4000);
        CHECK_OK(ferry_pipe_set_capacity(ends[1], UINT64_C(8192) << at % 7));
        read_bytes(ends[0], 4000, at);
        read_bytes(ends[0], 500, at + 4000);
    }
    close_pair(ends);
}

TEST(who_made_the_pipe_decides_about_records) /* P15 G1 */
{
    char got[10];
    ferry_pipe *plain = open_pipe("p", FERRY_CREATE), *other;
    CHECK_EQ(ferry_pipe_keeps_records(plain), 0);
    CHECK_ERR(ferry_pipe_open(&other, "p", FERRY_PIPE(.flags = FERRY_CREATE | FERRY_RECORDS)),
              EMEDIUMTYPE);
    CHECK_ERR(ferry_pipe_open(&other, "p", FERRY_PIPE(.flags = FERRY_RECORDS)), EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "without records");
    ferry_pipe_close(plain);
    CHECK_OK(ferry_remove("p"));
    ferry_pipe *maker = open_pipe("p", FERRY_CREATE | FERRY_RECORDS);
    other = open_pipe("p", 0);
    CHECK_EQ(ferry_pipe_keeps_records(other), 1);
    write_bytes(other, 3, 0);
    write_bytes(other, 4, 0);
    CHECK_EQ(ferry_pipe_read(maker, got, sizeof(got), FERRY_NOW), 3);
    CHECK_EQ(ferry_pipe_read(other, got, sizeof(got), FERRY_NOW), 4);
    ferry_pipe_close(maker);
    ferry_pipe_close(other);
    CHECK_OK(ferry_remove("p"));
}

/* ---- Many ------------------------------------------------------------------------------------- */

enum { WRITERS = 4, READERS = 3, RECORDS = 4000 };

struct record {
    uint32_t writer, number, size; /* with these */
    unsigned char rest[9000];
};

struct many {
    ferry_pipe *ends[2];
    uint32_t writer;
    bool in_place;
    _Atomic uint64_t *numbers; /* the sum of those that were read, and how many there were */
    _Atomic uint64_t *count;
};

static size_t make_record(struct record *record, uint32_t writer, uint32_t number, uint32_t *random)
{
    enum { FIXED = offsetof(struct record, rest) };
    uint32_t most = number % 16 == 0 ? sizeof(record->rest) : 100;
    uint32_t rest = next_random(random) % most;
    record->writer = writer;
    record->number = number;
    record->size = FIXED + rest;
    put_bytes(record->rest, rest, writer * 1000003u + number);
    return record->size;
}

static void check_record(const struct record *record, ssize_t size)
{
    enum { FIXED = offsetof(struct record, rest) };
    CHECK(size >= FIXED);
    CHECK_EQ(record->size, size);
    check_bytes(record->rest, record->size - FIXED, record->writer * 1000003u + record->number);
}

static void write_many(void *context)
{
    struct many *many = context;
    struct record record;
    void *room;
    uint32_t random = many->writer + 1;
    ferry_pipe_close(many->ends[0]);
    for (uint32_t number = 1; number <= RECORDS; number++) {
        size_t size = make_record(&record, many->writer, number, &random);
        if (many->in_place) {
            CHECK_OK(ferry_pipe_reserve(many->ends[1], &room, size, FERRY_FOREVER));
            memcpy(room, &record, size);
            CHECK_OK(ferry_pipe_commit(many->ends[1], size));
        } else {
            CHECK_EQ(ferry_pipe_write(many->ends[1], &record, size, FERRY_FOREVER), (ssize_t)size);
        }
    }
    ferry_pipe_close(many->ends[1]);
}

/* Each writer's come in order to each reader. */
static void account(struct many *many, const struct record *record, ssize_t n, uint32_t *last)
{
    check_record(record, n);
    CHECK(record->writer < WRITERS);
    CHECK(record->number > last[record->writer]);
    last[record->writer] = record->number;
    atomic_fetch_add(many->numbers, record->number);
    atomic_fetch_add(many->count, 1);
}

static void read_many(void *context)
{
    struct many *many = context;
    static struct record record;
    uint32_t last[WRITERS] = {0};
    const void *bytes;
    ssize_t n;
    ferry_pipe_close(many->ends[1]);
    for (;;) {
        if (!many->in_place) {
            n = ferry_pipe_read(many->ends[0], &record, sizeof(record), FERRY_FOREVER);
        } else if ((n = ferry_pipe_peek(many->ends[0], &bytes, FERRY_FOREVER)) > 0) {
            memcpy(&record, bytes, (size_t)n);
            CHECK_OK(ferry_pipe_consume(many->ends[0], (size_t)n));
        }
        if (n == 0)
            break;
        CHECK_OK(n);
        account(many, &record, n, last);
    }
    ferry_pipe_close(many->ends[0]);
}

static void exchange(uint64_t capacity, bool in_place)
{
    pid_t pids[WRITERS + READERS];
    struct many many = {.in_place = in_place,
                        .numbers = test_shared(sizeof(uint64_t)),
                        .count = test_shared(sizeof(uint64_t))};
    open_pair(many.ends, capacity, FERRY_RECORDS);
    for (many.writer = 0; many.writer < WRITERS; many.writer++)
        pids[many.writer] = test_child(write_many, &many);
    for (int i = 0; i < READERS; i++)
        pids[WRITERS + i] = test_child(read_many, &many);
    close_pair(many.ends);
    for (int i = 0; i < WRITERS + READERS; i++)
        test_wait_ok(pids[i]);
    CHECK_EQ(atomic_load(many.count), WRITERS * RECORDS);
    CHECK_EQ(atomic_load(many.numbers), UINT64_C(1) * WRITERS * RECORDS * (RECORDS + 1) / 2);
}

TEST_LONG(boundaries_hold_among_many_writers_and_readers, 120) /* P10 P15 */
{
    exchange(65536, false);
    exchange(16384, false);
}

TEST_LONG(also_of_records_in_place, 120) /* P10 P14 P15 */
{
    exchange(65536, true);
}

/* ---- Room for some ---------------------------------------------------------------------------- */

static void write_large(void *context)
{
    ferry_pipe **ends = context;
    ferry_pipe_close(ends[0]);
    write_bytes(ends[1], 60000, 0);
    ferry_pipe_close(ends[1]);
}

static void write_small(void *context)
{
    ferry_pipe **ends = context;
    ferry_pipe_close(ends[0]);
    write_bytes(ends[1], 1, 0);
    ferry_pipe_close(ends[1]);
}

TEST(who_waits_for_much_room_does_not_keep_others_from_little) /* P6 P15 */
{
    ferry_pipe *ends[2];
    open_pair(ends, 0, FERRY_RECORDS);
    for (int i = 0; i < 8; i++)
        write_bytes(ends[1], 8192 - HEADER, 0);
    pid_t large = test_child(write_large, ends);
    test_sleeping(large);
    pid_t small = test_child(write_small, ends);
    test_sleeping(small);
    read_bytes(ends[0], 8192 - HEADER, 0);
    test_wait_ok(small);
    test_kill(large);
    close_pair(ends);
}
