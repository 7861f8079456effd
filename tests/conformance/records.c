/* Many writers and many readers: what is written at once stays together, and every byte comes out exactly once. */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "back_end.h"

enum { WRITERS = 8, READERS = 4 };

/* ---- Records: a head, and bytes that follow from it ---- */

struct head {
    uint32_t writer, number;
    uint32_t size; /* of all of it */
    uint32_t sum;
};

static uint32_t sum_of(const struct head *head)
{
    return (head->writer * 31 + head->number) * 2654435761u ^ head->size;
}

static void make_record(unsigned char *record, uint32_t writer, uint32_t number, uint32_t size)
{
    struct head head = {.writer = writer, .number = number, .size = size};
    head.sum = sum_of(&head);
    memcpy(record, &head, sizeof head);
    for (uint32_t i = sizeof head; i < size; i++)
        record[i] = byte_at(head.sum + i);
}

static struct head check_head(const unsigned char *record)
{
    struct head head;
    memcpy(&head, record, sizeof head);
    CHECK_EQ(head.sum, sum_of(&head));
    CHECK(head.writer < WRITERS && head.size >= sizeof head && head.size <= PAGE);
    return head;
}

static void check_rest(const unsigned char *record, const struct head *head)
{
    for (uint32_t i = sizeof *head; i < head->size; i++)
        CHECK_EQ(record[i], byte_at(head->sum + i));
}

struct work {
    struct ends ends;
    uint32_t writer, seed, count;
    uint32_t least; /* bytes in a record; the most is PAGE */
};

static void write_records(void *context)
{
    struct work *work = context;
    unsigned char record[PAGE];
    uint32_t random = work->seed + work->writer * 7919 + 1;
    ends_close_reading(&work->ends);
    for (uint32_t number = 0; number < work->count; number++) {
        uint32_t size = work->least + random_below(&random, PAGE - work->least + 1);
        make_record(record, work->writer, number, size);
        CHECK_EQ(end_write(work->ends.writing, record, size, FERRY_FOREVER), size);
    }
    ends_close_writing(&work->ends);
}

static void start_writers(struct work *work, void (*body)(void *context), pid_t pids[WRITERS])
{
    for (work->writer = 0; work->writer < WRITERS; work->writer++)
        pids[work->writer] = test_child(body, work);
}

static void wait_for_all(const pid_t *pids, int count)
{
    for (int i = 0; i < count; i++)
        test_wait_ok(pids[i]);
}

/* false: the end of the stream. */
static bool read_whole(struct end *end, unsigned char *ret_bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t got = end_read(end, ret_bytes + done, count - done, FERRY_FOREVER);
        if (got == 0 && done == 0)
            return false;
        CHECK(got > 0);
        done += (size_t)got;
    }
    return true;
}

static void read_records(struct work *work)
{
    unsigned char record[PAGE];
    uint32_t next[WRITERS] = {0};
    while (read_whole(work->ends.reading, record, sizeof(struct head))) {
        struct head head = check_head(record);
        CHECK_EQ(head.number, next[head.writer]++);
        if (head.size > sizeof head)
            CHECK(read_whole(work->ends.reading, record + sizeof head, head.size - sizeof head));
        check_rest(record, &head);
    }
    for (int i = 0; i < WRITERS; i++)
        CHECK_EQ(next[i], work->count);
}

static void eight_writers_and_a_reader(struct work work)
{
    pid_t pids[WRITERS];
    start_writers(&work, write_records, pids);
    ends_close_writing(&work.ends);
    read_records(&work);
    wait_for_all(pids, WRITERS);
    ends_close(&work.ends);
}

static uint32_t how_many(uint32_t count)
{
    return test_thorough() ? 50 * count : count;
}

CONFORMANCE_LONG(records_of_eight_writers_are_never_mixed, 120) /* P9 P10 X3 */
{
    eight_writers_and_a_reader(
        (struct work){.ends = ends_make(back_end), .least = PAGE, .count = how_many(500)});
}

