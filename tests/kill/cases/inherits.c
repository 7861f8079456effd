/* Mutexes that lend priorities: locking, waiting, unlocking, giving up; killed and paused anywhere.
 *
 * Whoever is left gets the lock, from the kernel or over the dead one's number; and of an owner that died one hears. */
#include <errno.h>
#include <stdatomic.h>

#include <ferry/ferry.h>

#include "harness.h"
#include "lobbies.h"
#include "test.h"

#define NAME "kill"

enum { BOUND_MS = 20000 };

enum { NEVER = 1 }; /* no result of a lock: it has not come back yet */

struct world {
    ferry_mutex *survivor;
    struct test_gate *go; /* for the sleeper */
    pid_t sleeper;        /* or 0 */
    _Atomic int heard;    /* by the sleeper */
    int result;           /* of the victim's operation */
    int other;            /* of the survivor's in between */
    bool unlocked;        /* by the survivor */
};

/* The victim's own handle. */
static ferry_mutex *victim;

/* ---- The world -------------------------------------------------------------------------------- */

static void make(void *memory)
{
    struct world *world = memory;
    CHECK_OK(
        ferry_mutex_open(&world->survivor, NAME,
                         FERRY_MUTEX(.flags = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_INHERIT)));
}

static void make_locked(void *memory)
{
    struct world *world = memory;
    make(world);
    CHECK_OK(ferry_mutex_lock(world->survivor, FERRY_NOW));
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_mutex_close(world->survivor);
    CHECK_OK(ferry_remove(NAME));
}

/* In a new process: a handle of its own instead of the one that it inherited. */
static ferry_mutex *join(struct world *world)
{
    ferry_mutex *own;
    ferry_mutex_close(world->survivor);
    CHECK_OK(ferry_mutex_open(&own, NAME, NULL));
    return own;
}

static void attach(void *memory)
{
    victim = join(memory);
}

static void attach_and_lock(void *memory)
{
    attach(memory);
    int r = ferry_mutex_lock(victim, FERRY_NOW);
    CHECK(r == 0 || r == -EOWNERDEAD);
}

/* ---- One who waits beside --------------------------------------------------------------------- */

static void sleep_for_it(void *memory)
{
    struct world *world = memory;
    ferry_mutex *own = join(world);
    test_gate_wait(world->go);
    int r = ferry_mutex_lock(own, FERRY_FOREVER);
    if (r == -EOWNERDEAD)
        CHECK_OK(ferry_mutex_repaired(own));
    if (r != -ENOTRECOVERABLE)
        CHECK_OK(ferry_mutex_unlock(own));
    atomic_store(&world->heard, r);
    ferry_mutex_close(own);
}

static void make_with_sleeper(void *memory)
{
    struct world *world = memory;
    make(world);
    world->heard = NEVER;
    world->go = test_gate_new();
    world->sleeper = test_child(sleep_for_it, world);
}

static void attach_lock_and_let_it_sleep(void *memory)
{
    struct world *world = memory;
    attach_and_lock(world);
    test_gate_open(world->go);
    test_wait_until(waiters(NAME) == 1);
    test_sleeping(world->sleeper);
}

/* ---- Operations ------------------------------------------------------------------------------- */

static void lock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_lock(victim, FERRY_FOREVER);
}

static void lock_now(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_lock(victim, FERRY_NOW);
}

static void unlock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_unlock(victim);
}

static void repair(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_repaired(victim);
}

static void close_it(void *memory)
{
    (void)memory;
    victim = ferry_mutex_close(victim);
}

/* Once, however often it is asked to. */
static void unlock_too(void *memory)
{
    struct world *world = memory;
    if (!world->unlocked)
        CHECK_OK(ferry_mutex_unlock(world->survivor));
    world->unlocked = true;
}

static void try_too(void *memory)
{
    struct world *world = memory;
    world->other = ferry_mutex_lock(world->survivor, FERRY_NOW);
    if (world->other == 0)
        CHECK_OK(ferry_mutex_unlock(world->survivor));
}

/* ---- Questions -------------------------------------------------------------------------------- */

/* The survivor gets it, is told if somebody died with it, and afterwards all is well. */
static int take_repair_release(struct world *world)
{
    int r = ferry_mutex_lock(world->survivor, FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    if (r == -EOWNERDEAD)
        CHECK_OK(ferry_mutex_repaired(world->survivor));
    CHECK_OK(ferry_mutex_unlock(world->survivor));
    CHECK_OK(ferry_mutex_lock(world->survivor, FERRY_NOW));
    CHECK_OK(ferry_mutex_unlock(world->survivor));
    return r;
}

/* The victim's operation ends with the lock. */
static void check_dead_owner_told(void *memory, const struct kill_point *point)
{
    int r = take_repair_release(memory);
    CHECK(!point->returned || r == -EOWNERDEAD);
}

/* … or without it. */
static void check_free(void *memory, const struct kill_point *point)
{
    int r = take_repair_release(memory);
    CHECK(!point->returned || r == 0);
}

static void check_waiter_gone(void *memory, const struct kill_point *point)
{
    unlock_too(memory);
    check_dead_owner_told(memory, point);
}

/* The kernel hands it over to the sleeper, or that hears of the death; the survivor then hears of none. */
static void check_sleeper_has_it(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    test_wait_ok(world->sleeper);
    CHECK(world->heard == 0 || world->heard == -EOWNERDEAD);
    CHECK(!point->returned || world->heard == 0);
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

static void check_in_turn(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_OK(world->result);
    CHECK(world->other == 0 || world->other == -EAGAIN);
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
