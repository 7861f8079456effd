/* Sets of semaphores: several steps as one, and what is given back; killed and paused anywhere. */
#include <errno.h>
#include <stdatomic.h>

#include <ferry/ferry.h>

#include "harness.h"
#include "test.h"

#define NAME "kill"

static const int64_t MOMENT_NS = 1000000;

enum { COUNT = 3 };

struct world {
    ferry_semaphore *survivor;
    pid_t third;
    _Atomic int32_t result; /* of the victim's operation */
    int32_t other;          /* of the survivor's, in between */
};

/* The victim's own handle. */
static ferry_semaphore *victim;

struct values {
    uint32_t of[COUNT];
};

static struct values values_of(struct world *world)
{
    struct values values;
    CHECK_EQ(ferry_semaphore_values(world->survivor, values.of, COUNT), COUNT);
    return values;
}

static bool are(struct values values, uint32_t first, uint32_t second, uint32_t third)
{
    return values.of[0] == first && values.of[1] == second && values.of[2] == third;
}

/* ---- The world -------------------------------------------------------------------------------- */

static void make(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_semaphore_open(&world->survivor, NAME,
                                  FERRY_SEMAPHORE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE,
                                                  .count = COUNT, .value = 2, .most = 9)));
}

static void attach(void *memory)
{
    (void)memory;
    CHECK_OK(ferry_semaphore_open(&victim, NAME, NULL));
}

static void drop(void *memory)
{
    struct world *world = memory;
    if (world->third)
        test_wait_ok(world->third);
    ferry_semaphore_close(world->survivor);
    CHECK_OK(ferry_remove(NAME));
}

/* ---- Operations ------------------------------------------------------------------------------- */

static int operate(ferry_semaphore *set, int32_t first, int32_t second, int32_t third,
                   unsigned flags, int64_t timeout_ns)
{
    const struct ferry_semaphore_step steps[] = {
        {0, first, flags}, {1, second, flags}, {2, third, flags}};
    return ferry_semaphore_operate(set, steps, COUNT, timeout_ns);
}

static void step(void *memory)
{
    struct world *world = memory;
    world->result = operate(victim, -1, -2, 3, 0, FERRY_NOW);
}

static void step_owing(void *memory)
{
    struct world *world = memory;
    world->result = operate(victim, -1, -2, 3, FERRY_GIVE_BACK, FERRY_NOW);
}

static void step_for_ever(void *memory)
{
    struct world *world = memory;
    world->result = operate(victim, -3, 1, 1, 0, FERRY_FOREVER);
}

static void close_it(void *memory)
{
    (void)memory;
    victim = ferry_semaphore_close(victim);
}

static void set_it(void *memory)
{
    struct world *world = memory;
    world->result = ferry_semaphore_set_value(victim, 0, 7);
}

static void step_too(void *memory)
{
    struct world *world = memory;
    world->other = operate(world->survivor, 1, 1, 1, 0, FERRY_NOW);
}

static void step_owing_first(void *memory)
{
    attach(memory);
    CHECK_OK(operate(victim, -1, -2, 3, FERRY_GIVE_BACK, FERRY_NOW));
}

/* ---- Questions -------------------------------------------------------------------------------- */

/* It works as a new one would; and brings the values to 2, 2, 2. */
static void check_usable(struct world *world)
{
    for (uint32_t i = 0; i < COUNT; i++)
        CHECK_OK(ferry_semaphore_set_value(world->survivor, i, 2));
    CHECK_OK(operate(world->survivor, -2, -2, 7, 0, FERRY_NOW));
    CHECK(are(values_of(world), 0, 0, 9));
    CHECK_ERR(operate(world->survivor, 1, 1, 1, 0, FERRY_NOW), EOVERFLOW);
    CHECK_ERR(operate(world->survivor, 0, 0, 0, 0, MOMENT_NS), ETIMEDOUT);
    CHECK_OK(operate(world->survivor, 0, 0, -9, 0, FERRY_NOW));
    CHECK_OK(operate(world->survivor, 2, 2, 2, 0, FERRY_NOW));
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look(NAME, &object));
    CHECK_STR(object.damage, "");
    CHECK_EQ(object.attach_count, object.detach_count + object.death_count + object.attached);
}

/* ---- Steps ------------------------------------------------------------------------------------ */

static void check_all_or_none(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    struct values values = values_of(world);
    CHECK(are(values, 1, 0, 5) || (are(values, 2, 2, 2) && !point->returned));
    check_usable(world);
}

