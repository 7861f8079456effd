/* Conditions: telling and waiting; killed and paused anywhere.
 *
 * What is waited for are tokens.  Nobody sleeps on beside one, whoever died before it told, or after it was told; and of an owner
 * of the mutex that died exactly one hears, since it repairs. */
#include <errno.h>
#include <stdatomic.h>

#include <ferry/ferry.h>

#include "harness.h"
#include "lobbies.h"
#include "test.h"

#define MUTEX "mutex"
#define NAME  "kill"

/* Others have to wake up and go to sleep, perhaps on a busy machine. */
enum { BOUND_MS = 20000 };

/* One who waits for a token. */
struct sleeper {
    struct test_gate *go;
    pid_t pid;
    bool told; /* of a dead owner */
    _Atomic bool has_token;
};

struct world {
    ferry_mutex *mutex; /* the survivor's */
    ferry_condition *condition;
    struct sleeper first, second; /* beside survivor and victim: the first one keeps the vigil */
    int tokens;                   /* under the mutex */
    int result;                   /* of the victim's wait */
    bool victim_told;
    _Atomic bool victim_has_token;
    bool given; /* by the survivor, in between */
};

/* The victim's own handles. */
static ferry_mutex *mutex;
static ferry_condition *condition;

/* ---- The world -------------------------------------------------------------------------------- */

static void make(void *memory)
{
    struct world *world = memory;
    const unsigned flags = FERRY_CREATE | FERRY_EXCLUSIVE;
    CHECK_OK(ferry_mutex_open(&world->mutex, MUTEX, FERRY_MUTEX(.flags = flags)));
    CHECK_OK(ferry_condition_open(&world->condition, NAME, world->mutex,
                                  FERRY_CONDITION(.flags = flags)));
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_condition_close(world->condition);
    ferry_mutex_close(world->mutex);
    CHECK_OK(ferry_remove(NAME));
    CHECK_OK(ferry_remove(MUTEX));
}

/* In a new process: handles of its own instead of those that it inherited. */
static void join(struct world *world, ferry_mutex **ret_mutex, ferry_condition **ret_condition)
{
    ferry_condition_close(world->condition);
    ferry_mutex_close(world->mutex);
    CHECK_OK(ferry_mutex_open(ret_mutex, MUTEX, NULL));
    CHECK_OK(ferry_condition_open(ret_condition, NAME, *ret_mutex, NULL));
}

static void attach(void *memory)
{
    join(memory, &mutex, &condition);
}

/* 1: an owner had died, and the data have been looked through. */
static bool lock(ferry_mutex *own)
{
    int r = ferry_mutex_lock(own, FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    if (r == -EOWNERDEAD)
        CHECK_OK(ferry_mutex_repaired(own));
    return r == -EOWNERDEAD;
}

static void unlock(ferry_mutex *own)
{
    CHECK_OK(ferry_mutex_unlock(own));
}

static void give(struct world *world, ferry_mutex *own, int tokens)
{
    lock(own);
    world->tokens += tokens;
    unlock(own);
}

/* ---- Who waits -------------------------------------------------------------------------------- */

/* Takes a token, with the mutex; true: an owner of that had died. */
static bool take_token(struct world *world, ferry_mutex *own, ferry_condition *filled)
{
    bool told = lock(own);
    while (world->tokens == 0) {
        int r = ferry_condition_wait(filled, FERRY_FOREVER);
        CHECK(r >= 0 || r == -EOWNERDEAD);
        if (r < 0)
            CHECK_OK(ferry_mutex_repaired(own));
        told |= r < 0;
    }
    world->tokens--;
    return told;
}

static struct world *the_world; /* for children, which are given one pointer */

static void sleep_for_token(void *memory)
{
    struct sleeper *sleeper = memory;
    ferry_mutex *own;
    ferry_condition *filled;
    join(the_world, &own, &filled);
    test_gate_wait(sleeper->go);
    sleeper->told = take_token(the_world, own, filled);
    atomic_store(&sleeper->has_token, true);
    unlock(own);
    ferry_condition_close(filled);
    ferry_mutex_close(own);
}

static void call_sleeper(struct world *world, struct sleeper *sleeper)
{
    the_world = world;
    sleeper->go = test_gate_new();
    sleeper->pid = test_child(sleep_for_token, sleeper);
}

/* The first sleeper becomes the sentry, and then the second one sleeps on the word. */
static void make_with_one(void *memory)
{
    struct world *world = memory;
    make(world);
    call_sleeper(world, &world->first);
    test_gate_open(world->first.go);
    test_wait_until(has_sentry(NAME, "condition"));
    test_sleeping(world->first.pid);
}

static void make_with_two(void *memory)
{
    struct world *world = memory;
    make_with_one(world);
    call_sleeper(world, &world->second);
    test_gate_open(world->second.go);
    test_wait_until(waiters(NAME) == 2);
    test_sleeping(world->second.pid);
}

/* ---- Questions -------------------------------------------------------------------------------- */

static void check_members(const char *name)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look(name, &object));
    CHECK_STR(object.damage, "");
    CHECK_EQ(object.attach_count, object.detach_count + object.death_count + object.attached);
}

