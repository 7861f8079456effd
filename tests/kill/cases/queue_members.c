/* Queues that are opened, closed, removed, handed over and taken by who is killed at any instruction of it: members are
 * counted, sole senders are alone, who sleeps hears of a removal, and messages stay. */
#include <unistd.h>

#include "queue_acts.h"

static ferry_queue *victim;

static ferry_queue *open_with(unsigned flags)
{
    ferry_queue *queue;
    CHECK_OK(ferry_queue_open(&queue, NAME, FERRY_QUEUE(.flags = flags)));
    return queue;
}

/* The survivor is the only member, and nothing was done to the messages. */
static void check_alone(struct world *world, int who)
{
    (void)who;
    check_messages(world);
    check_usable(world);
    CHECK_EQ(check_members().attached, 1);
}

/* ---- Opening and closing ---------------------------------------------------------------------- */

static void disinherit(struct world *world, int who)
{
    (void)who;
    ferry_queue_close(world->queue);
}

static void open_victim(struct world *world, int who)
{
    world->books[who].failed = ferry_queue_open(&victim, NAME, NULL);
}

static void open_sole_sender(struct world *world, int who)
{
    world->books[who].failed =
        ferry_queue_open(&victim, NAME, FERRY_QUEUE(.flags = FERRY_WRITE | FERRY_SOLE_SENDER));
}

static void receive_alone(struct world *world, int who)
{
    (void)who;
    ferry_queue_close(world->queue);
    world->queue = open_with(FERRY_READ);
}

/* Nobody else sends: who wants to be alone can, and only one can. */
static void check_sole(struct world *world, int who)
{
    ferry_queue *second;
    ferry_queue *sole = open_with(FERRY_WRITE | FERRY_SOLE_SENDER);
    CHECK_ERR(ferry_queue_open(&second, NAME, FERRY_QUEUE(.flags = FERRY_WRITE)), EBUSY);
    ferry_queue_close(sole);
    ferry_queue_close(world->queue);
    world->queue = open_with(0);
    check_alone(world, who);
}

static const struct scene opening = {.name = "open",
                                     .before = 2,
                                     .prepare = disinherit,
                                     .victim = open_victim,
                                     .check = check_alone};

TEST_LONG(who_dies_opening_was_never_there /* G3 G8 */, 900)
{
    play_killed(&opening);
}

TEST_LONG(who_dies_opening_as_sole_sender_is_in_nobody_s_way /* G8 */, 900)
{
    struct scene scene = opening;
    scene.name = "open as sole sender";
    scene.set_up = receive_alone;
    scene.victim = open_sole_sender;
    scene.check = check_sole;
    play_killed(&scene);
}

static void join(struct world *world, int who)
{
    disinherit(world, who);
    victim = open_with(0);
}

static void join_as_sole_sender(struct world *world, int who)
{
    disinherit(world, who);
    victim = open_with(FERRY_WRITE | FERRY_SOLE_SENDER);
}

static void leave(struct world *world, int who)
{
    (void)world;
    (void)who;
    ferry_queue_close(victim);
}

TEST_LONG(who_dies_closing_is_gone /* G8 */, 900)
{
    struct scene scene = opening;
    scene.name = "close";
    scene.prepare = join;
    scene.victim = leave;
    play_killed(&scene);
    scene.name = "close as sole sender";
    scene.set_up = receive_alone;
    scene.prepare = join_as_sole_sender;
    scene.check = check_sole;
    play_killed(&scene);
}

static void join_and_hold(struct world *world, int who)
{
    void *bytes;
    struct ferry_message message;
    join(world, who);
    CHECK_OK(ferry_queue_loan(victim, &bytes, LARGEST, FERRY_NOW));
    CHECK_OK(ferry_queue_loan(victim, &bytes, 1, FERRY_NOW));
    CHECK_OK(ferry_queue_take_message(victim, &message, NULL, FERRY_NOW));
    note_got(world, who, number_of(&message, message.size_bytes));
}

TEST_LONG(what_it_had_is_given_back /* G8 Q6 */, 900)
{
    struct scene scene = opening;
    scene.name = "close, with loans";
    scene.prepare = join_and_hold;
    scene.victim = leave;
    play_killed(&scene);
}

/* ---- Looking on ------------------------------------------------------------------------------- */

static void look_on(struct world *world, int who)
{
    unsigned char bytes[LARGEST];
    uint64_t missed;
    struct ferry_message message = {.bytes = bytes, .size_bytes = LARGEST};
    int r = ferry_queue_open(&victim, NAME, FERRY_QUEUE(.flags = FERRY_TAP));
    if (r == 0)
        r = (int)ferry_queue_tap(victim, &message, &missed, FERRY_NOW);
    world->books[who].failed = r;
    ferry_queue_close(victim);
}

