/* Queues: making, opening, roles, counting, removal (contract G1, G2, G5, G6, Q1, Q4, Q5). */
#include "queues.h"

/* ---- Options ---- */

static void check_refused(const struct ferry_queue_options *options, int code)
{
    ferry_queue *queue = NULL;
    CHECK_EQ(ferry_queue_open(&queue, "q", options), -code);
    CHECK(queue == NULL);
    CHECK(strlen(ferry_explain()) > 20);
    CHECK_EQ(count_files(), 0);
}

TEST(nonsense_is_refused) /* G2 */
{
    const unsigned create = FERRY_CREATE;
    check_refused(FERRY_QUEUE(.flags = create, .messages = (UINT64_C(1) << 20) + 1), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create, .messages = UINT64_C(1) << 32), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create, .bytes = (UINT64_C(1) << 30) + 1), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create, .bytes = 100, .largest = 101), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create, .largest = UINT64_C(1) << 31), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create, .largest = UINT64_MAX), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create, .bytes = UINT64_MAX), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create, .overflow = 4), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create | 0x80000000u), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create | FERRY_UNBOUNDED | FERRY_RENDEZVOUS), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create | FERRY_SOLE_SENDER | FERRY_READ), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create | FERRY_SOLE_RECEIVER | FERRY_WRITE), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create | FERRY_TAP), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create, .mode = 0200), EINVAL);
    check_refused(FERRY_QUEUE(.flags = create, .mode = 01600), EINVAL);
    check_refused(&(struct ferry_queue_options){.flags = create}, EINVAL);
    check_refused(FERRY_QUEUE(.flags = 0), ENOENT);
    check_refused(FERRY_QUEUE(.flags = FERRY_TAP), ENOENT);
}

TEST(what_is_left_open_has_defaults) /* G2, Q3 */
{
    ferry_queue *queue = open_queue("q", FERRY_CREATE);
    struct ferry_queue_statistics statistics = statistics_of(queue);
    CHECK_EQ(statistics.capacity_messages, 1024);
    CHECK_EQ(statistics.capacity_bytes, 1 << 20);
    CHECK_EQ(statistics.largest_bytes, 8192);
    CHECK_EQ(statistics.overflow, FERRY_OVERFLOW_BLOCK);
    CHECK_EQ(statistics.flags, 0);
    CHECK_EQ(look("q").mode, 0600);
    CHECK_EQ(look("q").kind, FERRY_KIND_QUEUE);
    destroy_queue(queue, "q");

    CHECK_OK(ferry_queue_open(&queue, "q", FERRY_QUEUE(.flags = FERRY_CREATE, .bytes = 500)));
    CHECK_EQ(statistics_of(queue).largest_bytes, 500);
    destroy_queue(queue, "q");

    CHECK_OK(ferry_queue_open(&queue, "q", FERRY_QUEUE(.flags = FERRY_CREATE, .largest = 2 << 20)));
    CHECK_EQ(statistics_of(queue).capacity_bytes, 2 << 20);
    destroy_queue(queue, "q");

    queue = open_queue("q", FERRY_CREATE | FERRY_UNBOUNDED);
    CHECK_EQ(statistics_of(queue).capacity_bytes, 256 << 20);
    CHECK_EQ(statistics_of(queue).flags, FERRY_UNBOUNDED);
    destroy_queue(queue, "q");
}

EACH_QUEUE(one_that_is_there_is_taken_as_it_is) /* G2 */
{
    ferry_queue *first, *second;
    CHECK_OK(ferry_queue_open(&first, "q",
                              FERRY_QUEUE(.flags = FERRY_CREATE | kind->flags, .messages = 7,
                                          .largest = kind->largest, .mode = 0640)));
    CHECK_ERR(ferry_queue_open(&second, "q", FERRY_QUEUE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE)),
              EEXIST);
    CHECK_OK(ferry_queue_open(&second, "q",
                              FERRY_QUEUE(.flags = FERRY_CREATE, .messages = 99, .bytes = 99999,
                                          .overflow = FERRY_OVERFLOW_REFUSE, .mode = 0600)));
    CHECK_EQ(statistics_of(second).capacity_messages, 7);
    CHECK_EQ(statistics_of(second).overflow, FERRY_OVERFLOW_BLOCK);
    CHECK_EQ(statistics_of(second).flags, kind->flags);
    CHECK_EQ(look("q").mode, 0640);
    put(first, "hello");
    expect(second, "hello");
    ferry_queue_close(first);
    destroy_queue(second, "q");
}

EACH_QUEUE(a_manner_that_it_has_not_is_not_promised) /* G2 */
{
    static const unsigned manners[] = {FERRY_TYPES, FERRY_PRIORITIES, FERRY_RENDEZVOUS,
                                       FERRY_UNBOUNDED};
    ferry_queue *queue = make_queue(kind, "q", 0), *other;
    for (int i = 0; i < 4; i++) {
        int r = ferry_queue_open(&other, "q", FERRY_QUEUE(.flags = FERRY_CREATE | manners[i]));
        if ((kind->flags & manners[i]) == 0) {
            CHECK_ERR(r, EMEDIUMTYPE);
            continue;
        }
        CHECK_OK(r);
        ferry_queue_close(other);
    }
    CHECK_EQ(look("q").attached, 1);
    destroy_queue(queue, "q");
}