/* Nobody has the mutex or waits any more, and the next wait is as in a new object.  True: the survivor is told of a dead owner. */
static bool check_usable(struct world *world)
{
    bool told = lock(world->mutex);
    int r = ferry_condition_wait(world->condition, FERRY_NOW);
    CHECK(r == -ETIMEDOUT || r >= 0);
    unlock(world->mutex);
    CHECK_EQ(waiters(NAME), 0);
    CHECK_OK(ferry_mutex_lock(world->mutex, FERRY_NOW));
    unlock(world->mutex);
    check_members(MUTEX);
    check_members(NAME);
    return told;
}

/* One who waited has its token in the end.  Returns whether it was told of a dead owner. */
static bool end_of(struct sleeper *sleeper)
{
    test_wait_ok(sleeper->pid);
    CHECK(sleeper->has_token);
    return sleeper->told;
}

/* All who slept get a token.  So many of them are the victim's; wherever it died, those are looked for without any help. */
static void check_tokens_found(struct world *world, const struct kill_point *point, int of_victim)
{
    int sleepers = world->second.pid == 0 ? 1 : 2;
    int told = lock(world->mutex), given = world->tokens;
    given += atomic_load(&world->first.has_token) + atomic_load(&world->second.has_token);
    CHECK(given == of_victim || (given == 0 && !point->returned));
    world->tokens += sleepers - given;
    unlock(world->mutex);
    if (given < sleepers)
        CHECK_OK(ferry_condition_broadcast(world->condition));
    told += end_of(&world->first);
    told += world->second.pid != 0 && end_of(&world->second);
    CHECK(told + check_usable(world) <= (point->returned ? 0 : 1));
}

static void check_one_found(void *memory, const struct kill_point *point)
{
    check_tokens_found(memory, point, 1);
}

static void check_two_found(void *memory, const struct kill_point *point)
{
    check_tokens_found(memory, point, 2);
}

/* ---- Telling ---------------------------------------------------------------------------------- */

static void signal_one(void *memory)
{
    (void)memory;
    CHECK_OK(ferry_condition_signal(condition));
}

static void broadcast(void *memory)
{
    (void)memory;
    CHECK_OK(ferry_condition_broadcast(condition));
}

/* The whole of what one does who tells, with the mutex and behind it. */
static void give_and_signal(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_FOREVER));
    world->tokens++;
    CHECK_OK(ferry_condition_signal(condition));
    unlock(mutex);
}

static void give_and_broadcast(void *memory)
{
    give(memory, mutex, 2);
    broadcast(memory);
}

static void attach_and_give(void *memory)
{
    attach(memory);
    give(memory, mutex, 1);
}

static void attach_and_give_two(void *memory)
{
    attach(memory);
    give(memory, mutex, 2);
}

/* Of so many wakes one is for the sentry, too (lobby.c), and the victim's next one will be that one. */
static void attach_and_give_when_it_is_the_sentrys_turn(void *memory)
{
    enum { WAKES = 3 };
    attach(memory);
    for (int i = 0; i < WAKES; i++)
        CHECK_OK(ferry_condition_signal(condition));
    give(memory, mutex, 1);
}

static void check_told_nobody(void *memory, const struct kill_point *point)
{
    (void)point;
    CHECK(!check_usable(memory));
}

static const struct kill_case telling = {.name = "condition signal",
                                         .world_bytes = sizeof(struct world),
                                         .bound_ms = BOUND_MS,
                                         .setup = make,
                                         .prepare = attach,
                                         .operation = signal_one,
                                         .check = check_told_nobody,
                                         .teardown = drop};

