/* The questions of queue_world.h.
 *
 * First those about the messages: what the books say, and nothing else, is in the queue.  Then those about the queue, which is empty by
 * now: it holds what it held when it was new, shows what there is, wakes who sleeps, and counts its members. */
#include <poll.h>

#include "queue_world.h"

/* ---- Questions -------------------------------------------------------------------------------- */

struct ferry_queue_statistics statistics_of(ferry_queue *queue)
{
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof(statistics)};
    CHECK_OK(ferry_queue_statistics(queue, &statistics));
    return statistics;
}

static bool blocks(const struct world *world)
{
    return statistics_of(world->queue).overflow == FERRY_OVERFLOW_BLOCK;
}

static bool is_shown(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    CHECK_ERRNO(poll(&watched, 1, 0));
    return (watched.revents & POLLIN) != 0;
}

/* What anybody who looks may see, even before anybody has put anything right. */
static void check_plausible(struct world *world)
{
    struct ferry_queue_statistics statistics = statistics_of(world->queue);
    CHECK(statistics.messages <= statistics.capacity_messages);
    CHECK(statistics.bytes <= statistics.capacity_bytes);
    CHECK(statistics.most_messages <= statistics.capacity_messages);
    CHECK(statistics.most_bytes <= statistics.capacity_bytes);
    CHECK(statistics.received + statistics.dropped_oldest <= statistics.sent + 1);
}

/* Exact, as soon as others have sent and received. */
static void check_empty(struct world *world)
{
    struct ferry_queue_statistics statistics = statistics_of(world->queue);
    CHECK_EQ(statistics.messages, 0);
    CHECK_EQ(statistics.bytes, 0);
    CHECK_EQ(statistics.oldest_age_ns, -1);
    CHECK_EQ(statistics.received + statistics.dropped_oldest, statistics.sent);
}

bool is_in(struct world *world, unsigned number)
{
    uint64_t sent = 0, got = 0;
    for (int i = 0; i < PARTIES; i++) {
        sent |= world->books[i].sent;
        got |= world->books[i].got;
    }
    return (sent & ~got & bit(number)) != 0;
}

/* The highest priority first; of each party in the order in which it sent; and what was there before comes before. */
struct order {
    unsigned last[PARTIES][2]; /* the last one's number + 1 */
    unsigned priority;
};

static void check_order(struct order *order, unsigned number)
{
    unsigned who = number / NUMBERS_EACH, priority = message_of(number).priority;
    CHECK(priority <= order->priority);
    CHECK(number + 1 > order->last[who][priority]);
    if (who == BEFORE)
        for (int i = BEFORE + 1; i < PARTIES; i++)
            CHECK_EQ(order->last[i][priority], 0);
    order->priority = priority;
    order->last[who][priority] = number + 1;
}

static ssize_t receive_now(struct world *world, unsigned char *bytes, struct ferry_message *message)
{
    *message = (struct ferry_message){.bytes = bytes, .size_bytes = LARGEST};
    return ferry_queue_receive_message(world->queue, message, NULL, FERRY_NOW);
}

static void drain(struct world *world)
{
    unsigned char bytes[LARGEST];
    struct ferry_message message;
    struct order order = {.priority = UINT32_MAX};
    ssize_t n;
    while ((n = receive_now(world, bytes, &message)) > 0) {
        unsigned number = number_of(&message, (size_t)n);
        note_got(world, SURVIVOR, number);
        check_order(&order, number);
    }
    struct ferry_object object = {.object_bytes = sizeof(object)};
    if (n != -EIDRM || ferry_look(NAME, &object) != -ENOENT)
        CHECK_ERR((int)n, EAGAIN);
}

/* What was sent has been had by somebody, but for what the dead were about to take, and what went for others. */
void check_books(struct world *world)
{
    uint64_t tried = 0, sent = 0, got = 0, takes = 0;
    int dropped = 0, most = 0;
    for (int i = 0; i < PARTIES; i++) {
        struct books *books = &world->books[i];
        tried |= books->tried;
        sent |= books->sent;
        got |= books->got;
        takes |= books->takes;
        dropped += books->dropped;
        most += (int)books->most;
    }
    uint64_t missing = sent & ~got;
    CHECK((got & ~tried) == 0);
    CHECK((missing & ~takes) == 0);
    int count = __builtin_popcountll(missing);
    CHECK(count <= dropped + most && count + most >= dropped);
}

/* Who looks on has seen all that was sent. */
static void check_tap(struct world *world)
{
    unsigned char bytes[LARGEST];
    uint64_t seen = 0, sent = 0, missed = 0;
    for (;;) {
        struct ferry_message message = {.bytes = bytes, .size_bytes = LARGEST};
        ssize_t n = ferry_queue_tap(world->tap, &message, &missed, FERRY_NOW);
        if (n == -EAGAIN)
            break;
        CHECK_OK(n);
        CHECK_EQ(missed, 0);
        seen |= bit(number_of(&message, (size_t)n));
    }
    for (int i = 0; i < PARTIES; i++)
        sent |= world->books[i].sent | world->books[i].got;
    CHECK_EQ(sent & ~seen, 0);
}

