/* Queues under load, with and without killing: many senders, receivers of all kinds and somebody who looks on, checked
 * against what a sequential queue would have done.  Nothing is lost but what a killed one had in hand, nothing comes twice,
 * each sender's messages of a type and priority come in order, the counters add up, and in the end all of the queue is there
 * for the next ones. */
#include <time.h>

#include "queue_soak.h"

struct party {
    struct world *world;
    uint32_t self, seed;
};

static double seconds(void)
{
    return test_thorough() ? 4 : 0.25;
}

static bool is_sender(uint32_t self)
{
    return self < SENDERS;
}

static bool is_receiver(uint32_t self)
{
    return self >= SENDERS && self < SENDERS + RECEIVERS;
}

/* ---- Participants ---- */

static void take_part(void *context)
{
    struct party *party = context;
    if (is_sender(party->self))
        send_all_the_time(party->world, party->self, party->seed);
    else if (is_receiver(party->self))
        receive_all_the_time(party->world, &party->world->lanes[party->self], party->seed);
    else
        look_all_the_time(party->world, party->seed);
}

static void party_start(struct world *world, uint32_t self, uint32_t *random)
{
    struct party party = {.world = world, .self = self, .seed = next_random(random)};
    world->lanes[self].pid = test_child(take_part, &party);
}

/* Of what it was about to do nobody knows how far it came.  A sender's successor goes on behind. */
static void party_kill(struct world *world, uint32_t self)
{
    struct lane *lane = &world->lanes[self];
    test_kill(lane->pid);
    atomic_fetch_add(&world->kills, 1);
    uint32_t intent = atomic_exchange(&lane->intent, 0);
    if (is_receiver(self))
        atomic_fetch_add(&world->in_hand, intent);
    for (; is_sender(self) && intent > 0; intent--)
        atomic_fetch_or(&world->known[self][atomic_fetch_add(&lane->next, 1)], PERHAPS);
}

/* ---- The end ---- */

struct totals {
    uint64_t sent, received, missing;
};

static struct totals count_all(const struct world *world)
{
    struct totals totals = {0};
    for (uint32_t lane = 0; lane < SENDERS; lane++)
        for (uint32_t number = 0; number < atomic_load(&world->lanes[lane].next); number++) {
            uint8_t known = atomic_load(&world->known[lane][number]);
            totals.sent += (known & PERHAPS) == 0;
            totals.received += (known & RECEIVED) != 0;
            totals.missing += known == 0;
        }
    return totals;
}

static struct ferry_queue_statistics ask(ferry_queue *queue)
{
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof statistics};
    CHECK_OK(ferry_queue_statistics(queue, &statistics));
    return statistics;
}

/* What is left, for nobody else; until all senders have gone. */
static void drain(struct world *world, ferry_queue *queue)
{
    unsigned char *room = malloc(world->shape->largest);
    CHECK(room != NULL);
    for (;;) {
        struct ferry_message message = {.bytes = room, .size_bytes = world->shape->largest};
        ssize_t size = ferry_queue_receive_message(queue, &message, NULL, FERRY_NOW);
        if (size == -EAGAIN)
            break;
        CHECK_OK(size);
        struct head head = check_message(room, message.size_bytes);
        note_received(world, &head);
    }
    free(room);
}

static bool has_ended(struct lane *lane)
{
    int status;
    if (lane->pid > 0 && waitpid(lane->pid, &status, WNOHANG) == lane->pid) {
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        lane->pid = 0;
    }
    return lane->pid == 0;
}

static void end_senders(struct world *world, ferry_queue *queue)
{
    atomic_store(&world->stop, true);
    for (uint32_t self = 0; self < SENDERS; self++)
        while (!has_ended(&world->lanes[self]))
            drain(world, queue);
    for (uint32_t self = SENDERS + RECEIVERS; self < PARTIES; self++)
        test_wait_ok(world->lanes[self].pid);
    /* Somebody else may be just receiving, when there seems to be nothing. */
    while (ask(queue).messages > 0)
        drain(world, queue);
}

