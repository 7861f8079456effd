/* Barriers: coming first and last, sleeping, giving up, breaking a round, changing the count; killed and paused anywhere.
 *
 * Whatever the victim was at, its death is told in one round, to all who are in that. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "harness.h"
#include "test.h"
#include "waiting.h"

#define NAME "kill"

static const int64_t MOMENT_NS = 1500000; /* longer than the first nap: it ends as a sentry */

struct world {
    ferry_barrier *survivor;
    pid_t third;
    _Atomic int32_t third_result;
    _Atomic int32_t result; /* of the victim's operation */
    int32_t other;          /* of the survivor's, meanwhile */
};

/* The victim's own handle. */
static ferry_barrier *victim;

/* ---- The world -------------------------------------------------------------------------------- */

static void make_for(struct world *world, uint32_t count)
{
    CHECK_OK(
        ferry_barrier_open(&world->survivor, NAME,
                           FERRY_BARRIER(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .count = count)));
}

static void make_for_two(void *memory)
{
    make_for(memory, 2);
}

/* It dies as one member, not as two. */
static void attach(void *memory)
{
    struct world *world = memory;
    ferry_barrier_close(world->survivor);
    CHECK_OK(ferry_barrier_open(&victim, NAME, NULL));
}

/* And it has learned that spinning does not pay: that would be thousands of instructions, all alike. */
static void attach_and_learn(void *memory)
{
    attach(memory);
    for (int i = 0; i < 13; i++)
        CHECK_ERR(ferry_barrier_wait(victim, 1), ETIMEDOUT);
}

static void third_waits(void *memory)
{
    struct world *world = memory;
    int r = ferry_barrier_wait(world->survivor, FERRY_FOREVER);
    atomic_store(&world->third_result, r);
    ferry_barrier_close(world->survivor);
}

static void begin_third(struct world *world)
{
    world->third = test_child(third_waits, world);
    test_wait_until(somebody_waits(NAME));
    test_sleeping(world->third);
}

static void make_with_third(void *memory)
{
    make_for(memory, 2);
    begin_third(memory);
}

static void make_with_third_of_three(void *memory)
{
    make_for(memory, 3);
    begin_third(memory);
}

static void stay(void *memory)
{
    (void)memory;
    for (;;)
        pause();
}

/* Somebody has died, and nobody was told of it. */
static void let_one_die(struct world *world)
{
    pid_t member = test_child(stay, world);
    test_kill(member);
}

static void make_with_dead(void *memory)
{
    make_for(memory, 2);
    let_one_die(memory);
}

/* The third one has come, and is stopped, so that it does not hear it. */
static void make_with_dead_and_third(void *memory)
{
    struct world *world = memory;
    make_with_third_of_three(world);
    int status;
    CHECK_ERRNO(kill(world->third, SIGSTOP));
    CHECK_EQ(waitpid(world->third, &status, WUNTRACED), world->third);
    let_one_die(world);
}

static void drop(void *memory)
{
    struct world *world = memory;
    if (world->third)
        test_wait_ok(world->third);
    ferry_barrier_close(world->survivor);
    CHECK_OK(ferry_remove(NAME));
}

/* ---- Operations ------------------------------------------------------------------------------- */

static void come(void *memory)
{
    struct world *world = memory;
    world->result = ferry_barrier_wait(victim, FERRY_FOREVER);
}

static void come_for_a_moment(void *memory)
{
    struct world *world = memory;
    world->result = ferry_barrier_wait(victim, MOMENT_NS);
}

static void come_now(void *memory)
{
    struct world *world = memory;
    world->result = ferry_barrier_wait(victim, FERRY_NOW);
}

static void set_one(void *memory)
{
    struct world *world = memory;
    world->result = ferry_barrier_set_count(victim, 1);
}

static void come_too(void *memory)
{
    struct world *world = memory;
    world->other = ferry_barrier_wait(world->survivor, FERRY_NOW);
}

static void wakes_by_itself(void *memory)
{
    (void)memory;
}

/* ---- Questions -------------------------------------------------------------------------------- */

static struct ferry_object look(void)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look(NAME, &object));
    CHECK_STR(object.damage, "");
    return object;
}

