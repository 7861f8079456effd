/* Bad days, second part: descriptors run out.  At every limit, from none to enough, every call
 * either works or says so; nothing leaks, nothing hangs, nothing is lost, and with descriptors to
 * spare it works again (contract G10). */
#include "bad.h"

enum { ENOUGH = 48 }; /* descriptors that any single call should get by with */

/* Sets the soft limit so that exactly `more` descriptors can be had; -1 lifts it again. */
static void leave_descriptors(int more)
{
    static rlim_t original;
    struct rlimit limit;
    CHECK_ERRNO(getrlimit(RLIMIT_NOFILE, &limit));
    if (original == 0)
        original = limit.rlim_cur;
    int end = 0;
    for (int free_ones = 0; more >= 0; end++)
        if (fcntl(end, F_GETFD) < 0 && free_ones++ == more)
            break;
    limit.rlim_cur = more < 0 ? original : (rlim_t)end;
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit));
}

/* Runs the operation with 0, 1, 2 … descriptors until it works. */
static void at_every_limit(int (*operation)(void *), void *context)
{
    int descriptors = count_descriptors(), files = count_entries(test_root());
    int r = -EMFILE;
    for (int more = 0; r < 0; more++) {
        CHECK(more < ENOUGH);
        leave_descriptors(more);
        r = operation(context);
        leave_descriptors(-1);
        if (r < 0) {
            CHECK_ERR(r, EMFILE);
            CHECK_CONTAINS(ferry_explain(), "ulimit -n");
        }
        CHECK_EQ(count_descriptors(), descriptors);
        CHECK_EQ(count_entries(test_root()), files);
    }
    CHECK_OK(operation(context));
}

/* ---- Opening --------------------------------------------------------------------------------- */

struct request {
    const char *name;
    unsigned flags;
};

static int open_and_close(void *context)
{
    struct request *request = context;
    return open_with(request->name, request->flags, 64);
}

static int open_and_remove(void *context)
{
    struct request *request = context;
    ferry_segment *segment;
    int r = ferry_segment_open(&segment, request->name,
                               FERRY_SEGMENT(.flags = request->flags, .size_bytes = 64));
    if (r < 0)
        return r;
    leave_descriptors(-1);
    destroy(segment, request->name);
    return 0;
}

TEST(making_an_object_at_every_descriptor_limit) /* G10 */
{
    at_every_limit(open_and_remove, &(struct request){"new", FERRY_CREATE});
    at_every_limit(open_and_remove, &(struct request){"new", FERRY_CREATE | FERRY_EXCLUSIVE});
    at_every_limit(open_and_close, &(struct request){"new", FERRY_CREATE | FERRY_TEMPORARY});
    at_every_limit(open_and_close, &(struct request){NULL, 0});
}

TEST(opening_an_object_at_every_descriptor_limit) /* G10 */
{
    ferry_segment *segment = create("x", 64);
    at_every_limit(open_and_close, &(struct request){"x", 0});
    at_every_limit(open_and_close, &(struct request){"x", FERRY_READ});
    at_every_limit(open_and_close, &(struct request){"x", FERRY_CREATE});
    CHECK_EQ(look("x").attached, 1);
    destroy(segment, "x");
}

/* ---- Using ----------------------------------------------------------------------------------- */

struct scene {
    ferry_segment *segment;
    struct test_gate *gate;
};

static void descriptor_at(int more, const char *name)
{
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(&segment, name, FERRY_SEGMENT(.size_bytes = 64)));
    leave_descriptors(more);
    int r = ferry_segment_descriptor(segment);
    leave_descriptors(-1);
    if (r < 0) {
        FAILS(r, EMFILE, "ulimit -n");
        CHECK_OK(ferry_segment_descriptor(segment)); /* later works again */
    }
    CHECK_OK(ferry_segment_notify(segment));
    ferry_segment_close(segment);
}

TEST(a_descriptor_to_poll_at_every_descriptor_limit) /* G10, G15 */
{
    ferry_segment *segment = create("x", 64);
    for (int more = 0; more < 8; more++) {
        int descriptors = count_descriptors();
        descriptor_at(more, "x");
        descriptor_at(more, NULL);
        CHECK_EQ(count_descriptors(), descriptors);
    }
    destroy(segment, "x");
}

