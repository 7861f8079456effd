/* Everything at once: eight processes come, lock, write, notify, wait, fork and are killed, at
 * random, and in the end the books balance (contract G8, H3, H5).
 *
 * A round of work is two words that differ while it is being done.  Whoever finds them different has
 * just been told that an owner died, and repairs by finishing the round: so no work is lost and none
 * is done twice.  A process notes what it has committed in memory of its own, where its death cannot
 * undo it. */
#include "support.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>

enum { PROCESSES = 8 };

struct data {
    volatile uint64_t begun, done;
};

/* Of each seat, whoever sits there. */
struct seat {
    _Atomic uint64_t begun, done;
};

struct storm {
    _Atomic bool over;
    _Atomic uint64_t deaths_told;
    struct seat seats[PROCESSES];
    const char *name;
    ferry_segment *inherited; /* used if it has no name */
};

static void repair(struct storm *storm, ferry_segment *segment)
{
    struct data *data = ferry_segment_data(segment);
    CHECK(data->begun == data->done || data->begun == data->done + 1);
    data->done = data->begun;
    atomic_fetch_add(&storm->deaths_told, 1);
    CHECK_OK(ferry_segment_repaired(segment));
}

static void work(struct storm *storm, struct seat *seat, ferry_segment *segment, int64_t timeout_ns)
{
    struct data *data = ferry_segment_data(segment);
    int r = ferry_segment_lock(segment, timeout_ns);
    if (r == -ETIMEDOUT || r == -EAGAIN)
        return;
    CHECK(r == 0 || r == -EOWNERDEAD);
    if (r == -EOWNERDEAD)
        repair(storm, segment);
    CHECK_EQ(data->begun, data->done); /* nobody else is inside */
    uint64_t round = atomic_fetch_add(&seat->begun, 1);
    data->begun = data->begun + 1;
    if (round % 8 == 0)
        sched_yield(); /* so that some are killed right here */
    data->done = data->done + 1;
    atomic_fetch_add(&seat->done, 1);
    CHECK_OK(ferry_segment_unlock(segment));
}

static void wait_a_little(ferry_segment *segment, bool by_descriptor)
{
    uint32_t version;
    CHECK_OK(ferry_segment_version(segment, &version));
    if (by_descriptor) {
        struct pollfd watched = {.fd = ferry_segment_descriptor(segment), .events = POLLIN};
        CHECK_OK(watched.fd);
        CHECK_ERRNO(poll(&watched, 1, 1));
        int r = ferry_segment_wait(segment, &version, FERRY_NOW);
        CHECK(r == 0 || r == -EAGAIN);
    } else {
        int r = ferry_segment_wait(segment, &version, MILLISECOND);
        CHECK(r == 0 || r == -ETIMEDOUT);
    }
}

static ferry_segment *come(struct storm *storm)
{
    ferry_segment *segment;
    int parcel;
    if (storm->name != NULL)
        return attach(storm->name);
    CHECK_OK(ferry_segment_hand_over(storm->inherited, 0, &parcel));
    CHECK_OK(ferry_segment_take(&segment, parcel));
    return segment;
}

static void fork_one(struct storm *storm, struct seat *seat, ferry_segment *segment)
{
    pid_t child = fork();
    CHECK_ERRNO(child);
    if (child == 0) {
        work(storm, seat, segment, 10 * MILLISECOND);
        CHECK_OK(ferry_segment_notify(segment));
        _exit(0);
    }
    test_wait_ok(child);
}

struct player {
    struct storm *storm;
    unsigned seat;
    uint32_t random;
};

static void play(void *context)
{
    struct player *player = context;
    struct storm *storm = player->storm;
    struct seat *seat = &storm->seats[player->seat];
    while (!storm->over) {
        ferry_segment *segment = come(storm);
        for (uint32_t left = next_random(&player->random) % 200; left > 0; left--) {
            uint32_t choice = next_random(&player->random) % 100;
            if (choice < 50)
                work(storm, seat, segment, FERRY_FOREVER);
            else if (choice < 60)
                work(storm, seat, segment, choice < 55 ? FERRY_NOW : MILLISECOND / 10);
            else if (choice < 85)
                CHECK_OK(ferry_segment_notify(segment));
            else if (choice < 98)
                wait_a_little(segment, choice < 90);
            else if (choice < 99)
                fork_one(storm, seat, segment);
        }
        ferry_segment_close(segment);
    }
}

static pid_t start(struct storm *storm, unsigned seat, uint32_t random)
{
    struct player player = {storm, seat, random};
    return test_child(play, &player);
}

static struct ferry_object look_at_rest(const struct storm *storm, ferry_segment *segment)
{
    return storm->name ? look(storm->name) : look_at(segment);
}

/* The work that was begun and not noted as done was cut short by a death; the next owner finished
 * it, unless it had not got as far as the shared word. */
static void check_books(const struct storm *storm, const struct data *data, uint64_t kills)
{
    uint64_t begun = 0, done = 0;
    for (int i = 0; i < PROCESSES; i++) {
        begun += storm->seats[i].begun;
        done += storm->seats[i].done;
    }
    CHECK_EQ(data->begun, data->done);
    CHECK(data->done >= done);
    CHECK(data->done <= begun);
    CHECK(begun - done <= kills);
    CHECK(storm->deaths_told <= kills);
    CHECK(done > 100);
}

static void check_storm(const char *name)
{
    ferry_segment *segment = create(name, sizeof(struct data));
    struct storm *storm = test_shared(sizeof *storm);
    storm->name = name;
    storm->inherited = segment;
    uint32_t random = 362436069;
    pid_t children[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++)
        children[i] = start(storm, i, next_random(&random));
    uint64_t kills = 0;
    int64_t end_ns = test_now_ns() + (test_thorough() ? 60 : 3) * SECOND;
    while (test_now_ns() < end_ns) {
        struct timespec moment = {.tv_nsec = (long)(next_random(&random) % 5000000)};
        nanosleep(&moment, NULL);
        unsigned victim = next_random(&random) % PROCESSES;
        test_kill(children[victim]);
        kills++;
        children[victim] = start(storm, victim, next_random(&random));
    }
    atomic_store(&storm->over, true);
    for (int i = 0; i < PROCESSES; i++)
        test_wait_ok(children[i]);

    struct data *data = ferry_segment_data(segment);
    test_wait_until(look_at_rest(storm, segment).attached == 1); /* orphans of the killed */
    int r = ferry_segment_lock(segment, FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    if (r == -EOWNERDEAD)
        repair(storm, segment);
    CHECK_OK(ferry_segment_unlock(segment));
    check_books(storm, data, kills);
    struct ferry_object object = look_at_rest(storm, segment);
    check_ledger(&object);
    CHECK_EQ(object.attached, 1);
    fprintf(stderr, "%llu rounds, %llu kills, %llu owners died, %llu came, %u places used\n",
            (unsigned long long)data->done, (unsigned long long)kills,
            (unsigned long long)storm->deaths_told, (unsigned long long)object.attach_count,
            object.dead + object.attached);
    ferry_segment_close(segment);
    if (name != NULL)
        CHECK_OK(ferry_remove(name));
}

TEST_LONG(books_balance_after_a_storm_of_work_and_kills, 180) /* G8, H3, H5 */
{
    check_storm("x");
}

TEST_LONG(books_of_an_anonymous_segment_balance_as_well, 180) /* G1, G8 */
{
    check_storm(NULL);
}
