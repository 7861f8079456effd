/* Bad days, fourth part: everybody at once.  Creation, removal and the vanishing of temporary
 * objects race with opening, and whoever opens gets a whole object or a documented error
 * (contract G3, G5, G6). */
#include <pthread.h>

#include "bad.h"

/* What the processes of a race share. */
struct race {
    pthread_barrier_t start, done, finish; /* each passed by all children and by the parent */
    unsigned flags;
    _Atomic int opened, refused;
};

static struct race *race_new(int processes, unsigned flags)
{
    struct race *race = test_shared(sizeof *race);
    pthread_barrierattr_t shared;
    pthread_barrierattr_init(&shared);
    pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&race->start, &shared, (unsigned)processes + 1);
    pthread_barrier_init(&race->done, &shared, (unsigned)processes + 1);
    pthread_barrier_init(&race->finish, &shared, (unsigned)processes + 1);
    race->flags = flags;
    return race;
}

static void start_all(pid_t *pids, int count, void (*body)(void *), struct race *race)
{
    for (int i = 0; i < count; i++)
        pids[i] = test_child(body, race);
    pthread_barrier_wait(&race->start);
}

static void wait_for_all(const pid_t *pids, int count)
{
    for (int i = 0; i < count; i++)
        test_wait_ok(pids[i]);
}

/* ---- Creation -------------------------------------------------------------------------------- */

enum { CROWD = SANITIZED ? 300 : 2000 };

static void create_with_the_others(void *context)
{
    struct race *race = context;
    pthread_barrier_wait(&race->start);
    ferry_segment *segment = NULL;
    int r = ferry_segment_open(&segment, "x",
                               FERRY_SEGMENT(.flags = race->flags, .size_bytes = sizeof(uint64_t)));
    if (r < 0)
        FAILS(r, EEXIST, "exists already");
    else
        atomic_fetch_add((_Atomic uint64_t *)ferry_segment_data(segment), 1);
    atomic_fetch_add(r < 0 ? &race->refused : &race->opened, 1);
    pthread_barrier_wait(&race->done);
    pthread_barrier_wait(&race->finish);
    ferry_segment_close(segment);
}

TEST_LONG(two_thousand_processes_that_create_one_name_share_one_object, 120) /* G2, G3 */
{
    static pid_t pids[CROWD];
    struct race *race = race_new(CROWD, FERRY_CREATE);
    start_all(pids, CROWD, create_with_the_others, race);
    pthread_barrier_wait(&race->done);
    CHECK_EQ(atomic_load(&race->opened), CROWD);
    struct ferry_object object = look("x");
    CHECK_EQ(object.attached, CROWD);
    CHECK_EQ(object.attach_count, CROWD);
    ferry_segment *segment = attach("x");
    CHECK_EQ(*(uint64_t *)ferry_segment_data(segment), CROWD); /* all wrote to the same memory */
    pthread_barrier_wait(&race->finish);
    wait_for_all(pids, CROWD);
    object = look("x");
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.detach_count, CROWD);
    check_ledger(&object);
    destroy(segment, "x");
    CHECK_EQ(count_entries(test_root()), 0); /* those who lost the race left nothing */
}

TEST_LONG(of_two_thousand_exclusive_creators_exactly_one_wins, 120) /* G2 */
{
    static pid_t pids[CROWD];
    struct race *race = race_new(CROWD, FERRY_CREATE | FERRY_EXCLUSIVE);
    start_all(pids, CROWD, create_with_the_others, race);
    pthread_barrier_wait(&race->done);
    CHECK_EQ(atomic_load(&race->opened), 1);
    CHECK_EQ(atomic_load(&race->refused), CROWD - 1);
    CHECK_EQ(look("x").attached, 1);
    pthread_barrier_wait(&race->finish);
    wait_for_all(pids, CROWD);
    CHECK_OK(ferry_remove("x"));
    CHECK_EQ(count_entries(test_root()), 0);
}

/* ---- Removal --------------------------------------------------------------------------------- */

/* Data of a whole object: each creator fills it before anybody can ask for less than this. */
enum { DATA_BYTES = 20000, CYCLES = 1500 };

/* An object that was opened is whole: right size, all memory there, lock and notice work. */
static void check_whole(ferry_segment *segment)
{
    uint32_t version;
    CHECK_EQ(ferry_segment_size(segment), DATA_BYTES);
    unsigned char *data = ferry_segment_data(segment);
    data[0] = data[DATA_BYTES - 1] = 1;
    CHECK_OK(ferry_segment_version(segment, &version));
    CHECK_OK(ferry_segment_notify(segment));
    struct ferry_object object = look_at(segment);
    CHECK(object.attached >= 1);
}