/* Takes the lock, waits until the parent sleeps for it, and lets go, or dies. */
static void hold_until_parent_sleeps(void *context)
{
    struct scene *scene = context;
    CHECK_OK(ferry_segment_lock(scene->segment, FERRY_NOW));
    test_gate_open(scene->gate);
    test_sleeping(getppid());
    CHECK_OK(ferry_segment_unlock(scene->segment));
}

static void die_when_parent_sleeps(void *context)
{
    struct scene *scene = context;
    CHECK_OK(ferry_segment_lock(scene->segment, FERRY_NOW));
    test_gate_open(scene->gate);
    test_sleeping(getppid());
    raise(SIGKILL);
}

static void wait_for_lock_at(int more, struct scene *scene, bool dies)
{
    scene->gate = test_gate_new();
    pid_t pid = test_child(dies ? die_when_parent_sleeps : hold_until_parent_sleeps, scene);
    test_gate_wait(scene->gate);
    leave_descriptors(more);
    int r = ferry_segment_lock(scene->segment, 10 * SECOND);
    leave_descriptors(-1);
    CHECK_EQ(r, dies ? -EOWNERDEAD : 0);
    if (dies)
        CHECK_OK(ferry_segment_repaired(scene->segment));
    CHECK_OK(ferry_segment_unlock(scene->segment));
    end_of(pid);
}

TEST(waiting_for_the_lock_works_at_every_descriptor_limit) /* G8, G10 */
{
    const char *const names[] = {"x", NULL};
    for (int i = 0; i < 2; i++) {
        struct scene scene = {.segment = create(names[i], 64)};
        int descriptors = count_descriptors();
        for (int more = 0; more < 6; more++) {
            wait_for_lock_at(more, &scene, false);
            wait_for_lock_at(more, &scene, true);
        }
        CHECK(count_descriptors() <= descriptors + 1); /* its bell, at most */
        ferry_segment_close(scene.segment);
    }
    CHECK_OK(ferry_remove("x"));
}

static void wait_for_lock(void *context)
{
    struct scene *scene = context;
    CHECK_OK(ferry_segment_lock(scene->segment, 10 * SECOND));
    CHECK_OK(ferry_segment_unlock(scene->segment));
}

TEST(unlocking_beside_a_sleeper_at_every_descriptor_limit) /* G8, G10 */
{
    for (int more = 0; more < 6; more++) {
        struct scene scene = {.segment = create("x", 64)};
        CHECK_OK(ferry_segment_lock(scene.segment, FERRY_NOW));
        pid_t pid = test_child(wait_for_lock, &scene);
        test_sleeping(pid);
        leave_descriptors(more);
        int r = ferry_segment_unlock(scene.segment);
        leave_descriptors(-1);
        if (r < 0) { /* it is still ours, then */
            FAILS(r, EMFILE, "ulimit -n");
            CHECK_CONTAINS(ferry_explain(), "still held");
            CHECK_OK(ferry_segment_unlock(scene.segment));
        }
        test_wait_ok(pid);
        destroy(scene.segment, "x");
    }
}

static void listen_for_one(void *context)
{
    struct scene *scene = context;
    uint32_t version = 0;
    int descriptor = ferry_segment_descriptor(scene->segment);
    CHECK_OK(descriptor);
    test_gate_open(scene->gate);
    fd_set set;
    FD_ZERO(&set);
    FD_SET((unsigned)descriptor, &set);
    struct timeval limit = {.tv_sec = 10};
    CHECK_EQ(select(descriptor + 1, &set, NULL, NULL, &limit), 1);
    int r;
    do /* the bell rings a moment before the version steps */
        r = ferry_segment_wait(scene->segment, &version, FERRY_NOW);
    while (r == -EAGAIN);
    CHECK_OK(r);
    CHECK_EQ(version, 1);
}

