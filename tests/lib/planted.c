/* Cases with one planted fault each, for selftest.c to see that the runner catches it.  Not a test:
 * most of these fail by design. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(sound_case)
{
    CHECK(access(test_root(), W_OK) == 0);
    CHECK_STR(getenv("FERRY_ROOT"), test_root());
    puts("not ok 1 - noise on standard output is not TAP");
}

TEST(skipped_case)
{
    SKIP("there is no %s here", "elephant");
}

TEST(plain_failing_check)
{
    CHECK(1 + 1 == 3);
}

TEST(unequal_numbers)
{
    CHECK_EQ(UINT64_MAX, -1);
}

TEST(unequal_strings)
{
    CHECK_STR("left", "right");
}

TEST(missing_words)
{
    CHECK_CONTAINS("a haystack", "needle");
}

TEST(failed_call)
{
    CHECK_OK(-2);
}

TEST(wrong_error)
{
    CHECK_ERR(-2, 17);
}

TEST(unexpected_success)
{
    CHECK_ERR(0, 17);
}

TEST(sudden_death)
{
    abort();
}

TEST(early_exit)
{
    exit(3);
}

static void fail_in_child(void *context)
{
    (void)context;
    bool i_am_the_parent = false;
    CHECK(i_am_the_parent);
}

TEST(failing_check_in_a_child)
{
    test_wait_ok(test_child(fail_in_child, NULL));
}

static void sleep_for_good(void *context)
{
    (void)context;
    for (;;)
        pause();
}

/* The parent waits for a child that can no longer come. */
TEST(parent_that_waits_for_a_failed_child)
{
    test_child(fail_in_child, NULL);
    sleep_for_good(NULL);
}

static void *fail_in_thread(void *context)
{
    fail_in_child(context);
    return NULL;
}

TEST(failing_check_in_a_thread)
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, fail_in_thread, NULL), 0);
    pthread_join(thread, NULL);
}

static void crash_in_child(void *context)
{
    (void)context;
    raise(SIGABRT);
}

TEST(crashing_child)
{
    test_wait_ok(test_child(crash_in_child, NULL));
}

TEST(leaked_descriptor)
{
    CHECK_ERRNO(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static int make_object(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/object", test_root());
    int descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK_ERRNO(descriptor);
    CHECK_ERRNO(ftruncate(descriptor, 4096));
    return descriptor;
}

TEST(leaked_object)
{
    close(make_object());
}

TEST(object_left_on_purpose)
{
    close(make_object());
    test_leaves_objects();
}

TEST(leaked_mapping)
{
    int descriptor = make_object();
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, descriptor, 0) != MAP_FAILED);
    close(descriptor);
    test_leaves_objects();
}

TEST(leaked_anonymous_mapping)
{
    int descriptor = memfd_create("ferry-segment", MFD_CLOEXEC);
    CHECK_ERRNO(ftruncate(descriptor, 4096));
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, descriptor, 0) != MAP_FAILED);
    close(descriptor);
}

TEST(leftover_process)
{
    test_sleeping(test_child(sleep_for_good, NULL));
}

static void leave_the_group(void *context)
{
    setsid();
    test_child(sleep_for_good, context);
}

/* Neither the process group nor the parent knows it any more. */
TEST(leftover_daemon)
{
    test_wait_ok(test_child(leave_the_group, NULL));
}

static void end_soon(void *context)
{
    (void)context;
    usleep(20000);
}

static void orphan(void *context)
{
    test_child(end_soon, context);
}

TEST(grandchild_that_ends_by_itself)
{
    test_wait_ok(test_child(orphan, NULL));
}

TEST_LONG(hanging_case, 1)
{
    fprintf(stderr, "%s\n", test_root());
    sleep_for_good(NULL);
}

/* SIGTERM and the like do not count: only SIGKILL ends it. */
TEST_LONG(stubborn_case, 1)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    test_child(sleep_for_good, NULL);
    sleep_for_good(NULL);
}

TEST(condition_that_never_comes)
{
    int answer = 41;
    test_wait_until(answer == 42);
}

TEST(gate_that_never_opens)
{
    struct test_gate *never = test_gate_new();
    test_gate_wait(never);
}

static void spin_for_good(void *context)
{
    (void)context;
    for (;;)
        continue;
}

TEST(child_that_never_sleeps)
{
    test_sleeping(test_child(spin_for_good, NULL));
}

static void open_gate(void *gate)
{
    test_gate_open(gate);
}

TEST(children_and_gates)
{
    struct test_gate *gate = test_gate_new();
    _Atomic int *shared = test_shared(sizeof *shared);
    pid_t sleeper = test_child(sleep_for_good, NULL);
    test_sleeping(sleeper);
    pid_t opener = test_child(open_gate, gate);
    test_gate_wait(gate);
    test_wait_ok(opener);
    test_kill(sleeper);
    atomic_store(shared, 1);
    test_wait_until(atomic_load(shared) == 1);
}

TEST(leaked_memory)
{
    static void *volatile lost;
    lost = malloc(1000);
    CHECK(lost);
    lost = NULL;
}