CONFORMANCE_LONG(records_of_odd_sizes_are_never_mixed, 120) /* P9 P10 */
{
    eight_writers_and_a_reader(
        (struct work){.ends = ends_make(back_end),
                      .least = sizeof(struct head),
                      .seed = seed_for(back_end->name, "records_of_odd_sizes_are_never_mixed"),
                      .count = how_many(1000)});
}

/* The pipe has room for a page and no more: every record is one that had to wait. */
CONFORMANCE_LONG(records_are_never_mixed_where_there_is_room_for_one, 120) /* P6 P9 P10 */
{
    eight_writers_and_a_reader((struct work){
        .ends = ends_make_sized(back_end, PAGE), .least = PAGE, .count = how_many(100)});
}

/* ---- Without waiting ---- */

static void insist_on_records(void *context)
{
    struct work *work = context;
    unsigned char record[PAGE];
    uint32_t random = work->seed + work->writer * 7919 + 1;
    ends_close_reading(&work->ends);
    for (uint32_t number = 0; number < work->count; number++) {
        uint32_t size = work->least + random_below(&random, PAGE - work->least + 1);
        ssize_t written;
        make_record(record, work->writer, number, size);
        while ((written = end_write(work->ends.writing, record, size, FERRY_NOW)) == -EAGAIN)
            sched_yield();
        CHECK_EQ(written, size);
    }
    ends_close_writing(&work->ends);
}

CONFORMANCE_LONG(records_written_without_waiting_are_never_mixed, 120) /* P9 P10 */
{
    struct work work = {
        .ends = ends_make(back_end),
        .least = sizeof(struct head),
        .seed = seed_for(back_end->name, "records_written_without_waiting_are_never_mixed"),
        .count = how_many(500)};
    pid_t pids[WRITERS];
    start_writers(&work, insist_on_records, pids);
    ends_close_writing(&work.ends);
    read_records(&work);
    wait_for_all(pids, WRITERS);
    ends_close(&work.ends);
}

/* ---- Many readers ---- */

struct shared_work {
    struct work work;
    _Atomic unsigned char *seen; /* of writer w its number n: [w * count + n] */
};

static void mark_seen(struct shared_work *shared, uint32_t writer, uint32_t number)
{
    CHECK(writer < WRITERS && number < shared->work.count);
    CHECK_EQ(atomic_exchange(&shared->seen[writer * shared->work.count + number], 1), 0);
}

/* What one reader gets of one writer comes in the order in which it was written. */
static void check_order(uint32_t next[WRITERS], uint32_t writer, uint32_t number)
{
    CHECK(writer < WRITERS);
    CHECK(number >= next[writer]);
    next[writer] = number + 1;
}

static void share_work(struct shared_work *shared, void (*write)(void *context),
                       void (*read)(void *context))
{
    pid_t writers[WRITERS], readers[READERS];
    size_t all = (size_t)WRITERS * shared->work.count;
    shared->seen = test_shared(all);
    for (int i = 0; i < READERS; i++)
        readers[i] = test_child(read, shared);
    start_writers(&shared->work, write, writers);
    ends_close_reading(&shared->work.ends);
    ends_close_writing(&shared->work.ends);
    wait_for_all(writers, WRITERS);
    wait_for_all(readers, READERS);
    for (size_t i = 0; i < all; i++)
        CHECK_EQ(shared->seen[i], 1);
    ends_close(&shared->work.ends);
}

/* Records are as large as a page, so there are always whole ones in the pipe, and a read of one is
 * never two halves. */
static void share_records(void *context)
{
    struct shared_work *shared = context;
    unsigned char record[PAGE];
    uint32_t next[WRITERS] = {0};
    ssize_t got;
    ends_close_writing(&shared->work.ends);
    while ((got = end_read(shared->work.ends.reading, record, PAGE, FERRY_FOREVER)) > 0) {
        CHECK_EQ(got, PAGE);
        struct head head = check_head(record);
        check_rest(record, &head);
        check_order(next, head.writer, head.number);
        mark_seen(shared, head.writer, head.number);
    }
    CHECK_EQ(got, 0);
}

