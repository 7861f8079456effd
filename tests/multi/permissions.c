/* Who may attach, to whose objects (contract G4), and what a member without the right to write, or
 * of another user, can do all the same.  Every case needs root, to become other users. */
#include "support.h"

#include <dirent.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

/* The mate is in the owner's group, but has a group of its own in the first place. */
enum { OWNER = 61001, MATE = 61002, STRANGER = 61003 };
enum { GROUP = 62001, MATES_GROUP = 62002, STRANGERS_GROUP = 62003 };

static const uid_t TRUSTED[] = {OWNER};

/* The root has to be open to all, as /dev/shm is. */
static void need_other_users(void)
{
    if (geteuid() != 0)
        SKIP("becoming other users needs root");
    CHECK_ERRNO(chmod(test_root(), 01777));
}

static void become(uid_t user)
{
    const gid_t shared = GROUP;
    const gid_t group = GROUP + (user - OWNER);
    CHECK_ERRNO(setgroups(user == MATE ? 1 : 0, &shared));
    CHECK_ERRNO(setresgid(group, group, group));
    CHECK_ERRNO(setresuid(user, user, user));
}

struct act {
    uid_t user;
    void (*body)(void *context);
    void *context;
};

static void act(void *context)
{
    const struct act *act = context;
    if (act->user != 0)
        become(act->user);
    umask(0);
    act->body(act->context);
}

/* A child that is that user from the start. */
static pid_t child_as(uid_t user, void (*body)(void *context), void *context)
{
    struct act it = {user, body, context};
    return test_child(act, &it);
}

static void create_with_mode(void *context)
{
    const unsigned *mode = context;
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(
        &segment, "x",
        FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .size_bytes = 64, .mode = *mode)));
    ferry_segment_close(segment);
}

static void create_as(uid_t user, unsigned mode)
{
    test_wait_ok(child_as(user, create_with_mode, &mode));
}

/* ---- The permission bits ---- */

struct attempt {
    unsigned role;
    int expected;
};

static void attempt(void *context)
{
    const struct attempt *attempt = context;
    ferry_segment *segment = NULL;
    int r = ferry_segment_open(
        &segment, "x",
        FERRY_SEGMENT(.flags = attempt->role, .trusted_owners = TRUSTED, .trusted_owner_count = 1));
    CHECK_EQ(r, attempt->expected);
    if (r == 0)
        ferry_segment_close(segment);
    else
        CHECK(strlen(ferry_explain()) > 20);
}

TEST(mode_decides_who_may_attach_in_which_role) /* G4 */
{
    need_other_users();
    enum { YES = 0, NO = -EACCES };
    static const struct {
        unsigned mode;
        int owner_reads, owner_writes, mate_reads, mate_writes, stranger_reads, stranger_writes;
    } rows[] = {
        {0600, YES, YES, NO, NO, NO, NO},   {0400, YES, NO, NO, NO, NO, NO},
        {0640, YES, YES, YES, NO, NO, NO},  {0660, YES, YES, YES, YES, NO, NO},
        {0644, YES, YES, YES, NO, YES, NO}, {0666, YES, YES, YES, YES, YES, YES},
        {0604, YES, YES, NO, NO, YES, NO},  {0664, YES, YES, YES, YES, YES, NO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        create_as(OWNER, rows[i].mode);
        const int expected[] = {rows[i].owner_reads,    rows[i].owner_writes,
                                rows[i].mate_reads,     rows[i].mate_writes,
                                rows[i].stranger_reads, rows[i].stranger_writes};
        for (uid_t who = 0; who < 3; who++) {
            struct attempt reading = {FERRY_READ, expected[2 * who]};
            struct attempt writing = {0, expected[2 * who + 1]};
            test_wait_ok(child_as(OWNER + who, attempt, &reading));
            test_wait_ok(child_as(OWNER + who, attempt, &writing));
        }
        struct attempt as_root = {0, 0};
        test_wait_ok(child_as(0, attempt, &as_root));
        CHECK_OK(ferry_remove("x"));
    }
}

/* ---- Whose object it is ---- */

static void be_wary(void *context)
{
    (void)context;
    ferry_segment *segment;
    CHECK_ERR(ferry_segment_open(&segment, "x", NULL), EPERM);
    CHECK_CONTAINS(ferry_explain(), "61001");
    CHECK_ERR(ferry_segment_open(&segment, "x", FERRY_SEGMENT(.flags = FERRY_READ)), EPERM);
    CHECK_ERR(
        ferry_segment_open(&segment, "x", FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64)),
        EPERM);
    CHECK_ERR(ferry_segment_open(
                  &segment, "x",
                  FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .size_bytes = 64)),
              EEXIST);
    const uid_t wrong[] = {MATE};
    CHECK_ERR(ferry_segment_open(&segment, "x",
                                 FERRY_SEGMENT(.trusted_owners = wrong, .trusted_owner_count = 1)),
              EPERM);
    const uid_t right[] = {MATE, OWNER};
    CHECK_OK(ferry_segment_open(&segment, "x",
                                FERRY_SEGMENT(.trusted_owners = right, .trusted_owner_count = 2)));
    ferry_segment_close(segment);
}