static void create_open_remove(void *context)
{
    struct race *race = context;
    uint32_t seed = (uint32_t)getpid();
    int cycles = test_thorough() ? 20 * CYCLES : CYCLES;
    pthread_barrier_wait(&race->start);
    for (int i = 0; i < cycles; i++) {
        static const unsigned flags[] = {0, FERRY_CREATE, FERRY_CREATE | FERRY_EXCLUSIVE};
        unsigned kind = next_random(&seed) % 4;
        if (kind == 3) {
            int r = ferry_remove("x");
            CHECK(r == 0 || r == -ENOENT || r == -EBUSY);
            continue;
        }
        ferry_segment *segment;
        int r =
            ferry_segment_open(&segment, "x",
                               FERRY_SEGMENT(.flags = flags[kind] | (flags[kind] ? race->flags : 0),
                                             .size_bytes = DATA_BYTES));
        if (r == 0) {
            atomic_fetch_add(&race->opened, 1);
            check_whole(segment);
            ferry_segment_close(segment);
        } else if (r == -EBUSY) { /* a machine so busy that a remover did not run for seconds */
            CHECK_CONTAINS(ferry_explain(), "try again");
        } else if (kind == 0) {
            FAILS(r, ENOENT, "make it first");
        } else {
            FAILS(r, EEXIST, "exists already");
        }
    }
}

static void race_of_removal(unsigned flags)
{
    enum { PROCESSES = 6 };
    pid_t pids[PROCESSES];
    struct race *race = race_new(PROCESSES, flags);
    start_all(pids, PROCESSES, create_open_remove, race);
    wait_for_all(pids, PROCESSES);
    CHECK(atomic_load(&race->opened) > CYCLES);
    ferry_remove("x");
    CHECK_EQ(count_entries(test_root()), 0);
}

TEST_LONG(every_open_amid_removals_yields_a_whole_object_or_an_error, 300) /* G3, G6 */
{
    race_of_removal(0);
}

TEST_LONG(the_same_with_temporary_objects, 300) /* G3, G5, G6 */
{
    race_of_removal(FERRY_TEMPORARY);
}

static void remove_it(void *context)
{
    struct race *race = context;
    pthread_barrier_wait(&race->start);
    int r = ferry_remove("x");
    CHECK(r == 0 || r == -ENOENT);
    atomic_fetch_add(&race->opened, r == 0);
}

TEST(removing_at_the_same_time_is_harmless) /* G6 */
{
    enum { PROCESSES = 4 };
    for (int round = 0; round < 50; round++) {
        pid_t pids[PROCESSES];
        struct race *race = race_new(PROCESSES, 0);
        ferry_segment *segment = create("x", 64);
        start_all(pids, PROCESSES, remove_it, race);
        wait_for_all(pids, PROCESSES);
        CHECK(atomic_load(&race->opened) >= 1);
        CHECK_OK(ferry_segment_notify(segment)); /* members go on */
        ferry_segment_close(segment);
        CHECK_EQ(count_entries(test_root()), 0);
    }
}

/* ---- Temporary objects ----------------------------------------------------------------------- */

static ferry_segment *open_temporary(void)
{
    ferry_segment *segment;
    int r;
    do
        r = ferry_segment_open(
            &segment, "t",
            FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_TEMPORARY, .size_bytes = 64));
    while (r == -EBUSY); /* a machine so busy that a remover did not run for seconds */
    CHECK_OK(r);
    return segment;
}

static void hold_temporary(void *gate)
{
    ferry_segment *segment = open_temporary();
    *(char *)ferry_segment_data(segment) = 'o';
    test_gate_open(gate);
    stay();
}

/* A temporary object whose only member has been killed. */
static void leave_abandoned(void)
{
    struct test_gate *gate = test_gate_new();
    pid_t pid = test_child(hold_temporary, gate);
    test_gate_wait(gate);
    test_kill(pid);
}

TEST(a_temporary_object_goes_with_the_last_close) /* G5 */
{
    ferry_segment *one = open_temporary(), *two = attach("t");
    ferry_segment_close(one);
    CHECK_EQ(look("t").attached, 1);
    ferry_segment_close(two);
    CHECK_EQ(count_entries(test_root()), 0);
}

