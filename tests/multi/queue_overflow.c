/* Queues: what becomes of a message for which there is no room (contract Q3). */
#include <sys/stat.h>

#include "queues.h"

static int try_to_send(ferry_queue *queue, char letter)
{
    return ferry_queue_send(queue, &letter, 1, FERRY_NOW);
}

static void fill(ferry_queue *queue, const char *letters)
{
    for (; *letters != '\0'; letters++)
        CHECK_EQ(try_to_send(queue, *letters), 0);
}

static void expect_all(ferry_queue *queue, const char *letters)
{
    for (; *letters != '\0'; letters++)
        expect(queue, (char[]){*letters, '\0'});
    expect_nothing(queue);
}

EACH_BOUNDED_QUEUE(a_blocking_one_says_again_or_too_late) /* Q3, G7 */
{
    ferry_queue *queue = make_bounded(kind, "q", 0, 3, FERRY_OVERFLOW_BLOCK);
    fill(queue, "abc");
    CHECK_ERR(try_to_send(queue, 'd'), EAGAIN);
    int64_t begin_ns = test_now_ns();
    CHECK_ERR(ferry_queue_send(queue, "d", 1, 20 * MILLISECOND), ETIMEDOUT);
    CHECK(test_now_ns() - begin_ns >= 20 * MILLISECOND);
    CHECK_EQ(statistics_of(queue).refused, 0);
    expect_all(queue, "abc");
    destroy_queue(queue, "q");
}

EACH_BOUNDED_QUEUE(a_refusing_one_refuses_at_once) /* Q3 */
{
    ferry_queue *queue = make_bounded(kind, "q", 0, 3, FERRY_OVERFLOW_REFUSE);
    fill(queue, "abc");
    CHECK_ERR(ferry_queue_send(queue, "d", 1, FERRY_FOREVER), EAGAIN);
    CHECK_ERR(ferry_queue_send(queue, "d", 1, FERRY_NOW), EAGAIN);
    CHECK_EQ(statistics_of(queue).refused, 2);
    CHECK_EQ(statistics_of(queue).sent, 3);
    expect_all(queue, "abc");
    destroy_queue(queue, "q");
}

EACH_BOUNDED_QUEUE(the_newest_goes) /* Q3 */
{
    ferry_queue *queue = make_bounded(kind, "q", 0, 3, FERRY_OVERFLOW_DROP_NEWEST);
    fill(queue, "abc");
    CHECK_EQ(ferry_queue_send(queue, "d", 1, FERRY_FOREVER), 1);
    CHECK_EQ(ferry_queue_send(queue, "e", 1, FERRY_NOW), 1);
    struct ferry_queue_statistics now = statistics_of(queue);
    CHECK_EQ(now.dropped_newest, 2);
    CHECK_EQ(now.dropped_oldest, 0);
    CHECK_EQ(now.messages, 3);
    CHECK_EQ(now.sent, 3);
    expect(queue, "a");
    CHECK_EQ(try_to_send(queue, 'f'), 0);
    expect_all(queue, "bcf");
    destroy_queue(queue, "q");
}

EACH_BOUNDED_QUEUE(the_oldest_goes) /* Q3 */
{
    ferry_queue *queue = make_bounded(kind, "q", 0, 3, FERRY_OVERFLOW_DROP_OLDEST);
    fill(queue, "abc");
    CHECK_EQ(ferry_queue_send(queue, "d", 1, FERRY_FOREVER), 1);
    CHECK_EQ(ferry_queue_send(queue, "e", 1, FERRY_NOW), 1);
    struct ferry_queue_statistics now = statistics_of(queue);
    CHECK_EQ(now.dropped_oldest, 2);
    CHECK_EQ(now.dropped_newest, 0);
    CHECK_EQ(now.messages, 3);
    CHECK_EQ(now.sent, 5);
    CHECK_EQ(now.received, 0);
    expect_all(queue, "cde");
    destroy_queue(queue, "q");
}

static void send_with_priority(ferry_queue *queue, char letter, uint32_t level, int dropped)
{
    CHECK_EQ(ferry_queue_send_message(
                 queue,
                 &(struct ferry_message){.bytes = &letter, .size_bytes = 1, .priority = level},
                 FERRY_NOW),
             dropped);
}

