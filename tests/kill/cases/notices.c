/* The change notice: giving one, waiting for one, listening by descriptor; killed and paused
 * anywhere. */
#include <poll.h>

#include "common.h"
#include "waiting.h"

static uint32_t version_of(struct world *world)
{
    uint32_t version;
    CHECK_OK(ferry_segment_version(world->survivor, &version));
    return version;
}

/* ---- Giving ---------------------------------------------------------------------------------- */

static void notify(void *memory)
{
    struct world *world = memory;
    world->result = ferry_segment_notify(victim);
}

static void notify_too(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_segment_notify(world->survivor));
}

static void check_given(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    uint32_t version = version_of(world);
    CHECK(version == 1 || (version == 0 && !point->returned));
    check_whole(world, 1);
}

static const struct kill_case notify_case = {.name = "segment notify",
                                             .world_bytes = sizeof(struct world),
                                             .setup = world_make,
                                             .prepare = world_attach_victim,
                                             .operation = notify,
                                             .check = check_given,
                                             .teardown = world_drop};

TEST_LONG(a_notice_is_given_or_not /* G8 H5 */, 900)
{
    CHECK_OK(kill_run(&notify_case, NULL));
}

static void check_both_given(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_EQ(version_of(world), 2);
}

TEST_LONG(two_notices_are_two_wherever_one_giver_stands /* H5 */, 900)
{
    struct kill_case pause = notify_case;
    pause.between = notify_too;
    pause.check = check_both_given;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Giving it to a sleeper ------------------------------------------------------------------ */

/* Version 1 may come from the victim, version 2 from the survivor; the sleeper must see the last.
 */
static void third_waits(void *memory)
{
    struct world *world = memory;
    ferry_segment *own;
    uint32_t version = 0;
    CHECK_OK(ferry_segment_open(&own, NAME, NULL));
    while (version != 2) {
        CHECK_OK(ferry_segment_wait(own, &version, FERRY_FOREVER));
        world->seen = version;
    }
    ferry_segment_close(own);
}

static void make_with_third(void *memory)
{
    struct world *world = memory;
    world_make(world);
    world->third = test_child(third_waits, world);
}

static void attach_when_third_sleeps(void *memory)
{
    struct world *world = memory;
    world_attach_victim(world);
    test_wait_until(somebody_waits(NAME));
    test_sleeping(world->third);
}

/* If the notice was given, the sleeper has it or gets it, without anybody's help. */
static void check_sleeper_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    uint32_t version = version_of(world);
    CHECK(version == 1 || (version == 0 && !point->returned));
    test_wait_until(world->seen == version);
    while (version_of(world) != 2)
        CHECK_OK(ferry_segment_notify(world->survivor));
    test_wait_ok(world->third);
    check_whole(world, 1);
}

static const struct kill_case notify_sleeper_case = {.name = "segment notify with a sleeper",
                                                     .world_bytes = sizeof(struct world),
                                                     .setup = make_with_third,
                                                     .prepare = attach_when_third_sleeps,
                                                     .operation = notify,
                                                     .check = check_sleeper_told,
                                                     .teardown = world_drop};

TEST_LONG(a_sleeper_never_misses_a_notice_that_was_given /* G8 G15 */, 900)
{
    CHECK_OK(kill_run(&notify_sleeper_case, NULL));
}

/* ---- Giving it to a listener ----------------------------------------------------------------- */

static void make_listening(void *memory)
{
    struct world *world = memory;
    world_make(world);
    CHECK_OK(ferry_segment_descriptor(world->survivor));
}

static bool is_readable(struct world *world)
{
    struct pollfd watched = {.fd = ferry_segment_descriptor(world->survivor), .events = POLLIN};
    return poll(&watched, 1, 0) == 1;
}

/* G15: readable if there is a new version; if it is readable without one, asking makes it quiet. */
static void check_listener_told(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    uint32_t version = 0;
    bool given = version_of(world) == 1;
    CHECK(given || !point->returned);
    CHECK(!given || is_readable(world));
    CHECK_EQ(ferry_segment_wait(world->survivor, &version, FERRY_NOW), given ? 0 : -EAGAIN);
    CHECK(!is_readable(world));
    CHECK_OK(ferry_segment_notify(world->survivor));
    CHECK(is_readable(world));
    check_whole(world, 1);
}

static const struct kill_case notify_listener_case = {.name = "segment notify with a listener",
                                                      .world_bytes = sizeof(struct world),
                                                      .setup = make_listening,
                                                      .prepare = world_attach_victim,
                                                      .operation = notify,
                                                      .check = check_listener_told,
                                                      .teardown = world_drop};

TEST_LONG(a_descriptor_never_misses_a_notice_that_was_given /* G8 G15 */, 900)
{
    CHECK_OK(kill_run(&notify_listener_case, NULL));
}

/* The listener asks while the giver stands anywhere; once the giver is done, it must be told. */
static void ask(void *memory)
{
    struct world *world = memory;
    uint32_t version = world->seen;
    int r = ferry_segment_wait(world->survivor, &version, FERRY_NOW);
    CHECK(r == 0 || r == -EAGAIN);
    world->seen = version;
}

static void check_told_in_the_end(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_EQ(version_of(world), 1);
    CHECK(world->seen == 1 || is_readable(world));
}

TEST_LONG(a_listener_who_asks_too_early_is_told_later /* G15 */, 900)
{
    struct kill_case pause = notify_listener_case;
    pause.between = ask;
    pause.check = check_told_in_the_end;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Waiting and listening ------------------------------------------------------------------- */

static void wait_for_notice(void *memory)
{
    struct world *world = memory;
    uint32_t version = 0;
    world->result = ferry_segment_wait(victim, &version, FERRY_FOREVER);
}

static void check_waiter_gone(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    uint32_t before = version_of(world);
    CHECK_OK(ferry_segment_notify(world->survivor));
    CHECK_OK(ferry_segment_notify(world->survivor));
    CHECK_EQ(version_of(world), before + 2);
    check_whole(world, 1);
}

TEST_LONG(a_waiter_for_notices_may_die_anywhere /* G8 */, 900)
{
    CHECK_OK(kill_run(&(struct kill_case){.name = "segment wait",
                                          .world_bytes = sizeof(struct world),
                                          .setup = world_make,
                                          .prepare = world_attach_victim,
                                          .operation = wait_for_notice,
                                          .unblock = notify_too,
                                          .check = check_waiter_gone,
                                          .teardown = world_drop},
                      NULL));
}

static void listen_to_notices(void *memory)
{
    struct world *world = memory;
    world->result = ferry_segment_descriptor(victim);
}

TEST_LONG(a_listener_may_die_anywhere_as_it_begins /* G8 */, 900)
{
    CHECK_OK(kill_run(&(struct kill_case){.name = "segment descriptor",
                                          .world_bytes = sizeof(struct world),
                                          .setup = world_make,
                                          .prepare = world_attach_victim,
                                          .operation = listen_to_notices,
                                          .check = check_waiter_gone,
                                          .teardown = world_drop},
                      NULL));
}
