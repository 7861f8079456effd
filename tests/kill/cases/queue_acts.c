/* See queue_acts.h. */
#include "queue_acts.h"

static const int64_t SOON_NS = 1000000000;

/* ---- Sending ---------------------------------------------------------------------------------- */

static void note_sent(struct books *books, uint64_t tried, int result)
{
    if (result < 0)
        books->failed = result;
    if (result < 0 || (result > 0 && drops_newest()))
        return;
    atomic_fetch_or(&books->sent, tried);
    books->dropped += result;
}

static void send(struct world *world, int who, int64_t timeout_ns)
{
    struct books *books = &world->books[who];
    unsigned number = number_next(world, who);
    const struct ferry_message message = message_of(number);
    atomic_fetch_or(&books->tried, bit(number));
    note_sent(books, bit(number), ferry_queue_send_message(world->queue, &message, timeout_ns));
}

void send_one(struct world *world, int who)
{
    send(world, who, FERRY_FOREVER);
}

void send_soon(struct world *world, int who)
{
    send(world, who, SOON_NS);
}

void send_now(struct world *world, int who)
{
    send(world, who, FERRY_NOW);
}

void send_three(struct world *world, int who)
{
    struct books *books = &world->books[who];
    struct ferry_message messages[3];
    unsigned first = number_next(world, who);
    for (unsigned i = 0; i < 3; i++) {
        messages[i] = message_of(i == 0 ? first : number_next(world, who));
        atomic_fetch_or(&books->tried, bit(first + i));
    }
    ssize_t n = ferry_queue_send_batch(world->queue, messages, 3, FERRY_FOREVER);
    if (n < 0)
        books->failed = (int)n;
    for (unsigned i = 0; i < 3 && (ssize_t)i < n; i++)
        atomic_fetch_or(&books->sent, bit(first + i));
}

void send_dropping(struct world *world, int who)
{
    struct books *books = &world->books[who];
    books->takes = UINT64_C(0xffff); /* of those before */
    books->most = MESSAGES;
    send_one(world, who);
    books->most = 0;
}

void send_loan(struct world *world, int who)
{
    struct books *books = &world->books[who];
    unsigned number = number_next(world, who);
    struct ferry_message message = message_of(number);
    void *bytes;
    int r = ferry_queue_loan(world->queue, &bytes, message.size_bytes, FERRY_FOREVER);
    if (r < 0) {
        books->failed = r;
        return;
    }
    memcpy(bytes, message.bytes, message.size_bytes);
    message.bytes = bytes;
    atomic_fetch_or(&books->tried, bit(number));
    note_sent(books, bit(number), ferry_queue_send_loan(world->queue, &message, FERRY_FOREVER));
}

void return_loan(struct world *world, int who)
{
    void *bytes;
    int r = ferry_queue_loan(world->queue, &bytes, LARGEST, FERRY_FOREVER);
    if (r == 0) {
        memset(bytes, 0xff, LARGEST);
        r = ferry_queue_return_loan(world->queue, bytes);
    }
    world->books[who].failed = r;
}

void send_last(struct world *world, int who)
{
    world->books[who].next = LAST % NUMBERS_EACH;
    send_one(world, who);
}

void fill(struct world *world, int who)
{
    while (world->books[who].failed == 0)
        send_now(world, who);
    CHECK_ERR(world->books[who].failed, EAGAIN);
    world->books[who].failed = 0;
}

/* ---- Receiving -------------------------------------------------------------------------------- */

/* From here on until it says what it got, so many may be gone. */
static struct books *begin_to_take(struct world *world, int who, unsigned most)
{
    struct books *books = &world->books[who];
    books->takes = UINT64_MAX;
    books->most = most;
    return books;
}

static void note_received(struct world *world, int who, const struct ferry_message *message,
                          ssize_t n)
{
    struct books *books = &world->books[who];
    if (n < 0)
        books->failed = (int)n;
    else
        note_got(world, who, number_of(message, (size_t)n));
    books->most = 0;
}