static void end_receivers(struct world *world, ferry_queue *queue)
{
    unsigned char poison[sizeof(struct head)];
    make_message(poison, POISON, 0, sizeof poison);
    for (uint32_t self = SENDERS; self < SENDERS + RECEIVERS; self++)
        while (!has_ended(&world->lanes[self])) {
            int r = ferry_queue_send(queue, poison, sizeof poison, MILLISECOND);
            if (r != -ETIMEDOUT && r != -EAGAIN)
                CHECK_OK(r);
        }
    while (ferry_queue_receive(queue, poison, sizeof poison, FERRY_NOW) >= 0)
        ;
}

/* Receivers may have something in hand still when the senders have gone. */
static void judge_counts(const struct world *world, const struct ferry_queue_statistics *before)
{
    struct totals totals = count_all(world);
    uint64_t kills = atomic_load(&world->kills), in_hand = atomic_load(&world->in_hand);
    uint64_t dropped = before->dropped_oldest + before->dropped_newest, told = 0;
    for (uint32_t self = 0; self < SENDERS; self++)
        told += atomic_load(&world->lanes[self].dropped);
    fprintf(stderr, "%s: %llu sent, %llu received, %llu dropped, %llu missing; %llu killed\n",
            world->shape->name, (unsigned long long)totals.sent,
            (unsigned long long)totals.received, (unsigned long long)dropped,
            (unsigned long long)totals.missing, (unsigned long long)kills);
    CHECK(totals.received > 0);
    CHECK(told <= dropped + kills);
    if (kills > 0) {
        CHECK(totals.missing <= in_hand + dropped + kills);
        return;
    }
    CHECK_EQ(totals.missing, dropped);
    CHECK_EQ(before->sent + before->dropped_newest, totals.sent);
    CHECK_EQ(before->received, totals.received);
}

/* All that it was made for is there again. */
static void judge_room(const struct world *world, ferry_queue *queue)
{
    const struct shape *shape = world->shape;
    if ((shape->flags & FERRY_RENDEZVOUS) != 0)
        return;
    unsigned char *bytes = calloc(1, shape->largest);
    /* The limit of an unbounded one is that of all its memory. */
    uint64_t bytes_in_all = (shape->flags & FERRY_UNBOUNDED) != 0 ? shape->bytes / 2 : shape->bytes;
    uint32_t fits = (uint32_t)(bytes_in_all / shape->largest);
    uint32_t count = fits < shape->messages ? fits : shape->messages;
    CHECK(bytes != NULL);
    uint32_t most = (uint32_t)(bytes_in_all / 64);
    most = most < shape->messages ? most : shape->messages;
    for (int lap = 0; lap < 3; lap++) {
        for (uint32_t i = 0; i < count; i++)
            CHECK_EQ(ferry_queue_send(queue, bytes, shape->largest, FERRY_NOW), 0);
        CHECK_EQ(ask(queue).messages, count);
        for (uint32_t i = 0; i < count; i++)
            CHECK_EQ(ferry_queue_receive(queue, bytes, shape->largest, FERRY_NOW), shape->largest);
        for (uint32_t i = 0; i < most; i++)
            CHECK_EQ(ferry_queue_send(queue, bytes, 8, FERRY_NOW), 0);
        for (uint32_t i = 0; i < most; i++)
            CHECK_EQ(ferry_queue_receive(queue, bytes, 8, FERRY_NOW), 8);
        CHECK_ERR(ferry_queue_receive(queue, bytes, 8, FERRY_NOW), EAGAIN);
    }
    free(bytes);
}