TEST(name_planted_by_another_user_is_refused_unless_trusted) /* G4 */
{
    need_other_users();
    create_as(OWNER, 0666);
    test_wait_ok(child_as(STRANGER, be_wary, NULL));
    test_wait_ok(child_as(0, be_wary, NULL));
    CHECK_OK(ferry_remove("x"));
}

static void attach_untrusting(void *context)
{
    (void)context;
    ferry_segment_close(attach("x"));
}

TEST(roots_objects_and_ones_own_are_trusted) /* G4 */
{
    need_other_users();
    create_as(0, 0666);
    test_wait_ok(child_as(STRANGER, attach_untrusting, NULL));
    CHECK_OK(ferry_remove("x"));
    create_as(STRANGER, 0600);
    test_wait_ok(child_as(STRANGER, attach_untrusting, NULL));
    CHECK_OK(ferry_remove("x"));
}

static void plant_link(void *context)
{
    char path[128];
    snprintf(path, sizeof path, "%s/ferry.x", test_root());
    CHECK_ERRNO(symlink(context, path));
}

TEST(planted_link_is_not_followed) /* G4 */
{
    need_other_users();
    ferry_segment *segment = create("target", 10), *other;
    char target[128];
    snprintf(target, sizeof target, "%s/ferry.target", test_root());
    test_wait_ok(child_as(STRANGER, plant_link, target));
    CHECK_ERR(ferry_segment_open(&other, "x", NULL), EBADMSG);
    CHECK_CONTAINS(ferry_explain(), "link");
    CHECK_OK(ferry_remove("x"));
    CHECK_EQ(look("target").attached, 1);
    destroy(segment, "target");
}

static void fail_to_remove(void *context)
{
    (void)context;
    int r = ferry_remove("x");
    CHECK(r == -EPERM || r == -EACCES);
    CHECK_CONTAINS(ferry_explain(), "owner");
}

static void remove_own(void *context)
{
    (void)context;
    CHECK_OK(ferry_remove("x"));
}

TEST(only_the_owner_and_root_remove) /* G4 */
{
    need_other_users();
    static const unsigned modes[] = {0666, 0644, 0600};
    for (size_t i = 0; i < 3; i++) {
        create_as(OWNER, modes[i]);
        test_wait_ok(child_as(STRANGER, fail_to_remove, NULL));
        test_wait_ok(child_as(MATE, fail_to_remove, NULL));
        CHECK_EQ(look("x").attached, 0);
        test_wait_ok(child_as(OWNER, remove_own, NULL));
    }
}

/* ---- Members of different users ---- */

struct partners {
    struct test_gate *holds, *ready, *release;
    unsigned role;
};

static ferry_segment *attach_trusting(unsigned role)
{
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(
        &segment, "x",
        FERRY_SEGMENT(.flags = role, .trusted_owners = TRUSTED, .trusted_owner_count = 1)));
    return segment;
}

static void hold_lock_then_notify(void *context)
{
    struct partners *partners = context;
    ferry_segment *segment = attach_trusting(partners->role);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    test_gate_open(partners->holds);
    test_gate_wait(partners->release);
    CHECK_OK(ferry_segment_unlock(segment));
    test_gate_wait(partners->ready);
    CHECK_OK(ferry_segment_notify(segment));
    stay(); /* so that it is not our death that wakes anybody */
}

