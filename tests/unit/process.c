/* Whose handle is it: fork is seen coming, a bare clone is found out (contract G11). */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "os/process.h"
#include "shared/fork.h"
#include "test.h"

/* A child made behind the C library's back.  Runs body and exits with 0. */
static pid_t bare_clone(void (*body)(void *), void *context)
{
    long pid = syscall(SYS_clone, SIGCHLD, 0L, 0L, 0L, 0L);
    CHECK_ERRNO(pid);
    if (pid == 0) {
        body(context);
        _exit(0);
    }
    return (pid_t)pid;
}

static void need_wiped_pages(void)
{
    if (test_is_emulated())
        SKIP("the emulator does not wipe a page in a new process, which is how a bare clone is "
             "told");
}

static int calls[3];

static void before(struct fork_handle *handle)
{
    (void)handle;
    calls[0]++;
}

static void in_parent(struct fork_handle *handle)
{
    (void)handle;
    calls[1]++;
}

static void in_child(struct fork_handle *handle)
{
    (void)handle;
    calls[2]++;
}

static struct fork_handle watcher(void)
{
    return (struct fork_handle){.before = before, .in_parent = in_parent, .in_child = in_child};
}

static void was_told_twice(void *context)
{
    (void)context;
    CHECK(calls[0] == 2 && calls[1] == 0 && calls[2] == 2);
}

static void was_not_told(void *context)
{
    (void)context;
    CHECK(calls[0] == 2 && calls[1] == 2 && calls[2] == 0);
}

TEST(a_fork_is_seen_from_all_three_sides_by_every_handle_on_the_list) /* G11 */
{
    struct fork_handle one = watcher(), two = watcher(), never = watcher();
    CHECK_OK(fork_follow(&one));
    CHECK_OK(fork_follow(&two));
    test_wait_ok(test_child(was_told_twice, NULL));
    CHECK(calls[0] == 2 && calls[1] == 2 && calls[2] == 0);
    fork_drop(&never); /* was never on it */
    fork_drop(&one);
    fork_drop(&two);
    test_wait_ok(test_child(was_not_told, NULL));
}

static void is_unknown(void *context)
{
    CHECK(process_number() == 0);
    CHECK(process_begin() != 0 && process_begin() != *(uint32_t *)context);
    CHECK_EQ(process_number(), process_begin());
}

static void is_known(void *context)
{
    CHECK_EQ(process_number(), *(uint32_t *)context);
    CHECK_EQ(process_begin(), *(uint32_t *)context);
}

TEST(a_bare_clone_is_not_known_until_it_begins_anew) /* G11 */
{
    need_wiped_pages();
    struct fork_handle handle = watcher();
    CHECK_OK(fork_follow(&handle));
    uint32_t number = process_begin();
    CHECK(number != 0);
    test_wait_ok(bare_clone(is_unknown, &number));
    test_wait_ok(test_child(is_known, &number));
    CHECK_EQ(process_number(), number);
    fork_drop(&handle);
}

static void every_call_is_stale(ferry_segment *segment)
{
    uint32_t version = 0;
    int descriptor;
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), ESTALE);
    CHECK_CONTAINS(ferry_explain(), "open the object again");
    CHECK_ERR(ferry_segment_unlock(segment), ESTALE);
    CHECK_ERR(ferry_segment_repaired(segment), ESTALE);
    CHECK_ERR(ferry_segment_notify(segment), ESTALE);
    CHECK_ERR(ferry_segment_version(segment, &version), ESTALE);
    CHECK_ERR(ferry_segment_wait(segment, &version, FERRY_NOW), ESTALE);
    CHECK_ERR(ferry_segment_descriptor(segment), ESTALE);
    CHECK_ERR(ferry_segment_look(segment, &object), ESTALE);
    CHECK_ERR(ferry_segment_hand_over(segment, 0, &descriptor), ESTALE);
}

static void is_stale(void *context)
{
    every_call_is_stale(context);
    ferry_segment_close(context);
}

static uint32_t attached(void)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look("x", &object));
    return object.attached;
}

static ferry_segment *make(void)
{
    ferry_segment *segment;
    CHECK_OK(
        ferry_segment_open(&segment, "x", FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64)));
    return segment;
}

TEST(handles_are_stale_in_a_bare_clone_and_fine_in_its_parent) /* G11 */
{
    need_wiped_pages();
    ferry_segment *segment = make();
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    test_wait_ok(bare_clone(is_stale, segment));
    CHECK_OK(ferry_segment_unlock(segment)); /* the clone's close did not let go of it */
    CHECK_EQ(attached(), 1);
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("x"));
}

static void opens_again(void *context)
{
    ferry_segment *segment = context, *own;
    CHECK_OK(ferry_segment_open(&own, "x", NULL));
    CHECK_EQ(attached(), 2);
    CHECK_OK(ferry_segment_lock(own, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(own));
    CHECK_OK(ferry_segment_notify(own));
    every_call_is_stale(segment); /* still not ours */
    ferry_segment_close(own);
    ferry_segment_close(segment);
    CHECK_EQ(attached(), 1);
}

TEST(a_bare_clone_may_open_the_object_again) /* G11 */
{
    need_wiped_pages();
    ferry_segment *segment = make();
    test_wait_ok(bare_clone(opens_again, segment));
    CHECK_EQ(attached(), 1);
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("x"));
}

static void uses_it(void *context)
{
    ferry_segment *segment = context;
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(segment));
    ferry_segment_close(segment);
}

struct handles {
    ferry_segment *stale, *own;
};

static void finds_one_of_two(void *context)
{
    struct handles *handles = context;
    every_call_is_stale(handles->stale);
    uses_it(handles->own);
    ferry_segment_close(handles->stale);
}

static void opens_and_forks(void *context)
{
    struct handles handles = {.stale = context};
    CHECK_OK(ferry_segment_open(&handles.own, "x", NULL));
    test_wait_ok(test_child(finds_one_of_two, &handles));
    uses_it(handles.own);
    ferry_segment_close(handles.stale);
}

TEST(a_fork_of_a_bare_clone_follows_its_own_handles_alone) /* G11 */
{
    need_wiped_pages();
    ferry_segment *segment = make();
    test_wait_ok(bare_clone(opens_and_forks, segment));
    CHECK_EQ(attached(), 1);
    uses_it(segment);
    CHECK_OK(ferry_remove("x"));
}

static void forks_once_more(void *context)
{
    test_wait_ok(test_child(uses_it, context));
    uses_it(context);
}

TEST(handles_follow_a_fork_and_a_fork_of_that) /* G11 */
{
    ferry_segment *segment = make();
    test_wait_ok(test_child(forks_once_more, segment));
    CHECK_EQ(attached(), 1);
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("x"));
}
