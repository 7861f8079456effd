/* Queues under load: those who take part.  See queue_soak.h. */
#include "queue_soak.h"

/* ---- Messages ---- */

static uint32_t sum_of(const struct head *head)
{
    return ((head->lane * 31 + head->number) * 2654435761u) ^ head->size;
}

/* Long ones are looked at here and there. */
static uint32_t step_of(uint32_t size)
{
    return size > 512 ? 61 : 1;
}

static unsigned char byte_of(uint32_t sum, uint32_t position)
{
    return (unsigned char)(sum + position * 7);
}

void make_message(void *ret_bytes, uint32_t lane, uint32_t number, uint32_t size)
{
    unsigned char *bytes = ret_bytes;
    struct head head = {.lane = lane, .number = number, .size = size};
    head.sum = sum_of(&head);
    memcpy(bytes, &head, sizeof head);
    for (uint32_t i = sizeof head; i < size; i += step_of(size))
        bytes[i] = byte_of(head.sum, i);
}

struct head check_message(const void *memory, size_t size)
{
    const unsigned char *bytes = memory;
    struct head head;
    CHECK(size >= sizeof head);
    memcpy(&head, bytes, sizeof head);
    CHECK_EQ(head.size, size);
    CHECK_EQ(head.sum, sum_of(&head));
    for (uint32_t i = sizeof head; i < head.size; i += step_of(head.size))
        if (bytes[i] != byte_of(head.sum, i))
            test_fail(__FILE__, __LINE__, "message %u of lane %u is torn at %u of %u bytes",
                      head.number, head.lane, i, head.size);
    return head;
}

ferry_queue *open_for(const struct world *world, unsigned flags)
{
    ferry_queue *queue;
    CHECK_OK(ferry_queue_open(&queue, world->shape->name, FERRY_QUEUE(.flags = flags)));
    return queue;
}

static uint32_t below(uint32_t *random, uint32_t bound)
{
    return next_random(random) % bound;
}

/* ---- Sending ---- */

struct sender {
    struct world *world;
    struct lane *lane;
    uint32_t self, random;
    ferry_queue *queue;
    unsigned char *room; /* for BATCH messages */
};

static uint32_t random_size(struct sender *sender)
{
    uint32_t most = sender->world->shape->largest - (uint32_t)sizeof(struct head);
    uint32_t lot = below(&sender->random, 100);
    uint32_t bound = lot < 85 ? 100 : lot < 98 ? 3000 : most;
    return (uint32_t)sizeof(struct head) +
           below(&sender->random, (bound < most ? bound : most) + 1);
}

static int64_t random_timeout(struct sender *sender)
{
    switch (below(&sender->random, 8)) {
    case 0:
        return FERRY_NOW;
    case 1:
        return 1 + below(&sender->random, 300000);
    default:
        return FERRY_FOREVER;
    }
}

static struct ferry_message random_message(struct sender *sender, void *room, uint32_t number)
{
    unsigned flags = sender->world->shape->flags;
    struct ferry_message message = {.bytes = room, .size_bytes = random_size(sender)};
    if ((flags & FERRY_TYPES) != 0)
        message.type = below(&sender->random, TYPES);
    if ((flags & FERRY_PRIORITIES) != 0)
        message.priority = below(&sender->random, PRIORITIES);
    make_message(room, sender->self, number, (uint32_t)message.size_bytes);
    return message;
}

/* So many went, or a code; no message of a call that failed is sent. */
static void note_sent(struct sender *sender, ssize_t sent)
{
    if (sent < 0 && sent != -EAGAIN && sent != -ETIMEDOUT)
        CHECK_OK(sent);
    if (sent > 0)
        atomic_fetch_add(&sender->lane->next, (uint32_t)sent);
    atomic_store(&sender->lane->intent, 0);
}

static void send_one(struct sender *sender)
{
    struct ferry_message message =
        random_message(sender, sender->room, atomic_load(&sender->lane->next));
    atomic_store(&sender->lane->intent, 1);
    int r = ferry_queue_send_message(sender->queue, &message, random_timeout(sender));
    if (r > 0)
        atomic_fetch_add(&sender->lane->dropped, (uint64_t)r);
    note_sent(sender, r < 0 ? r : 1);
}

static void send_batch(struct sender *sender)
{
    struct ferry_message messages[BATCH];
    uint32_t count = 1 + below(&sender->random, BATCH), next = atomic_load(&sender->lane->next);
    for (uint32_t i = 0; i < count; i++)
        messages[i] = random_message(
            sender, sender->room + (size_t)i * sender->world->shape->largest, next + i);
    atomic_store(&sender->lane->intent, count);
    ssize_t sent = ferry_queue_send_batch(sender->queue, messages, count, random_timeout(sender));
    CHECK(sent != 0 && sent <= (ssize_t)count);
    note_sent(sender, sent);
}

