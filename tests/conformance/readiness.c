/* The descriptor of an end, in the caller's own poll loop: readable, writable, hung up, broken. */
#include <stdio.h>

#include "back_end.h"
#include "holders.h"

static int readiness(struct end *end)
{
    struct pollfd ends = {.fd = end->back_end->descriptor(end), .events = POLLIN | POLLOUT};
    CHECK(ends.fd >= 0);
    CHECK_ERRNO(poll(&ends, 1, 0));
    return ends.revents;
}

CONFORMANCE(it_is_readable_while_there_are_bytes) /* P5 */
{
    char got[16];
    struct ends ends = ends_make(back_end);
    CHECK_EQ(readiness(ends.reading), 0);
    CHECK_EQ(end_write(ends.writing, "abc", 3, FERRY_NOW), 3);
    CHECK_EQ(readiness(ends.reading), POLLIN);
    CHECK_EQ(end_read(ends.reading, got, 1, FERRY_NOW), 1);
    CHECK_EQ(readiness(ends.reading), POLLIN);
    CHECK_EQ(end_read(ends.reading, got, 16, FERRY_NOW), 2);
    CHECK_EQ(readiness(ends.reading), 0);
    CHECK_EQ(end_read(ends.reading, got, 16, FERRY_NOW), -EAGAIN);
    CHECK_EQ(readiness(ends.reading), 0);
    ends_close(&ends);
}

CONFORMANCE(it_is_writable_while_a_page_is_free) /* P6 */
{
    char page[PAGE];
    struct ends ends = ends_make(back_end);
    CHECK_EQ(readiness(ends.writing), POLLOUT);
    write_stream(ends.writing, 0, CAPACITY - PAGE);
    CHECK_EQ(readiness(ends.writing), POLLOUT);
    write_stream(ends.writing, CAPACITY - PAGE, PAGE);
    CHECK_EQ(readiness(ends.writing), 0);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_NOW), -EAGAIN);
    CHECK_EQ(readiness(ends.writing), 0);
    CHECK_EQ(end_read(ends.reading, page, PAGE - 1, FERRY_NOW), PAGE - 1);
    CHECK_EQ(readiness(ends.writing), 0);
    CHECK_EQ(end_read(ends.reading, page, 1, FERRY_NOW), 1);
    CHECK_EQ(readiness(ends.writing), POLLOUT);
    ends_close(&ends);
}

/* The reader has looked at a time when there was room. */
CONFORMANCE(it_is_not_writable_before_a_page_is_free_whatever_the_reader_has_seen) /* P6 */
{
    char page[PAGE];
    struct ends ends = ends_make(back_end);
    CHECK_EQ(readiness(ends.writing), POLLOUT);
    write_stream(ends.writing, 0, PAGE);
    CHECK_EQ(end_read(ends.reading, page, 1, FERRY_NOW), 1);
    write_stream(ends.writing, PAGE, CAPACITY - PAGE);
    CHECK_EQ(end_write(ends.writing, page, PAGE, FERRY_NOW), -EAGAIN);
    CHECK_EQ(readiness(ends.writing), 0);
    CHECK_EQ(end_read(ends.reading, page, 100, FERRY_NOW), 100);
    CHECK_EQ(readiness(ends.writing), 0);
    CHECK_EQ(end_read(ends.reading, page, PAGE - 101, FERRY_NOW), PAGE - 101);
    CHECK_EQ(readiness(ends.writing), POLLOUT);
    ends_close(&ends);
}

/* Bytes that came after the reader has looked, and that it leaves there. */
CONFORMANCE(it_stays_readable_when_not_all_is_taken) /* P5 */
{
    char got[16];
    struct ends ends = ends_make(back_end);
    CHECK_EQ(readiness(ends.reading), 0);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(end_write(ends.writing, "ab", 2, FERRY_NOW), 2);
        CHECK_EQ(end_read(ends.reading, got, 1, FERRY_NOW), 1);
        CHECK_EQ(end_write(ends.writing, "c", 1, FERRY_NOW), 1);
        CHECK_EQ(end_read(ends.reading, got, 1, FERRY_NOW), 1);
        CHECK_EQ(readiness(ends.reading), POLLIN);
        CHECK_EQ(end_read(ends.reading, got, 16, FERRY_NOW), 1);
        CHECK_EQ(readiness(ends.reading), 0);
    }
    ends_close(&ends);
}

