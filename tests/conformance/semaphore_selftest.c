/* Do the bodies about semaphores find what they are there to find?  Each wrong semaphore fails those that are about its
 * fault, by a check of theirs and not by a time limit. */
#include <stddef.h>

#include "expect_failure.h"
#include "test.h"

static void expect_failures(const char *const *tests)
{
    for (; *tests != NULL; tests++)
        expect_failure("semaphore", *tests);
}

#define NOTICED(...) expect_failures((const char *const[]){__VA_ARGS__, NULL})

TEST_LONG(units_that_have_an_owner_are_noticed, 120)
{
    NOTICED("owned.units_are_nobody_s");
}

TEST_LONG(units_that_are_lost_are_noticed, 120)
{
    NOTICED("lossy.units_are_taken_and_given", "lossy.random_calls_are_counted",
            "lossy.units_are_nobody_s");
}

TEST_LONG(units_that_are_made_up_are_noticed, 120)
{
    NOTICED("inventive.units_are_taken_and_given", "inventive.random_calls_are_counted",
            "inventive.a_unit_to_begin_with_excludes", "inventive.none_to_begin_with_orders",
            "inventive.no_unit_is_lost_or_made_up", "inventive.a_wait_ends_when_its_time_is_over");
}

TEST_LONG(a_bound_that_is_not_told_is_noticed, 120)
{
    NOTICED("bottomless.there_are_never_more_than_the_most");
}

TEST_LONG(units_that_are_given_to_the_dead_are_noticed, 120)
{
    NOTICED("to_the_dead.who_is_killed_asleep");
}

TEST_LONG(who_does_not_look_at_the_last_moment_is_noticed, 120)
{
    NOTICED("hasty.a_unit_is_taken_also_when_the_time_is_over");
}

TEST_LONG(who_gives_up_after_a_signal_is_noticed, 120)
{
    NOTICED("nervous.a_wait_outlives_signals");
}

TEST_LONG(who_waits_and_is_not_counted_is_noticed, 120)
{
    NOTICED("uncounted.those_who_wait_are_counted");
}

TEST_LONG(steps_one_by_one_are_noticed, 120)
{
    NOTICED("piecemeal.all_steps_or_none", "piecemeal.too_many_units_undo_all_steps",
            "piecemeal.what_is_not_in_the_set", "piecemeal.who_waits_for_two_takes_both",
            "piecemeal.steps_that_wait_end");
}

TEST_LONG(steps_in_another_order_are_noticed, 120)
{
    NOTICED("backwards.steps_are_done_in_order", "backwards.too_many_units_undo_all_steps");
}

TEST_LONG(who_does_not_wait_for_zero_is_noticed, 120)
{
    NOTICED("zero_blind.all_steps_or_none", "zero_blind.steps_are_done_in_order",
            "zero_blind.zero_is_waited_for", "zero_blind.waiting_for_zero_can_exclude");
}

TEST_LONG(what_is_not_given_back_is_noticed, 120)
{
    NOTICED("forgetful.what_is_held_is_given_back_by_who_exits",
            "forgetful.what_is_held_is_given_back_by_who_is_killed", "forgetful.debts_are_those",
            "forgetful.a_child_does_not_owe", "forgetful.taking_back_stops_at_zero",
            "forgetful.giving_back_stops_at_the_most");
}

TEST_LONG(what_is_given_back_though_nobody_asked_is_noticed, 120)
{
    NOTICED("overzealous.what_is_held_is_given_back_by_who_exits",
            "overzealous.what_is_held_is_given_back_by_who_is_killed",
            "overzealous.debts_are_those");
}

TEST_LONG(debts_that_are_inherited_are_noticed, 120)
{
    NOTICED("hereditary.a_child_does_not_owe");
}

TEST_LONG(debts_that_outlive_a_setting_are_noticed, 120)
{
    NOTICED("clinging.what_is_set_is_owed_by_nobody");
}
