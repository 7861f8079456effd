/* Do the bodies about queues find what they are there to find?  Each wrong queue fails those that are about its fault,
 * by a check of theirs and not by a time limit. */
#include <stddef.h>

#include "expect_failure.h"
#include "test.h"

static void expect_failures(const char *const *tests)
{
    for (; *tests != NULL; tests++)
        expect_failure("queue", *tests);
}

#define NOTICED(...) expect_failures((const char *const[]){__VA_ARGS__, NULL})
#define SEQUENCES(back_end_)                                                                       \
    expect_failure("queue-sequences", back_end_ ".random_sequences_are_answered")

TEST_LONG(a_queue_whose_last_comes_first_is_noticed, 120)
{
    NOTICED("last_first.messages_come_out_in_the_order", "last_first.random_sizes_come_out",
            "last_first.a_stream_of_messages", "last_first.any_choice_from_any_content");
    SEQUENCES("last_first");
}

TEST_LONG(messages_that_are_merged_are_noticed, 120)
{
    NOTICED("merged.messages_come_out_in_the_order", "merged.boundaries_stay",
            "merged.random_sizes_come_out", "merged.each_message_comes_to_exactly_one");
    SEQUENCES("merged");
}

TEST_LONG(messages_that_are_lost_are_noticed, 120)
{
    NOTICED("lost.messages_come_out_in_the_order", "lost.a_message_of_any_size",
            "lost.any_choice_from_any_content", "lost.it_is_full_by_bytes");
    SEQUENCES("lost");
}

TEST_LONG(messages_that_come_twice_are_noticed, 120)
{
    NOTICED("twice.messages_come_out_in_the_order", "twice.a_stream_of_messages",
            "twice.each_message_comes_to_exactly_one");
    SEQUENCES("twice");
}

TEST_LONG(a_choice_that_is_ignored_is_noticed, 120)
{
    NOTICED("typeless.the_first_of_a_type", "typeless.the_lowest_type_up_to",
            "typeless.any_but_one_type", "typeless.any_choice_from_any_content",
            "typeless.who_waits_for_a_type_is_not_woken",
            "typeless.each_message_comes_to_the_one_of_its_type");
    SEQUENCES("typeless");
}

TEST_LONG(priorities_the_wrong_way_round_are_noticed, 120)
{
    NOTICED("reversed.the_highest_priority_comes_first", "reversed.all_priorities",
            "reversed.any_choice_from_any_content");
    SEQUENCES("reversed");
}

TEST_LONG(a_message_that_is_cut_off_is_noticed, 120)
{
    NOTICED("cut_off.what_does_not_fit_into_the_buffer", "cut_off.a_buffer_of_exactly_the_size");
    SEQUENCES("cut_off");
}

TEST_LONG(who_wakes_up_for_what_is_not_theirs_is_noticed, 120)
{
    NOTICED("restless.who_waits_for_a_type_is_not_woken", "restless.each_who_waits_gets");
    SEQUENCES("restless");
}

TEST_LONG(room_that_should_not_be_there_is_noticed, 120)
{
    NOTICED("roomy_bytes.it_is_full_by_bytes", "roomy_bytes.room_that_was_made",
            "roomy_count.it_is_full_by_number", "roomy_count.a_sender_goes_on");
    SEQUENCES("roomy_bytes");
    SEQUENCES("roomy_count");
}

TEST_LONG(a_removal_that_is_not_told_is_noticed, 120)
{
    NOTICED("untold.receivers_that_wait_hear");
    SEQUENCES("untold");
}
