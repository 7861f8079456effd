/* Room: the capacity, being full, and when a full pipe has room again.
 *
 * The kernel keeps bytes in pages, and gives back a page when all of it has been read.  What that means for
 * writes that do not end at a page's end differs from a ring's room, and no program should rely on it:
 * here streams fill whole pages, from one side to the other. */
#include <stdatomic.h>
#include <stdio.h>

#include "back_end.h"

/* Writes so much at a time until there is no room; returns how many bytes. */
static size_t fill_by(struct end *end, size_t part)
{
    static const char bytes[64];
    size_t count = 0;
    ssize_t r;
    while ((r = end_write(end, bytes, part, FERRY_NOW)) == (ssize_t)part)
        count += part;
    CHECK_EQ(r, -EAGAIN);
    return count;
}

static size_t fill(struct end *end)
{
    size_t count = fill_by(end, 64);
    CHECK_EQ(end_write(end, "x", 1, FERRY_NOW), -EAGAIN);
    return count;
}

static void take(struct end *end, size_t count)
{
    char bytes[PAGE];
    while (count > 0) {
        size_t part = count < sizeof bytes ? count : sizeof bytes;
        CHECK_EQ(end_read(end, bytes, part, FERRY_NOW), part);
        count -= part;
    }
}

CONFORMANCE(it_stops_at_65536_bytes) /* P4 X1 */
{
    struct ends ends = ends_make(back_end);
    CHECK_EQ(back_end->capacity(ends.writing), CAPACITY);
    CHECK_EQ(back_end->capacity(ends.reading), CAPACITY);
    CHECK_EQ(fill_by(ends.writing, 1), CAPACITY);
    CHECK_EQ(end_depth(ends.writing), CAPACITY);
    CHECK_EQ(end_write(ends.writing, "x", 1, MILLISECOND), -ETIMEDOUT);
    take(ends.reading, CAPACITY);
    CHECK_EQ(fill(ends.writing), CAPACITY);
    ends_close(&ends);
}

CONFORMANCE(it_stops_at_the_capacity_it_was_made_with) /* P4 */
{
    static const uint64_t capacities[] = {4096, 8192, 131072, 1048576};
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++) {
        struct ends ends = ends_make_sized(back_end, capacities[i]);
        CHECK_EQ(back_end->capacity(ends.reading), capacities[i]);
        CHECK_EQ(fill(ends.writing), capacities[i]);
        take(ends.reading, (size_t)capacities[i]);
        CHECK_EQ(end_read(ends.reading, &(char){0}, 1, FERRY_NOW), -EAGAIN);
        ends_close(&ends);
    }
}

CONFORMANCE(an_odd_capacity_is_rounded_up_to_a_power_of_two) /* P4 */
{
    static const uint64_t asked[] = {1, 4095, 4097, 100000}, had[] = {4096, 4096, 8192, 131072};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct ends ends = ends_make_sized(back_end, asked[i]);
        CHECK_EQ(back_end->capacity(ends.writing), had[i]);
        CHECK_EQ(fill(ends.writing), had[i]);
        ends_close(&ends);
    }
}

/* ---- Full ---- */

CONFORMANCE(a_full_pipe_has_room_when_4096_bytes_are_taken_and_not_before) /* P6 X1 */
{
    static const size_t steps[] = {1, 64, 1000, 3030}; /* 4,095 */
    struct ends ends = ends_make(back_end);
    CHECK_EQ(fill(ends.writing), CAPACITY);
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            take(ends.reading, steps[i]);
            CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_NOW), -EAGAIN);
        }
        CHECK_EQ(end_write(ends.writing, "x", 1, MILLISECOND), -ETIMEDOUT);
        take(ends.reading, 1);
        CHECK_EQ(fill(ends.writing), PAGE);
    }
    ends_close(&ends);
}

CONFORMANCE(a_full_pipe_has_room_for_the_pages_that_were_taken) /* P6 */
{
    struct ends ends = ends_make(back_end);
    fill(ends.writing);
    for (size_t pages = 1; pages <= CAPACITY / PAGE; pages++) {
        take(ends.reading, pages * PAGE);
        CHECK_EQ(fill(ends.writing), pages * PAGE);
    }
    ends_close(&ends);
}

struct writer {
    struct ends ends;
    size_t count;
    int64_t timeout_ns;
    _Atomic int *done;
};