TEST(a_notice_at_every_descriptor_limit_is_heard_or_did_not_happen) /* G10, G15 */
{
    for (int more = 0; more < 6; more++) {
        struct scene scene = {.segment = create("x", 64), .gate = test_gate_new()};
        pid_t pid = test_child(listen_for_one, &scene);
        test_gate_wait(scene.gate);
        leave_descriptors(more);
        int r = ferry_segment_notify(scene.segment);
        leave_descriptors(-1);
        uint32_t version;
        CHECK_OK(ferry_segment_version(scene.segment, &version));
        CHECK_EQ(version, r == 0);
        if (r < 0) {
            FAILS(r, EMFILE, "ulimit -n");
            CHECK_OK(ferry_segment_notify(scene.segment));
        }
        test_wait_ok(pid);
        destroy(scene.segment, "x");
    }
}

/* ---- Handing on ------------------------------------------------------------------------------ */

static int hand_over(void *context)
{
    int parcel;
    int r = ferry_segment_hand_over(context, 0, &parcel);
    if (r == 0)
        close(parcel);
    return r;
}

TEST(handing_over_at_every_descriptor_limit) /* G10 */
{
    ferry_segment *named = create("x", 64), *anonymous = create(NULL, 64);
    CHECK_OK(hand_over(named)); /* it opens the handle's bell, which stays open */
    at_every_limit(hand_over, named);
    at_every_limit(hand_over, anonymous);
    CHECK_EQ(look_at(anonymous).attached, 1);
    ferry_segment_close(anonymous);
    destroy(named, "x");
}

static int hand_over_pipe(void *context)
{
    int parcel;
    int r = ferry_pipe_hand_over(context, 0, &parcel);
    if (r == 0)
        close(parcel);
    return r;
}

TEST(handing_over_a_pipe_at_every_descriptor_limit) /* G10 */
{
    ferry_pipe *named, *ends[2];
    CHECK_OK(ferry_pipe_open(&named, "x", FERRY_PIPE(.flags = FERRY_CREATE)));
    CHECK_OK(ferry_pipe_pair(ends, NULL));
    at_every_limit(hand_over_pipe, named);
    at_every_limit(hand_over_pipe, ends[0]);
    at_every_limit(hand_over_pipe, ends[1]);
    for (int i = 0; i < 2; i++)
        ferry_pipe_close(ends[i]);
    ferry_pipe_close(named);
    CHECK_OK(ferry_remove("x"));
}

static void take_pipe_at_every_limit(ferry_pipe *from)
{
    int parcel, r = -EMFILE;
    ferry_pipe *taken = NULL;
    CHECK_OK(ferry_pipe_hand_over(from, 0, &parcel));
    int descriptors = count_descriptors();
    for (int more = 0; r < 0; more++) { /* the same parcel all the time */
        CHECK(more < ENOUGH);
        leave_descriptors(more);
        r = ferry_pipe_take(&taken, parcel);
        leave_descriptors(-1);
        if (r < 0) {
            FAILS(r, EMFILE, "ulimit -n");
            CHECK_EQ(count_descriptors(), descriptors);
        }
    }
    uint64_t depth;
    CHECK_OK(ferry_pipe_depth(taken, &depth));
    CHECK_EQ(depth, 3u);
    ferry_pipe_close(taken);
}

TEST(a_pipe_s_parcel_is_not_lost_for_want_of_descriptors) /* G10 */
{
    ferry_pipe *named, *ends[2];
    CHECK_OK(ferry_pipe_open(&named, "x", FERRY_PIPE(.flags = FERRY_CREATE)));
    CHECK_OK(ferry_pipe_pair(ends, NULL));
    CHECK_EQ(ferry_pipe_write(named, "abc", 3, FERRY_NOW), 3);
    CHECK_EQ(ferry_pipe_write(ends[1], "abc", 3, FERRY_NOW), 3);
    take_pipe_at_every_limit(named);
    take_pipe_at_every_limit(ends[0]);
    take_pipe_at_every_limit(ends[1]);
    for (int i = 0; i < 2; i++)
        ferry_pipe_close(ends[i]);
    ferry_pipe_close(named);
    CHECK_OK(ferry_remove("x"));
}

