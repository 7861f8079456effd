/* Semaphores: posting and waiting; killed and paused anywhere. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <ferry/ferry.h>

#include "harness.h"
#include "test.h"
#include "waiting.h"

#define NAME "kill"

static const int64_t MOMENT_NS = 1000000;

struct world {
    ferry_semaphore *survivor;
    pid_t third;
    _Atomic uint32_t third_has; /* so many units */
    _Atomic int32_t result;     /* of the victim's operation */
    int32_t other;              /* of the survivor's, in between */
    uint32_t value, most;       /* to begin with */
};

/* The victim's own handle. */
static ferry_semaphore *victim;

static uint32_t value_of(struct world *world)
{
    uint32_t value;
    CHECK_OK(ferry_semaphore_value(world->survivor, &value));
    return value;
}

/* ---- The world -------------------------------------------------------------------------------- */

static void make(struct world *world, uint32_t value, uint32_t most)
{
    world->value = value;
    world->most = most;
    CHECK_OK(ferry_semaphore_open(
        &world->survivor, NAME,
        FERRY_SEMAPHORE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .value = value, .most = most)));
}

static void make_empty(void *memory)
{
    make(memory, 0, 0);
}

static void make_two(void *memory)
{
    make(memory, 2, 0);
}

static void make_binary(void *memory)
{
    make(memory, 0, 1);
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

/* And it has learned that spinning does not pay. */
static void attach_calm(void *memory)
{
    enum { WAITS = 16 };
    attach(memory);
    for (int i = 0; i < WAITS; i++)
        CHECK_ERR(ferry_semaphore_wait(victim, 1), ETIMEDOUT);
}

/* ---- Operations ------------------------------------------------------------------------------- */

static void post(void *memory)
{
    struct world *world = memory;
    world->result = ferry_semaphore_post(victim);
}

static void wait_now(void *memory)
{
    struct world *world = memory;
    world->result = ferry_semaphore_wait(victim, FERRY_NOW);
}

static void wait_for_ever(void *memory)
{
    struct world *world = memory;
    world->result = ferry_semaphore_wait(victim, FERRY_FOREVER);
}

static void wait_briefly(void *memory)
{
    struct world *world = memory;
    world->result = ferry_semaphore_wait(victim, MOMENT_NS);
}

static void post_too(void *memory)
{
    struct world *world = memory;
    world->other = ferry_semaphore_post(world->survivor);
}

static void wait_too(void *memory)
{
    struct world *world = memory;
    world->other = ferry_semaphore_wait(world->survivor, FERRY_NOW);
}

static void nothing(void *memory)
{
    (void)memory;
}

/* ---- Questions -------------------------------------------------------------------------------- */

static struct ferry_object check_members(void)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look(NAME, &object));
    CHECK_STR(object.damage, "");
    CHECK_EQ(object.attach_count, object.detach_count + object.death_count + object.attached);
    return object;
}

