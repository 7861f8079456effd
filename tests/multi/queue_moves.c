/* Queues: looking without taking, many at once, and without copying (contract Q6). */
#include "queues.h"

static const struct ferry_choice peek = {.flags = FERRY_PEEK};

static ssize_t look_at_next(ferry_queue *queue, char *ret_text, size_t size)
{
    struct ferry_message message = {.bytes = ret_text, .size_bytes = size};
    memset(ret_text, 0, size);
    return ferry_queue_receive_message(queue, &message, &peek, FERRY_NOW);
}

EACH_QUEUE(who_peeks_takes_nothing) /* Q6 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    char text[16];
    CHECK_ERR(look_at_next(queue, text, sizeof text), EAGAIN);
    put(queue, "one");
    put(queue, "two");
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(look_at_next(queue, text, sizeof text), 3);
        CHECK_STR(text, "one");
    }
    CHECK_ERR(look_at_next(queue, text, 2), EMSGSIZE);
    struct ferry_message message = {.bytes = text, .size_bytes = 2};
    CHECK_EQ(ferry_queue_receive_message(
                 queue, &message, &(struct ferry_choice){.flags = FERRY_PEEK | FERRY_TRUNCATE},
                 FERRY_NOW),
             2);
    CHECK_EQ(message.size_bytes, 3);
    CHECK_EQ(statistics_of(queue).received, 0);
    expect(queue, "one");
    expect(queue, "two");
    expect_nothing(queue);
    destroy_queue(queue, "q");
}

static void peek_for_ever(void *context)
{
    ferry_queue *queue = context;
    char text[16] = "";
    struct ferry_message message = {.bytes = text, .size_bytes = sizeof text};
    CHECK_EQ(ferry_queue_receive_message(queue, &message, &peek, FERRY_FOREVER), 5);
    CHECK_STR(text, "hello");
}

EACH_QUEUE(who_waits_to_peek_is_woken_and_takes_nothing) /* Q6 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    pid_t children[3];
    for (int i = 0; i < 3; i++) {
        children[i] = test_child(peek_for_ever, queue);
        test_sleeping(children[i]);
    }
    put(queue, "hello");
    for (int i = 0; i < 3; i++)
        test_wait_ok(children[i]);
    expect(queue, "hello");
    expect_nothing(queue);
    destroy_queue(queue, "q");
}

TEST(who_peeks_by_choice_sees_what_would_come) /* Q2, Q6 */
{
    ferry_queue *queue = make_queue(&typed_priority, "q", 0);
    char text[8], letters[] = "abcdef";
    for (unsigned i = 0; i < 6; i++)
        CHECK_OK(ferry_queue_send_message(
            queue,
            &(struct ferry_message){
                .bytes = &letters[i], .size_bytes = 1, .type = i % 3, .priority = i / 3},
            FERRY_NOW));
    for (unsigned type = 0; type < 3; type++) {
        struct ferry_choice choice = {
            .selection = FERRY_OF_TYPE, .type = type, .flags = FERRY_PEEK};
        struct ferry_message message = {.bytes = text, .size_bytes = sizeof text};
        CHECK_EQ(ferry_queue_receive_message(queue, &message, &choice, FERRY_NOW), 1);
        CHECK_EQ(text[0], 'd' + (int)type);
        CHECK_EQ(message.type, type);
        CHECK_EQ(message.priority, 1);
    }
    CHECK_EQ(statistics_of(queue).messages, 6);
    destroy_queue(queue, "q");
}

/* ---- Many at once ---- */

enum { MANY = 50 };

struct many {
    struct ferry_message messages[MANY];
    uint32_t numbers[MANY];
};

static void many_to_send(struct many *many)
{
    for (uint32_t i = 0; i < MANY; i++) {
        many->numbers[i] = i * 7;
        many->messages[i] =
            (struct ferry_message){.bytes = &many->numbers[i], .size_bytes = sizeof(uint32_t)};
    }
}