static void take_at_every_limit(ferry_segment *from)
{
    int parcel, r = -EMFILE;
    ferry_segment *taken = NULL;
    CHECK_OK(ferry_segment_hand_over(from, 0, &parcel));
    int descriptors = count_descriptors();
    for (int more = 0; r < 0; more++) { /* the same parcel all the time */
        CHECK(more < ENOUGH);
        leave_descriptors(more);
        r = ferry_segment_take(&taken, parcel);
        leave_descriptors(-1);
        if (r < 0) {
            FAILS(r, EMFILE, "ulimit -n");
            CHECK_EQ(count_descriptors(), descriptors);
        }
    }
    CHECK_EQ(look_at(from).attached, 2);
    CHECK_OK(ferry_segment_lock(taken, FERRY_NOW));
    ferry_segment_close(taken);
    CHECK_EQ(look_at(from).attached, 1);
}

TEST(a_parcel_is_not_lost_for_want_of_descriptors) /* G10 */
{
    ferry_segment *named = create("x", 64), *anonymous = create(NULL, 64);
    take_at_every_limit(named);
    take_at_every_limit(anonymous);
    ferry_segment_close(anonymous);
    destroy(named, "x");
}

static void use_or_be_told(void *context)
{
    ferry_segment *segment = context;
    int r = ferry_segment_lock(segment, FERRY_NOW);
    if (r < 0)
        FAILS(r, ESTALE, "anew");
    else
        CHECK_OK(ferry_segment_unlock(segment));
    ferry_segment_close(segment);
    leave_descriptors(-1);
    ferry_segment *again = attach("x"); /* later works again */
    CHECK_OK(ferry_segment_lock(again, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(again));
    ferry_segment_close(again);
}

TEST(a_child_forked_at_every_descriptor_limit_is_a_member_or_is_told) /* G10, G11 */
{
    ferry_segment *segment = create("x", 64);
    for (int more = 0; more < 6; more++) {
        int descriptors = count_descriptors();
        leave_descriptors(more);
        pid_t pid = test_child(use_or_be_told, segment);
        leave_descriptors(-1);
        test_wait_ok(pid);
        CHECK_EQ(count_descriptors(), descriptors);
        CHECK_EQ(look("x").attached, 1);
        CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
        CHECK_OK(ferry_segment_unlock(segment));
    }
    destroy(segment, "x");
}

/* ---- Looking and removing -------------------------------------------------------------------- */

static int look_at_x(void *context)
{
    (void)context;
    struct ferry_object object = {.object_bytes = sizeof object};
    int r = ferry_look("x", &object);
    if (r == 0)
        CHECK(!object.damaged);
    return r;
}

static int look_by_handle(void *segment)
{
    struct ferry_object object = {.object_bytes = sizeof object};
    return ferry_segment_look(segment, &object);
}

static int look_at_members(void *context)
{
    (void)context;
    struct ferry_member member;
    int r = ferry_look_members("x", &member, 1);
    if (r >= 0)
        CHECK_EQ(r, 1);
    return r;
}

static int note(const struct ferry_object *object, void *context)
{
    CHECK(!object->damaged);
    *(int *)context += strcmp(object->name, "x") == 0;
    return 0;
}

static int list(void *context)
{
    (void)context;
    int count = 0;
    int r = ferry_list(note, &count);
    if (r == 0)
        CHECK_EQ(count, 1); /* never "there is nothing" */
    return r;
}

TEST(looking_at_every_descriptor_limit_is_right_or_fails) /* G10, G13 */
{
    ferry_segment *segment = create("x", 64);
    at_every_limit(look_at_x, NULL);
    at_every_limit(look_by_handle, segment);
    at_every_limit(look_at_members, NULL);
    at_every_limit(list, NULL);
    destroy(segment, "x");
}

TEST(removing_at_every_descriptor_limit_is_whole_or_nothing) /* G6, G10 */
{
    for (int more = 0; more < 8; more++) {
        ferry_segment_close(create("x", 64));
        leave_descriptors(more);
        int r = ferry_remove("x");
        leave_descriptors(-1);
        if (r < 0) {
            FAILS(r, EMFILE, "ulimit -n");
            CHECK_OK(open_with("x", 0, 64)); /* it is as it was */
            CHECK_OK(ferry_remove("x"));
        }
        CHECK_EQ(count_entries(test_root()), 0);
    }
}