CONFORMANCE_LONG(several_readers_get_whole_records_once_each, 120) /* P9 P10 */
{
    struct shared_work shared = {
        .work = {.ends = ends_make(back_end), .least = PAGE, .count = how_many(500)}};
    share_work(&shared, write_records, share_records);
}

/* ---- Every byte exactly once: words, in writes and reads of any number of them ---- */

enum { MOST_WORDS = 3000 };

static void write_words(void *context)
{
    struct work *work = context;
    static uint64_t words[MOST_WORDS];
    uint32_t random = work->seed + work->writer * 7919 + 1;
    ends_close_reading(&work->ends);
    for (uint32_t number = 0; number < work->count;) {
        uint32_t part = 1 + random_below(&random, MOST_WORDS);
        part = part < work->count - number ? part : work->count - number;
        for (uint32_t i = 0; i < part; i++)
            words[i] = (uint64_t)work->writer << 32 | (number + i);
        CHECK_EQ(end_write(work->ends.writing, words, part * 8, FERRY_FOREVER), part * 8);
        number += part;
    }
    ends_close_writing(&work->ends);
}

static void share_words(void *context)
{
    struct shared_work *shared = context;
    static uint64_t words[MOST_WORDS];
    uint32_t next[WRITERS] = {0}, random = shared->work.seed + (uint32_t)getpid();
    ssize_t got;
    ends_close_writing(&shared->work.ends);
    random += random == 0;
    while ((got = end_read(shared->work.ends.reading, words,
                           8 + 8 * random_below(&random, MOST_WORDS - 1), FERRY_FOREVER)) > 0) {
        CHECK_EQ(got % 8, 0);
        for (ssize_t i = 0; i < got / 8; i++) {
            check_order(next, (uint32_t)(words[i] >> 32), (uint32_t)words[i]);
            mark_seen(shared, (uint32_t)(words[i] >> 32), (uint32_t)words[i]);
        }
    }
    CHECK_EQ(got, 0);
}

CONFORMANCE_LONG(many_writers_and_readers_get_every_byte_exactly_once, 120) /* P1 P2 P10 */
{
    struct shared_work shared = {
        .work = {.ends = ends_make(back_end),
                 .seed = seed_for(back_end->name,
                                  "many_writers_and_readers_get_every_byte_exactly_once"),
                 .count = how_many(30000)}};
    share_work(&shared, write_words, share_words);
}

/* ---- What one read takes stood together in the stream ---- */

static void write_numbers(void *context)
{
    struct work *work = context;
    static uint64_t words[CAPACITY / 8];
    ends_close_reading(&work->ends);
    for (uint64_t number = 0; number < work->count;) {
        for (size_t i = 0; i < CAPACITY / 8; i++)
            words[i] = number++;
        CHECK_EQ(end_write(work->ends.writing, words, sizeof words, FERRY_FOREVER), sizeof words);
    }
    ends_close_writing(&work->ends);
}

static void read_numbers(void *context)
{
    struct work *work = context;
    static uint64_t words[CAPACITY / 8];
    ssize_t got;
    ends_close_writing(&work->ends);
    while ((got = end_read(work->ends.reading, words, sizeof words, FERRY_FOREVER)) > 0) {
        CHECK_EQ(got % 8, 0);
        for (ssize_t i = 1; i < got / 8; i++)
            CHECK_EQ(words[i], words[0] + (uint64_t)i);
    }
    CHECK_EQ(got, 0);
}

CONFORMANCE_LONG(the_bytes_of_a_read_stood_together_whoever_else_reads, 120) /* P2 P10 */
{
    struct work work = {.ends = ends_make(back_end), .count = how_many(2000000)};
    pid_t readers[READERS], writer = test_child(write_numbers, &work);
    for (int i = 0; i < READERS; i++)
        readers[i] = test_child(read_numbers, &work);
    ends_close_reading(&work.ends);
    ends_close_writing(&work.ends);
    test_wait_ok(writer);
    wait_for_all(readers, READERS);
    ends_close(&work.ends);
}