/* What is important stays, however old. */
TEST(the_oldest_of_the_lowest_priority_goes) /* Q3 */
{
    ferry_queue *queue = make_bounded(&priority, "q", 0, 3, FERRY_OVERFLOW_DROP_OLDEST);
    send_with_priority(queue, 'a', 9, 0);
    send_with_priority(queue, 'b', 0, 0);
    send_with_priority(queue, 'c', 5, 0);
    send_with_priority(queue, 'd', 1, 1);
    send_with_priority(queue, 'e', 1, 1);
    expect_all(queue, "ace");
    destroy_queue(queue, "q");
}

EACH_BOUNDED_QUEUE(as_many_of_the_oldest_go_as_it_takes) /* Q3 */
{
    ferry_queue *queue;
    size_t bytes = kind->largest > 0 ? (size_t)kind->largest : 1000;
    char *zeros = calloc(1, bytes);
    CHECK(zeros != NULL);
    CHECK_OK(ferry_queue_open(&queue, "q",
                              FERRY_QUEUE(.flags = FERRY_CREATE | kind->flags, .messages = 100,
                                          .bytes = bytes, .largest = bytes,
                                          .overflow = FERRY_OVERFLOW_DROP_OLDEST)));
    for (int i = 0; i < 10; i++)
        CHECK_EQ(ferry_queue_send(queue, zeros, bytes / 10, FERRY_NOW), 0);
    CHECK_EQ(ferry_queue_send(queue, zeros, bytes / 2, FERRY_NOW), 5);
    CHECK_EQ(statistics_of(queue).messages, 6);
    CHECK_EQ(ferry_queue_send(queue, zeros, bytes, FERRY_NOW), 6);
    CHECK_EQ(statistics_of(queue).messages, 1);
    CHECK_EQ(statistics_of(queue).bytes, bytes);
    CHECK_EQ(statistics_of(queue).dropped_oldest, 11);
    CHECK_EQ(ferry_queue_receive(queue, zeros, bytes, FERRY_NOW), bytes);
    free(zeros);
    destroy_queue(queue, "q");
}

/* A loan that is dropped is over, too. */
EACH_BOUNDED_QUEUE(loans_are_dropped_as_messages_are) /* Q3, Q6 */
{
    for (unsigned policy = FERRY_OVERFLOW_DROP_OLDEST; policy <= FERRY_OVERFLOW_DROP_NEWEST;
         policy++) {
        ferry_queue *queue = make_bounded(kind, "q", 0, 3, policy);
        fill(queue, "abc");
        for (int i = 0; i < 200; i++) {
            void *loan;
            int r = ferry_queue_loan(queue, &loan, 1, FERRY_NOW);
            if (r == -EAGAIN && policy == FERRY_OVERFLOW_DROP_NEWEST)
                continue; /* the newest is not even begun */
            CHECK_OK(r);
            memset(loan, 'x', 1);
            int dropped = ferry_queue_send_loan(
                queue, &(struct ferry_message){.bytes = loan, .size_bytes = 1}, FERRY_NOW);
            CHECK(dropped == 0 || dropped == 1); /* room may have been made for the loan already */
        }
        struct ferry_queue_statistics now = statistics_of(queue);
        CHECK_EQ(now.dropped_oldest, policy == FERRY_OVERFLOW_DROP_OLDEST ? 200 : 0);
        CHECK_EQ(now.messages, 3);
        expect_all(queue, policy == FERRY_OVERFLOW_DROP_OLDEST ? "xxx" : "abc");
        destroy_queue(queue, "q");
    }
}

/* In a batch they count as sent. */
EACH_BOUNDED_QUEUE(batches_are_dropped_as_messages_are) /* Q3, Q6 */
{
    const struct ferry_message batch[5] = {{.bytes = (char[]){'1'}, .size_bytes = 1},
                                           {.bytes = (char[]){'2'}, .size_bytes = 1},
                                           {.bytes = (char[]){'3'}, .size_bytes = 1},
                                           {.bytes = (char[]){'4'}, .size_bytes = 1},
                                           {.bytes = (char[]){'5'}, .size_bytes = 1}};
    ferry_queue *queue = make_bounded(kind, "q", 0, 3, FERRY_OVERFLOW_DROP_OLDEST);
    CHECK_EQ(ferry_queue_send_batch(queue, batch, 5, FERRY_NOW), 5);
    CHECK_EQ(statistics_of(queue).dropped_oldest, 2);
    expect_all(queue, "345");
    destroy_queue(queue, "q");
    queue = make_bounded(kind, "q", 0, 3, FERRY_OVERFLOW_DROP_NEWEST);
    CHECK_EQ(ferry_queue_send_batch(queue, batch, 5, FERRY_NOW), 5);
    CHECK_EQ(statistics_of(queue).dropped_newest, 2);
    expect_all(queue, "123");
    destroy_queue(queue, "q");
}