TEST(the_name_of_an_abandoned_temporary_object_is_gone_at_once) /* G5 */
{
    leave_abandoned();
    FAILS(open_with("t", 0, 0), ENOENT, "make it first");
    CHECK_EQ(count_entries(test_root()), 0);

    struct ferry_object object = {.object_bytes = sizeof object};
    leave_abandoned();
    FAILS(ferry_look("t", &object), ENOENT, "there is no \"t\"");
    leave_abandoned();
    FAILS(ferry_look_members("t", NULL, 0), ENOENT, "there is no \"t\"");

    leave_abandoned();
    CHECK_EQ(ferry_sweep(), 1);
    CHECK_EQ(count_entries(test_root()), 0);
}

TEST(a_new_object_takes_the_name_of_an_abandoned_one) /* G5 */
{
    const unsigned flags[] = {FERRY_CREATE, FERRY_CREATE | FERRY_EXCLUSIVE,
                              FERRY_CREATE | FERRY_TEMPORARY};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        leave_abandoned();
        ferry_segment *segment;
        CHECK_OK(
            ferry_segment_open(&segment, "t", FERRY_SEGMENT(.flags = flags[i], .size_bytes = 64)));
        CHECK_EQ(*(char *)ferry_segment_data(segment), 0); /* not the old one */
        CHECK_EQ(look("t").attach_count, 1);
        ferry_segment_close(segment);
        if ((flags[i] & FERRY_TEMPORARY) == 0)
            CHECK_OK(ferry_remove("t"));
        CHECK_EQ(count_entries(test_root()), 0);
    }
}

TEST(an_offered_membership_keeps_a_temporary_object) /* G5 */
{
    ferry_segment *segment = open_temporary(), *taken;
    int parcel;
    CHECK_OK(ferry_segment_hand_over(segment, 0, &parcel));
    ferry_segment_close(segment);
    CHECK_OK(ferry_sweep());
    CHECK_OK(ferry_segment_take(&taken, parcel));
    CHECK_EQ(look("t").attached, 1);
    ferry_segment_close(taken);
    CHECK_EQ(count_entries(test_root()), 0);
}

static void hammer_temporary(void *context)
{
    struct race *race = context;
    pthread_barrier_wait(&race->start);
    for (int i = 0; i < 10; i++) {
        ferry_segment *segment = open_temporary();
        CHECK_OK(ferry_segment_notify(segment));
        ferry_segment_close(segment);
    }
    if (getpid() % 4 == 0) {
        open_temporary();
        raise(SIGKILL);
    }
}

TEST_LONG(two_hundred_processes_hammer_a_temporary_name, 120) /* G3, G5, G8 */
{
    enum { PROCESSES = 200 };
    static pid_t pids[PROCESSES];
    struct race *race = race_new(PROCESSES, 0);
    start_all(pids, PROCESSES, hammer_temporary, race);
    for (int i = 0; i < PROCESSES; i++) {
        int status = end_of(pids[i]);
        CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    }
    CHECK_EQ(open_with("t", 0, 0), -ENOENT);
    CHECK_OK(ferry_sweep());
    CHECK_EQ(count_entries(test_root()), 0);
}

/* ---- What the dead left ---------------------------------------------------------------------- */

/* A data file that belongs to no object, as a creator leaves it who dies between its two links. */
static int plant_orphan(const char *file, bool is_alive)
{
    int fd = open(in_root(file), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK_ERRNO(fd);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    if (is_alive) /* its birth lock */
        CHECK_ERRNO(fcntl(fd, F_OFD_SETLK, &lock));
    return fd;
}

TEST(what_a_dead_creator_left_is_swept_and_what_a_living_one_has_is_not) /* G3, G8 */
{
    static const char data[] = "ferry.x:data:0123456789abcdef";
    int living = plant_orphan(data, true);
    CHECK_EQ(ferry_sweep(), 0);
    CHECK_EQ(count_entries(test_root()), 1);
    close(living);
    CHECK_EQ(ferry_sweep(), 1);
    CHECK_EQ(count_entries(test_root()), 0);

    close(plant_orphan(data, false));
    CHECK_OK(open_with("y", FERRY_CREATE, 64)); /* sweeps in passing */
    CHECK_OK(ferry_remove("y"));
    CHECK_EQ(count_entries(test_root()), 0);
}

TEST(an_objects_own_data_are_never_swept) /* G5 */
{
    ferry_segment_close(create("x", 64)); /* without members, and meant to stay */
    close(plant_orphan("ferry.x:data:0123456789abcdef", false));
    CHECK_EQ(ferry_sweep(), 1);
    CHECK_OK(open_with("x", 0, 64));
    CHECK_OK(ferry_remove("x"));
    CHECK_EQ(count_entries(test_root()), 0);
}