/* Several on loan; they are sent in the end, or given back. */
static void send_loans(struct sender *sender)
{
    void *loans[HELD];
    uint32_t count = 1 + below(&sender->random, HELD), largest = sender->world->shape->largest;
    for (uint32_t i = 0; i < count; i++) {
        loans[i] = NULL;
        int r = ferry_queue_loan(sender->queue, &loans[i], largest, FERRY_NOW);
        if (r != -EAGAIN && r != -ENOSPC)
            CHECK_OK(r);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (loans[i] == NULL)
            continue;
        struct ferry_message message =
            random_message(sender, loans[i], atomic_load(&sender->lane->next));
        atomic_store(&sender->lane->intent, 1);
        int r = ferry_queue_send_loan(sender->queue, &message, FERRY_NOW);
        if (r > 0)
            atomic_fetch_add(&sender->lane->dropped, (uint64_t)r);
        if (r < 0)
            CHECK_OK(ferry_queue_return_loan(sender->queue, loans[i]));
        note_sent(sender, r < 0 ? r : 1);
    }
}

void send_all_the_time(struct world *world, uint32_t self, uint32_t seed)
{
    struct sender sender = {.world = world,
                            .lane = &world->lanes[self],
                            .self = self,
                            .random = seed,
                            .queue = open_for(world, 0),
                            .room = malloc((size_t)BATCH * world->shape->largest)};
    CHECK(sender.room != NULL);
    while (!atomic_load(&world->stop) && atomic_load(&sender.lane->next) < MOST - BATCH) {
        uint32_t lot = below(&sender.random, 10);
        if (lot < 6)
            send_one(&sender);
        else if (lot < 8)
            send_batch(&sender);
        else
            send_loans(&sender);
    }
    ferry_queue_close(sender.queue);
    free(sender.room);
}

/* ---- Receiving ---- */

struct receiver {
    struct world *world;
    struct lane *lane;
    uint32_t random;
    ferry_queue *queue;
    unsigned char *room;
    struct ferry_message held[HELD]; /* taken */
    uint32_t held_count;
    int64_t last[SENDERS][TYPES][PRIORITIES]; /* what came last of these */
    bool is_poisoned;
};

void note_received(struct world *world, const struct head *head)
{
    CHECK(head->lane < SENDERS && head->number < MOST);
    uint8_t before = atomic_fetch_add(&world->known[head->lane][head->number], RECEIVED);
    if ((before & ~PERHAPS) != 0)
        test_fail(__FILE__, __LINE__, "message %u of lane %u was received twice", head->number,
                  head->lane);
}

static void note_message(struct receiver *receiver, const struct ferry_message *message)
{
    struct head head = check_message(message->bytes, message->size_bytes);
    if (head.lane == POISON) {
        receiver->is_poisoned = true;
        return;
    }
    CHECK(head.lane < SENDERS && message->type < TYPES && message->priority < PRIORITIES);
    int64_t *last = &receiver->last[head.lane][message->type][message->priority];
    if (head.number <= *last)
        test_fail(__FILE__, __LINE__, "message %u of lane %u comes behind %lld", head.number,
                  head.lane, (long long)*last);
    *last = head.number;
    note_received(receiver->world, &head);
}

/* Who waits for one of choice may do so in vain, and waits for a moment only. */
static int64_t random_choice(struct receiver *receiver, struct ferry_choice *ret_choice)
{
    uint32_t *random = &receiver->random;
    *ret_choice = (struct ferry_choice){0};
    if ((receiver->world->shape->flags & FERRY_TYPES) != 0 && below(random, 3) != 0)
        *ret_choice =
            (struct ferry_choice){.selection = 1 + below(random, 3), .type = below(random, TYPES)};
    if (below(random, 6) == 0)
        return FERRY_NOW;
    return ret_choice->selection == FERRY_ANY && below(random, 2) == 0 ? FERRY_FOREVER
                                                                       : 1 + below(random, 3000000);
}

static bool is_nothing(ssize_t result)
{
    if (result != -EAGAIN && result != -ETIMEDOUT)
        CHECK_OK(result);
    return result < 0;
}

static void receive_one(struct receiver *receiver)
{
    struct ferry_choice choice;
    int64_t timeout_ns = random_choice(receiver, &choice);
    struct ferry_message message = {.bytes = receiver->room,
                                    .size_bytes = receiver->world->shape->largest};
    atomic_store(&receiver->lane->intent, 1);
    ssize_t size = ferry_queue_receive_message(receiver->queue, &message, &choice, timeout_ns);
    if (!is_nothing(size)) {
        CHECK_EQ(size, message.size_bytes);
        note_message(receiver, &message);
    }
    atomic_store(&receiver->lane->intent, 0);
}