/* Nobody is there, and it works as a new one would. */
static void check_usable(struct world *world)
{
    uint32_t arrived;
    CHECK_OK(ferry_barrier_count(world->survivor, NULL, &arrived));
    CHECK_EQ(arrived, 0);
    CHECK_EQ(ferry_barrier_set_count(world->survivor, 2), 0);
    CHECK_ERR(ferry_barrier_wait(world->survivor, FERRY_NOW), EAGAIN);
    CHECK_EQ(ferry_barrier_set_count(world->survivor, 1), 0);
    uint32_t round = look().round;
    CHECK_EQ(ferry_barrier_wait(world->survivor, FERRY_NOW), 1);
    struct ferry_object object = look();
    CHECK_EQ(object.round, round + 1);
    CHECK_EQ(object.arrived_count, 0);
    CHECK_EQ(object.attach_count, object.detach_count + object.death_count + object.attached);
}

/* A death is told, once. */
static void check_told(struct world *world)
{
    CHECK_ERR(ferry_barrier_wait(world->survivor, FERRY_NOW), EOWNERDEAD);
    check_usable(world);
}

/* Who waits for ever is told, be it the first or the last that comes; and once. */
static void check_told_asleep(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_ERR(ferry_barrier_wait(world->survivor, FERRY_FOREVER), EOWNERDEAD);
    CHECK_EQ(look().broken_count, 1);
    check_usable(world);
}

/* ---- Coming first ------------------------------------------------------------------------------- */

static const struct kill_case coming_first = {.name = "barrier wait, the first",
                                              .world_bytes = sizeof(struct world),
                                              .setup = make_for_two,
                                              .prepare = attach_and_learn,
                                              .operation = come,
                                              .check = check_told_asleep,
                                              .teardown = drop};

TEST_LONG(who_comes_and_dies_has_not_come /* G8 E6 */, 900)
{
    CHECK_OK(kill_run(&coming_first, NULL));
}

/* ---- Coming last -------------------------------------------------------------------------------- */

static int end_third(struct world *world)
{
    test_wait_ok(world->third);
    world->third = 0;
    return atomic_load(&world->third_result);
}

/* Complete for both, and then the victim's death is told to the next one; or broken by that. */
static void check_complete_or_broken(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int r = end_third(world);
    CHECK(r == 0 || (r == -EOWNERDEAD && !point->returned));
    CHECK(!point->returned || world->result == 1);
    if (r == 0)
        check_told(world);
    else
        check_usable(world);
    CHECK_EQ(look().broken_count, 1);
}

static const struct kill_case coming_last = {.name = "barrier wait, the last",
                                             .world_bytes = sizeof(struct world),
                                             .setup = make_with_third,
                                             .prepare = attach,
                                             .operation = come,
                                             .check = check_complete_or_broken,
                                             .teardown = drop};

TEST_LONG(a_round_is_complete_for_all_or_broken_for_all /* G8 E6 */, 900)
{
    CHECK_OK(kill_run(&coming_last, NULL));
}

/* ---- Being woken -------------------------------------------------------------------------------- */

static void check_woken(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    CHECK(!point->returned || (world->result == 0 && world->other == 1));
    check_told(world);
}

TEST_LONG(who_sleeps_may_die_anywhere /* G8 E6 */, 900)
{
    struct kill_case kill = coming_first;
    kill.name = "barrier wait, asleep";
    kill.unblock = come_too;
    kill.check = check_woken;
    CHECK_OK(kill_run(&kill, NULL));
}

/* ---- Giving up ---------------------------------------------------------------------------------- */

static void check_given_up(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    CHECK(!point->returned || world->result == -ETIMEDOUT);
    check_told(world);
}

static const struct kill_case giving_up = {.name = "barrier wait, in vain",
                                           .world_bytes = sizeof(struct world),
                                           .setup = make_for_two,
                                           .prepare = attach_and_learn,
                                           .operation = come_for_a_moment,
                                           .unblock = wakes_by_itself,
                                           .check = check_given_up,
                                           .teardown = drop};

TEST_LONG(who_gives_up_may_die_anywhere /* G7 G8 E6 */, 900)
{
    CHECK_OK(kill_run(&giving_up, NULL));
}

