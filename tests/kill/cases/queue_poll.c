/* Queues that the survivor polls, or has asked for notices of: whoever is killed, and wherever, its descriptors show the
 * messages and the room that there are. */
#include <signal.h>

#include "queue_acts.h"

/* ---- Messages --------------------------------------------------------------------------------- */

static const struct scene sending = {
    .name = "send to one that polls", .polls = FERRY_READ, .victim = send_one};

TEST_LONG(who_polls_is_told_of_what_a_killed_sender_sent /* G8 G15 Q7 */, 900)
{
    struct scene scene = sending;
    play_killed(&scene);
    scene.name = "send batch to one that polls";
    scene.victim = send_three;
    play_killed(&scene);
}

TEST_LONG(what_a_killed_receiver_leaves_is_shown /* G8 G15 Q7 */, 900)
{
    struct scene scene = sending;
    scene.name = "receive beside one that polls";
    scene.before = 2;
    scene.victim = receive_one;
    play_killed(&scene);
}

TEST_LONG(messages_that_come_while_another_empties_it_are_shown /* G15 Q7 */, 900)
{
    struct scene scene = sending;
    scene.name = "receive the last one, and send";
    scene.before = 1;
    scene.victim = receive_one;
    scene.between = send_one;
    play_paused(&scene);
}

TEST_LONG(messages_that_come_while_another_looks_in_vain_are_shown /* G15 Q7 */, 900)
{
    struct scene scene = sending;
    scene.name = "receive nothing, and send";
    scene.victim = receive_now_one;
    scene.between = send_one;
    scene.failure2 = -EAGAIN;
    play_paused(&scene);
}

/* The survivor clears its own descriptor while a sender stands. */
static void look_in_vain(struct world *world, int who)
{
    receive_now_one(world, who);
    if (world->books[who].failed == -EAGAIN)
        world->books[who].failed = 0;
}

TEST_LONG(who_clears_its_descriptor_beside_a_sender_is_told /* G15 Q7 */, 900)
{
    struct scene scene = sending;
    scene.name = "send, and receive nothing";
    scene.between = look_in_vain;
    play_paused(&scene);
}

/* ---- Room ------------------------------------------------------------------------------------- */

TEST_LONG(room_that_a_killed_receiver_made_is_shown /* G8 G15 */, 900)
{
    struct scene scene = sending;
    scene.name = "receive from a full one, beside one that polls for room";
    scene.polls = FERRY_WRITE;
    scene.before = MESSAGES;
    scene.victim = receive_one;
    play_killed(&scene);
}

TEST_LONG(so_is_room_beside_who_sends_in_vain /* G8 G15 */, 900)
{
    struct scene scene = sending;
    scene.name = "send to a full one, beside one that polls for room, and receive";
    scene.polls = FERRY_WRITE;
    scene.before = MESSAGES;
    scene.victim = send_now;
    scene.between = receive_one;
    scene.failure2 = -EAGAIN;
    play_paused(&scene);
}

/* ---- Beginning to listen ---------------------------------------------------------------------- */

static void listen_to_messages(struct world *world, int who)
{
    int fd = ferry_queue_descriptor(world->queue, FERRY_READ);
    world->books[who].failed = fd < 0 ? fd : 0;
    receive_now_one(world, who);
}

static void listen_to_room(struct world *world, int who)
{
    int fd = ferry_queue_descriptor(world->queue, FERRY_WRITE);
    world->books[who].failed = fd < 0 ? fd : 0;
    send_now(world, who);
}

static void ask_for_signals(struct world *world, int who)
{
    const struct ferry_arrival arrival = {.signal = SIGURG};
    int r = ferry_queue_notify(world->queue, &arrival);
    world->books[who].failed = r < 0 ? r : ferry_queue_notify(world->queue, NULL);
}

TEST_LONG(who_dies_beginning_to_listen_is_in_nobody_s_way /* G8 G15 Q7 */, 900)
{
    struct scene scene = sending;
    scene.name = "descriptor, and receive nothing";
    scene.victim = listen_to_messages;
    scene.failure = scene.failure2 = -EAGAIN;
    play_killed(&scene);
    scene.name = "descriptor for room, and send in vain";
    scene.before = MESSAGES;
    scene.victim = listen_to_room;
    play_killed(&scene);
    scene.name = "notices by signal";
    scene.before = 1;
    scene.failure = scene.failure2 = 0;
    scene.victim = ask_for_signals;
    play_killed(&scene);
}
