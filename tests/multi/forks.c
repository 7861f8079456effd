/* Handles across fork, clone, spawn (contract G11).  Threads and fork are in threads.c, handing
 * over in handover.c. */
#include "support.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/syscall.h>

extern char **environ;

/* ---- Children ---- */

static void use_everything(void *context)
{
    ferry_segment *segment = context;
    uint32_t version;
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    ++*(uint64_t *)ferry_segment_data(segment);
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_OK(ferry_segment_version(segment, &version));
    CHECK_OK(ferry_segment_notify(segment));
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
    CHECK_OK(ferry_segment_descriptor(segment));
    CHECK(look_at(segment).attached > 1);
    ferry_segment_close(segment);
}

static void check_child(const char *name)
{
    ferry_segment *segment = create(name, sizeof(uint64_t));
    test_wait_ok(test_child(use_everything, segment));
    CHECK_EQ(*(uint64_t *)ferry_segment_data(segment), 1);
    struct ferry_object object = look_at(segment);
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.detach_count, 1);
    CHECK_EQ(object.version, 1);
    ferry_segment_close(segment);
}

TEST(child_uses_what_it_inherited_as_a_member_of_its_own) /* G11 */
{
    check_child("x");
    CHECK_OK(ferry_remove("x"));
}

TEST(child_uses_an_anonymous_segment) /* G1, G11 */
{
    check_child(NULL);
}

TEST(child_uses_a_segment_whose_name_is_gone) /* G6, G11 */
{
    ferry_segment *segment = create("x", sizeof(uint64_t));
    CHECK_OK(ferry_remove("x"));
    test_wait_ok(test_child(use_everything, segment));
    CHECK_EQ(look_at(segment).detach_count, 1);
    ferry_segment_close(segment);
    CHECK_OK(ferry_sweep());
}

static void use_read_only(void *context)
{
    uint32_t version = 0;
    CHECK_OK(ferry_segment_lock(context, FERRY_FOREVER));
    CHECK_OK(ferry_segment_notify(context));
    CHECK_OK(ferry_segment_wait(context, &version, FERRY_FOREVER));
    stay();
}

TEST(members_are_shown_with_their_own_pid_and_the_inherited_role) /* G11, G13 */
{
    ferry_segment_close(create("x", 10));
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(&segment, "x", FERRY_SEGMENT(.flags = FERRY_READ)));
    pid_t child = test_child(use_read_only, segment);
    uint32_t version = 0;
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
    for (int dead = 0; dead < 2; dead++) {
        if (dead)
            test_kill(child);
        struct ferry_member members[3];
        CHECK_EQ(ferry_look_members("x", members, 3), 2);
        CHECK_EQ(members[0].pid, getpid());
        CHECK(members[0].alive);
        CHECK_EQ(members[1].pid, child);
        CHECK_EQ(members[1].alive, !dead);
        CHECK(members[1].holds_lock);
        for (int i = 0; i < 2; i++)
            CHECK_EQ(members[i].role, FERRY_READ);
    }
    destroy(segment, "x");
}

static void fork_on(void *context)
{
    ferry_segment *segment = context;
    uint64_t *depth = ferry_segment_data(segment);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    uint64_t now = ++*depth;
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_EQ(look_at(segment).attached, now + 1);
    if (now < 10)
        test_wait_ok(test_child(fork_on, segment));
    CHECK_EQ(look_at(segment).attached, now + 1);
}

TEST(grandchildren_to_the_tenth_generation_are_members) /* G11 */
{
    ferry_segment *segment = create("x", sizeof(uint64_t));
    test_wait_ok(test_child(fork_on, segment));
    CHECK_EQ(look("x").attached, 1);
    CHECK_EQ(look("x").attach_count, 11);
    destroy(segment, "x");
}

TEST(hundred_children_at_once) /* G11 */
{
    enum { CHILDREN = 100 };
    ferry_segment *segment = create("x", sizeof(uint64_t));
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++)
        children[i] = test_child(use_everything, segment);
    CHECK_EQ(look("x").attached, CHILDREN + 1);
    CHECK_OK(ferry_segment_unlock(segment));
    for (int i = 0; i < CHILDREN; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(*(uint64_t *)ferry_segment_data(segment), CHILDREN);
    struct ferry_object object = look("x");
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.detach_count, CHILDREN);
    check_ledger(&object);
    destroy(segment, "x");
}

/* ---- Who dies first ---- */

struct family {
    _Atomic pid_t child;
    struct test_gate *go;
    ferry_segment *segment;
};

static void outlive_the_parent(void *context)
{
    struct family *family = context;
    test_gate_wait(family->go);
    CHECK_ERR(ferry_segment_lock(family->segment, FERRY_FOREVER), EOWNERDEAD);
    CHECK_EQ(look("x").attached, 1);
    stay();
}

static void lock_fork_and_stay(void *context)
{
    struct family *family = context;
    family->segment = attach("x");
    CHECK_OK(ferry_segment_lock(family->segment, FERRY_FOREVER));
    atomic_store(&family->child, test_child(outlive_the_parent, family));
    stay();
}

TEST(child_goes_on_when_its_parent_is_killed_with_the_lock) /* G11, E5 */
{
    ferry_segment_close(create("x", 10));
    struct family *family = test_shared(sizeof *family);
    family->go = test_gate_new();
    pid_t parent = test_child(lock_fork_and_stay, family);
    test_wait_until(family->child != 0);
    CHECK_EQ(look("x").attached, 2);
    CHECK_EQ(look("x").lock_owner_pid, parent);
    test_gate_open(family->go);
    test_sleeping(family->child);
    test_kill(parent);
    test_wait_until(look("x").lock_owner_pid == family->child);
    CHECK_EQ(look("x").attached, 1);
    CHECK_ERRNO(kill(family->child, SIGKILL));
    test_wait_until(look("x").attached == 0);
    CHECK_OK(ferry_remove("x"));
}

