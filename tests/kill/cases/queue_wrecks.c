/* Queues that two deaths meet: one who is killed in the middle, and one who is killed putting right what the first one
 * left, or beside it. */
#include "queue_acts.h"

static void play_both(const char *name, act *first, act *second, unsigned before)
{
    const struct scene scene = {.name = name, .before = before, .victim = first, .second = second};
    play_recovery(&scene);
}

TEST_LONG(a_second_sender_dies_over_a_first_one /* G8 */, 900)
{
    play_both("send, then send", send_one, send_one, 1);
}

TEST_LONG(over_a_batch /* G8 Q6 */, 900)
{
    play_both("send batch, then send", send_three, send_one, 0);
}

TEST_LONG(a_second_receiver_dies_over_a_first_one /* G8 */, 900)
{
    play_both("receive, then receive", receive_one, receive_one, 4);
}

TEST_LONG(a_receiver_dies_over_a_sender /* G8 */, 900)
{
    play_both("send, then receive", send_one, receive_one, 2);
}

TEST_LONG(a_sender_dies_over_a_receiver /* G8 */, 900)
{
    play_both("receive, then send", receive_one, send_one, 3);
}

TEST_LONG(who_drops_dies_over_who_drops /* G8 Q3 */, 900)
{
    const struct scene scene = {.name = "send, dropping, then the same",
                                .overflow = FERRY_OVERFLOW_DROP_OLDEST,
                                .before = MESSAGES,
                                .victim = send_dropping,
                                .second = send_dropping};
    play_recovery(&scene);
}
