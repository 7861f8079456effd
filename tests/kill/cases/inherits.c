/* Mutexes that lend priorities: locking, waiting, unlocking, giving up; killed and paused anywhere.
 *
 * Whoever is left gets the lock, from the kernel or over the dead one's number; and of an owner that died one hears. */
#include <errno.h>

#include "lobbies.h"
#include "mutex_world.h"

static void make(void *memory)
{
    make_with(memory, FERRY_INHERIT);
}

static void make_locked(void *memory)
{
    struct world *world = memory;
    make(world);
    CHECK_OK(ferry_mutex_lock(world->survivor, FERRY_NOW));
}

static void make_with_sleeper(void *memory)
{
    struct world *world = memory;
    make(world);
    call_sleeper(world, &world->first);
}

static void attach_lock_and_let_it_sleep(void *memory)
{
    struct world *world = memory;
    attach_and_lock(world);
    test_gate_open(world->first.go);
    test_wait_until(waiters(NAME) == 1);
    test_sleeping(world->first.pid);
}

/* The kernel hands it over to the sleeper, or that hears of the death; the survivor then hears of none. */
static void check_sleeper_has_it(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int heard = end_of(&world->first);
    CHECK(heard == 0 || (heard == -EOWNERDEAD && !point->returned));
    CHECK_EQ(take_repair_release(world), 0);
}

/* ---- Cases ------------------------------------------------------------------------------------ */

static const struct kill_case locking = {.name = "inherit lock",
                                         .world_bytes = sizeof(struct world),
                                         .bound_ms = BOUND_MS,
                                         .setup = make,
                                         .prepare = attach,
                                         .operation = lock,
                                         .check = check_dead_owner_told,
                                         .teardown = drop};

static const struct kill_case unlocking = {.name = "inherit unlock",
                                           .world_bytes = sizeof(struct world),
                                           .bound_ms = BOUND_MS,
                                           .setup = make,
                                           .prepare = attach_and_lock,
                                           .operation = unlock,
                                           .check = check_free,
                                           .teardown = drop};

TEST_LONG(a_lock_passes_on_wherever_its_taker_dies /* G8 E5 */, 900)
{
    CHECK_OK(kill_run(&locking, NULL));
}

TEST_LONG(an_unlock_happens_or_its_owner_died /* G8 E5 */, 900)
{
    CHECK_OK(kill_run(&unlocking, NULL));
}

TEST_LONG(a_killed_repairer_counts_as_an_owner_who_died /* E5 */, 900)
{
    struct kill_case kill = unlocking;
    kill.name = "inherit repaired";
    kill.operation = repair;
    kill.check = check_dead_owner_told;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(closing_with_it_is_dying_with_it /* E5 */, 900)
{
    struct kill_case kill = unlocking;
    kill.name = "inherit close, locked";
    kill.operation = close_it;
    kill.check = check_dead_owner_told;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(a_taker_over_may_die_anywhere_too /* G8 E5 */, 900)
{
    struct kill_case second = locking;
    second.name = "inherit lock, taking over";
    second.operation = lock_now;
    CHECK_OK(kill_run_recovery(&locking, &second, NULL));
}

TEST_LONG(two_lock_in_some_order_wherever_one_stands /* E5 */, 900)
{
    struct kill_case pause = locking;
    pause.between = try_too;
    pause.check = check_in_turn;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

TEST_LONG(who_waits_may_die_anywhere /* G8 E5 */, 900)
{
    struct kill_case kill = locking;
    kill.name = "inherit lock, waiting";
    kill.setup = make_locked;
    kill.unblock = unlock_too;
    kill.check = check_waiter_gone;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(the_kernel_hands_it_on_wherever_the_unlocker_dies /* G8 E5 */, 900)
{
    struct kill_case kill = unlocking;
    kill.name = "inherit unlock, beside a sleeper";
    kill.setup = make_with_sleeper;
    kill.prepare = attach_lock_and_let_it_sleep;
    kill.check = check_sleeper_has_it;
    CHECK_OK(kill_run(&kill, NULL));
}