TEST_LONG(who_tells_nobody_may_die_anywhere /* G8 E6 */, 900)
{
    struct kill_case kill = telling;
    CHECK_OK(kill_run(&kill, NULL));
    kill.name = "condition broadcast";
    kill.operation = broadcast;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(the_sentry_finds_the_token_wherever_the_teller_dies /* G8 E6 G15 */, 900)
{
    struct kill_case kill = telling;
    kill.name = "condition signal beside a sentry";
    kill.setup = make_with_one;
    kill.prepare = attach_and_give;
    kill.check = check_one_found;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(and_wherever_it_dies_with_the_mutex /* G8 E5 E6 */, 900)
{
    struct kill_case kill = telling;
    kill.name = "lock, change, signal, unlock beside a sentry";
    kill.setup = make_with_one;
    kill.operation = give_and_signal;
    kill.check = check_one_found;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(one_of_sentry_and_sleeper_finds_it /* G8 E6 G15 */, 900)
{
    struct kill_case kill = telling;
    kill.name = "condition signal beside a sentry and a sleeper";
    kill.setup = make_with_two;
    kill.prepare = attach_and_give;
    kill.check = check_one_found;
    CHECK_OK(kill_run(&kill, NULL));
    kill.name = "condition signal beside a sentry, whose turn it is, and a sleeper";
    kill.prepare = attach_and_give_when_it_is_the_sentrys_turn;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(both_find_theirs_wherever_who_tells_all_dies /* G8 E6 G15 */, 900)
{
    struct kill_case kill = telling;
    kill.name = "condition broadcast beside a sentry and a sleeper";
    kill.setup = make_with_two;
    kill.prepare = attach_and_give_two;
    kill.operation = broadcast;
    kill.check = check_two_found;
    CHECK_OK(kill_run(&kill, NULL));
    kill.name = "lock, change, unlock, broadcast beside both";
    kill.prepare = attach;
    kill.operation = give_and_broadcast;
    CHECK_OK(kill_run(&kill, NULL));
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

/* One token, once, however often it is asked for. */
static void give_too(void *memory)
{
    struct world *world = memory;
    if (world->given)
        return;
    world->given = true;
    give(world, world->mutex, 1);
    CHECK_OK(ferry_condition_signal(world->condition));
}

/* A nap ends by itself; who keeps the vigil does not. */
static void give_to_sentry(void *memory)
{
    if (has_sentry(NAME, "condition"))
        give_too(memory);
}

static void nothing(void *memory)
{
    (void)memory;
}

static void attach_and_lock(void *memory)
{
    attach(memory);
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_NOW));
}

static void wait_and_take(void *memory)
{
    struct world *world = memory;
    while (world->tokens == 0) {
        int r = ferry_condition_wait(condition, FERRY_FOREVER);
        CHECK(r >= 0 || r == -EOWNERDEAD);
        if (r < 0)
            CHECK_OK(ferry_mutex_repaired(mutex));
    }
    world->tokens--;
    atomic_store(&world->victim_has_token, true);
    unlock(mutex);
}

static void wait_in_vain(void *memory)
{
    struct world *world = memory;
    world->result = ferry_condition_wait(condition, 8000000);
}

/* The token was taken or is there; the victim died with the mutex if it had not come to its wait, or back from it. */
static void check_token_left(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    bool told = check_usable(world);
    CHECK(!point->returned || (!told && world->given && world->tokens == 0));
    CHECK(world->tokens + atomic_load(&world->victim_has_token) <= (int)world->given);
}

static const struct kill_case waiting = {.name = "condition wait",
                                         .world_bytes = sizeof(struct world),
                                         .bound_ms = BOUND_MS,
                                         .setup = make,
                                         .prepare = attach_and_lock,
                                         .operation = wait_and_take,
                                         .unblock = give_too,
                                         .check = check_token_left,
                                         .teardown = drop};

TEST_LONG(who_waits_on_the_word_may_die_anywhere /* G8 E6 */, 900)
{
    CHECK_OK(kill_run(&waiting, NULL));
}

TEST_LONG(who_keeps_the_vigil_may_die_anywhere /* G8 E6 */, 900)
{
    struct kill_case kill = waiting;
    kill.name = "condition wait, as sentry";
    kill.unblock = give_to_sentry;
    CHECK_OK(kill_run(&kill, NULL));
}

static void check_gave_up(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    CHECK(!point->returned || world->result == -ETIMEDOUT || world->result == 1);
    bool told = check_usable(world);
    CHECK(!point->returned || told);
}

TEST_LONG(who_gives_up_has_the_mutex_again_and_may_die_anywhere /* G7 G8 E6 */, 900)
{
    struct kill_case kill = waiting;
    kill.name = "condition wait in vain";
    kill.operation = wait_in_vain;
    kill.unblock = nothing;
    kill.check = check_gave_up;
    CHECK_OK(kill_run(&kill, NULL));
}

static void check_took_it(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK(world->victim_has_token);
    CHECK_EQ(world->tokens, 0);
    CHECK(!check_usable(world));
}

/* Wherever the waiter stands while another process changes and tells, it does not sleep on. */
TEST_LONG(who_waits_hears_of_it_wherever_it_stands /* G15 E6 */, 900)
{
    struct kill_case pause = waiting;
    pause.name = "condition wait, and a signal";
    pause.unblock = give_to_sentry;
    pause.between = give_too;
    pause.check = check_took_it;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Waiting beside another one --------------------------------------------------------------- */

/* The victim may have been told, and it may have taken a token, or not. */
static void check_other_found_it(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int told = 0;
    (void)point;
    give_too(world);
    if (atomic_load(&world->victim_has_token)) {
        told = lock(world->mutex);
        world->tokens = 1;
        unlock(world->mutex);
        CHECK_OK(ferry_condition_broadcast(world->condition));
    }
    told += end_of(&world->first);
    CHECK(told + check_usable(world) <= 1);
}

/* One for each of the two, once. */
static void give_both(void *memory)
{
    struct world *world = memory;
    if (world->given)
        return;
    world->given = true;
    give(world, world->mutex, 2);
    CHECK_OK(ferry_condition_broadcast(world->condition));
}

/* Who dies has been told, or not; the other one finds its token. */
TEST_LONG(beside_one_who_dies_the_other_one_finds_its_token /* G8 E6 */, 900)
{
    struct kill_case kill = waiting;
    kill.name = "condition wait beside a sentry";
    kill.setup = make_with_one;
    kill.unblock = give_both;
    kill.check = check_other_found_it;
    CHECK_OK(kill_run(&kill, NULL));
}
