/* How objects appear and go (contract G3, G5, G6): half-made, removed, anonymous.  Temporary ones
 * are in temporary.c. */
#include "support.h"

#include <stdio.h>

/* ---- Appearing ---- */

struct bustle {
    _Atomic bool over;
    _Atomic uint32_t made, opened;
};

static void make_and_remove(void *context)
{
    struct bustle *bustle = context;
    while (!bustle->over) {
        ferry_segment *segment;
        int r = ferry_segment_open(
            &segment, "x",
            FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .size_bytes = 4097));
        if (r == -EEXIST)
            continue;
        CHECK_OK(r);
        atomic_fetch_add(&bustle->made, 1);
        ferry_segment_close(segment);
        CHECK_OK(ferry_remove("x"));
    }
}

static void open_and_judge(void *context)
{
    struct bustle *bustle = context;
    while (!bustle->over) {
        ferry_segment *segment;
        int r = ferry_segment_open(&segment, "x", NULL);
        if (r == -ENOENT)
            continue;
        CHECK_OK(r);
        CHECK_EQ(ferry_segment_size(segment), 4097);
        CHECK_EQ(((char *)ferry_segment_data(segment))[4096], 0);
        CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
        CHECK_OK(ferry_segment_unlock(segment));
        CHECK(look_at(segment).attached >= 1);
        atomic_fetch_add(&bustle->opened, 1);
        ferry_segment_close(segment);
    }
}

TEST(nobody_opens_a_half_made_or_half_removed_object) /* G3, G6 */
{
    struct bustle *bustle = test_shared(sizeof *bustle);
    pid_t children[4];
    for (int i = 0; i < 4; i++)
        children[i] = test_child(i < 2 ? make_and_remove : open_and_judge, bustle);
    uint32_t enough = test_thorough() ? 20000 : 1000;
    test_wait_until(bustle->made >= enough && bustle->opened >= enough);
    atomic_store(&bustle->over, true);
    for (int i = 0; i < 4; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(count_files(), 0);
}

/* ---- Removal ---- */

TEST(members_of_a_removed_object_go_on) /* G6, X6 */
{
    ferry_segment *first = create("x", 100), *second = attach("x"), *other;
    CHECK_OK(ferry_remove("x"));
    check_gone("x");
    strcpy(ferry_segment_data(first), "still here");
    CHECK_STR(ferry_segment_data(second), "still here");
    CHECK_OK(ferry_segment_lock(first, FERRY_FOREVER));
    CHECK_ERR(ferry_segment_lock(second, FERRY_NOW), EAGAIN);
    CHECK_OK(ferry_segment_unlock(first));
    uint32_t version = 0;
    CHECK_OK(ferry_segment_notify(second));
    CHECK_OK(ferry_segment_wait(first, &version, FERRY_FOREVER));

    other = create("x", 50); /* the name is free at once, and this is another object */
    CHECK_EQ(((char *)ferry_segment_data(other))[0], 0);
    CHECK_EQ(look("x").attached, 1);
    struct ferry_object object = look_at(first);
    CHECK(object.removed);
    CHECK_EQ(object.attached, 2);
    CHECK_EQ(object.size_bytes, 100);
    CHECK_STR(object.label, "x");
    CHECK_EQ(look(object.name).attached, 2); /* it goes by held:PID:FD now */
    ferry_segment_close(second);
    CHECK_EQ(look_at(first).attached, 1);
    ferry_segment_close(first);
    CHECK_EQ(look("x").attached, 1);
    destroy(other, "x");
    CHECK_EQ(count_files(), 0);
}

static void take_lock(void *context)
{
    CHECK_OK(ferry_segment_lock(context, FERRY_FOREVER));
    CHECK_OK(ferry_segment_unlock(context));
    ferry_segment_close(context);
}

static void hear_notice(void *context)
{
    uint32_t version = 0;
    CHECK(ferry_segment_descriptor(context) >= 0);
    CHECK_OK(ferry_segment_wait(context, &version, FERRY_FOREVER));
    ferry_segment_close(context);
}

TEST(members_of_a_removed_object_wake_one_another) /* G6, H5 */
{
    for (int asleep_before = 0; asleep_before < 2; asleep_before++) {
        ferry_segment *segment = create("x", 100);
        CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
        if (!asleep_before)
            CHECK_OK(ferry_remove("x"));
        pid_t locker = test_child(take_lock, segment), hearer = test_child(hear_notice, segment);
        test_sleeping(locker);
        test_sleeping(hearer);
        if (asleep_before)
            CHECK_OK(ferry_remove("x"));
        CHECK_OK(ferry_segment_unlock(segment));
        test_wait_ok(locker);
        CHECK_OK(ferry_segment_notify(segment));
        test_wait_ok(hearer);
        ferry_segment_close(segment);
        CHECK_OK(ferry_sweep());
        CHECK_EQ(count_files(), 0);
    }
}

TEST(removing_twice_is_harmless) /* G6 */
{
    ferry_segment *segment = create("x", 100);
    CHECK_OK(ferry_remove("x"));
    CHECK_ERR(ferry_remove("x"), ENOENT);
    CHECK_CONTAINS(ferry_explain(), "x");
    ferry_segment_close(segment);
    CHECK_ERR(ferry_remove("x"), ENOENT);
}

struct removal {
    struct test_gate *start;
    _Atomic uint32_t removed;
};

static void remove_together(void *context)
{
    struct removal *removal = context;
    test_gate_wait(removal->start);
    int r = ferry_remove("x");
    CHECK(r == 0 || r == -ENOENT);
    if (r == 0)
        atomic_fetch_add(&removal->removed, 1);
}

TEST(many_who_remove_at_once_remove_it_once) /* G6 */
{
    for (int round = 0; round < 20; round++) {
        struct removal *removal = test_shared(sizeof *removal);
        removal->start = test_gate_new();
        ferry_segment_close(create("x", 100));
        pid_t children[8];
        for (int i = 0; i < 8; i++)
            children[i] = test_child(remove_together, removal);
        test_gate_open(removal->start);
        for (int i = 0; i < 8; i++)
            test_wait_ok(children[i]);
        CHECK(removal->removed >= 1);
        CHECK_EQ(count_files(), 0);
    }
}

/* ---- Anonymous ---- */

TEST(anonymous_object_has_no_name_and_leaves_no_file) /* G1, G5 */
{
    ferry_segment *segment = create(NULL, 100);
    CHECK_EQ(count_files(), 0);
    struct ferry_object object = look_at(segment);
    CHECK(object.anonymous && !object.removed && !object.temporary);
    CHECK_STR(object.label, "");
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.creator_pid, getpid());
    CHECK_EQ(object.mode, 0600);
    CHECK_EQ(object.size_bytes, 100);
    CHECK_EQ(look(object.name).creator_pid, getpid());
    ferry_segment_close(segment);
    CHECK_ERR(ferry_look(object.name, &object), ENOENT);
}

static void hold_anonymous(void *context)
{
    ferry_segment *segment = context;
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    test_wait_until(look_at(segment).attached == 1); /* the parent has left */
    CHECK_STR(ferry_segment_data(segment), "from the parent");
    CHECK_OK(ferry_segment_unlock(segment));
}

TEST(anonymous_object_lives_while_any_process_holds_it) /* G5 */
{
    ferry_segment *segment = create(NULL, 100);
    strcpy(ferry_segment_data(segment), "from the parent");
    pid_t child = test_child(hold_anonymous, segment);
    ferry_segment_close(segment);
    test_wait_ok(child);
    int listed = 0;
    CHECK_OK(ferry_list(count, &listed));
    CHECK_EQ(listed, 0);
}