static void have_no_lock(void *context)
{
    CHECK_ERR(ferry_segment_unlock(context), EPERM);
    CHECK_ERR(ferry_segment_lock(context, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_segment_lock(context, MILLISECOND), ETIMEDOUT);
}

TEST(lock_held_at_the_fork_stays_the_parents) /* G11 */
{
    ferry_segment *segment = create("x", 10);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    test_wait_ok(test_child(have_no_lock, segment));
    CHECK_EQ(look("x").lock_owner_pid, getpid());
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(segment));
    destroy(segment, "x");
}

static void keep_lock(void *context)
{
    CHECK_OK(ferry_segment_lock(context, FERRY_FOREVER));
    raise(SIGKILL);
}

TEST(parent_gets_the_lock_of_a_killed_child) /* G11, E5 */
{
    ferry_segment *segment = create("x", 10);
    for (int i = 0; i < 20; i++) {
        pid_t child = test_child(keep_lock, segment);
        test_wait_until(look("x").lock_count == 2 * (unsigned)i + 1);
        CHECK_ERR(ferry_segment_lock(segment, FERRY_FOREVER), EOWNERDEAD);
        CHECK_OK(ferry_segment_repaired(segment));
        CHECK_OK(ferry_segment_unlock(segment));
        end_of(child);
    }
    destroy(segment, "x");
}

/* ---- Those that are no members ---- */

struct spawned {
    _Atomic pid_t pid;
};

static void open_spawn_and_stay(void *context)
{
    struct spawned *spawned = context;
    pid_t pid;
    ferry_segment *segment = attach("x");
    char *const arguments[] = {(char *)(uintptr_t) "sleep", (char *)(uintptr_t) "1000", NULL};
    CHECK_EQ(posix_spawn(&pid, "/bin/sleep", NULL, NULL, arguments, environ), 0);
    CHECK_EQ(look("x").attached, 1);
    CHECK(segment != NULL);
    atomic_store(&spawned->pid, pid);
    stay();
}

TEST(spawned_program_does_not_count_nor_keep_the_parent_alive) /* G11, H3 */
{
    ferry_segment_close(create("x", 10));
    struct spawned *spawned = test_shared(sizeof *spawned);
    pid_t parent = test_child(open_spawn_and_stay, spawned);
    test_wait_until(spawned->pid != 0);
    CHECK_EQ(look("x").attached, 1);
    test_kill(parent);
    CHECK_EQ(look("x").attached, 0);
    CHECK_ERRNO(kill(spawned->pid, SIGKILL));
    CHECK_OK(ferry_remove("x"));
}

/* fork() behind the library's back. */
static pid_t bare_clone(void)
{
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    CHECK_ERRNO(pid);
    return pid;
}

static void check_stale(ferry_segment *segment)
{
    uint32_t version = 0;
    int parcel;
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), ESTALE);
    CHECK_CONTAINS(ferry_explain(), "clone");
    CHECK_ERR(ferry_segment_unlock(segment), ESTALE);
    CHECK_ERR(ferry_segment_repaired(segment), ESTALE);
    CHECK_ERR(ferry_segment_notify(segment), ESTALE);
    CHECK_ERR(ferry_segment_version(segment, &version), ESTALE);
    CHECK_ERR(ferry_segment_wait(segment, &version, FERRY_NOW), ESTALE);
    CHECK_ERR(ferry_segment_descriptor(segment), ESTALE);
    CHECK_ERR(ferry_segment_look(segment, &object), ESTALE);
    CHECK_ERR(ferry_segment_hand_over(segment, 0, &parcel), ESTALE);
}

TEST(child_of_a_bare_clone_is_told_that_its_handles_are_stale) /* G11 */
{
    ferry_segment *segment = create("x", 10);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    pid_t child = bare_clone();
    if (child == 0) {
        check_stale(segment);
        ferry_segment_close(segment);
        _exit(0);
    }
    test_wait_ok(child);
    CHECK_EQ(look("x").attached, 1);
    CHECK_EQ(look("x").detach_count, 0);
    CHECK_OK(ferry_segment_unlock(segment)); /* untouched by the child's close */
    destroy(segment, "x");
}

TEST(child_of_a_bare_clone_opens_the_object_again) /* G11 */
{
    ferry_segment *segment = create("x", sizeof(uint64_t));
    pid_t child = bare_clone();
    if (child == 0) {
        ferry_segment *own = attach("x");
        CHECK_EQ(look("x").attached, 2);
        check_stale(segment);
        test_wait_ok(test_child(use_everything, own));
        use_everything(own);
        _exit(0);
    }
    test_wait_ok(child);
    CHECK_EQ(look("x").attached, 1);
    CHECK_EQ(look("x").detach_count, 2);
    destroy(segment, "x");
}

static void fork_out_of_descriptors(void *context)
{
    ferry_segment *segment = context;
    int last = -1, next;
    while ((next = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
        last = next;
    CHECK_EQ(errno, EMFILE);
    pid_t child = fork();
    CHECK_ERRNO(child);
    if (child == 0) {
        CHECK_ERR(ferry_segment_notify(segment), ESTALE);
        CHECK_CONTAINS(ferry_explain(), "descriptor");
        ferry_segment_close(segment);
        _exit(0);
    }
    test_wait_ok(child);
    CHECK_OK(ferry_segment_notify(segment));
    close(last);
}

TEST(handle_that_cannot_follow_fork_says_so) /* G10, G11 */
{
    ferry_segment *segment = create("x", 10);
    test_wait_ok(test_child(fork_out_of_descriptors, segment));
    destroy(segment, "x");
}