static void get_lock_then_listen(void *context)
{
    struct partners *partners = context;
    ferry_segment *segment = attach_trusting(partners->role);
    uint32_t version = 0;
    test_gate_wait(partners->holds);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    CHECK_OK(ferry_segment_unlock(segment));
    struct pollfd watched = {.fd = ferry_segment_descriptor(segment), .events = POLLIN};
    CHECK_OK(watched.fd);
    CHECK_ERR(ferry_segment_wait(segment, &version, FERRY_NOW), EAGAIN);
    test_gate_open(partners->ready);
    CHECK_EQ(poll(&watched, 1, -1), 1);
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
    CHECK_EQ(version, 1);
}

/* The second user sleeps until the first lets go of the lock, and then until it notifies. */
static void check_partners(unsigned mode, uid_t first, unsigned first_role, uid_t second,
                           unsigned second_role)
{
    create_as(OWNER, mode);
    struct partners *partners = test_shared(2 * sizeof *partners);
    partners[0] = (struct partners){test_gate_new(), test_gate_new(), test_gate_new(), first_role};
    partners[1] = partners[0];
    partners[1].role = second_role;
    pid_t holder = child_as(first, hold_lock_then_notify, &partners[0]);
    test_gate_wait(partners->holds);
    pid_t waiter = child_as(second, get_lock_then_listen, &partners[1]);
    test_wait_until(look("x").wait_count == 1);
    test_sleeping(waiter);
    test_gate_open(partners->release);
    test_wait_ok(waiter);
    test_kill(holder);
    CHECK_OK(ferry_remove("x"));
}

TEST(reader_of_another_user_locks_notifies_and_waits) /* G4, H5 */
{
    need_other_users();
    check_partners(0644, OWNER, 0, STRANGER, FERRY_READ);
    check_partners(0644, STRANGER, FERRY_READ, OWNER, 0);
    check_partners(0644, STRANGER, FERRY_READ, STRANGER, FERRY_READ);
}

TEST(group_members_lock_notify_and_wait_with_the_owner) /* G4, H5 */
{
    need_other_users();
    check_partners(0640, OWNER, 0, MATE, FERRY_READ);
    check_partners(0660, MATE, 0, OWNER, 0);
    check_partners(0664, MATE, 0, STRANGER, FERRY_READ);
    check_partners(0664, STRANGER, FERRY_READ, MATE, 0);
}

TEST(root_locks_notifies_and_waits_with_a_private_segments_owner) /* G4, H5 */
{
    need_other_users();
    check_partners(0600, OWNER, 0, 0, 0);
    check_partners(0600, 0, 0, OWNER, 0);
    check_partners(0660, 0, 0, MATE, 0);
    check_partners(0660, MATE, 0, 0, 0);
}

/* ---- A bell that is none ---- */

/* Where the members of "x" will look for their bell. */
static void find_bell(char *ret_path, size_t size)
{
    DIR *root = opendir(test_root());
    CHECK(root != NULL);
    struct dirent *entry;
    while ((entry = readdir(root)) && strncmp(entry->d_name, "ferry.x:data:", 13) != 0)
        continue;
    CHECK(entry != NULL);
    snprintf(ret_path, size, "%s/ferry.x:bell:%s", test_root(), entry->d_name + 13);
    closedir(root);
}

static void plant_bell(void *path)
{
    CHECK(mkfifo(path, 0666) == 0 || errno == EEXIST);
}

static void shut_bell(void *path)
{
    CHECK(chmod(path, 0) == 0 || errno == EPERM);
}

static void get_lock(void *gate)
{
    ferry_segment *segment = attach_trusting(0);
    test_gate_open(gate);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
}

TEST(bell_planted_by_a_stranger_silences_nobody) /* G4 */
{
    need_other_users();
    static const unsigned modes[] = {0600, 0660};
    for (size_t i = 0; i < 2; i++) {
        create_as(OWNER, modes[i]);
        char path[160];
        find_bell(path, sizeof path);
        test_wait_ok(child_as(STRANGER, plant_bell, path));
        struct partners *partners = test_shared(sizeof *partners);
        *partners = (struct partners){test_gate_new(), test_gate_new(), test_gate_new(), 0};
        pid_t holder = child_as(OWNER, hold_lock_then_notify, partners);
        test_gate_wait(partners->holds);
        pid_t waiter = child_as(OWNER, get_lock, partners->ready);
        test_gate_wait(partners->ready);
        test_wait_until(look("x").wait_count == 1);
        test_wait_ok(child_as(STRANGER, shut_bell, path));
        test_gate_open(partners->release);
        test_wait_ok(waiter);
        test_kill(holder);
        CHECK_OK(ferry_remove("x"));
    }
}