CONFORMANCE(it_is_hung_up_when_the_last_writer_is_gone) /* P7 */
{
    char got[16];
    struct ends ends = ends_make(back_end);
    CHECK_EQ(readiness(ends.reading), 0);
    CHECK_EQ(end_write(ends.writing, "rest", 4, FERRY_NOW), 4);
    ends_close_writing(&ends);
    CHECK_EQ(readiness(ends.reading), POLLIN | POLLHUP);
    CHECK_EQ(end_read(ends.reading, got, 16, FERRY_NOW), 4);
    CHECK_EQ(readiness(ends.reading), POLLHUP);
    CHECK_EQ(end_read(ends.reading, got, 16, FERRY_NOW), 0);
    CHECK_EQ(readiness(ends.reading), POLLHUP);
    ends_close(&ends);
}

CONFORMANCE(it_is_broken_when_the_last_reader_is_gone) /* P8 */
{
    struct ends ends = ends_make(back_end);
    CHECK_EQ(readiness(ends.writing), POLLOUT);
    ends_close_reading(&ends);
    CHECK_EQ(readiness(ends.writing), POLLOUT | POLLERR);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_NOW), -EPIPE);
    CHECK_EQ(readiness(ends.writing), POLLOUT | POLLERR);
    ends_close(&ends);
}

/* ---- Beside others ---- */

CONFORMANCE(ends_that_die_hang_it_up_and_break_it) /* P7 P8 */
{
    struct holders holders;
    holders_init(&holders);
    for (enum way way = 0; way < WAYS; way++) {
        holders_start(&holders, back_end, FERRY_WRITE);
        ends_close_writing(&holders.ends);
        CHECK_EQ(readiness(holders.ends.reading), 0);
        for (int i = 0; i < HOLDERS; i++) {
            holders_let_go(&holders, i, way);
            CHECK_EQ(readiness(holders.ends.reading), i == HOLDERS - 1 ? POLLIN | POLLHUP : POLLIN);
        }
        holders_finish(&holders);

        holders_start(&holders, back_end, FERRY_READ);
        ends_close_reading(&holders.ends);
        for (int i = 0; i < HOLDERS; i++) {
            CHECK_EQ(readiness(holders.ends.writing), POLLOUT);
            holders_let_go(&holders, i, way);
        }
        CHECK_EQ(readiness(holders.ends.writing), POLLOUT | POLLERR);
        holders_finish(&holders);
    }
    holders_deinit(&holders);
}

/* Sleeps in poll alone, and never in a read: what does not show there is never read. */
static void read_by_polling(void *context)
{
    struct ends *ends = context;
    static unsigned char got[3 * CAPACITY];
    ssize_t count = -EAGAIN;
    uint64_t done = 0;
    ends_close_writing(ends);
    int descriptor = ends->reading->back_end->descriptor(ends->reading);
    while (count != 0) {
        struct pollfd bytes = {.fd = descriptor, .events = POLLIN};
        CHECK_EQ(poll(&bytes, 1, -1), 1);
        count = end_read(ends->reading, got, 1 + (size_t)(done % sizeof got), FERRY_NOW);
        CHECK(count >= 0 || count == -EAGAIN);
        for (ssize_t i = 0; i < count; i++, done++)
            CHECK_EQ(got[i], byte_at(done));
    }
    CHECK_EQ(done, 2000000);
}

static void write_by_polling(struct end *end)
{
    static unsigned char bytes[5 * PAGE];
    int descriptor = end->back_end->descriptor(end);
    for (uint64_t done = 0; done < 2000000;) {
        struct pollfd room = {.fd = descriptor, .events = POLLOUT};
        size_t part = 1 + (size_t)(done * 7 % sizeof bytes);
        part = part < 2000000 - done ? part : (size_t)(2000000 - done);
        for (size_t i = 0; i < part; i++)
            bytes[i] = byte_at(done + i);
        CHECK_EQ(poll(&room, 1, -1), 1);
        ssize_t written = end_write(end, bytes, part, FERRY_NOW);
        CHECK(written > 0 || written == -EAGAIN);
        done += written > 0 ? (uint64_t)written : 0;
    }
}

CONFORMANCE_LONG(a_stream_between_two_that_only_poll_arrives, 60) /* P5 P6 P7 */
{
    struct ends ends = ends_make(back_end);
    pid_t reader = test_child(read_by_polling, &ends);
    ends_close_reading(&ends);
    write_by_polling(ends.writing);
    ends_close_writing(&ends);
    test_wait_ok(reader);
    ends_close(&ends);
}