static void many_to_receive(struct many *many)
{
    memset(many, 0, sizeof *many);
    for (uint32_t i = 0; i < MANY; i++)
        many->messages[i] =
            (struct ferry_message){.bytes = &many->numbers[i], .size_bytes = sizeof(uint32_t)};
}

EACH_QUEUE(batches_come_out_as_they_went_in) /* Q6 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    struct many many;
    for (int lap = 0; lap < 100; lap++) {
        many_to_send(&many);
        CHECK_EQ(ferry_queue_send_batch(queue, many.messages, MANY, FERRY_NOW), MANY);
        many_to_receive(&many);
        CHECK_EQ(ferry_queue_receive_batch(queue, many.messages, 20, NULL, FERRY_FOREVER), 20);
        CHECK_EQ(ferry_queue_receive_batch(queue, many.messages + 20, MANY, NULL, FERRY_NOW),
                 MANY - 20);
        for (uint32_t i = 0; i < MANY; i++) {
            CHECK_EQ(many.numbers[i], i * 7);
            CHECK_EQ(many.messages[i].size_bytes, sizeof(uint32_t));
        }
        CHECK_ERR(ferry_queue_receive_batch(queue, many.messages, MANY, NULL, FERRY_NOW), EAGAIN);
    }
    CHECK_ERR(ferry_queue_receive_batch(queue, many.messages, MANY, &peek, FERRY_NOW), EINVAL);
    destroy_queue(queue, "q");
}

EACH_BOUNDED_QUEUE(a_batch_goes_as_far_as_there_is_room) /* Q3, Q6 */
{
    ferry_queue *queue = make_bounded(kind, "q", 0, 30, FERRY_OVERFLOW_BLOCK);
    struct many many;
    many_to_send(&many);
    CHECK_EQ(ferry_queue_send_batch(queue, many.messages, MANY, FERRY_FOREVER), 30);
    CHECK_ERR(ferry_queue_send_batch(queue, many.messages, MANY, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_queue_send_batch(queue, many.messages, MANY, MILLISECOND), ETIMEDOUT);
    many_to_receive(&many);
    CHECK_EQ(ferry_queue_receive_batch(queue, many.messages, MANY, NULL, FERRY_NOW), 30);
    for (uint32_t i = 0; i < 30; i++)
        CHECK_EQ(many.numbers[i], i * 7);
    destroy_queue(queue, "q");
}

EACH_QUEUE(a_batch_ends_before_what_does_not_fit) /* Q4, Q6 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    struct many many;
    put(queue, "1234");
    put(queue, "12345");
    many_to_receive(&many);
    CHECK_EQ(ferry_queue_receive_batch(queue, many.messages, MANY, NULL, FERRY_NOW), 1);
    CHECK_ERR(ferry_queue_receive_batch(queue, many.messages, MANY, NULL, FERRY_NOW), EMSGSIZE);
    expect(queue, "12345");
    struct ferry_message mixed[2] = {{.bytes = &many, .size_bytes = 4},
                                     {.bytes = &many, .size_bytes = SIZE_MAX}};
    ssize_t sent = ferry_queue_send_batch(queue, mixed, 2, FERRY_NOW);
    CHECK(sent == 1 || sent == -EMSGSIZE);
    CHECK_EQ(statistics_of(queue).messages, sent == 1 ? 1 : 0);
    destroy_queue(queue, "q");
}

/* ---- Without copying ---- */

EACH_QUEUE(loans_are_sent_in_any_order) /* Q6 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    void *loans[5];
    for (int i = 0; i < 5; i++) {
        CHECK_OK(ferry_queue_loan(queue, &loans[i], 100, FERRY_NOW));
        memset(loans[i], 'a' + i, 100);
    }
    expect_nothing(queue);
    CHECK_EQ(statistics_of(queue).messages, 0);
    for (int i = 5; i-- > 0;)
        if (i != 2)
            CHECK_EQ(ferry_queue_send_loan(
                         queue, &(struct ferry_message){.bytes = loans[i], .size_bytes = (size_t)i},
                         FERRY_NOW),
                     0);
    CHECK_OK(ferry_queue_return_loan(queue, loans[2]));
    expect(queue, "eeee");
    expect(queue, "ddd");
    expect(queue, "b");
    expect(queue, "");
    expect_nothing(queue);
    destroy_queue(queue, "q");
}

EACH_QUEUE(what_is_not_on_loan_is_refused) /* Q6 */
{
    ferry_queue *queue = make_queue(kind, "q", 0), *other = open_queue("q", 0);
    char own[100];
    void *loan;
    struct ferry_message message = {.bytes = own, .size_bytes = 10};
    CHECK_ERR(ferry_queue_send_loan(queue, &message, FERRY_NOW), EINVAL);
    CHECK_ERR(ferry_queue_return_loan(queue, own), EINVAL);
    CHECK_ERR(ferry_queue_return_loan(queue, NULL), EINVAL);
    CHECK_OK(ferry_queue_loan(queue, &loan, 100, FERRY_NOW));
    CHECK_ERR(ferry_queue_return_loan(other, loan), EINVAL);
    message = (struct ferry_message){.bytes = (char *)loan + 1, .size_bytes = 10};
    CHECK_ERR(ferry_queue_send_loan(queue, &message, FERRY_NOW), EINVAL);
    message = (struct ferry_message){.bytes = loan, .size_bytes = 10, .type = 5, .priority = 5};
    if (kind->flags == 0) { /* refused, and on loan still */
        CHECK_ERR(ferry_queue_send_loan(queue, &message, FERRY_NOW), EINVAL);
        message.type = message.priority = 0;
    }
    message.type = (kind->flags & FERRY_TYPES) != 0 ? 5 : 0;
    message.priority = (kind->flags & FERRY_PRIORITIES) != 0 ? 5 : 0;
    memset(loan, 'x', 10);
    CHECK_EQ(ferry_queue_send_loan(queue, &message, FERRY_NOW), 0);
    CHECK_ERR(ferry_queue_send_loan(queue, &message, FERRY_NOW), EINVAL);
    CHECK_ERR(ferry_queue_return_loan(queue, loan), EINVAL);
    expect(queue, "xxxxxxxxxx");
    ferry_queue_close(other);
    destroy_queue(queue, "q");
}

EACH_QUEUE(a_handle_has_64_loans_and_64_taken) /* Q6 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    void *loans[65];
    struct ferry_message taken[65];
    for (int i = 0; i < 64; i++)
        CHECK_OK(ferry_queue_loan(queue, &loans[i], 50, FERRY_NOW));
    CHECK_ERR(ferry_queue_loan(queue, &loans[64], 50, FERRY_FOREVER), ENOBUFS);
    for (int i = 0; i < 64; i++) {
        memset(loans[i], 'A' + i, 50);
        CHECK_EQ(ferry_queue_send_loan(queue,
                                       &(struct ferry_message){.bytes = loans[i], .size_bytes = 50},
                                       FERRY_NOW),
                 0);
    }
    put(queue, "last");
    for (int i = 0; i < 64; i++)
        CHECK_EQ(ferry_queue_take_message(queue, &taken[i], NULL, FERRY_NOW), 50);
    CHECK_ERR(ferry_queue_take_message(queue, &taken[64], NULL, FERRY_FOREVER), ENOBUFS);
    for (int i = 63; i >= 0; i--) {
        const unsigned char *bytes = taken[i].bytes;
        CHECK(bytes[0] == 'A' + i && bytes[49] == 'A' + i);
        CHECK_OK(ferry_queue_release_message(queue, bytes));
        CHECK_ERR(ferry_queue_release_message(queue, bytes), EINVAL);
    }
    expect(queue, "last");
    destroy_queue(queue, "q");
}

/* What was taken is not in the way of what comes behind it. */
EACH_BOUNDED_QUEUE(what_is_taken_stays_while_others_come_and_go) /* Q6 */
{
    ferry_queue *queue = make_bounded(kind, "q", 0, 8, FERRY_OVERFLOW_BLOCK);
    struct ferry_message taken;
    put(queue, "taken");
    CHECK_EQ(ferry_queue_take_message(queue, &taken, NULL, FERRY_NOW), 5);
    CHECK_EQ(taken.size_bytes, 5);
    CHECK_EQ(statistics_of(queue).messages, 0);
    for (int i = 0; i < 1000; i++) {
        put(queue, "another");
        expect(queue, "another");
    }
    CHECK_EQ(memcmp(taken.bytes, "taken", 5), 0);
    CHECK_OK(ferry_queue_release_message(queue, taken.bytes));
    CHECK_ERR(ferry_queue_release_message(queue, &taken), EINVAL);
    for (int i = 0; i < 8; i++)
        put(queue, "full");
    CHECK_ERR(ferry_queue_send(queue, "x", 1, FERRY_NOW), EAGAIN);
    destroy_queue(queue, "q");
}

EACH_QUEUE(closing_gives_back_what_is_held) /* Q6, G8 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    size_t largest = (size_t)statistics_of(queue).largest_bytes;
    for (int i = 0; i < 200; i++) {
        ferry_queue *other = open_queue("q", 0);
        struct ferry_message taken;
        void *loan;
        put(queue, "taken");
        CHECK_OK(ferry_queue_loan(other, &loan, largest, FERRY_FOREVER));
        CHECK_EQ(ferry_queue_take_message(other, &taken, NULL, FERRY_FOREVER), 5);
        ferry_queue_close(other);
    }
    expect_nothing(queue);
    destroy_queue(queue, "q");
}

static void hold_much(void *context)
{
    ferry_queue *queue = open_queue("q", 0);
    struct ferry_message taken;
    void *loan;
    size_t largest = (size_t)statistics_of(queue).largest_bytes;
    put(queue, "taken");
    for (int i = 0; i < 4; i++)
        CHECK_OK(ferry_queue_loan(queue, &loan, largest, FERRY_FOREVER));
    CHECK_EQ(ferry_queue_take_message(queue, &taken, NULL, FERRY_FOREVER), 5);
    test_gate_open(context);
    stay();
}

EACH_QUEUE(the_dead_give_back_what_they_held) /* Q6, G8 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    for (int i = 0; i < 50; i++) {
        struct test_gate *ready = test_gate_new();
        pid_t child = test_child(hold_much, ready);
        test_gate_wait(ready);
        test_kill(child);
        put(queue, "on");
        expect(queue, "on");
    }
    expect_nothing(queue);
    destroy_queue(queue, "q");
}

/* A child of fork has what it does itself; what was loaned and taken stays the parent's. */
static void try_parents_loan(void *context)
{
    void **held = context;
    ferry_queue *queue = held[0];
    CHECK(ferry_queue_send_loan(queue, &(struct ferry_message){.bytes = held[1], .size_bytes = 5},
                                FERRY_NOW) < 0);
    CHECK(ferry_queue_release_message(queue, held[2]) < 0);
    put(queue, "child");
    ferry_queue_close(queue);
}

EACH_QUEUE(loans_stay_the_parents) /* Q6, G11 */
{
    ferry_queue *queue = make_queue(kind, "q", 0);
    struct ferry_message taken;
    void *held[3] = {queue};
    put(queue, "taken");
    CHECK_OK(ferry_queue_loan(queue, &held[1], 100, FERRY_NOW));
    CHECK_EQ(ferry_queue_take_message(queue, &taken, NULL, FERRY_NOW), 5);
    held[2] = taken.bytes;
    test_wait_ok(test_child(try_parents_loan, held));
    expect(queue, "child");
    CHECK_EQ(memcmp(taken.bytes, "taken", 5), 0);
    CHECK_OK(ferry_queue_release_message(queue, taken.bytes));
    memcpy(held[1], "loan", 5);
    CHECK_EQ(ferry_queue_send_loan(
                 queue, &(struct ferry_message){.bytes = held[1], .size_bytes = 4}, FERRY_NOW),
             0);
    expect(queue, "loan");
    destroy_queue(queue, "q");
}
