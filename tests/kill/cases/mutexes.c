/* Mutexes: locking, waiting, unlocking, giving up, once; killed and paused anywhere.
 *
 * Whoever is left gets the lock; and of an owner that died exactly one hears, since it repairs. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "lobbies.h"
#include "mutex_world.h"

/* ---- The world -------------------------------------------------------------------------------- */

static void make(void *memory)
{
    make_with(memory, 0);
}

static void make_recursive(void *memory)
{
    make_with(memory, FERRY_RECURSIVE);
}

static void make_locked(void *memory)
{
    struct world *world = memory;
    make(world);
    CHECK_OK(ferry_mutex_lock(world->survivor, FERRY_NOW));
}

static void attach_and_lock_twice(void *memory)
{
    attach_and_lock(memory);
    CHECK_OK(ferry_mutex_lock(victim, FERRY_NOW));
}

/* And it has learned that spinning does not pay. */
static void attach_calm(void *memory)
{
    enum { WAITS = 16 };
    attach(memory);
    for (int i = 0; i < WAITS; i++)
        CHECK_ERR(ferry_mutex_lock(victim, 1), ETIMEDOUT);
}

static void make_with_one(void *memory)
{
    struct world *world = memory;
    make(world);
    call_sleeper(world, &world->first);
}

static void make_with_two(void *memory)
{
    struct world *world = memory;
    make_with_one(world);
    call_sleeper(world, &world->second);
}

/* Somebody has the lock.  The first sleeper becomes the sentry, and then the second one sleeps on the word. */
static void let_them_sleep(struct world *world)
{
    test_gate_open(world->first.go);
    test_wait_until(has_sentry(NAME, "mutex"));
    test_sleeping(world->first.pid);
    if (world->second.pid == 0)
        return;
    test_gate_open(world->second.go);
    test_wait_until(waiters(NAME) == 2);
    test_sleeping(world->second.pid);
}

static void attach_lock_and_let_them_sleep(void *memory)
{
    attach_and_lock(memory);
    let_them_sleep(memory);
}

/* ---- Operations ------------------------------------------------------------------------------- */

/* Long enough to keep the vigil. */
static void lock_in_vain(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_lock(victim, 8000000);
}

static void lock_and_unlock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_lock(victim, FERRY_FOREVER);
    if (world->result == -EOWNERDEAD)
        CHECK_OK(ferry_mutex_repaired(victim));
    CHECK_OK(ferry_mutex_unlock(victim));
}

static void begin_once(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_once(victim, FERRY_FOREVER);
}

static void finish_once(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_done(victim);
}

static void lock_too(void *memory)
{
    struct world *world = memory;
    world->other = ferry_mutex_lock(world->survivor, FERRY_FOREVER);
    CHECK_OK(ferry_mutex_unlock(world->survivor));
}

/* ---- Nobody else there ------------------------------------------------------------------------ */

static const struct kill_case locking = {.name = "mutex lock",
                                         .world_bytes = sizeof(struct world),
                                         .bound_ms = BOUND_MS,
                                         .setup = make,
                                         .prepare = attach,
                                         .operation = lock,
                                         .check = check_dead_owner_told,
                                         .teardown = drop};

