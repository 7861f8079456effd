/* Creating, attaching, detaching, removing, forking, handing over: killed and paused anywhere. */
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

static const struct ferry_segment_options *const fresh =
    &(struct ferry_segment_options){.options_bytes = sizeof(struct ferry_segment_options),
                                    .flags = FERRY_CREATE | FERRY_EXCLUSIVE,
                                    .size_bytes = SIZE};

/* ---- Creating -------------------------------------------------------------------------------- */

static void nothing(void *memory)
{
    (void)memory;
}

static void create(void *memory)
{
    struct world *world = memory;
    world->result = ferry_segment_open(&victim, NAME, fresh);
}

/* G3: whole or not at all; the name can be had again. */
static void check_created(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    int r = ferry_segment_open(&world->survivor, NAME, NULL);
    if (r == -ENOENT) {
        CHECK(!point->returned);
        check_root_is_clean();
        world_make(world);
    }
    CHECK(r == 0 || r == -ENOENT);
    check_whole(world, 1);
}

static const struct kill_case create_case = {.name = "segment create",
                                             .world_bytes = sizeof(struct world),
                                             .setup = nothing,
                                             .operation = create,
                                             .check = check_created,
                                             .teardown = world_drop};

TEST_LONG(a_killed_creator_leaves_all_or_nothing /* G3 G8 */, 900)
{
    CHECK_OK(kill_run(&create_case, NULL));
}

/* Two who create the same name at once: exactly one of them does. */
static void create_too(void *memory)
{
    struct world *world = memory;
    int r = ferry_segment_open(&world->survivor, NAME, fresh);
    CHECK(r == 0 || r == -EEXIST);
}

static void check_one_creator(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK((world->result == 0) != (world->survivor != NULL));
    if (world->survivor == NULL)
        CHECK_OK(ferry_segment_open(&world->survivor, NAME, NULL));
    check_whole(world, world->result == 0 ? 2 : 1);
}