/* ---- No buffer ---- */

static const struct queue_kind rendezvous = {"rendezvous", FERRY_RENDEZVOUS, 0},
                               typed_rendezvous = {"typed_rendezvous",
                                                   FERRY_RENDEZVOUS | FERRY_TYPES, 0},
                               large_rendezvous = {"large_rendezvous", FERRY_RENDEZVOUS, 100000};

#define EACH_RENDEZVOUS(name_)                                                                     \
    static void name_(const struct queue_kind *kind);                                              \
    ONE_QUEUE(rendezvous, name_)                                                                   \
    ONE_QUEUE(typed_rendezvous, name_)                                                             \
    ONE_QUEUE(large_rendezvous, name_)                                                             \
    static void name_(const struct queue_kind *kind)

struct meeting {
    ferry_queue *queue;
    _Atomic int returned;
};

static void send_and_say(void *context)
{
    struct meeting *meeting = context;
    CHECK_EQ(ferry_queue_send(meeting->queue, "hello", 5, FERRY_FOREVER), 0);
    atomic_store(&meeting->returned, 1);
}

EACH_RENDEZVOUS(a_message_is_sent_when_it_has_been_received) /* Q3 */
{
    struct meeting *meeting = test_shared(sizeof *meeting);
    meeting->queue = make_queue(kind, "q", 0);
    for (int i = 0; i < 20; i++) {
        atomic_store(&meeting->returned, 0);
        pid_t child = test_child(send_and_say, meeting);
        test_sleeping(child);
        CHECK_EQ(meeting->returned, 0);
        expect(meeting->queue, "hello");
        test_wait_ok(child);
        CHECK_EQ(meeting->returned, 1);
    }
    destroy_queue(meeting->queue, "q");
}

EACH_RENDEZVOUS(what_nobody_receives_in_time_was_not_sent) /* Q3, G7 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    CHECK_ERR(ferry_queue_send(queue, "x", 1, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_queue_send(queue, "x", 1, 10 * MILLISECOND), ETIMEDOUT);
    expect_nothing(queue);
    CHECK_EQ(statistics_of(queue).messages, 0);
    void *loan;
    CHECK_OK(ferry_queue_loan(queue, &loan, 10, FERRY_NOW));
    memcpy(loan, "y", 1);
    CHECK_ERR(ferry_queue_send_loan(queue, &(struct ferry_message){.bytes = loan, .size_bytes = 1},
                                    10 * MILLISECOND),
              ETIMEDOUT);
    expect_nothing(queue);
    CHECK_OK(ferry_queue_return_loan(queue, loan)); /* it is on loan still */
    destroy_queue(queue, "q");
}

static void receive_hello(void *context)
{
    expect(context, "hello");
}

EACH_RENDEZVOUS(who_does_not_wait_meets_who_does) /* Q3 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    for (int i = 0; i < 20; i++) {
        pid_t child = test_child(receive_hello, queue);
        test_sleeping(child);
        CHECK_EQ(ferry_queue_send(queue, "hello", 5, FERRY_NOW), 0);
        test_wait_ok(child);
    }
    destroy_queue(queue, "q");
}

EACH_RENDEZVOUS(who_waits_to_be_met_hears_of_the_removal) /* Q3, Q5 */
{
    struct meeting *meeting = test_shared(sizeof *meeting);
    meeting->queue = make_queue(kind, "q", 0);
    pid_t child = fork();
    CHECK_ERRNO(child);
    if (child == 0) {
        CHECK_ERR(ferry_queue_send(meeting->queue, "hello", 5, FERRY_FOREVER), EIDRM);
        _exit(0);
    }
    test_sleeping(child);
    CHECK_OK(ferry_remove("q"));
    test_wait_ok(child);
    ferry_queue_close(meeting->queue);
}