TEST_LONG(a_killed_tap_takes_nothing_and_leaves_nothing /* G8 */, 900)
{
    struct scene scene = opening;
    scene.name = "tap";
    scene.forbids = UNTAPPED;
    scene.victim = look_on;
    scene.failure = scene.failure2 = -EAGAIN;
    play_killed(&scene);
}

/* ---- Removing --------------------------------------------------------------------------------- */

static void remove_it(struct world *world, int who)
{
    world->books[who].failed = ferry_remove(NAME);
}

static void receive_until_removed(struct world *world, int who)
{
    unsigned char bytes[LARGEST];
    struct ferry_message message;
    ssize_t n;
    (void)who;
    do {
        message = (struct ferry_message){.bytes = bytes, .size_bytes = LARGEST};
        n = ferry_queue_receive_message(world->queue, &message, NULL, FERRY_FOREVER);
        if (n >= 0)
            note_got(world, THIRD, number_of(&message, (size_t)n));
    } while (n >= 0);
    CHECK_ERR((int)n, EIDRM);
}

static void send_until_removed(struct world *world, int who)
{
    world->books[who].failed = 0;
    while (world->books[who].failed == 0)
        send_one(world, who);
    CHECK_ERR(world->books[who].failed, EIDRM);
    world->books[who].failed = 0;
}

/* Removed or not, it works among those who have it; and whoever sleeps hears of the removal at last. */
static void remove_at_last(struct world *world, int who)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    if (world->books[THIRD].tried == 0 && ferry_look(NAME, &object) == 0) {
        send_one(world, who);
        test_wait_until(world->books[THIRD].got != 0);
    }
    int r = ferry_remove(NAME);
    CHECK(r == 0 || r == -ENOENT);
}

static void check_removed(struct world *world, int who)
{
    char byte;
    (void)who;
    check_messages(world);
    CHECK_ERR(ferry_queue_receive(world->queue, &byte, 1, FERRY_FOREVER), EIDRM);
    CHECK_EQ(ferry_queue_send(world->queue, "x", 1, FERRY_FOREVER), 0);
    CHECK_EQ(ferry_queue_receive(world->queue, &byte, 1, FERRY_FOREVER), 1);
}

static const struct scene removing = {.name = "remove, with a receiver asleep",
                                      .third = receive_until_removed,
                                      .victim = remove_it,
                                      .settle = remove_at_last,
                                      .check = check_removed};

TEST_LONG(a_sleeping_receiver_hears_of_the_removal /* G8 Q5 */, 900)
{
    play_killed(&removing);
}

TEST_LONG(so_does_a_sleeping_sender /* G8 Q5 */, 900)
{
    struct scene scene = removing;
    scene.name = "remove, with a sender asleep";
    scene.set_up = fill;
    scene.third = send_until_removed;
    play_killed(&scene);
}

TEST_LONG(a_removal_beside_a_removal_is_heard_of /* G6 G8 Q5 */, 900)
{
    struct scene scene = removing;
    scene.name = "remove, and remove";
    scene.between = remove_it;
    scene.settle = NULL;
    scene.failure2 = -ENOENT;
    play_paused(&scene);
}

/* ---- Handing over ----------------------------------------------------------------------------- */

static void hand_over(struct world *world, int who)
{
    int parcel;
    world->books[who].failed = ferry_queue_hand_over(world->queue, 0, &parcel);
}

TEST_LONG(a_hand_over_leaves_no_member_wherever_it_is_killed /* G8 */, 900)
{
    struct scene scene = opening;
    scene.name = "hand over";
    scene.prepare = NULL;
    scene.victim = hand_over;
    scene.check = check_alone;
    play_killed(&scene);
}

static void make_parcel(struct world *world, int who)
{
    (void)who;
    CHECK_OK(ferry_queue_hand_over(world->queue, 0, &world->parcel));
}

static void take_parcel(struct world *world, int who)
{
    world->books[who].failed = ferry_queue_take(&victim, world->parcel);
}

/* The parcel can still be taken, or has gone with the victim. */
static void check_parcel(struct world *world, int who)
{
    ferry_queue *taken = NULL;
    int r = ferry_queue_take(&taken, world->parcel);
    if (r < 0) {
        CHECK_ERR(r, EBADMSG);
        close(world->parcel);
    }
    ferry_queue_close(taken);
    check_alone(world, who);
}

TEST_LONG(a_parcel_is_taken_or_not_wherever_its_taker_dies /* G8 */, 900)
{
    struct scene scene = opening;
    scene.name = "take a parcel";
    scene.set_up = make_parcel;
    scene.victim = take_parcel;
    scene.check = check_parcel;
    play_killed(&scene);
}