static void run(const struct shape *shape, bool kills)
{
    struct world *world = test_shared(sizeof *world);
    uint32_t random = (uint32_t)test_now_ns() | 1;
    ferry_queue *queue;
    world->shape = shape;
    CHECK_OK(ferry_queue_open(&queue, shape->name,
                              FERRY_QUEUE(.flags = FERRY_CREATE | shape->flags,
                                          .overflow = shape->overflow, .messages = shape->messages,
                                          .bytes = shape->bytes, .largest = shape->largest)));
    for (uint32_t self = 0; self < PARTIES; self++)
        party_start(world, self, &random);
    for (int64_t end_ns = test_now_ns() + (int64_t)(seconds() * 1e9); test_now_ns() < end_ns;) {
        struct timespec moment = {.tv_nsec = (long)(next_random(&random) % 3000000)};
        nanosleep(&moment, NULL);
        if (!kills)
            continue;
        uint32_t self = next_random(&random) % PARTIES;
        party_kill(world, self);
        party_start(world, self, &random);
    }
    end_senders(world, queue);
    struct ferry_queue_statistics statistics = ask(queue);
    CHECK_EQ(statistics.messages, 0);
    CHECK_EQ(statistics.bytes, 0);
    end_receivers(world, queue);
    judge_counts(world, &statistics);
    judge_room(world, queue);
    ferry_queue_close(queue);
    CHECK_OK(ferry_remove(shape->name));
}

#define SOAK(name_, ...)                                                                           \
    static const struct shape shape_##name_ = {.name = #name_, __VA_ARGS__};                       \
    TEST_LONG(name_##_under_load, 120) /* Q1, Q3, Q6, Q8 */                                        \
    {                                                                                              \
        run(&shape_##name_, false);                                                                \
    }                                                                                              \
    TEST_LONG(name_##_with_killing, 120) /* G8 */                                                  \
    {                                                                                              \
        run(&shape_##name_, true);                                                                 \
    }

SOAK(plain, .messages = 256, .bytes = 65536, .largest = 8192)
SOAK(narrow, .messages = 2, .bytes = 4096, .largest = 2048)
SOAK(refusing, .overflow = FERRY_OVERFLOW_REFUSE, .messages = 64, .bytes = 65536, .largest = 4096)
SOAK(losing_the_oldest, .overflow = FERRY_OVERFLOW_DROP_OLDEST, .messages = 64, .bytes = 32768,
     .largest = 8192)
SOAK(losing_the_newest, .overflow = FERRY_OVERFLOW_DROP_NEWEST, .messages = 64, .bytes = 32768,
     .largest = 8192)
SOAK(rendezvous, .flags = FERRY_RENDEZVOUS, .messages = 1, .bytes = 8192, .largest = 8192)
SOAK(unbounded, .flags = FERRY_UNBOUNDED, .messages = 65536, .bytes = 1 << 24, .largest = 8192)
SOAK(typed, .flags = FERRY_TYPES, .messages = 256, .bytes = 65536, .largest = 8192)
SOAK(priority, .flags = FERRY_PRIORITIES, .messages = 64, .bytes = 65536, .largest = 8192)
SOAK(typed_priority, .flags = FERRY_TYPES | FERRY_PRIORITIES, .messages = 64, .bytes = 65536,
     .largest = 8192)
SOAK(typed_losing_the_oldest, .flags = FERRY_TYPES, .overflow = FERRY_OVERFLOW_DROP_OLDEST,
     .messages = 32, .bytes = 32768, .largest = 8192)
SOAK(typed_rendezvous, .flags = FERRY_TYPES | FERRY_RENDEZVOUS, .messages = 1, .bytes = 8192,
     .largest = 8192)
SOAK(typed_unbounded, .flags = FERRY_TYPES | FERRY_UNBOUNDED, .messages = 65536, .bytes = 1 << 24,
     .largest = 8192)
SOAK(large, .messages = 32, .bytes = 1 << 20, .largest = 100000)
SOAK(large_priority, .flags = FERRY_PRIORITIES, .messages = 32, .bytes = 1 << 20, .largest = 100000)