/* ---- No bounds but memory ---- */

#define EACH_UNBOUNDED(name_)                                                                      \
    static void name_(const struct queue_kind *kind);                                              \
    ONE_QUEUE(unbounded, name_)                                                                    \
    ONE_QUEUE(typed_unbounded, name_)                                                              \
    static void name_(const struct queue_kind *kind)

enum { LIMIT = 32 << 20, PIECE = 8192 };

static ferry_queue *make_unbounded(const struct queue_kind *kind, uint64_t limit)
{
    ferry_queue *queue;
    CHECK_OK(ferry_queue_open(&queue, "q",
                              FERRY_QUEUE(.flags = FERRY_CREATE | kind->flags, .bytes = limit)));
    return queue;
}

EACH_UNBOUNDED(its_memory_comes_and_goes) /* Q3 */
{
    static char bytes[PIECE];
    ferry_queue *queue = make_unbounded(kind, LIMIT);
    uint64_t empty = look("q").reserved_bytes, count = LIMIT / 2 / PIECE;
    for (int lap = 0; lap < 4; lap++) {
        for (uint64_t i = 0; i < count; i++)
            CHECK_EQ(ferry_queue_send(queue, bytes, PIECE, FERRY_NOW), 0);
        CHECK(look("q").reserved_bytes >= count * PIECE);
        for (uint64_t i = 0; i < count; i++)
            CHECK_EQ(ferry_queue_receive(queue, bytes, PIECE, FERRY_NOW), PIECE);
        if (look("q").reserved_bytes > empty + LIMIT / 8)
            test_fail(__FILE__, __LINE__, "%llu bytes are reserved for nothing, once %llu",
                      (unsigned long long)look("q").reserved_bytes, (unsigned long long)empty);
    }
    destroy_queue(queue, "q");
}

EACH_UNBOUNDED(it_is_full_at_its_limit) /* Q3 */
{
    static char bytes[PIECE];
    ferry_queue *queue = make_unbounded(kind, LIMIT);
    uint64_t count = 0;
    int r;
    while ((r = ferry_queue_send(queue, bytes, PIECE, FERRY_NOW)) == 0)
        count++;
    CHECK_ERR(r, EAGAIN);
    CHECK(count * PIECE >= LIMIT / 2 && count * PIECE <= LIMIT);
    CHECK_ERR(ferry_queue_send(queue, bytes, PIECE, MILLISECOND), ETIMEDOUT);
    for (; count > 0; count--)
        CHECK_EQ(ferry_queue_receive(queue, bytes, PIECE, FERRY_NOW), PIECE);
    put(queue, "on");
    expect(queue, "on");
    destroy_queue(queue, "q");
}

/* Memory goes in pieces of half a megabyte: receivers stand in the middle of one most of the time. */
EACH_UNBOUNDED(no_batch_goes_where_memory_has_yet_to_go) /* Q3 Q6 */
{
    enum { SIZE = 104, BATCH = 64, AT_ONCE = 6161, ROUNDS = 100 };
    static uint64_t sent[BATCH][SIZE / sizeof(uint64_t)], got[SIZE / sizeof(uint64_t)];
    struct ferry_message batch[BATCH];
    ferry_queue *queue = make_unbounded(kind, LIMIT / 8);
    uint64_t first = 0, next = 0;
    for (int round = 0; round < ROUNDS; round++) {
        ssize_t n;
        do {
            for (uint64_t i = 0; i < BATCH; i++) {
                sent[i][0] = sent[i][SIZE / sizeof(uint64_t) - 1] = next + i;
                batch[i] = (struct ferry_message){.bytes = sent[i], .size_bytes = SIZE};
            }
            n = ferry_queue_send_batch(queue, batch, BATCH, FERRY_NOW);
            next += n > 0 ? (uint64_t)n : 0;
        } while (n == BATCH);
        CHECK(n > 0 || n == -EAGAIN);
        for (uint64_t end = round < ROUNDS - 1 ? first + AT_ONCE : next; first < end; first++) {
            CHECK_EQ(ferry_queue_receive(queue, got, sizeof got, FERRY_NOW), SIZE);
            CHECK_EQ(got[0], first);
            CHECK_EQ(got[SIZE / sizeof(uint64_t) - 1], first);
        }
    }
    destroy_queue(queue, "q");
}