TEST_LONG(one_of_two_creators_wins_wherever_the_other_stands /* G2 G3 */, 900)
{
    struct kill_case pause = create_case;
    pause.between = create_too;
    pause.check = check_one_creator;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Attaching ------------------------------------------------------------------------------- */

static void attach(void *memory)
{
    struct world *world = memory;
    world->result = ferry_segment_open(&victim, NAME, NULL);
}

static void check_attached(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    struct ferry_object object = look(NAME);
    CHECK(object.attach_count == world->attaches + 1 ||
          (object.attach_count == world->attaches && !point->returned));
    check_whole(world, 1);
}

static const struct kill_case attach_case = {.name = "segment attach",
                                             .world_bytes = sizeof(struct world),
                                             .setup = world_make,
                                             .prepare = world_disinherit_victim,
                                             .operation = attach,
                                             .check = check_attached,
                                             .teardown = world_drop};

TEST_LONG(a_killed_attacher_is_counted_or_was_never_there /* G8 H3 */, 900)
{
    CHECK_OK(kill_run(&attach_case, NULL));
}

static void attach_and_leave(void *memory)
{
    (void)memory;
    ferry_segment *other;
    CHECK_OK(ferry_segment_open(&other, NAME, NULL));
    ferry_segment_close(other);
}

static void check_both_attached(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_EQ(world->result, 0);
    CHECK_EQ(look(NAME).attach_count, world->attaches + 2);
    check_whole(world, 2);
}

TEST_LONG(another_attaches_wherever_an_attacher_stands /* G8 */, 900)
{
    struct kill_case pause = attach_case;
    pause.between = attach_and_leave;
    pause.check = check_both_attached;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* A first attacher dies anywhere, and so does the second, who finishes what the first committed. */
static void check_recovered(void *memory, const struct kill_point *point)
{
    (void)point;
    check_whole(memory, 1);
}

TEST_LONG(a_killed_recoverer_is_recovered_from /* G8 */, 900)
{
    struct kill_case recoverer = attach_case;
    recoverer.name = "segment attach, recovering";
    recoverer.check = check_recovered;
    CHECK_OK(kill_run_recovery(&attach_case, &recoverer, NULL));
}

/* ---- Detaching ------------------------------------------------------------------------------- */

static void detach(void *memory)
{
    (void)memory;
    victim = ferry_segment_close(victim);
}

static void check_detached(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    struct ferry_object object = look(NAME);
    CHECK_EQ(object.detach_count + object.death_count, world->detaches + 1);
    CHECK(!point->returned || object.death_count == 0);
    check_whole(world, 1);
}

static const struct kill_case detach_case = {.name = "segment detach",
                                             .world_bytes = sizeof(struct world),
                                             .setup = world_make,
                                             .prepare = world_attach_victim,
                                             .operation = detach,
                                             .check = check_detached,
                                             .teardown = world_drop};

TEST_LONG(a_killed_detacher_is_gone /* G8 H3 */, 900)
{
    CHECK_OK(kill_run(&detach_case, NULL));
}

static void check_whole_alone(void *memory, const struct kill_point *point)
{
    (void)point;
    check_whole(memory, 1);
}

TEST_LONG(others_come_and_go_wherever_a_detacher_stands /* G8 */, 900)
{
    struct kill_case pause = detach_case;
    pause.between = attach_and_leave;
    pause.check = check_whole_alone;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Removing -------------------------------------------------------------------------------- */

static void take_name_away(void *memory)
{
    struct world *world = memory;
    world->result = ferry_remove(NAME);
}

/* G6: the name is there or not; members go on in either case. */
static void check_removed(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    struct ferry_object object = {.object_bytes = sizeof(object)};
    int r = ferry_look(NAME, &object);
    CHECK(r == -ENOENT || (r == 0 && !point->returned));
    CHECK_OK(ferry_segment_lock(world->survivor, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(world->survivor));
    CHECK_OK(ferry_segment_look(world->survivor, &object));
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(ferry_remove(NAME), r == 0 ? 0 : -ENOENT);
    check_root_is_clean();
}

static const struct kill_case remove_case = {.name = "segment remove",
                                             .world_bytes = sizeof(struct world),
                                             .setup = world_make,
                                             .prepare = world_disinherit_victim,
                                             .operation = take_name_away,
                                             .check = check_removed,
                                             .teardown = world_drop};

TEST_LONG(a_killed_remover_leaves_the_name_or_takes_it /* G6 G8 */, 900)
{
    CHECK_OK(kill_run(&remove_case, NULL));
}

/* While a remover stands anywhere, another comes, attaches if there is something, and leaves. */
static void attach_if_there(void *memory)
{
    (void)memory;
    ferry_segment *other;
    int r = ferry_segment_open(&other, NAME, NULL);
    CHECK(r == 0 || r == -ENOENT);
    if (r == 0)
        ferry_segment_close(other);
}

TEST_LONG(an_attacher_gets_all_or_nothing_wherever_a_remover_stands /* G3 G6 */, 900)
{
    struct kill_case pause = remove_case;
    pause.between = attach_if_there;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Temporary objects ----------------------------------------------------------------------- */

static void make_temporary(void *memory)
{
    (void)memory;
    CHECK_OK(ferry_segment_open(
        &victim, NAME, FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_TEMPORARY, .size_bytes = SIZE)));
}

/* G5: the last member is gone, so the name is, wherever that one died. */
static void check_temporary_gone(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_ERR(ferry_segment_open(&world->survivor, NAME, NULL), ENOENT);
    check_root_is_clean();
}

TEST_LONG(a_temporary_name_is_gone_wherever_its_last_member_dies /* G5 */, 900)
{
    CHECK_OK(kill_run(&(struct kill_case){.name = "temporary segment detach",
                                          .world_bytes = sizeof(struct world),
                                          .setup = nothing,
                                          .prepare = make_temporary,
                                          .operation = detach,
                                          .check = check_temporary_gone},
                      NULL));
}

/* ---- Forking --------------------------------------------------------------------------------- */

static void fork_and_wait(void *memory)
{
    struct world *world = memory;
    pid_t child = fork();
    if (child == 0) {
        ferry_segment_close(victim);
        _exit(0);
    }
    int status;
    world->result = waitpid(child, &status, 0) == child ? status : -1;
}

/* The child may outlive its parent for a moment. */
static void check_family_gone(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    test_wait_until(look(NAME).attached == 1);
    check_whole(world, 1);
}

TEST_LONG(a_forking_member_and_its_child_are_both_counted_out /* G11 H3 */, 900)
{
    CHECK_OK(kill_run(&(struct kill_case){.name = "fork with a segment",
                                          .world_bytes = sizeof(struct world),
                                          .setup = world_make,
                                          .prepare = world_attach_victim,
                                          .operation = fork_and_wait,
                                          .unblock = nothing,
                                          .check = check_family_gone,
                                          .teardown = world_drop},
                      NULL));
}

/* ---- Handing over ---------------------------------------------------------------------------- */

static void hand_to_oneself(void *memory)
{
    struct world *world = memory;
    int parcel;
    ferry_segment *second;
    world->result = ferry_segment_hand_over(victim, FERRY_READ, &parcel);
    if (world->result == 0)
        world->result = ferry_segment_take(&second, parcel);
}

TEST_LONG(a_hand_over_loses_no_slot_wherever_it_is_killed /* G1 G8 */, 900)
{
    CHECK_OK(kill_run(&(struct kill_case){.name = "segment hand over and take",
                                          .world_bytes = sizeof(struct world),
                                          .setup = world_make,
                                          .prepare = world_attach_victim,
                                          .operation = hand_to_oneself,
                                          .check = check_whole_alone,
                                          .teardown = world_drop},
                      NULL));
}