/* Both were there, or neither was in time. */
static void check_in_some_order(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK((world->other == 1 && world->result == 0) ||
          (world->other == -EAGAIN && world->result == -ETIMEDOUT));
    check_usable(world);
    CHECK_EQ(look().broken_count, 0);
}

TEST_LONG(another_one_comes_wherever_one_stands /* E6 */, 900)
{
    struct kill_case pause = giving_up;
    pause.name = "barrier wait, and another one";
    pause.between = come_too;
    pause.check = check_in_some_order;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Breaking a round --------------------------------------------------------------------------- */

/* Two deaths: told together, or the first one to the victim. */
static void check_both_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    CHECK(!point->returned || world->result == -EOWNERDEAD);
    check_told(world);
    uint32_t broken = look().broken_count;
    CHECK(broken == 2 || (broken == 1 && !point->returned));
}

static const struct kill_case breaking = {.name = "barrier wait, told of a death",
                                          .world_bytes = sizeof(struct world),
                                          .setup = make_with_dead,
                                          .prepare = attach,
                                          .operation = come_now,
                                          .check = check_both_told,
                                          .teardown = drop};

TEST_LONG(who_is_told_may_die_of_it /* G8 E6 */, 900)
{
    CHECK_OK(kill_run(&breaking, NULL));
}

/* The third one is told once, of one or both. */
static void check_third_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    CHECK(!point->returned || world->result == -EOWNERDEAD);
    CHECK_ERRNO(kill(world->third, SIGCONT));
    CHECK_EQ(end_third(world), -EOWNERDEAD);
    if (look().broken_count == 1 && ferry_barrier_wait(world->survivor, FERRY_NOW) == -EAGAIN)
        CHECK(!point->returned); /* it broke the round itself, and both were told together */
    uint32_t broken = look().broken_count;
    CHECK(broken == 2 || broken == 1);
    check_usable(world);
    CHECK_EQ(look().broken_count, broken);
}

TEST_LONG(so_may_who_breaks_the_round_of_others /* G8 E6 */, 900)
{
    struct kill_case kill = breaking;
    kill.name = "barrier wait, breaking another's round";
    kill.setup = make_with_dead_and_third;
    kill.check = check_third_told;
    CHECK_OK(kill_run(&kill, NULL));
}

/* ---- Changing the count ------------------------------------------------------------------------- */

static void check_set(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int r = end_third(world);
    CHECK(r == 0 || (r == -EOWNERDEAD && !point->returned));
    CHECK(!point->returned || world->result == 1);
    CHECK_EQ(look().barrier_count, r == 0 ? 1 : 3);
    if (r == 0)
        check_told(world);
    else
        check_usable(world);
    CHECK_EQ(look().broken_count, 1);
}

TEST_LONG(a_count_is_changed_and_the_round_complete_or_neither /* G8 E6 */, 900)
{
    struct kill_case kill = coming_last;
    kill.name = "barrier set count";
    kill.setup = make_with_third_of_three;
    kill.operation = set_one;
    kill.check = check_set;
    CHECK_OK(kill_run(&kill, NULL));
}

/* ---- One dies over what another one left -------------------------------------------------------- */

static void check_all_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    check_told(world);
}

/* The second one uses what it inherited. */
static void come_after(void *memory)
{
    struct world *world = memory;
    world->result = ferry_barrier_wait(world->survivor, FERRY_NOW);
}

TEST_LONG(a_second_one_dies_over_the_coming_of_a_first /* G8 E6 */, 900)
{
    struct kill_case first = coming_first, second = coming_first;
    second.name = "barrier wait after a death";
    second.operation = come_after;
    second.prepare = NULL;
    second.check = check_all_told;
    CHECK_OK(kill_run_recovery(&first, &second, NULL));
}

TEST_LONG(a_second_one_dies_over_the_breaking_of_a_first /* G8 E6 */, 900)
{
    struct kill_case first = breaking, second = breaking;
    second.name = "barrier wait after two deaths";
    second.operation = come_after;
    second.prepare = NULL;
    second.check = check_all_told;
    CHECK_OK(kill_run_recovery(&first, &second, NULL));
}
