/* Queues with little room, with none, and with as much as there is memory: what drops messages, who waits to be met, and
 * memory that comes and goes, by who is killed or stands still at any instruction. */
#include <stdlib.h>

#include "queue_acts.h"
#include "shared/ring.h"

/* ---- Dropping --------------------------------------------------------------------------------- */

static const struct scene dropping = {.name = "send, dropping the oldest",
                                      .overflow = FERRY_OVERFLOW_DROP_OLDEST,
                                      .before = MESSAGES,
                                      .victim = send_dropping};

TEST_LONG(the_oldest_message_goes_or_not /* G8 Q3 */, 900)
{
    play_killed(&dropping);
}

TEST_LONG(another_one_drops_wherever_one_stands_that_drops /* G8 Q3 */, 900)
{
    struct scene scene = dropping;
    scene.name = "send, dropping the oldest, and the same";
    scene.between = send_dropping;
    play_paused(&scene);
    scene.name = "send, dropping the oldest, and receive";
    scene.between = receive_one;
    play_paused(&scene);
}

TEST_LONG(the_newest_message_goes /* G8 Q3 */, 900)
{
    struct scene scene = dropping;
    scene.name = "send, dropping the newest";
    scene.overflow = FERRY_OVERFLOW_DROP_NEWEST;
    play_killed(&scene);
}

TEST_LONG(a_message_is_refused /* G8 Q3 */, 900)
{
    struct scene scene = dropping;
    scene.name = "send, refused";
    scene.overflow = FERRY_OVERFLOW_REFUSE;
    scene.failure = scene.failure2 = -EAGAIN;
    play_killed(&scene);
}

/* ---- Meeting ---------------------------------------------------------------------------------- */

/* What nobody took is taken back, or is there for whoever comes next. */
static void send_briefly(struct world *world, int who)
{
    struct books *books = &world->books[who];
    unsigned number = number_next(world, who);
    const struct ferry_message message = message_of(number);
    atomic_fetch_or(&books->tried, bit(number));
    books->failed = ferry_queue_send_message(world->queue, &message, 50000);
}

static const struct scene meeting = {.name = "send, met by nobody",
                                     .flags = FERRY_RENDEZVOUS,
                                     .prepare = calm_sender,
                                     .victim = send_briefly,
                                     .unblock = nothing,
                                     .failure = -ETIMEDOUT,
                                     .failure2 = -ETIMEDOUT};

TEST_LONG(who_is_met_by_nobody_takes_it_back_or_leaves_it /* G8 Q3 */, 900)
{
    play_killed(&meeting);
}

TEST_LONG(somebody_comes_wherever_one_stands_who_waits_to_be_met /* G8 Q3 */, 900)
{
    struct scene scene = meeting;
    scene.name = "send, met or not";
    scene.between = receive_now_one;
    scene.failure2 = 0;
    play_paused(&scene);
}

TEST_LONG(who_is_met_has_sent /* G8 Q3 */, 900)
{
    struct scene scene = meeting;
    scene.name = "send, met";
    scene.victim = send_one;
    scene.unblock = receive_one;
    scene.failure = scene.failure2 = 0;
    play_killed(&scene);
}

/* The next sender is met although one died in the middle. */
static void meet_third(struct world *world, int who)
{
    send_last(world, who);
    CHECK_EQ(world->books[who].failed, 0);
}

TEST_LONG(who_waits_to_receive_is_met_by_the_next_sender /* G8 Q3 */, 900)
{
    struct scene scene = meeting;
    scene.name = "send to who waits to be met";
    scene.third = receive_to_last;
    scene.prepare = NULL;
    scene.victim = send_one;
    scene.unblock = nothing;
    scene.settle = meet_third;
    scene.failure = scene.failure2 = 0;
    play_killed(&scene);
    scene.name = "send now to who waits to be met";
    scene.victim = send_now;
    play_killed(&scene);
}

/* ---- Memory ----------------------------------------------------------------------------------- */

/* Two cells before the end of a piece. */
static void go_far(struct world *world, int who)
{
    (void)who;
    go_on(world->queue, 3 * RING_PIECE - 2);
}

static void go_far_and_send(struct world *world, int who)
{
    go_far(world, who);
    for (int i = 0; i < 3; i++)
        send_one(world, BEFORE);
}

static const struct scene growing = {.name = "send, for which memory comes",
                                     .flags = FERRY_UNBOUNDED,
                                     .set_up = go_far,
                                     .victim = send_one};

TEST_LONG(memory_comes_or_not /* G8 Q3 */, 900)
{
    play_killed(&growing);
}

/* Nobody sends before receivers are behind all that was sent, in the next piece, and have given the last one back. */
TEST_LONG(of_a_batch_that_goes_on_in_other_memory_the_first_ones_are_sent /* G8 Q3 Q6 */, 900)
{
    struct scene scene = growing;
    scene.name = "send batch, for which memory comes";
    scene.victim = send_three;
    scene.needs = FERRY_TYPES;
    play_killed(&scene);
    /* Between two that follow each other lay the fault that this was written for: all of them, by default too. */
    CHECK_ERRNO(setenv("FERRY_KILL_STRIDE", "1", 1));
    scene.needs = 0;
    scene.forbids = FERRY_TYPES;
    play_killed(&scene);
}

TEST_LONG(another_one_sends_wherever_one_stands_for_which_memory_comes /* G8 Q3 */, 900)
{
    struct scene scene = growing;
    scene.name = "send, for which memory comes, and send";
    scene.between = send_one;
    play_paused(&scene);
}

TEST_LONG(memory_goes_or_not /* G8 Q3 */, 900)
{
    struct scene scene = growing;
    scene.name = "receive, behind which memory goes";
    scene.set_up = go_far_and_send;
    scene.victim = receive_three;
    play_killed(&scene);
}

/* What the second one puts right, receivers have given back when a third one comes. */
TEST_LONG(a_second_sender_dies_over_a_batch_that_goes_on_in_other_memory /* G8 Q3 Q6 */, 900)
{
    struct scene scene = growing;
    scene.name = "send batch, for which memory comes, then send";
    scene.victim = send_three;
    scene.second = send_one;
    scene.forbids = FERRY_TYPES;
    play_recovery(&scene);
}