static void write_blocked(void *context)
{
    struct writer *writer = context;
    char *bytes = calloc(1, writer->count);
    CHECK(bytes != NULL);
    CHECK_EQ(end_write(writer->ends.writing, bytes, writer->count, writer->timeout_ns),
             writer->count);
    atomic_store(writer->done, 1);
    free(bytes);
}

static void go_on_with_a_page(const struct back_end *back_end, size_t count, int64_t timeout_ns)
{
    static const size_t steps[] = {1, 64, 4030}; /* 4,095 */
    struct writer writer = {.ends = ends_make(back_end),
                            .count = count,
                            .timeout_ns = timeout_ns,
                            .done = test_shared(sizeof(int))};
    CHECK_EQ(fill(writer.ends.writing), CAPACITY);
    pid_t pid = test_child(write_blocked, &writer);
    test_sleeping(pid);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        take(writer.ends.reading, steps[i]);
        test_sleeping(pid);
        CHECK_EQ(atomic_load(writer.done), 0);
    }
    take(writer.ends.reading, 1);
    test_wait_ok(pid);
    CHECK_EQ(end_depth(writer.ends.reading), CAPACITY - PAGE + count);
    ends_close(&writer.ends);
}

CONFORMANCE(a_blocked_writer_goes_on_when_4096_bytes_are_free_and_not_before) /* P6 */
{
    go_on_with_a_page(back_end, 1, FERRY_FOREVER);
    go_on_with_a_page(back_end, 64, 100 * INT64_C(1000000000));
    go_on_with_a_page(back_end, PAGE, FERRY_FOREVER);
}

CONFORMANCE(a_long_write_goes_on_with_each_page) /* P6 P9 */
{
    struct writer writer = {.ends = ends_make(back_end),
                            .count = CAPACITY + 3 * PAGE,
                            .timeout_ns = FERRY_FOREVER,
                            .done = test_shared(sizeof(int))};
    pid_t pid = test_child(write_blocked, &writer);
    for (int page = 0; page < 3; page++) {
        test_wait_until(end_depth(writer.ends.reading) == CAPACITY);
        test_sleeping(pid);
        CHECK_EQ(atomic_load(writer.done), 0);
        take(writer.ends.reading, PAGE);
    }
    test_wait_ok(pid);
    CHECK_EQ(end_depth(writer.ends.reading), CAPACITY);
    ends_close(&writer.ends);
}

CONFORMANCE(a_killed_writer_asleep_leaves_the_room_to_others) /* P6 */
{
    struct writer writer = {.ends = ends_make(back_end),
                            .count = 1,
                            .timeout_ns = FERRY_FOREVER,
                            .done = test_shared(sizeof(int))};
    fill(writer.ends.writing);
    pid_t victim = test_child(write_blocked, &writer);
    test_sleeping(victim);
    test_kill(victim);
    pid_t other = test_child(write_blocked, &writer);
    test_sleeping(other);
    take(writer.ends.reading, PAGE);
    test_wait_ok(other);
    CHECK_EQ(end_depth(writer.ends.reading), CAPACITY - PAGE + 1);
    ends_close(&writer.ends);
}

/* ---- Without waiting ---- */

CONFORMANCE(up_to_4096_bytes_go_in_all_at_once_or_not_at_all) /* P9 */
{
    static const char bytes[PAGE];
    struct ends ends = ends_make(back_end);
    CHECK_EQ(end_write(ends.writing, bytes, PAGE, FERRY_NOW), PAGE);
    for (size_t page = 1; page < CAPACITY / PAGE; page++)
        CHECK_EQ(end_write(ends.writing, bytes, PAGE, FERRY_NOW), PAGE);
    CHECK_EQ(end_write(ends.writing, bytes, PAGE, FERRY_NOW), -EAGAIN);
    take(ends.reading, PAGE);
    CHECK_EQ(end_write(ends.writing, bytes, 100, FERRY_NOW), 100);
    CHECK_EQ(end_write(ends.writing, bytes, PAGE, FERRY_NOW), -EAGAIN);
    CHECK_EQ(end_write(ends.writing, bytes, 4000, FERRY_NOW), -EAGAIN);
    CHECK_EQ(end_write(ends.writing, bytes, 4000, MILLISECOND), -ETIMEDOUT);
    CHECK_EQ(end_depth(ends.reading), CAPACITY - PAGE + 100);
    ends_close(&ends);
}

