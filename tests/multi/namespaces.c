/* Members in different pid namespaces, where a pid means nothing (contract G8, G11, G13, H3; DESIGN,
 * law 2).  Every case needs the right to make one. */
#include "support.h"

/* Afterwards, what this process forks is inside. */
static void make_namespace(void)
{
    CHECK_ERRNO(unshare(CLONE_NEWPID));
}

static void try_namespace(void *context)
{
    *(bool *)context = unshare(CLONE_NEWPID) == 0;
}

/* Runs it in a process of its own: a process that has made a namespace can never again have a
 * thread, which AddressSanitizer wants in the end. */
static void run_apart(void (*body)(void *context), void *context)
{
    bool *works = test_shared(sizeof *works);
    test_wait_ok(test_child(try_namespace, works));
    if (!*works)
        SKIP("a pid namespace needs root");
    test_wait_ok(test_child(body, context));
}

struct owner {
    struct test_gate *holds, *go;
    bool lets_go;
};

static void own(void *context)
{
    const struct owner *owner = context;
    ferry_segment *segment = attach("x");
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    test_gate_open(owner->holds);
    test_gate_wait(owner->go);
    if (owner->lets_go)
        CHECK_OK(ferry_segment_unlock(segment));
    else
        raise(SIGKILL);
    stay();
}

static void get_lock(void *context)
{
    const struct owner *owner = context;
    ferry_segment *segment = attach("x");
    test_gate_wait(owner->holds);
    CHECK_EQ(ferry_segment_lock(segment, FERRY_FOREVER), owner->lets_go ? 0 : -EOWNERDEAD);
    CHECK_OK(ferry_segment_repaired(segment));
    CHECK_OK(ferry_segment_unlock(segment));
    ferry_segment_close(segment);
}

/* The first process of a namespace, pid 1, shrugs off its own SIGKILL: the owner inside is a second
 * one. */
static void first_of_all(void *context)
{
    test_gate_open(context);
    stay();
}

struct scene {
    bool owner_is_inside, lets_go;
};

static void check_scene(void *context)
{
    const struct scene *scene = context;
    bool owner_is_inside = scene->owner_is_inside;
    ferry_segment_close(create("x", 10));
    struct owner owner = {test_gate_new(), test_gate_new(), scene->lets_go};
    struct test_gate *there = test_gate_new();
    pid_t outside = test_child(owner_is_inside ? get_lock : own, &owner);
    make_namespace();
    pid_t first = test_child(first_of_all, there);
    test_gate_wait(there);
    pid_t inside = test_child(owner_is_inside ? own : get_lock, &owner);
    test_wait_until(look("x").wait_count == 1);
    test_gate_open(owner.go);
    test_wait_ok(owner_is_inside ? outside : inside);
    pid_t owner_pid = owner_is_inside ? inside : outside;
    kill(owner_pid, SIGKILL);
    end_of(owner_pid);
    test_kill(first);
    CHECK_EQ(look("x").attached, 0);
    CHECK_OK(ferry_remove("x"));
}

static void check_lock(bool owner_is_inside, bool lets_go)
{
    struct scene scene = {owner_is_inside, lets_go};
    run_apart(check_scene, &scene);
}

TEST(waiter_outside_gets_the_lock_of_an_owner_killed_inside) /* E5, G8 */
{
    check_lock(true, false);
}

TEST(waiter_inside_gets_the_lock_of_an_owner_killed_outside) /* E5, G8 */
{
    check_lock(false, false);
}

TEST(unlock_inside_wakes_the_waiter_outside) /* H5 */
{
    check_lock(true, true);
}

TEST(unlock_outside_wakes_the_waiter_inside) /* H5 */
{
    check_lock(false, true);
}

static void be_pid_one(void *context)
{
    ferry_segment *segment = context;
    CHECK_EQ(getpid(), 1);
    struct ferry_member members[2];
    CHECK_EQ(ferry_look_members("x", members, 2), 2);
    CHECK(!members[0].same_pid_namespace && members[0].alive);
    CHECK(members[1].same_pid_namespace && members[1].alive);
    CHECK_EQ(members[1].pid, 1);
    CHECK_OK(ferry_segment_notify(segment));
    stay();
}

static void check_inherited(void *context)
{
    (void)context;
    ferry_segment *segment = create("x", 10);
    make_namespace();
    pid_t child = test_child(be_pid_one, segment);
    uint32_t version = 0;
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
    struct ferry_member members[2];
    CHECK_EQ(ferry_look_members("x", members, 2), 2);
    CHECK(members[0].same_pid_namespace && members[0].pid == getpid());
    CHECK(!members[1].same_pid_namespace && members[1].alive);
    CHECK_STR(members[1].command, ""); /* its pid is somebody else's here */
    CHECK_EQ(look("x").attached, 2);
    test_kill(child);
    CHECK_EQ(look("x").attached, 1);
    destroy(segment, "x");
}

TEST(inherited_handle_is_a_member_inside) /* G11, G13, H3 */
{
    run_apart(check_inherited, NULL);
}