static const struct kill_case unlocking = {.name = "mutex unlock",
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
    kill.name = "mutex repaired";
    kill.operation = repair;
    kill.check = check_dead_owner_told;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(taken_twice_it_is_still_one_dead_owners /* E7 */, 900)
{
    struct kill_case kill = locking;
    kill.name = "mutex lock once more";
    kill.setup = make_recursive;
    kill.prepare = attach_and_lock;
    CHECK_OK(kill_run(&kill, NULL));
    kill.name = "mutex unlock once of twice";
    kill.prepare = attach_and_lock_twice;
    kill.operation = unlock;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(a_taker_over_may_die_anywhere_too /* G8 E5 */, 900)
{
    struct kill_case second = locking;
    second.name = "mutex lock, taking over";
    second.operation = lock_now; /* spinning takes long, step by step */
    CHECK_OK(kill_run_recovery(&locking, &second, NULL));
}

TEST_LONG(two_lock_in_some_order_wherever_one_stands /* E5 */, 900)
{
    struct kill_case pause = locking;
    pause.between = try_too;
    pause.check = check_in_turn;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

static void check_both_had_it(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_OK(world->result);
    CHECK_OK(world->other);
    CHECK_EQ(take_repair_release(world), 0);
}

TEST_LONG(who_waits_gets_it_wherever_the_unlocker_stands /* E5 */, 900)
{
    struct kill_case pause = unlocking;
    pause.between = lock_too;
    pause.check = check_both_had_it;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

/* A nap ends by itself; who keeps the vigil does not. */
static void unlock_for_sentry(void *memory)
{
    if (has_sentry(NAME, "mutex"))
        unlock_too(memory);
}

static void nothing(void *memory)
{
    (void)memory;
}

static const struct kill_case waiting = {.name = "mutex lock, waiting",
                                         .world_bytes = sizeof(struct world),
                                         .bound_ms = BOUND_MS,
                                         .setup = make_locked,
                                         .prepare = attach_calm,
                                         .operation = lock,
                                         .unblock = unlock_too,
                                         .check = check_waiter_gone,
                                         .teardown = drop};

TEST_LONG(who_waits_on_the_word_may_die_anywhere /* G8 */, 900)
{
    CHECK_OK(kill_run(&waiting, NULL));
}

TEST_LONG(who_keeps_the_vigil_may_die_anywhere /* G8 */, 900)
{
    struct kill_case kill = waiting;
    kill.name = "mutex lock, as sentry";
    kill.unblock = unlock_for_sentry;
    CHECK_OK(kill_run(&kill, NULL));
}

static void check_gave_up(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    CHECK(!point->returned || world->result == -ETIMEDOUT);
    unlock_too(memory);
    CHECK_EQ(take_repair_release(world), 0);
}

TEST_LONG(who_gives_up_leaves_nothing /* G7 G8 */, 900)
{
    struct kill_case kill = waiting;
    kill.name = "mutex lock in vain";
    kill.operation = lock_in_vain;
    kill.unblock = nothing;
    kill.check = check_gave_up;
    CHECK_OK(kill_run(&kill, NULL));
}

/* Whatever the waiter is about, an unlock does not pass it by. */
TEST_LONG(who_waits_gets_it_wherever_it_stands_at_the_unlock /* G15 E5 */, 900)
{
    struct kill_case pause = waiting;
    pause.name = "mutex lock, and an unlock";
    pause.operation = lock_and_unlock;
    pause.unblock = unlock_for_sentry;
    pause.between = unlock_too;
    pause.check = check_free;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Waiting beside another one --------------------------------------------------------------- */

static void make_locked_with_one(void *memory)
{
    struct world *world = memory;
    make_with_one(world);
    CHECK_OK(ferry_mutex_lock(world->survivor, FERRY_NOW));
}

/* The other one comes when the victim keeps the vigil, or is dead. */
static void call_other(struct world *world)
{
    test_gate_open(world->first.go);
    test_wait_until(waiters(NAME) > 0);
    test_sleeping(world->first.pid);
}

static void unlock_for_both(void *memory)
{
    if (!has_sentry(NAME, "mutex"))
        return;
    test_gate_open(((struct world *)memory)->first.go);
    unlock_too(memory);
}

static void check_other_got_it(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    if (!world->unlocked)
        call_other(world);
    unlock_too(memory);
    int told = end_of(&world->first) == -EOWNERDEAD;
    told += take_repair_release(world) == -EOWNERDEAD;
    CHECK(told <= 1 && (told == 1 || !point->returned));
}

TEST_LONG(beside_a_sentry_that_dies_others_get_it /* G8 E5 */, 900)
{
    struct kill_case kill = waiting;
    kill.name = "mutex lock, as sentry, beside another one";
    kill.setup = make_locked_with_one;
    kill.unblock = unlock_for_both;
    kill.check = check_other_got_it;
    CHECK_OK(kill_run(&kill, NULL));
}

static void hold_it(void *memory)
{
    struct world *world = memory;
    ferry_mutex *own = join(world);
    CHECK_OK(ferry_mutex_lock(own, FERRY_NOW));
    test_gate_open(world->second.go);
    test_gate_wait(test_gate_new());
}

/* The owner is a process that is going to be killed. */
static void make_held_with_one(void *memory)
{
    struct world *world = memory;
    make_with_one(world);
    world->second.go = test_gate_new();
    world->holder = test_child(hold_it, world);
    test_gate_wait(world->second.go);
}

static void kill_holder(struct world *world)
{
    if (world->holder != 0)
        test_kill(world->holder);
    world->holder = 0;
}

static void kill_holder_for_sentry(void *memory)
{
    if (has_sentry(NAME, "mutex"))
        kill_holder(memory);
}

static void check_exactly_one_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    if (world->holder != 0)
        call_other(world);
    else
        test_gate_open(world->first.go);
    kill_holder(world);
    CHECK_EQ(end_of(&world->first), -EOWNERDEAD);
    CHECK_EQ(take_repair_release(world), 0);
}

/* The victim waits, hears of the owner's death, and has the lock: wherever it dies on that way, the next one is told. */
TEST_LONG(who_takes_over_from_a_dead_owner_may_die_anywhere /* G8 E5 */, 900)
{
    struct kill_case kill = waiting;
    kill.name = "mutex lock, and the owner dies";
    kill.setup = make_held_with_one;
    kill.unblock = kill_holder_for_sentry;
    kill.check = check_exactly_one_told;
    CHECK_OK(kill_run(&kill, NULL));
}

/* ---- Unlocking beside those who wait ---------------------------------------------------------- */

/* All get it, and of the victim's death, if it had it, one is told. */
static void check_all_got_it(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int told = end_of(&world->first) == -EOWNERDEAD;
    if (world->second.pid != 0)
        told += end_of(&world->second) == -EOWNERDEAD;
    CHECK(told == 0 || (told == 1 && !point->returned));
    CHECK_EQ(take_repair_release(world), 0);
    CHECK(!has_sentry(NAME, "mutex"));
}

static const struct kill_case unlocking_beside = {.name = "mutex unlock beside a sentry",
                                                  .world_bytes = sizeof(struct world),
                                                  .bound_ms = BOUND_MS,
                                                  .setup = make_with_one,
                                                  .prepare = attach_lock_and_let_them_sleep,
                                                  .operation = unlock,
                                                  .check = check_all_got_it,
                                                  .teardown = drop};

TEST_LONG(the_sentry_gets_it_wherever_the_unlocker_dies /* G8 G15 */, 900)
{
    CHECK_OK(kill_run(&unlocking_beside, NULL));
}

TEST_LONG(sentry_and_sleeper_get_it_wherever_the_unlocker_dies /* G8 G15 */, 900)
{
    struct kill_case kill = unlocking_beside;
    kill.name = "mutex unlock beside a sentry and a sleeper";
    kill.setup = make_with_two;
    CHECK_OK(kill_run(&kill, NULL));
}

static void lock_inherited(void *memory)
{
    (void)memory;
    CHECK_OK(ferry_mutex_lock(victim, FERRY_FOREVER));
    CHECK_OK(ferry_mutex_unlock(victim));
}

/* Of so many wakes one is for the sentry (lobby.c), and the next of the victim's will be that one. */
static void attach_lock_and_let_it_be_the_sentrys_turn(void *memory)
{
    enum { WAKES = 3 };
    attach(memory);
    for (int i = 0; i < WAKES; i++) {
        CHECK_OK(ferry_mutex_lock(victim, FERRY_FOREVER));
        pid_t child = test_child(lock_inherited, NULL);
        test_wait_until(has_sentry(NAME, "mutex"));
        test_sleeping(child);
        CHECK_OK(ferry_mutex_unlock(victim));
        test_wait_ok(child);
    }
    CHECK_OK(ferry_mutex_lock(victim, FERRY_NOW));
    let_them_sleep(memory);
}

TEST_LONG(they_get_it_when_the_wake_is_for_the_sentry /* G8 G15 */, 900)
{
    struct kill_case kill = unlocking_beside;
    kill.name = "mutex unlock beside a sentry, whose turn it is, and a sleeper";
    kill.setup = make_with_two;
    kill.prepare = attach_lock_and_let_it_be_the_sentrys_turn;
    CHECK_OK(kill_run(&kill, NULL));
}

/* A third one comes and goes while the unlocker stands. */
static void check_came_between(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    CHECK_OK(world->result);
    CHECK(world->other == 0 || world->other == -EAGAIN);
    check_all_got_it(memory, point);
}

TEST_LONG(they_get_it_wherever_somebody_barges_in /* E5 G15 */, 900)
{
    struct kill_case pause = unlocking_beside;
    pause.name = "mutex unlock beside both, and one barges in";
    pause.setup = make_with_two;
    pause.between = try_too;
    pause.check = check_came_between;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

static void check_all_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    int told = end_of(&world->first) == -EOWNERDEAD;
    told += end_of(&world->second) == -EOWNERDEAD;
    CHECK_EQ(told, 1);
    CHECK_EQ(take_repair_release(world), 0);
}

TEST_LONG(who_closes_with_the_lock_is_heard_of_wherever_it_dies /* G8 E5 */, 900)
{
    struct kill_case kill = unlocking_beside;
    kill.name = "mutex close with the lock";
    kill.setup = make_with_two;
    kill.operation = close_it;
    kill.check = check_all_told;
    CHECK_OK(kill_run(&kill, NULL));
}

/* ---- Giving up -------------------------------------------------------------------------------- */

static void lock_and_die(void *memory)
{
    CHECK_OK(ferry_mutex_lock(join(memory), FERRY_NOW));
    raise(SIGKILL);
}

static void make_unrepaired_with_two(void *memory)
{
    struct world *world = memory;
    int status;
    make_with_two(world);
    CHECK_ERRNO(waitpid(test_child(lock_and_die, world), &status, 0));
}

/* Given up for all, or for none. */
static void check_all_gave_up(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int one = end_of(&world->first), two = end_of(&world->second);
    if (one == -ENOTRECOVERABLE || point->returned) {
        CHECK_EQ(one, -ENOTRECOVERABLE);
        CHECK_EQ(two, -ENOTRECOVERABLE);
        CHECK_ERR(ferry_mutex_lock(world->survivor, FERRY_FOREVER), ENOTRECOVERABLE);
        check_members();
        return;
    }
    CHECK_EQ((one == -EOWNERDEAD) + (two == -EOWNERDEAD), 1);
    CHECK_EQ(take_repair_release(world), 0);
}

TEST_LONG(all_hear_that_the_data_are_given_up_or_none /* G8 E5 */, 900)
{
    struct kill_case kill = unlocking_beside;
    kill.name = "mutex unlock unrepaired";
    kill.setup = make_unrepaired_with_two;
    kill.check = check_all_gave_up;
    CHECK_OK(kill_run(&kill, NULL));
}

/* ---- Once ------------------------------------------------------------------------------------- */

/* The survivor does it, if it is not done. */
static int do_it(struct world *world)
{
    int r = ferry_mutex_once(world->survivor, FERRY_FOREVER);
    CHECK(r >= 0 || r == -EOWNERDEAD);
    if (r != 0)
        CHECK_OK(ferry_mutex_done(world->survivor));
    CHECK_OK(ferry_mutex_once(world->survivor, FERRY_NOW));
    return r;
}

static void check_begun(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    CHECK(!point->returned || world->result == 1);
    int r = do_it(world);
    CHECK(r == -EOWNERDEAD || (r == 1 && !point->returned));
    CHECK_EQ(take_repair_release(world), 0);
}

static void check_done(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int r = do_it(world);
    CHECK(r == 0 || (r == -EOWNERDEAD && !point->returned));
    check_free(memory, point);
}

static void attach_and_begin(void *memory)
{
    attach(memory);
    CHECK_EQ(ferry_mutex_once(victim, FERRY_NOW), 1);
}

TEST_LONG(who_dies_in_doing_it_leaves_it_to_the_next /* E6 G8 */, 900)
{
    struct kill_case kill = locking;
    kill.name = "mutex once";
    kill.operation = begin_once;
    kill.check = check_begun;
    CHECK_OK(kill_run(&kill, NULL));
    kill.name = "mutex done";
    kill.prepare = attach_and_begin;
    kill.operation = finish_once;
    kill.check = check_done;
    CHECK_OK(kill_run(&kill, NULL));
}
