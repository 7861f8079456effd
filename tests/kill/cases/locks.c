/* The segment's lock: taking it, waiting for it, letting go, repairing; killed and paused anywhere.
 */
#include <stdio.h>

#include "common.h"

/* ---- Taking ---------------------------------------------------------------------------------- */

static void lock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_segment_lock(victim, FERRY_FOREVER);
}

static void lock_now(void *memory)
{
    struct world *world = memory;
    world->result = ferry_segment_lock(victim, FERRY_NOW);
}

/* The survivor can take it, is told if somebody died with it, and afterwards all is well. */
static int take_repair_release(struct world *world)
{
    int r = ferry_segment_lock(world->survivor, FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    CHECK_OK(ferry_segment_repaired(world->survivor));
    CHECK_OK(ferry_segment_unlock(world->survivor));
    CHECK_OK(ferry_segment_lock(world->survivor, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(world->survivor));
    return r;
}

static void check_lock_passed_on(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int r = take_repair_release(world);
    CHECK(!point->returned || r == -EOWNERDEAD);
    check_whole(world, 1);
}

static const struct kill_case lock_case = {.name = "segment lock",
                                           .world_bytes = sizeof(struct world),
                                           .setup = world_make,
                                           .prepare = world_attach_victim,
                                           .operation = lock,
                                           .check = check_lock_passed_on,
                                           .teardown = world_drop};

TEST_LONG(a_lock_passes_on_wherever_its_taker_dies /* G8 H5 */, 900)
{
    CHECK_OK(kill_run(&lock_case, NULL));
}

static void try_lock(void *memory)
{
    struct world *world = memory;
    world->third_result = ferry_segment_lock(world->survivor, FERRY_NOW);
    if (world->third_result == 0)
        CHECK_OK(ferry_segment_unlock(world->survivor));
}

/* A sequential order exists: the survivor was first (0) or found it taken. */
static void check_locked_in_turn(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK(world->third_result == 0 || world->third_result == -EAGAIN);
    CHECK_EQ(world->result, 0);
}

TEST_LONG(two_lock_in_some_order_wherever_one_stands /* H5 */, 900)
{
    struct kill_case pause = lock_case;
    pause.between = try_lock;
    pause.check = check_locked_in_turn;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Taking over from the dead --------------------------------------------------------------- */

TEST_LONG(a_taker_over_may_die_anywhere_too /* G8 H5 */, 900)
{
    struct kill_case second = lock_case;
    second.name = "segment lock, taking over";
    CHECK_OK(kill_run_recovery(&lock_case, &second, NULL));
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static void make_locked(void *memory)
{
    struct world *world = memory;
    world_make(world);
    CHECK_OK(ferry_segment_lock(world->survivor, FERRY_NOW));
}

static void let_go(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_segment_unlock(world->survivor));
}

static void check_waiter_gone(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int r = ferry_segment_unlock(world->survivor);
    CHECK(r == 0 || r == -EPERM); /* -EPERM: let_go() has been called */
    r = take_repair_release(world);
    CHECK(!point->returned || r == -EOWNERDEAD);
    check_whole(world, 1);
}

static const struct kill_case waiting_case = {.name = "segment lock, contended",
                                              .world_bytes = sizeof(struct world),
                                              .setup = make_locked,
                                              .prepare = world_attach_victim,
                                              .operation = lock,
                                              .unblock = let_go,
                                              .check = check_waiter_gone,
                                              .teardown = world_drop};

TEST_LONG(a_waiter_may_die_anywhere_in_its_wait /* G8 */, 900)
{
    CHECK_OK(kill_run(&waiting_case, NULL));
}

static void check_trier_gone(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    CHECK(!point->returned || world->result == -EAGAIN);
    CHECK_OK(ferry_segment_unlock(world->survivor));
    CHECK_EQ(take_repair_release(world), 0);
    check_whole(world, 1);
}

TEST_LONG(a_try_that_fails_leaves_nothing /* G7 G8 */, 900)
{
    struct kill_case now = waiting_case;
    now.name = "segment lock, FERRY_NOW";
    now.operation = lock_now;
    now.check = check_trier_gone;
    now.unblock = NULL;
    CHECK_OK(kill_run(&now, NULL));
}

/* ---- Letting go ------------------------------------------------------------------------------ */

static void attach_and_lock(void *memory)
{
    world_attach_victim(memory);
    CHECK_OK(ferry_segment_lock(victim, FERRY_NOW));
}

static void unlock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_segment_unlock(victim);
}

static void check_unlocked(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int r = take_repair_release(world);
    CHECK(!point->returned || r == 0);
    check_whole(world, 1);
}

static const struct kill_case unlock_case = {.name = "segment unlock",
                                             .world_bytes = sizeof(struct world),
                                             .setup = world_make,
                                             .prepare = attach_and_lock,
                                             .operation = unlock,
                                             .check = check_unlocked,
                                             .teardown = world_drop};

TEST_LONG(an_unlock_happens_or_its_owner_died /* G8 H5 */, 900)
{
    CHECK_OK(kill_run(&unlock_case, NULL));
}

/* A third process, asleep for the lock, gets it wherever the unlocker dies: before the unlock,
 * after it, and between it and the wake. */
static void third_waits(void *memory)
{
    struct world *world = memory;
    ferry_segment *own;
    CHECK_OK(ferry_segment_open(&own, NAME, NULL));
    test_gate_wait(world->go);
    int r = ferry_segment_lock(own, FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    CHECK_OK(ferry_segment_repaired(own));
    CHECK_OK(ferry_segment_unlock(own));
    ferry_segment_close(own);
}

static void make_with_third(void *memory)
{
    struct world *world = memory;
    world_make(world);
    world->go = test_gate_new();
    world->third = test_child(third_waits, world);
}

static void attach_lock_and_let_third_wait(void *memory)
{
    struct world *world = memory;
    attach_and_lock(world);
    test_gate_open(world->go);
    test_wait_until(look(NAME).wait_count == 1);
    test_sleeping(world->third);
}

static void check_third_got_it(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    test_wait_ok(world->third);
    CHECK_OK(ferry_segment_lock(world->survivor, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(world->survivor));
    check_whole(world, 1);
}

TEST_LONG(a_sleeper_gets_the_lock_wherever_the_unlocker_dies /* G8 G15 */, 900)
{
    CHECK_OK(kill_run(&(struct kill_case){.name = "segment unlock with a sleeper",
                                          .world_bytes = sizeof(struct world),
                                          .setup = make_with_third,
                                          .prepare = attach_lock_and_let_third_wait,
                                          .operation = unlock,
                                          .check = check_third_got_it,
                                          .teardown = world_drop},
                      NULL));
}

/* ---- Repairing ------------------------------------------------------------------------------- */

static void repair(void *memory)
{
    struct world *world = memory;
    world->result = ferry_segment_repaired(victim);
}

TEST_LONG(a_killed_repairer_counts_as_an_owner_who_died /* E5 */, 900)
{
    struct kill_case repairing = lock_case;
    repairing.name = "segment repaired";
    repairing.prepare = attach_and_lock;
    repairing.operation = repair;
    CHECK_OK(kill_run(&repairing, NULL));
}