void check_messages(struct world *world)
{
    check_plausible(world);
    if (world->readable >= 0 && statistics_of(world->queue).messages > 0)
        CHECK(is_shown(world->readable));
    drain(world);
    check_books(world);
    if (world->tap)
        check_tap(world);
    if (world->readable >= 0)
        test_wait_until(ferry_queue_receive(world->queue, NULL, 0, FERRY_NOW) == -EAGAIN &&
                        !is_shown(world->readable));
    if (world->writable >= 0)
        CHECK(is_shown(world->writable));
}

/* ---- As if nobody had died -------------------------------------------------------------------- */

static const int64_t MOMENT_NS = 20000;

/* Fills it with as many as there is room for, and empties it. */
static void check_capacity(struct world *world, size_t size, unsigned count)
{
    unsigned char bytes[LARGEST], expected[LARGEST];
    for (unsigned i = 0; i < count; i++) {
        memset(bytes, (int)('a' + i), size);
        CHECK_EQ(ferry_queue_send(world->queue, bytes, size, FERRY_NOW), 0);
    }
    struct ferry_queue_statistics statistics = statistics_of(world->queue);
    CHECK_EQ(statistics.messages, count);
    CHECK_EQ(statistics.bytes, count * size);
    if (blocks(world)) {
        CHECK_ERR(ferry_queue_send(world->queue, bytes, size, FERRY_NOW), EAGAIN);
        CHECK_ERR(ferry_queue_send(world->queue, bytes, size, MOMENT_NS), ETIMEDOUT);
    }
    for (unsigned i = 0; i < count; i++) {
        memset(expected, (int)('a' + i), size);
        CHECK_EQ(
            ferry_queue_receive(world->queue, bytes, LARGEST, i == 0 ? FERRY_FOREVER : FERRY_NOW),
            size);
        CHECK(memcmp(bytes, expected, size) == 0);
    }
    check_empty(world);
}

static void check_levels(struct world *world)
{
    char byte = 'x';
    if (world->readable >= 0) {
        CHECK_ERR(ferry_queue_receive(world->queue, &byte, 1, FERRY_NOW), EAGAIN);
        test_wait_until(!is_shown(world->readable) ||
                        ferry_queue_receive(world->queue, &byte, 1, FERRY_NOW) != -EAGAIN);
        CHECK_EQ(ferry_queue_send(world->queue, &byte, 1, FERRY_NOW), 0);
        CHECK(is_shown(world->readable));
        CHECK_EQ(ferry_queue_receive(world->queue, &byte, 1, FERRY_NOW), 1);
    }
    if (world->writable >= 0)
        CHECK(is_shown(world->writable));
}

/* Another process waits for a message, and then for room. */
static void partner(void *memory)
{
    struct world *world = memory;
    char byte;
    CHECK_EQ(ferry_queue_receive(world->queue, &byte, 1, FERRY_FOREVER), 1);
    CHECK_EQ(byte, 'p');
    for (int i = 0; i <= MESSAGES && blocks(world); i++)
        CHECK_OK(ferry_queue_send(world->queue, &byte, 1, FERRY_FOREVER));
    ferry_queue_close(world->queue);
    ferry_queue_close(world->tap);
}

static void check_partner(struct world *world)
{
    char byte = 'p';
    pid_t other = test_child(partner, world);
    await_nap(other);
    CHECK_EQ(ferry_queue_send(world->queue, &byte, 1, FERRY_FOREVER), 0);
    if (blocks(world)) {
        test_wait_until(statistics_of(world->queue).messages == MESSAGES);
        for (unsigned i = 0; i <= MESSAGES; i++)
            CHECK_EQ(ferry_queue_receive(world->queue, &byte, 1, FERRY_FOREVER), 1);
    }
    test_wait_ok(other);
}

struct ferry_object check_members(void)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look(NAME, &object));
    CHECK_STR(object.damage, "");
    CHECK_EQ(object.attach_count, object.detach_count + object.death_count + object.attached);
    return object;
}

void check_usable(struct world *world)
{
    char byte;
    CHECK_ERR(ferry_queue_receive(world->queue, &byte, 1, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_queue_receive(world->queue, &byte, 1, MOMENT_NS), ETIMEDOUT);
    if (has(FERRY_RENDEZVOUS))
        return;
    check_capacity(world, LARGEST, BYTES / LARGEST);
    if (!has(FERRY_UNBOUNDED))
        check_capacity(world, 1, MESSAGES);
    check_levels(world);
    if (!has(FERRY_UNBOUNDED))
        check_partner(world);
    check_members();
}
