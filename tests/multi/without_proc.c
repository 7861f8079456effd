/* Where /proc is not mounted (contract G10, G14): what does not need it goes on, the rest says what
 * is missing.  Each case hides /proc from itself, and shows it again for the checks at its end. */
#include "support.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { NOBODY = 65534 };

static void hide_proc(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        SKIP("hiding /proc needs root");
    CHECK_ERRNO(mount("none", "/proc", "tmpfs", 0, NULL));
    CHECK(access("/proc/self", F_OK) < 0);
}

static void show_proc(void)
{
    CHECK_ERRNO(umount2("/proc", MNT_DETACH));
}

/* May this process name a file that has no name, without /proc? */
static bool may_link(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s/probe-%d", test_root(), (int)getpid());
    int fd = open(test_root(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CHECK_ERRNO(fd);
    bool may = linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0;
    unlink(path);
    close(fd);
    return may;
}

static void hide_proc_from_a_maker(void)
{
    if (!may_link())
        SKIP("this kernel lets nobody make named objects without /proc");
    hide_proc();
}

static void die_with_the_lock(void *context)
{
    ferry_segment *segment = attach("x");
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    strcpy(ferry_segment_data(segment), "half-writ");
    test_gate_open(context);
    stay();
}

static void use(ferry_segment *segment)
{
    struct test_gate *held = test_gate_new();
    pid_t owner = test_child(die_with_the_lock, held);
    test_gate_wait(held);
    CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), EAGAIN);
    test_kill(owner);
    CHECK_ERR(ferry_segment_lock(segment, 10 * SECOND), EOWNERDEAD);
    CHECK_STR((char *)ferry_segment_data(segment), "half-writ");
    CHECK_OK(ferry_segment_repaired(segment));
    CHECK_OK(ferry_segment_unlock(segment));
}

static void wait_for_news(void *context)
{
    uint32_t version = 0;
    CHECK_OK(ferry_segment_wait(context, &version, 10 * SECOND)); /* inherited */
    CHECK_EQ(version, 1);
}

TEST(a_named_segment_is_made_and_used) /* G1, G11, E5 */
{
    hide_proc_from_a_maker();
    ferry_segment *segment = create("x", 64);
    use(segment);
    pid_t child = test_child(wait_for_news, segment);
    CHECK_OK(ferry_segment_notify(segment));
    test_wait_ok(child);
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("x"));
    show_proc();
}

TEST(a_segment_made_before_is_used) /* G1, E5 */
{
    ferry_segment *maker = create("x", 64);
    hide_proc();
    ferry_segment *segment = attach("x");
    use(segment);
    ferry_segment_close(segment);
    ferry_segment_close(maker);
    CHECK_OK(ferry_remove("x"));
    show_proc();
}

TEST(a_second_exclusive_create_is_refused_and_leaves_nothing) /* G2 */
{
    hide_proc_from_a_maker();
    ferry_segment *segment = create("x", 64), *other;
    CHECK_ERR(
        ferry_segment_open(
            &other, "x", FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .size_bytes = 64)),
        EEXIST);
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("x"));
    show_proc();
}

TEST(a_taken_address_is_refused_and_leaves_nothing) /* H1, G3 */
{
    hide_proc_from_a_maker();
    ferry_segment *segment = create("x", 64), *other;
    CHECK_ERR(ferry_segment_open(&other, "y",
                                 FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64,
                                               .address = ferry_segment_data(segment))),
              EEXIST);
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_ERR(ferry_look("y", &object), ENOENT);
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("x"));
    show_proc();
}

TEST(a_temporary_segment_goes_with_its_last_member) /* G5 */
{
    hide_proc_from_a_maker();
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(
        &segment, "x", FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_TEMPORARY, .size_bytes = 64)));
    CHECK_EQ(look("x").attached, 1);
    CHECK(look("x").temporary);
    ferry_segment_close(segment);
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_ERR(ferry_look("x", &object), ENOENT);
    show_proc();
}

static int count_named(const struct ferry_object *object, void *context)
{
    CHECK_STR(object->name, "x");
    CHECK_EQ(object->attached, 1);
    ++*(int *)context;
    return 0;
}

TEST(named_objects_are_listed_and_looked_at) /* G13 */
{
    ferry_segment *segment = create("x", 64);
    ferry_segment *anonymous = create(NULL, 64);
    hide_proc();
    int count = 0;
    CHECK_OK(ferry_list(count_named, &count));
    CHECK_EQ(count, 1);
    struct ferry_member members[2];
    CHECK_EQ(ferry_look_members("x", members, 2), 1);
    CHECK(members[0].alive && members[0].pid == getpid());
    CHECK_EQ(look_at(anonymous).attached, 1);
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_ERR(ferry_look("held:1:3", &object), EOPNOTSUPP);
    CHECK_CONTAINS(ferry_explain(), "mount -t proc");
    ferry_segment_close(anonymous);
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("x"));
    show_proc();
}