static void receive_of(struct world *world, int who, const struct ferry_choice *choice, size_t room,
                       int64_t timeout_ns)
{
    unsigned char bytes[LARGEST];
    struct ferry_message message = {.bytes = bytes, .size_bytes = room};
    begin_to_take(world, who, 1);
    ssize_t n = ferry_queue_receive_message(world->queue, &message, choice, timeout_ns);
    note_received(world, who, &message, n);
}

void receive_one(struct world *world, int who)
{
    receive_of(world, who, NULL, LARGEST, FERRY_FOREVER);
}

void receive_soon(struct world *world, int who)
{
    receive_of(world, who, NULL, LARGEST, SOON_NS);
}

void receive_now_one(struct world *world, int who)
{
    receive_of(world, who, NULL, LARGEST, FERRY_NOW);
}

void receive_truncated(struct world *world, int who)
{
    receive_of(world, who, &(struct ferry_choice){.flags = FERRY_TRUNCATE}, 3, FERRY_FOREVER);
}

void receive_too_small(struct world *world, int who)
{
    receive_of(world, who, NULL, 3, FERRY_FOREVER);
}

void receive_of_type(struct world *world, int who)
{
    receive_of(world, who, &(struct ferry_choice){.selection = FERRY_OF_TYPE, .type = 2}, LARGEST,
               FERRY_FOREVER);
}

void receive_up_to(struct world *world, int who)
{
    receive_of(world, who, &(struct ferry_choice){.selection = FERRY_UP_TO, .type = 2}, LARGEST,
               FERRY_FOREVER);
}

void receive_except(struct world *world, int who)
{
    receive_of(world, who, &(struct ferry_choice){.selection = FERRY_EXCEPT, .type = 2}, LARGEST,
               FERRY_FOREVER);
}

void peek(struct world *world, int who)
{
    unsigned char bytes[LARGEST];
    struct ferry_message message = {.bytes = bytes, .size_bytes = LARGEST};
    const struct ferry_choice choice = {.flags = FERRY_PEEK};
    ssize_t n = ferry_queue_receive_message(world->queue, &message, &choice, FERRY_FOREVER);
    if (n < 0)
        world->books[who].failed = (int)n;
    else
        number_of(&message, (size_t)n);
}

void receive_three(struct world *world, int who)
{
    unsigned char bytes[3][LARGEST];
    struct ferry_message messages[3];
    struct books *books = begin_to_take(world, who, 3);
    for (int i = 0; i < 3; i++)
        messages[i] = (struct ferry_message){.bytes = bytes[i], .size_bytes = LARGEST};
    ssize_t n = ferry_queue_receive_batch(world->queue, messages, 3, NULL, FERRY_FOREVER);
    if (n < 0)
        books->failed = (int)n;
    for (ssize_t i = 0; i < n; i++)
        note_got(world, who, number_of(&messages[i], messages[i].size_bytes));
    books->most = 0;
}

void take_one(struct world *world, int who)
{
    struct ferry_message message = {0};
    begin_to_take(world, who, 1);
    ssize_t n = ferry_queue_take_message(world->queue, &message, NULL, FERRY_FOREVER);
    note_received(world, who, &message, n);
    if (n >= 0)
        world->books[who].failed = ferry_queue_release_message(world->queue, message.bytes);
}

void receive_to_last(struct world *world, int who)
{
    while ((world->books[who].got & bit(LAST)) == 0)
        receive_one(world, who);
}

void nothing(struct world *world, int who)
{
    (void)world;
    (void)who;
}

/* ---- Calm ------------------------------------------------------------------------------------- */

void calm_receiver(struct world *world, int who)
{
    char byte;
    (void)who;
    for (int i = 0; i < 10; i++)
        CHECK_ERR((int)ferry_queue_receive(world->queue, &byte, 1, 1000), ETIMEDOUT);
}

void calm_sender(struct world *world, int who)
{
    char bytes[LARGEST] = "";
    (void)who;
    for (int i = 0; i < 10; i++)
        CHECK_ERR(ferry_queue_send(world->queue, bytes, LARGEST, 1000), ETIMEDOUT);
}