CONFORMANCE(the_last_room_can_be_filled_exactly) /* P9 */
{
    static const char bytes[PAGE];
    struct ends ends = ends_make(back_end);
    for (size_t page = 1; page < CAPACITY / PAGE; page++)
        CHECK_EQ(end_write(ends.writing, bytes, PAGE, FERRY_NOW), PAGE);
    CHECK_EQ(end_write(ends.writing, bytes, 100, FERRY_NOW), 100);
    CHECK_EQ(end_write(ends.writing, bytes, PAGE - 100, FERRY_NOW), PAGE - 100);
    CHECK_EQ(end_write(ends.writing, bytes, 1, FERRY_NOW), -EAGAIN);
    ends_close(&ends);
}

CONFORMANCE(a_write_that_does_not_fit_does_not_stop_one_that_does) /* P9 */
{
    static const char bytes[PAGE];
    struct ends ends = ends_make(back_end);
    for (size_t page = 1; page < CAPACITY / PAGE; page++)
        CHECK_EQ(end_write(ends.writing, bytes, PAGE, FERRY_NOW), PAGE);
    CHECK_EQ(end_write(ends.writing, bytes, 100, FERRY_NOW), 100);
    CHECK_EQ(end_write(ends.writing, bytes, PAGE, FERRY_NOW), -EAGAIN);
    CHECK_EQ(end_write(ends.writing, bytes, 10, FERRY_NOW), 10);
    ends_close(&ends);
}

CONFORMANCE(more_than_4096_bytes_go_in_as_far_as_there_is_room) /* P9 */
{
    static const char bytes[2 * CAPACITY];
    struct ends ends = ends_make(back_end);
    CHECK_EQ(end_write(ends.writing, bytes, sizeof bytes, FERRY_NOW), CAPACITY);
    CHECK_EQ(end_write(ends.writing, bytes, sizeof bytes, FERRY_NOW), -EAGAIN);
    CHECK_EQ(end_write(ends.writing, bytes, sizeof bytes, MILLISECOND), -ETIMEDOUT);
    take(ends.reading, 3 * PAGE);
    CHECK_EQ(end_write(ends.writing, bytes, PAGE + 1, FERRY_NOW), PAGE + 1);
    take(ends.reading, CAPACITY - 2 * PAGE + 1);
    CHECK_EQ(end_read(ends.reading, &(char){0}, 1, FERRY_NOW), -EAGAIN);
    CHECK_EQ(end_write(ends.writing, bytes, sizeof bytes, 5 * MILLISECOND), CAPACITY);
    ends_close(&ends);
}

/* ---- Another capacity ---- */

static void set_capacity(struct ends *ends, uint64_t capacity, uint64_t rounded)
{
    CHECK_EQ(ends->writing->back_end->set_capacity(ends->writing, capacity), 0);
    CHECK_EQ(ends->writing->back_end->capacity(ends->writing), rounded);
    CHECK_EQ(ends->writing->back_end->capacity(ends->reading), rounded);
}

CONFORMANCE(capacity_can_be_set_while_there_are_bytes) /* P4 */
{
    struct ends ends = ends_make(back_end);
    write_stream(ends.writing, 0, CAPACITY);
    CHECK_EQ(back_end->set_capacity(ends.writing, CAPACITY / 2), -EBUSY);
    CHECK_EQ(back_end->capacity(ends.writing), CAPACITY);
    set_capacity(&ends, CAPACITY + 1, 2 * CAPACITY);
    write_stream(ends.writing, CAPACITY, CAPACITY);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_NOW), -EAGAIN);
    read_stream(ends.reading, 0, 2 * CAPACITY - PAGE);
    set_capacity(&ends, 1, PAGE);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_NOW), -EAGAIN);
    read_stream(ends.reading, 2 * CAPACITY - PAGE, PAGE);
    CHECK_EQ(fill(ends.writing), PAGE);
    ends_close(&ends);
}

CONFORMANCE(a_larger_capacity_lets_a_blocked_writer_go_on) /* P4 P6 */
{
    struct writer writer = {.ends = ends_make(back_end),
                            .count = 1,
                            .timeout_ns = FERRY_FOREVER,
                            .done = test_shared(sizeof(int))};
    fill(writer.ends.writing);
    pid_t pid = test_child(write_blocked, &writer);
    test_sleeping(pid);
    set_capacity(&writer.ends, 2 * CAPACITY, 2 * CAPACITY);
    test_wait_ok(pid);
    CHECK_EQ(end_depth(writer.ends.reading), CAPACITY + 1);
    ends_close(&writer.ends);
}