static void is_stale(void *context)
{
    CHECK_ERR(ferry_segment_lock(context, FERRY_NOW), ESTALE);
    CHECK_CONTAINS(ferry_explain(), "handed over");
}

TEST(an_anonymous_segment_says_what_is_missing) /* G1, G11 */
{
    ferry_segment *before = create(NULL, 64), *after;
    hide_proc();
    CHECK_ERR(
        ferry_segment_open(&after, NULL, FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64)),
        EOPNOTSUPP);
    CHECK_CONTAINS(ferry_explain(), "mount -t proc");
    CHECK_CONTAINS(ferry_explain(), "with a name");
    int parcel;
    CHECK_ERR(ferry_segment_hand_over(before, 0, &parcel), EOPNOTSUPP);
    CHECK_CONTAINS(ferry_explain(), "mount -t proc");
    test_wait_ok(test_child(is_stale, before));
    CHECK_OK(ferry_segment_lock(before, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(before));
    ferry_segment_close(before);
    show_proc();
}

TEST(what_was_handed_over_is_taken) /* G11 */
{
    ferry_segment *named = create("x", 64), *anonymous = create(NULL, 64), *other;
    int parcel;
    CHECK_OK(ferry_segment_hand_over(anonymous, 0, &parcel));
    hide_proc();
    CHECK_OK(ferry_segment_take(&other, parcel));
    CHECK_EQ(look_at(anonymous).attached, 2);
    ferry_segment_close(other);
    CHECK_OK(ferry_segment_hand_over(named, 0, &parcel));
    CHECK_OK(ferry_segment_take(&other, parcel));
    CHECK_EQ(look("x").attached, 2);
    ferry_segment_close(other);
    ferry_segment_close(named);
    ferry_segment_close(anonymous);
    CHECK_OK(ferry_remove("x"));
    show_proc();
}

TEST(pipes_with_a_name_are_handed_over) /* G11, P7 */
{
    ferry_pipe *named, *ends[2], *taken;
    int parcel, of_anonymous;
    char got[4] = "";
    CHECK_OK(ferry_pipe_pair(ends, NULL));
    CHECK_OK(ferry_pipe_open(&named, "x", FERRY_PIPE(.flags = FERRY_CREATE)));
    CHECK_OK(ferry_pipe_hand_over(ends[1], 0, &of_anonymous));
    hide_proc();
    CHECK_OK(ferry_pipe_hand_over(named, 0, &parcel));
    CHECK_OK(ferry_pipe_take(&taken, parcel));
    CHECK_EQ(ferry_pipe_write(named, "abc", 3, FERRY_NOW), 3);
    CHECK_EQ(ferry_pipe_read(taken, got, 4, FERRY_NOW), 3);
    CHECK_STR(got, "abc");
    ferry_pipe_close(taken);
    CHECK_ERR(ferry_pipe_hand_over(ends[0], 0, &parcel), EOPNOTSUPP);
    CHECK_CONTAINS(ferry_explain(), "mount -t proc");
    CHECK_OK(ferry_pipe_take(&taken, of_anonymous)); /* whose ends it shares with the parcel */
    ferry_pipe_close(ends[1]);
    CHECK_ERR((int)ferry_pipe_read(ends[0], got, 4, FERRY_NOW), EAGAIN);
    CHECK_EQ(ferry_pipe_write(taken, "def", 3, FERRY_NOW), 3);
    CHECK_EQ(ferry_pipe_read(ends[0], got, 4, FERRY_NOW), 3);
    CHECK_STR(got, "def");
    ferry_pipe_close(taken);
    ferry_pipe_close(ends[0]);
    ferry_pipe_close(named);
    CHECK_OK(ferry_remove("x"));
    show_proc();
}

static void make_as_nobody(void *context)
{
    (void)context;
    CHECK_ERRNO(setgroups(0, NULL));
    CHECK_ERRNO(setgid(NOBODY));
    CHECK_ERRNO(setuid(NOBODY));
    ferry_segment *segment;
    int r =
        ferry_segment_open(&segment, "x", FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64));
    if (may_link()) {
        CHECK_OK(r);
        CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
        ferry_segment_close(segment);
        CHECK_OK(ferry_remove("x"));
    } else {
        CHECK_ERR(r, EOPNOTSUPP);
        CHECK_CONTAINS(ferry_explain(), "mount -t proc");
        CHECK_CONTAINS(ferry_explain(), "6.10");
    }
}

TEST(whoever_has_no_privileges_makes_one_or_is_told_why_not) /* G10 */
{
    hide_proc();
    CHECK_ERRNO(chmod(test_root(), 0777));
    test_wait_ok(test_child(make_as_nobody, NULL));
    show_proc();
}
