/* Queues whose sender or receiver is killed, or stands still, at any instruction while nobody sleeps. */
#include <stdio.h>

#include "queue_acts.h"

/* ---- Sending ---------------------------------------------------------------------------------- */

static const struct scene send_scene = {.name = "send", .victim = send_one};

TEST_LONG(a_message_is_sent_or_not /* G8 Q1 */, 900)
{
    struct scene scene = send_scene;
    play_killed(&scene);
    scene.name = "send behind others";
    scene.before = 2;
    play_killed(&scene);
}

TEST_LONG(of_a_batch_the_first_ones_are_sent /* G8 Q6 */, 900)
{
    struct scene scene = send_scene;
    scene.name = "send batch";
    scene.victim = send_three;
    scene.before = 1;
    play_killed(&scene);
}

TEST_LONG(what_is_loaned_is_sent_or_comes_back /* G8 Q6 */, 900)
{
    struct scene scene = send_scene;
    scene.name = "loan and send";
    scene.victim = send_loan;
    play_killed(&scene);
    scene.name = "loan and return";
    scene.victim = return_loan;
    scene.before = 2;
    play_killed(&scene);
}

TEST_LONG(who_looks_on_sees_what_was_sent_and_takes_nothing /* G8 */, 900)
{
    struct scene scene = send_scene;
    scene.name = "send, tapped";
    scene.before = 1;
    scene.taps = true;
    scene.victim = send_three;
    play_killed(&scene);
}

/* ---- Receiving -------------------------------------------------------------------------------- */

static const struct scene receive_scene = {.name = "receive", .victim = receive_one, .before = 3};

TEST_LONG(a_message_is_received_or_still_there /* G8 Q1 */, 900)
{
    play_killed(&receive_scene);
}

TEST_LONG(of_a_batch_the_first_ones_are_received /* G8 Q6 */, 900)
{
    struct scene scene = receive_scene;
    scene.name = "receive batch";
    scene.victim = receive_three;
    scene.before = 4;
    play_killed(&scene);
}

TEST_LONG(a_message_is_cut_off_or_still_whole /* G8 Q4 */, 900)
{
    struct scene scene = receive_scene;
    scene.name = "receive truncated";
    scene.victim = receive_truncated;
    play_killed(&scene);
}

TEST_LONG(what_does_not_fit_stays /* G8 Q4 */, 900)
{
    struct scene scene = receive_scene;
    scene.name = "receive into too little";
    scene.victim = receive_too_small;
    scene.failure = scene.failure2 = -EMSGSIZE;
    play_killed(&scene);
}

TEST_LONG(what_is_peeked_stays /* G8 Q6 */, 900)
{
    struct scene scene = receive_scene;
    scene.name = "peek";
    scene.victim = peek;
    play_killed(&scene);
}

TEST_LONG(what_is_taken_is_gone_with_who_took_it /* G8 Q6 */, 900)
{
    struct scene scene = receive_scene;
    scene.name = "take and release";
    scene.victim = take_one;
    play_killed(&scene);
}

TEST_LONG(a_message_of_choice_is_received_or_still_there /* G8 Q2 */, 900)
{
    struct scene scene = receive_scene;
    scene.needs = FERRY_TYPES;
    scene.before = 4;
    scene.name = "receive of a type";
    scene.victim = receive_of_type;
    play_killed(&scene);
    scene.name = "receive up to a type";
    scene.victim = receive_up_to;
    play_killed(&scene);
    scene.name = "receive all but a type";
    scene.victim = receive_except;
    play_killed(&scene);
}

/* ---- Two at a time ---------------------------------------------------------------------------- */

/* Each of these does a whole operation wherever another one stands. */
static void pause_all(act *victim, const char *name, unsigned before)
{
    static const struct {
        const char *name;
        act *act;
    } others[] = {
        {"send", send_one},        {"receive", receive_one}, {"receive batch", receive_three},
        {"take", take_one},        {"peek", peek},           {"send loan", send_loan},
        {"send batch", send_three}};
    char scene_name[64];
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct scene scene = {
            .name = scene_name, .victim = victim, .before = before, .between = others[i].act};
        snprintf(scene_name, sizeof(scene_name), "%s, and %s", name, others[i].name);
        play_paused(&scene);
    }
}

TEST_LONG(others_send_and_receive_wherever_a_sender_stands /* G8 Q8 */, 900)
{
    pause_all(send_one, "send", 2);
}

TEST_LONG(others_send_and_receive_wherever_a_receiver_stands /* G8 Q8 */, 900)
{
    pause_all(receive_one, "receive", 4);
}