static const struct kill_case stepping = {.name = "semaphore steps",
                                          .world_bytes = sizeof(struct world),
                                          .setup = make,
                                          .prepare = attach,
                                          .operation = step,
                                          .check = check_all_or_none,
                                          .teardown = drop};

TEST_LONG(all_steps_are_done_or_none /* G8 E3 */, 900)
{
    CHECK_OK(kill_run(&stepping, NULL));
}

static void check_both(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_OK(world->result);
    CHECK_OK(world->other);
    CHECK(are(values_of(world), 2, 1, 6));
    check_usable(world);
}

TEST_LONG(another_one_steps_wherever_one_stands /* E3 */, 900)
{
    struct kill_case pause = stepping;
    pause.between = step_too;
    pause.check = check_both;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* Each did all or nothing. */
static void check_each(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    struct values values = values_of(world);
    (void)point;
    CHECK(are(values, 2, 2, 2) || are(values, 1, 0, 5) || are(values, 3, 3, 3) ||
          are(values, 2, 1, 6));
    check_usable(world);
}

TEST_LONG(a_second_one_dies_over_the_steps_of_a_first /* G8 E3 */, 900)
{
    struct kill_case second = stepping, first = stepping;
    second.operation = step_too;
    second.prepare = NULL;
    first.check = second.check = check_each;
    CHECK_OK(kill_run_recovery(&first, &second, NULL));
}

/* ---- Giving back ------------------------------------------------------------------------------ */

/* Whatever was done is undone, as it is dead; where it lives, it is done. */
static void check_given_back(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK(are(values_of(world), 2, 2, 2));
    check_usable(world);
}

TEST_LONG(what_the_dead_changed_is_as_it_was /* G8 E4 */, 900)
{
    struct kill_case kill = stepping;
    kill.name = "semaphore steps that are given back";
    kill.operation = step_owing;
    kill.check = check_given_back;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(who_leaves_gives_back_once /* G8 E4 */, 900)
{
    struct kill_case kill = stepping;
    kill.name = "semaphore close, owing";
    kill.prepare = step_owing_first;
    kill.operation = close_it;
    kill.check = check_given_back;
    CHECK_OK(kill_run(&kill, NULL));
}

/* ---- Setting ---------------------------------------------------------------------------------- */

static void check_set(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    struct values values = values_of(world);
    CHECK(are(values, 7, 2, 2) || (are(values, 2, 2, 2) && !point->returned));
    check_usable(world);
}

TEST_LONG(one_is_set_or_not /* G8 E4 */, 900)
{
    struct kill_case kill = stepping;
    kill.name = "semaphore set";
    kill.operation = set_it;
    kill.check = check_set;
    CHECK_OK(kill_run(&kill, NULL));
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

static void check_woken(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    struct values values = values_of(world);
    CHECK(are(values, 0, 4, 4) ||
          (!point->returned && (are(values, 2, 2, 2) || are(values, 3, 3, 3))));
    check_usable(world);
}

TEST_LONG(who_sleeps_does_all_steps_or_none /* G8 E3 */, 900)
{
    struct kill_case kill = stepping;
    kill.name = "semaphore steps asleep";
    kill.operation = step_for_ever;
    kill.unblock = step_too;
    kill.check = check_woken;
    CHECK_OK(kill_run(&kill, NULL));
}

static void third_waits(void *memory)
{
    (void)memory;
    ferry_semaphore *own;
    CHECK_OK(ferry_semaphore_open(&own, NAME, NULL));
    CHECK_OK(operate(own, -1, -1, -4, 0, FERRY_FOREVER));
    ferry_semaphore_close(own);
}

static void make_with_third(void *memory)
{
    struct world *world = memory;
    make(memory);
    world->third = test_child(third_waits, world);
    test_sleeping(world->third);
}

/* The third one wants 4 of the last: it goes on with what the victim gave, as long as that is not taken back. */
static void check_third_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    struct values values = values_of(world);
    (void)point;
    if (are(values, 2, 2, 2) || are(values, 1, 0, 5)) /* not done, or too little of the second */
        CHECK_OK(operate(world->survivor, 2, 2, 4, 0, FERRY_NOW));
    test_wait_ok(world->third);
    world->third = 0;
    check_usable(world);
}

TEST_LONG(a_sleeper_is_told_of_steps /* G8 E3 G15 */, 900)
{
    struct kill_case kill = stepping;
    kill.name = "semaphore steps with a sleeper";
    kill.setup = make_with_third;
    kill.check = check_third_told;
    CHECK_OK(kill_run(&kill, NULL));
}
