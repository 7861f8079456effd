/* Temporary objects: gone with the last member, however it went (contract G5). */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

static ferry_segment *create_temporary(unsigned more)
{
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(
        &segment, "t",
        FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_TEMPORARY | more, .size_bytes = 100)));
    return segment;
}

TEST(temporary_object_goes_with_the_last_close) /* G5 */
{
    ferry_segment *first = create_temporary(FERRY_EXCLUSIVE), *second = attach("t");
    CHECK(look("t").temporary);
    ferry_segment_close(first);
    CHECK_EQ(look("t").attached, 1);
    ferry_segment_close(second);
    CHECK_EQ(count_files(), 0);
    check_gone("t");
}

static void use_temporary(void *context)
{
    struct test_gate *gate = context;
    create_temporary(0);
    test_gate_open(gate);
    stay();
}

TEST(temporary_objects_name_is_gone_at_once_after_a_kill) /* G5 */
{
    for (int round = 0; round < 20; round++) {
        struct test_gate *ready = test_gate_new();
        pid_t child = test_child(use_temporary, ready);
        test_gate_wait(ready);
        CHECK_EQ(look("t").attached, 1);
        test_kill(child);
        struct ferry_object object = {.object_bytes = sizeof object};
        ferry_segment *segment;
        int r, listed = 0;
        switch (round % 6) { /* whatever is done first */
        case 0:
            CHECK_ERR(ferry_segment_open(&segment, "t", NULL), ENOENT);
            break;
        case 1:
            ferry_segment_close(create_temporary(FERRY_EXCLUSIVE));
            break;
        case 2:
            ferry_segment_close(create_temporary(0));
            break;
        case 3:
            CHECK_ERR(ferry_look("t", &object), ENOENT);
            break;
        case 4:
            CHECK_OK(ferry_list(count, &listed));
            CHECK_EQ(listed, 0);
            break;
        case 5:
            r = ferry_remove("t");
            CHECK(r == 0 || r == -ENOENT);
            break;
        }
        CHECK_OK(ferry_sweep());
        CHECK_EQ(count_files(), 0);
    }
}

static void make_any(void *context)
{
    (void)context;
    ferry_segment_close(create("y", 1));
    CHECK_OK(ferry_remove("y"));
}

static void list_all(void *context)
{
    int listed = 0;
    (void)context;
    CHECK_OK(ferry_list(count, &listed));
    CHECK_EQ(listed, 0);
}

TEST(memory_of_a_killed_temporary_object_returns_with_another_process_call) /* G5 */
{
    void (*const calls[])(void *) = {make_any, list_all};
    for (size_t i = 0; i < 2; i++) {
        struct test_gate *ready = test_gate_new();
        pid_t child = test_child(use_temporary, ready);
        test_gate_wait(ready);
        test_kill(child);
        CHECK(count_files() > 0);
        test_wait_ok(test_child(calls[i], NULL));
        CHECK_EQ(count_files(), 0);
    }
}

TEST(temporary_object_lives_while_a_forked_child_holds_it) /* G5, G11 */
{
    ferry_segment *segment = create_temporary(0);
    pid_t child = test_child(stay_put, NULL);
    ferry_segment_close(segment);
    CHECK_EQ(look("t").attached, 1);
    CHECK_OK(ferry_sweep());
    segment = attach("t");
    test_kill(child);
    CHECK_EQ(look("t").attached, 1);
    ferry_segment_close(segment);
    CHECK_EQ(count_files(), 0);
}

struct obstacle {
    struct test_gate *there;
    time_t stay_s;
};

/* Does what a process does that is about to take the name away, and stands still. */
static void stand_in_the_way(void *context)
{
    const struct obstacle *obstacle = context;
    char path[128];
    snprintf(path, sizeof path, "%s/ferry.t", test_root());
    int file = open(path, O_RDWR | O_CLOEXEC);
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 4097};
    CHECK_ERRNO(fcntl(file, F_OFD_SETLK, &all));
    test_gate_open(obstacle->there);
    nanosleep(&(struct timespec){.tv_sec = obstacle->stay_s}, NULL);
}

TEST(remover_that_stands_still_is_waited_for_but_not_for_ever) /* G5, G8 */
{
    static const int results[] = {0, -EBUSY};
    for (int i = 0; i < 2; i++) {
        struct test_gate *ready = test_gate_new();
        pid_t child = test_child(use_temporary, ready);
        test_gate_wait(ready);
        test_kill(child);
        struct obstacle obstacle = {test_gate_new(), i == 0 ? 1 : 1000};
        child = test_child(stand_in_the_way, &obstacle);
        test_gate_wait(obstacle.there);
        ferry_segment *segment;
        int r = ferry_segment_open(
            &segment, "t",
            FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_TEMPORARY, .size_bytes = 100));
        CHECK_EQ(r, results[i]);
        if (r == 0)
            ferry_segment_close(segment);
        kill(child, SIGKILL);
        end_of(child);
    }
    CHECK_OK(ferry_sweep());
    CHECK_EQ(count_files(), 0);
}

static void come_and_go(void *context)
{
    (void)context;
    for (int i = 0; i < 300; i++) {
        ferry_segment *segment = create_temporary(0);
        CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
        ++*(uint32_t *)ferry_segment_data(segment);
        CHECK_OK(ferry_segment_unlock(segment));
        ferry_segment_close(segment);
    }
}

TEST(temporary_object_is_made_and_left_by_many_at_once) /* G3, G5 */
{
    pid_t children[4];
    for (int i = 0; i < 4; i++)
        children[i] = test_child(come_and_go, NULL);
    for (int i = 0; i < 4; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(count_files(), 0);
}