/* It counts, bounds and wakes as a new one would. */
static void check_usable(struct world *world, uint32_t value)
{
    CHECK_EQ(value_of(world), value);
    for (; value > 0; value--)
        CHECK_OK(ferry_semaphore_wait(world->survivor, FERRY_NOW));
    CHECK_ERR(ferry_semaphore_wait(world->survivor, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_semaphore_wait(world->survivor, MOMENT_NS), ETIMEDOUT);
    CHECK_OK(ferry_semaphore_post(world->survivor));
    if (world->most == 1)
        CHECK_ERR(ferry_semaphore_post(world->survivor), EOVERFLOW);
    CHECK_OK(ferry_semaphore_wait(world->survivor, FERRY_NOW));
    check_members();
}

/* ---- Posting ---------------------------------------------------------------------------------- */

static void check_posted(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    uint32_t value = value_of(world);
    CHECK(value == world->value + 1 || (value == world->value && !point->returned));
    check_usable(world, value);
}

static const struct kill_case posting = {.name = "semaphore post",
                                         .world_bytes = sizeof(struct world),
                                         .setup = make_empty,
                                         .prepare = attach,
                                         .operation = post,
                                         .check = check_posted,
                                         .teardown = drop};

TEST_LONG(a_unit_is_posted_or_not /* G8 E2 */, 900)
{
    struct kill_case kill = posting;
    CHECK_OK(kill_run(&kill, NULL));
    kill.setup = make_two;
    CHECK_OK(kill_run(&kill, NULL));
}

/* The victim's operation and the other one. */
static void check_both(struct world *world, uint32_t value)
{
    CHECK_OK(world->result);
    CHECK_OK(world->other);
    check_usable(world, value);
}

static void check_two_posts(void *memory, const struct kill_point *point)
{
    (void)point;
    check_both(memory, 2);
}

TEST_LONG(two_posts_are_two_wherever_one_stands /* E2 */, 900)
{
    struct kill_case pause = posting;
    pause.between = post_too;
    pause.check = check_two_posts;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

static void check_one_of_two(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK((world->result == 0) + (world->other == 0) == 1);
    CHECK((world->result == -EOVERFLOW) + (world->other == -EOVERFLOW) == 1);
    check_usable(world, 1);
}

TEST_LONG(of_two_posts_to_a_binary_one_one_is_too_many /* E1 */, 900)
{
    struct kill_case pause = posting;
    pause.setup = make_binary;
    pause.between = post_too;
    pause.check = check_one_of_two;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Posting to who sleeps -------------------------------------------------------------------- */

static void third_waits(void *memory)
{
    struct world *world = memory;
    ferry_semaphore *own;
    CHECK_OK(ferry_semaphore_open(&own, NAME, NULL));
    CHECK_OK(ferry_semaphore_wait(own, FERRY_FOREVER));
    atomic_fetch_add(&world->third_has, 1);
    ferry_semaphore_close(own);
}

static void make_with_third(void *memory)
{
    struct world *world = memory;
    make_empty(memory);
    world->third = test_child(third_waits, world);
    test_wait_until(somebody_waits(NAME));
    test_sleeping(world->third);
}

/* What was posted is the sleeper's, without anybody's help. */
static void check_third_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    uint32_t posted = value_of(world) + world->third_has;
    CHECK(posted == 1 || (posted == 0 && !point->returned));
    if (posted == 0)
        CHECK_OK(ferry_semaphore_post(world->survivor));
    test_wait_ok(world->third);
    world->third = 0;
    CHECK_EQ(world->third_has, 1);
    check_usable(world, 0);
}

static const struct kill_case posting_to_sleeper = {.name = "semaphore post with a sleeper",
                                                    .world_bytes = sizeof(struct world),
                                                    .setup = make_with_third,
                                                    .prepare = attach,
                                                    .operation = post,
                                                    .check = check_third_told,
                                                    .teardown = drop};

TEST_LONG(a_sleeper_gets_what_was_posted /* G8 E2 G15 */, 900)
{
    CHECK_OK(kill_run(&posting_to_sleeper, NULL));
}

static void check_third_and_one(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_OK(world->result);
    CHECK_OK(world->other);
    test_wait_ok(world->third);
    world->third = 0;
    check_usable(world, 1);
}

TEST_LONG(two_posts_beside_a_sleeper_are_two_wherever_one_stands /* E2 */, 900)
{
    struct kill_case pause = posting_to_sleeper;
    pause.between = post_too;
    pause.check = check_third_and_one;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Posting to who polls --------------------------------------------------------------------- */

static void make_polled(void *memory)
{
    struct world *world = memory;
    make_empty(memory);
    CHECK_OK(ferry_semaphore_descriptor(world->survivor));
}

static bool is_readable(struct world *world)
{
    struct pollfd watched = {.fd = ferry_semaphore_descriptor(world->survivor), .events = POLLIN};
    return poll(&watched, 1, 0) == 1;
}

/* Readable if there is a unit; if it is readable without one, asking makes it quiet. */
static void check_poller_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    uint32_t posted = value_of(world);
    CHECK(posted == 1 || (posted == 0 && !point->returned));
    CHECK(posted == 0 || is_readable(world));
    CHECK_EQ(ferry_semaphore_wait(world->survivor, FERRY_NOW), posted ? 0 : -EAGAIN);
    if (posted)
        CHECK_ERR(ferry_semaphore_wait(world->survivor, FERRY_NOW), EAGAIN);
    CHECK(!is_readable(world));
    CHECK_OK(ferry_semaphore_post(world->survivor));
    CHECK(is_readable(world));
    check_usable(world, 1);
}

TEST_LONG(who_polls_never_misses_a_unit /* G8 G15 */, 900)
{
    struct kill_case kill = posting;
    kill.name = "semaphore post with a poller";
    kill.setup = make_polled;
    kill.check = check_poller_told;
    CHECK_OK(kill_run(&kill, NULL));
}

/* Asks wherever a post stands: what it was told then holds, or the descriptor says so. */
static void check_poller_told_after(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_OK(world->result);
    CHECK(world->other == 0 || is_readable(world));
    check_usable(world, world->other == 0 ? 0 : 1);
}

TEST_LONG(who_polls_and_asks_wherever_a_post_stands_hears_of_it /* G15 */, 900)
{
    struct kill_case pause = posting;
    pause.name = "semaphore post, and a poller asks";
    pause.setup = make_polled;
    pause.between = wait_too;
    pause.check = check_poller_told_after;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

static void check_taken(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    uint32_t value = value_of(world);
    CHECK(value == world->value - 1 || (value == world->value && !point->returned));
    check_usable(world, value);
}

static const struct kill_case waiting = {.name = "semaphore wait",
                                         .world_bytes = sizeof(struct world),
                                         .setup = make_two,
                                         .prepare = attach,
                                         .operation = wait_now,
                                         .check = check_taken,
                                         .teardown = drop};

TEST_LONG(a_unit_is_taken_or_not /* G8 E2 */, 900)
{
    CHECK_OK(kill_run(&waiting, NULL));
}

static void check_none_left(void *memory, const struct kill_point *point)
{
    (void)point;
    check_both(memory, 0);
}

TEST_LONG(two_take_one_each_wherever_one_stands /* E2 */, 900)
{
    struct kill_case pause = waiting;
    pause.between = wait_too;
    pause.check = check_none_left;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

static void check_woken(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    uint32_t value = value_of(world);
    CHECK(value <= 1 && (value == 0 || !point->returned));
    check_usable(world, value);
}

/* It sleeps, and the survivor posts. */
TEST_LONG(who_sleeps_takes_one_unit_or_none /* G8 E2 */, 900)
{
    struct kill_case kill = waiting;
    kill.name = "semaphore wait asleep";
    kill.prepare = attach_calm;
    kill.setup = make_empty;
    kill.operation = wait_for_ever;
    kill.unblock = post_too;
    kill.check = check_woken;
    CHECK_OK(kill_run(&kill, NULL));
}

TEST_LONG(who_gives_up_takes_nothing /* G8 G7 */, 900)
{
    struct kill_case kill = waiting;
    kill.name = "semaphore wait in vain";
    kill.prepare = attach_calm;
    kill.setup = make_empty;
    kill.operation = wait_briefly;
    kill.unblock = nothing;
    kill.check = check_woken;
    CHECK_OK(kill_run(&kill, NULL));
}

/* Of two who sleep, the victim may be woken and die.  (It may also have taken the unit, and so may the other one just now.) */
static void check_other_gets_it(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    if (value_of(world) == 0)
        CHECK_OK(ferry_semaphore_post(world->survivor));
    test_wait_ok(world->third);
    world->third = 0;
    CHECK_EQ(world->third_has, 1);
    uint32_t left = value_of(world);
    CHECK(left <= 1);
    check_usable(world, left);
}

TEST_LONG(of_two_who_sleep_the_one_that_is_left_gets_it /* G8 E2 */, 900)
{
    struct kill_case kill = waiting;
    if (!test_thorough()) /* the other one looks again a fifth of a second later, each time */
        CHECK_ERRNO(setenv("FERRY_KILL_STRIDE", "13", 0));
    kill.name = "semaphore wait asleep, beside another one";
    kill.prepare = attach_calm;
    kill.setup = make_with_third;
    kill.operation = wait_for_ever;
    kill.unblock = post_too;
    kill.check = check_other_gets_it;
    CHECK_OK(kill_run(&kill, NULL));
}
