/* Queues: one handle, many threads; and fork in the middle of what they do (contract G11, G16, Q8).  Also run under
 * ThreadSanitizer. */
#include <pthread.h>

#include "queues.h"

enum { SENDERS = 3, RECEIVERS = 3, COUNT = 2000, LAST = 0xffff };

struct stage {
    ferry_queue *queue;
    _Atomic uint32_t self;
    _Atomic uint8_t received[SENDERS][COUNT];
};

struct text {
    uint16_t sender, number;
    char rest[60];
};

static void *send_many(void *context)
{
    struct stage *stage = context;
    struct text text = {.sender = (uint16_t)atomic_fetch_add(&stage->self, 1)};
    for (text.number = 0; text.number < COUNT; text.number++) {
        memset(text.rest, text.number, sizeof text.rest);
        if (text.number % 5 == 0) {
            void *loan;
            CHECK_OK(ferry_queue_loan(stage->queue, &loan, sizeof text, FERRY_FOREVER));
            memcpy(loan, &text, sizeof text);
            CHECK_EQ(ferry_queue_send_loan(
                         stage->queue,
                         &(struct ferry_message){.bytes = loan, .size_bytes = sizeof text},
                         FERRY_FOREVER),
                     0);
        } else {
            CHECK_EQ(ferry_queue_send(stage->queue, &text, sizeof text, FERRY_FOREVER), 0);
        }
    }
    return NULL;
}

/* false: it was the last one. */
static bool note(struct stage *stage, const struct text *text, int last[SENDERS])
{
    if (text->sender == LAST)
        return false;
    CHECK(text->sender < SENDERS && text->number < COUNT);
    for (size_t i = 0; i < sizeof text->rest; i++)
        CHECK_EQ(text->rest[i], (char)text->number);
    CHECK(text->number > last[text->sender]);
    last[text->sender] = text->number;
    CHECK_EQ(atomic_fetch_add(&stage->received[text->sender][text->number], 1), 0);
    return true;
}

static void *receive_many(void *context)
{
    struct stage *stage = context;
    int last[SENDERS] = {-1, -1, -1};
    for (unsigned i = 0;; i++) {
        struct text text;
        struct ferry_message message;
        if (i % 3 == 0) {
            CHECK_EQ(ferry_queue_take_message(stage->queue, &message, NULL, FERRY_FOREVER),
                     sizeof text);
            memcpy(&text, message.bytes, sizeof text);
            CHECK_OK(ferry_queue_release_message(stage->queue, message.bytes));
        } else {
            CHECK_EQ(ferry_queue_receive(stage->queue, &text, sizeof text, FERRY_FOREVER),
                     sizeof text);
        }
        if (!note(stage, &text, last))
            return NULL;
    }
}

static void start(pthread_t *threads, int count, void *(*body)(void *), void *context)
{
    for (int i = 0; i < count; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, body, context), 0);
}

static void join(pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void end_receivers(struct stage *stage, pthread_t *receivers)
{
    const struct text last = {.sender = LAST};
    for (int i = 0; i < RECEIVERS; i++)
        CHECK_EQ(ferry_queue_send(stage->queue, &last, sizeof last, FERRY_FOREVER), 0);
    join(receivers, RECEIVERS);
    for (int i = 0; i < SENDERS; i++)
        for (int j = 0; j < COUNT; j++)
            CHECK_EQ(stage->received[i][j], 1);
}

static void run(const struct queue_kind *kind, uint64_t messages)
{
    struct stage *stage = test_shared(sizeof *stage);
    pthread_t senders[SENDERS], receivers[RECEIVERS];
    stage->queue = make_bounded(kind, "q", 0, messages, FERRY_OVERFLOW_BLOCK);
    start(receivers, RECEIVERS, receive_many, stage);
    start(senders, SENDERS, send_many, stage);
    join(senders, SENDERS);
    end_receivers(stage, receivers);
    expect_nothing(stage->queue);
    destroy_queue(stage->queue, "q");
}

EACH_QUEUE(threads_share_a_handle) /* G16, Q8 */
{
    run(kind, 0);
}

EACH_BOUNDED_QUEUE(threads_share_a_handle_and_little_room) /* G16, Q8 */
{
    run(kind, 2);
}

/* ---- Fork in the middle ---- */

static void send_as_child(void *context)
{
    struct stage *stage = context;
    CHECK_EQ(ferry_queue_send(stage->queue, &(struct text){.sender = LAST - 1}, sizeof(struct text),
                              FERRY_FOREVER),
             0);
    ferry_queue_close(stage->queue);
}

/* Messages of children do not count. */
static void *receive_but_children(void *context)
{
    struct stage *stage = context;
    int last[SENDERS] = {-1, -1, -1};
    struct text text;
    do
        CHECK_EQ(ferry_queue_receive(stage->queue, &text, sizeof text, FERRY_FOREVER), sizeof text);
    while (text.sender == LAST - 1 || note(stage, &text, last));
    return NULL;
}

EACH_QUEUE(children_are_forked_while_threads_send) /* G11, G16 */
{
    struct stage *stage = test_shared(sizeof *stage);
    pthread_t senders[SENDERS], receivers[RECEIVERS];
    stage->queue = make_bounded(kind, "q", 0, 16, FERRY_OVERFLOW_BLOCK);
    start(receivers, RECEIVERS, receive_but_children, stage);
    start(senders, SENDERS, send_many, stage);
    for (int i = 0; i < 20; i++)
        test_wait_ok(test_child(send_as_child, stage));
    join(senders, SENDERS);
    end_receivers(stage, receivers);
    expect_nothing(stage->queue);
    destroy_queue(stage->queue, "q");
}

/* ---- Poll and notice from other threads ---- */

static void *poll_and_receive(void *context)
{
    struct stage *stage = context;
    int fd = ferry_queue_descriptor(stage->queue, FERRY_READ);
    CHECK_OK(fd);
    for (int left = SENDERS * COUNT; left > 0;) {
        struct text text;
        ssize_t size = ferry_queue_receive(stage->queue, &text, sizeof text, FERRY_NOW);
        if (size == -EAGAIN)
            poll_until_readable(fd);
        else
            left -= (CHECK_OK(size), 1);
    }
    return NULL;
}

EACH_QUEUE(one_thread_polls_while_others_send) /* G15, G16 */
{
    struct stage *stage = test_shared(sizeof *stage);
    pthread_t senders[SENDERS], receiver;
    stage->queue = make_queue(kind, "q", 0);
    start(&receiver, 1, poll_and_receive, stage);
    start(senders, SENDERS, send_many, stage);
    join(senders, SENDERS);
    join(&receiver, 1);
    expect_nothing(stage->queue);
    destroy_queue(stage->queue, "q");
}