static void receive_batch(struct receiver *receiver)
{
    struct ferry_choice choice;
    int64_t timeout_ns = random_choice(receiver, &choice);
    struct ferry_message messages[BATCH];
    uint32_t count = 1 + below(&receiver->random, BATCH);
    for (uint32_t i = 0; i < count; i++)
        messages[i] = (struct ferry_message){.bytes = receiver->room +
                                                      (size_t)i * receiver->world->shape->largest,
                                             .size_bytes = receiver->world->shape->largest};
    atomic_store(&receiver->lane->intent, count);
    ssize_t got = ferry_queue_receive_batch(receiver->queue, messages, count, &choice, timeout_ns);
    for (ssize_t i = 0; !is_nothing(got) && i < got; i++)
        note_message(receiver, &messages[i]);
    atomic_store(&receiver->lane->intent, 0);
}

/* What is held stays as it is until it is released. */
static void release_one(struct receiver *receiver)
{
    struct ferry_message message = receiver->held[--receiver->held_count];
    check_message(message.bytes, message.size_bytes);
    CHECK_OK(ferry_queue_release_message(receiver->queue, message.bytes));
}

static void take_one(struct receiver *receiver)
{
    struct ferry_choice choice;
    int64_t timeout_ns = random_choice(receiver, &choice);
    if (receiver->held_count == HELD || (receiver->held_count > 0 && timeout_ns == FERRY_FOREVER)) {
        release_one(receiver);
        return;
    }
    struct ferry_message *message = &receiver->held[receiver->held_count];
    *message = (struct ferry_message){0};
    atomic_store(&receiver->lane->intent, 1);
    ssize_t size = ferry_queue_take_message(receiver->queue, message, &choice, timeout_ns);
    if (!is_nothing(size)) {
        receiver->held_count++;
        note_message(receiver, message);
    }
    atomic_store(&receiver->lane->intent, 0);
}

static void peek_one(struct receiver *receiver)
{
    struct ferry_choice choice;
    random_choice(receiver, &choice);
    choice.flags |= FERRY_PEEK;
    struct ferry_message message = {.bytes = receiver->room,
                                    .size_bytes = receiver->world->shape->largest};
    ssize_t size = ferry_queue_receive_message(receiver->queue, &message, &choice, FERRY_NOW);
    if (!is_nothing(size))
        check_message(message.bytes, message.size_bytes);
}

/* Nobody who waits for ever holds what others may wait for. */
void receive_all_the_time(struct world *world, struct lane *lane, uint32_t seed)
{
    struct receiver receiver = {.world = world,
                                .lane = lane,
                                .random = seed,
                                .queue = open_for(world, 0),
                                .room = malloc((size_t)BATCH * world->shape->largest)};
    CHECK(receiver.room != NULL);
    memset(receiver.last, -1, sizeof receiver.last);
    while (!receiver.is_poisoned) {
        uint32_t lot = below(&receiver.random, 10);
        while (receiver.held_count > 0 && lot < 7)
            release_one(&receiver);
        if (lot < 4)
            receive_one(&receiver);
        else if (lot < 6)
            receive_batch(&receiver);
        else if (lot < 7)
            peek_one(&receiver);
        else
            take_one(&receiver);
    }
    ferry_queue_close(receiver.queue);
    free(receiver.room);
}

/* ---- Looking on ---- */

/* All of a sender's messages pass here in the order in which it sent them; one that was taken back may come again. */
static void note_seen(const struct world *world, const struct head *head, int64_t last)
{
    bool is_again = head->number == last && (world->shape->flags & FERRY_RENDEZVOUS) != 0;
    if (head->number <= last && !is_again)
        test_fail(__FILE__, __LINE__, "who looks on sees message %u of lane %u behind %lld",
                  head->number, head->lane, (long long)last);
}

void look_all_the_time(struct world *world, uint32_t seed)
{
    int64_t last[SENDERS];
    uint64_t missed = 0, missed_before = 0;
    uint32_t random = seed;
    unsigned char *room = malloc(world->shape->largest);
    ferry_queue *queue;
    CHECK(room != NULL);
    int r = ferry_queue_open(&queue, world->shape->name, FERRY_QUEUE(.flags = FERRY_TAP));
    if (r == -EOPNOTSUPP) { /* not every queue can be looked at */
        free(room);
        test_wait_until(atomic_load(&world->stop));
        return;
    }
    CHECK_OK(r);
    memset(last, -1, sizeof last);
    while (!atomic_load(&world->stop)) {
        struct ferry_message message = {.bytes = room, .size_bytes = world->shape->largest};
        ssize_t size = ferry_queue_tap(queue, &message, &missed, 1 + below(&random, 3000000));
        if (is_nothing(size))
            continue;
        struct head head = check_message(room, message.size_bytes);
        CHECK(head.lane < SENDERS && missed >= missed_before);
        note_seen(world, &head, last[head.lane]);
        last[head.lane] = head.number;
        missed_before = missed;
    }
    ferry_queue_close(queue);
    free(room);
}