TEST(a_name_has_one_kind) /* G1 */
{
    ferry_queue *queue = open_queue("q", FERRY_CREATE), *other = NULL;
    ferry_segment *segment;
    ferry_pipe *pipe;
    CHECK_ERR(ferry_segment_open(&segment, "q", NULL), EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "queue");
    CHECK_ERR(ferry_pipe_open(&pipe, "q", NULL), EMEDIUMTYPE);
    destroy_queue(queue, "q");
    segment = create("s", 10);
    CHECK_ERR(ferry_queue_open(&other, "s", NULL), EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "segment");
    destroy(segment, "s");
}

TEST(a_temporary_queue_goes_with_the_last_member) /* G5 */
{
    ferry_queue *queue = open_queue("q", FERRY_CREATE | FERRY_TEMPORARY);
    ferry_queue *other = open_queue("q", 0);
    put(queue, "hello");
    CHECK(look("q").temporary);
    ferry_queue_close(queue);
    expect(other, "hello");
    ferry_queue_close(other);
    check_gone("q");
    CHECK_EQ(count_files(), 0);
}

/* ---- Roles and mistakes ---- */

EACH_QUEUE(a_handle_does_what_its_role_allows) /* G2 */
{
    ferry_queue *queue = make_queue(kind, "q", 0), *reader = open_queue("q", FERRY_READ),
                *writer = open_queue("q", FERRY_WRITE);
    struct ferry_message message = {.bytes = (char[]){"x"}, .size_bytes = 1};
    void *loan;
    CHECK_ERR(ferry_queue_send(reader, "x", 1, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_queue_send_batch(reader, &message, 1, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_queue_loan(reader, &loan, 1, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_queue_descriptor(reader, FERRY_WRITE), EBADF);
    put(writer, "x");
    char byte;
    CHECK_ERR(ferry_queue_receive(writer, &byte, 1, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_queue_receive_message(writer, &message,
                                          &(struct ferry_choice){.flags = FERRY_PEEK}, FERRY_NOW),
              EBADF);
    CHECK_ERR(ferry_queue_receive_batch(writer, &message, 1, NULL, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_queue_take_message(writer, &message, NULL, FERRY_NOW), EBADF);
    CHECK_ERR(ferry_queue_descriptor(writer, FERRY_READ), EBADF);
    CHECK_ERR(ferry_queue_tap(queue, &message, &(uint64_t){0}, FERRY_NOW), EBADF);
    expect(reader, "x");
    CHECK_ERR(ferry_queue_descriptor(queue, 0), EINVAL);
    CHECK_ERR(ferry_queue_descriptor(queue, FERRY_READ | FERRY_WRITE), EINVAL);
    ferry_queue_close(reader);
    ferry_queue_close(writer);
    destroy_queue(queue, "q");
}

EACH_QUEUE(what_the_queue_has_not_is_refused) /* Q2 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    char bytes[8] = "x";
    bool has_types = (kind->flags & FERRY_TYPES) != 0,
         has_priorities = (kind->flags & FERRY_PRIORITIES) != 0;
    struct ferry_message message = {.bytes = bytes, .size_bytes = 1, .type = 1};
    CHECK_EQ(ferry_queue_send_message(queue, &message, FERRY_NOW), has_types ? 0 : -EINVAL);
    message = (struct ferry_message){.bytes = bytes, .size_bytes = 1, .priority = 1};
    CHECK_EQ(ferry_queue_send_message(queue, &message, FERRY_NOW), has_priorities ? 0 : -EINVAL);
    struct ferry_choice choice = {.selection = FERRY_OF_TYPE, .type = 1};
    message = (struct ferry_message){.bytes = bytes, .size_bytes = 8};
    CHECK_EQ(ferry_queue_receive_message(queue, &message, &choice, FERRY_NOW),
             has_types ? 1 : -EINVAL);
    message.size_bytes = 8;
    CHECK_ERR(ferry_queue_receive_message(queue, &message, &(struct ferry_choice){.selection = 4},
                                          FERRY_NOW),
              EINVAL);
    CHECK_ERR(
        ferry_queue_receive_message(queue, &message, &(struct ferry_choice){.flags = 4}, FERRY_NOW),
        EINVAL);
    if (has_priorities)
        expect(queue, "x");
    expect_nothing(queue);
    destroy_queue(queue, "q");
}

EACH_QUEUE(too_large_and_too_small) /* Q4 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    size_t largest = (size_t)statistics_of(queue).largest_bytes;
    char *bytes = malloc(largest + 1);
    CHECK(bytes != NULL);
    memset(bytes, 'm', largest + 1);
    CHECK_ERR(ferry_queue_send(queue, bytes, largest + 1, FERRY_FOREVER), EMSGSIZE);
    CHECK_ERR(ferry_queue_send(queue, bytes, SIZE_MAX, FERRY_NOW), EMSGSIZE);
    void *loan;
    CHECK_ERR(ferry_queue_loan(queue, &loan, largest + 1, FERRY_NOW), EMSGSIZE);
    CHECK_EQ(ferry_queue_send(queue, bytes, largest, FERRY_NOW), 0);
    CHECK_ERR(ferry_queue_receive(queue, bytes, largest - 1, FERRY_NOW), EMSGSIZE);
    CHECK_ERR(ferry_queue_receive(queue, bytes, 0, FERRY_NOW), EMSGSIZE);
    CHECK_EQ(statistics_of(queue).messages, 1);

    struct ferry_message message = {.bytes = bytes, .size_bytes = 10};
    memset(bytes, 0, largest);
    CHECK_EQ(ferry_queue_receive_message(
                 queue, &message, &(struct ferry_choice){.flags = FERRY_TRUNCATE}, FERRY_NOW),
             10);
    CHECK_EQ(message.size_bytes, largest);
    CHECK(bytes[9] == 'm' && bytes[10] == 0);
    expect_nothing(queue);
    CHECK_EQ(ferry_queue_send(queue, NULL, 0, FERRY_NOW), 0);
    CHECK_EQ(ferry_queue_receive(queue, NULL, 0, FERRY_NOW), 0);
    expect_nothing(queue);
    free(bytes);
    destroy_queue(queue, "q");
}

/* ---- Counting ---- */

EACH_QUEUE(statistics_count_what_happened) /* G13, Q3 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    struct ferry_queue_statistics now = statistics_of(queue);
    CHECK_EQ(now.messages, 0);
    CHECK_EQ(now.oldest_age_ns, -1);
    for (int i = 0; i < 5; i++)
        put(queue, "0123456789");
    put(queue, "");
    now = statistics_of(queue);
    CHECK_EQ(now.messages, 6);
    CHECK_EQ(now.bytes, 50);
    CHECK_EQ(now.sent, 6);
    CHECK_EQ(now.received, 0);
    CHECK(now.oldest_age_ns >= 0 && now.oldest_age_ns < 60 * SECOND);
    int64_t age_ns = now.oldest_age_ns;
    test_wait_until(statistics_of(queue).oldest_age_ns > age_ns + 50 * MILLISECOND);
    expect(queue, "0123456789");
    expect(queue, "0123456789");
    now = statistics_of(queue);
    CHECK_EQ(now.messages, 4);
    CHECK_EQ(now.bytes, 30);
    CHECK_EQ(now.received, 2);
    CHECK_EQ(now.most_messages, 6);
    CHECK_EQ(now.most_bytes, 50);
    CHECK_EQ(now.dropped_oldest + now.dropped_newest + now.refused, 0);
    struct ferry_queue_statistics wrong = {0};
    CHECK_ERR(ferry_queue_statistics(queue, &wrong), EINVAL);
    destroy_queue(queue, "q");
}

/* ---- Removal ---- */

EACH_QUEUE(what_is_in_a_removed_queue_can_be_received) /* Q5, G6 */
{
    ferry_queue *queue = make_queue(kind, "q", 0), *other = open_queue("q", 0);
    char bytes[8];
    put(queue, "one");
    CHECK_OK(ferry_remove("q"));
    check_gone("q");
    put(queue, "two");
    expect(other, "one");
    expect(other, "two");
    CHECK_ERR(ferry_queue_receive(other, bytes, 8, FERRY_FOREVER), EIDRM);
    CHECK_ERR(ferry_queue_receive(queue, bytes, 8, 60 * SECOND), EIDRM);
    CHECK_ERR(ferry_queue_receive(queue, bytes, 8, FERRY_NOW), EIDRM);
    put(queue, "three");
    expect(other, "three");
    ferry_queue_close(queue);
    ferry_queue_close(other);
    CHECK_EQ(count_files(), 0);
}

EACH_BOUNDED_QUEUE(who_needs_room_in_a_removed_queue_gets_none) /* Q5 */
{
    ferry_queue *queue = make_bounded(kind, "q", 0, 2, FERRY_OVERFLOW_BLOCK);
    put(queue, "one");
    put(queue, "two");
    CHECK_OK(ferry_remove("q"));
    CHECK_ERR(ferry_queue_send(queue, "three", 5, FERRY_FOREVER), EIDRM);
    CHECK_ERR(ferry_queue_send(queue, "three", 5, FERRY_NOW), EIDRM);
    expect(queue, "one");
    put(queue, "three");
    expect(queue, "two");
    expect(queue, "three");
    ferry_queue_close(queue);
}

TEST(a_new_queue_of_the_name_is_another_one) /* G6 */
{
    ferry_queue *old = open_queue("q", FERRY_CREATE);
    put(old, "old");
    CHECK_OK(ferry_remove("q"));
    ferry_queue *new = open_queue("q", FERRY_CREATE | FERRY_EXCLUSIVE);
    expect_nothing(new);
    put(new, "new");
    expect(old, "old");
    expect(new, "new");
    ferry_queue_close(old);
    destroy_queue(new, "q");
}
