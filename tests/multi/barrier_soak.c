/* Barriers under load, with and without killing: no round is complete unless all came to it, nobody waits for ever, and each death is
 * told once, to whoever waits.
 *
 * Each party notes when it comes and when it is back.  So who sees a round complete can tell whether each of the others was there
 * meanwhile; and who was killed is replaced in its lane. */
#include "support.h"

enum { PARTIES = 5 };

struct lane {
    pid_t pid;
    _Atomic uint32_t moves; /* odd: it is there */
    _Atomic uint64_t complete, told, given_up;
};

struct world {
    ferry_barrier *barrier;
    struct lane lanes[PARTIES];
    _Atomic uint64_t lasts;
    _Atomic bool stop;
    bool kills;
};

struct party {
    struct world *world;
    int self;
    uint32_t random;
};

static double seconds(void)
{
    return test_thorough() ? 20 : 0.7;
}

static int64_t random_timeout(uint32_t *random)
{
    uint32_t lot = next_random(random) % 16;
    return lot == 0   ? FERRY_NOW
           : lot == 1 ? MILLISECOND / 50
           : lot == 2 ? 2 * MILLISECOND
                      : FERRY_FOREVER;
}

/* Each of the others was there between `seen` and now. */
static void check_all_came(const struct party *party, const uint32_t seen[PARTIES])
{
    struct world *world = party->world;
    bool all = true;
    for (int i = 0; i < PARTIES; i++)
        all = all && (seen[i] % 2 != 0 || atomic_load(&world->lanes[i].moves) != seen[i]);
    /* Behind it: to end this, the count is lowered. */
    CHECK(all || atomic_load(&world->stop));
}

/* Where nobody is killed, all see each round. */
static void check_in_step(const struct party *party, uint64_t complete)
{
    struct world *world = party->world;
    bool all = true;
    for (int i = 0; i < PARTIES; i++) {
        uint64_t others = atomic_load(&world->lanes[i].complete);
        all = all && (others == complete || others + 1 == complete);
    }
    CHECK(all || atomic_load(&world->stop));
}

static void come(struct party *party)
{
    struct world *world = party->world;
    struct lane *lane = &world->lanes[party->self];
    uint32_t seen[PARTIES];
    for (int i = 0; i < PARTIES; i++)
        seen[i] = atomic_load(&world->lanes[i].moves);
    atomic_fetch_add(&lane->moves, 1);
    int r = ferry_barrier_wait(world->barrier, random_timeout(&party->random));
    if (r >= 0) {
        atomic_fetch_add(&world->lasts, (uint64_t)r);
        seen[party->self] = 1;
        check_all_came(party, seen);
        uint64_t complete = atomic_fetch_add(&lane->complete, 1) + 1;
        if (!world->kills)
            check_in_step(party, complete);
    } else if (r == -EOWNERDEAD) {
        atomic_fetch_add(&lane->told, 1);
    } else {
        CHECK(r == -EAGAIN || r == -ETIMEDOUT);
        atomic_fetch_add(&lane->given_up, 1);
    }
    atomic_fetch_add(&lane->moves, 1);
}

static void take_part(void *context)
{
    struct party *party = context;
    while (!atomic_load(&party->world->stop)) {
        if (next_random(&party->random) % 64 == 0)
            usleep(next_random(&party->random) % 3000);
        come(party);
    }
    ferry_barrier_close(party->world->barrier);
}

static void start(struct world *world, int self, uint32_t *random)
{
    struct party party = {.world = world, .self = self, .random = next_random(random)};
    world->lanes[self].pid = test_child(take_part, &party);
}

static uint64_t told(struct world *world)
{
    uint64_t sum = 0;
    for (int i = 0; i < PARTIES; i++)
        sum += atomic_load(&world->lanes[i].told);
    return sum;
}

static void end_one(struct world *world, int self)
{
    struct lane *lane = &world->lanes[self];
    test_kill(lane->pid);
    if (atomic_load(&lane->moves) % 2 != 0)
        atomic_fetch_add(&lane->moves, 1);
}

/* One or two die, and are replaced before or after that is told. */
static uint64_t kill_some(struct world *world, uint32_t *random)
{
    uint32_t lot = next_random(random);
    int first = (int)(lot % PARTIES), second = (first + 1) % PARTIES;
    bool both = lot / PARTIES % 4 == 0, early = lot / PARTIES / 4 % 2 == 0;
    uint64_t before = told(world);
    end_one(world, first);
    if (both)
        end_one(world, second);
    if (early)
        start(world, first, random);
    test_wait_until(told(world) > before);
    if (!early)
        start(world, first, random);
    if (both)
        start(world, second, random);
    return both ? 2 : 1;
}

/* Who waits is let go, and who comes does not wait. */
static void stop_all(struct world *world)
{
    atomic_store(&world->stop, true);
    CHECK_OK(ferry_barrier_set_count(world->barrier, 1));
    for (int i = 0; i < PARTIES; i++)
        test_wait_ok(world->lanes[i].pid);
}

static void check_end(struct world *world, uint64_t kills)
{
    struct ferry_object object = look("b");
    uint64_t complete = 0, given_up = 0;
    for (int i = 0; i < PARTIES; i++) {
        complete += atomic_load(&world->lanes[i].complete);
        given_up += atomic_load(&world->lanes[i].given_up);
        CHECK(atomic_load(&world->lanes[i].told) <= object.broken_count);
    }
    fprintf(stderr, "%u rounds, %u broken, %llu killed, %llu told, %llu given up\n", object.round,
            object.broken_count, (unsigned long long)kills, (unsigned long long)told(world),
            (unsigned long long)given_up);
    CHECK(complete > 0);
    CHECK_EQ(object.death_count, kills);
    CHECK(object.broken_count <= kills && (object.broken_count > 0) == (kills > 0));
    CHECK_EQ(object.arrived_count, 0);
    /* One of each that was complete was told so: by a wait, unless it was killed, or by the change of the count. */
    CHECK(atomic_load(&world->lasts) <= object.round - object.broken_count);
    CHECK(atomic_load(&world->lasts) + kills + 1 >= object.round - object.broken_count);
    CHECK_EQ(ferry_barrier_wait(world->barrier, FERRY_NOW), 1); /* nothing is left to be told */
    check_ledger(&object);
}

static void run(bool kills)
{
    struct world *world = test_shared(sizeof *world);
    uint32_t random = (uint32_t)test_now_ns() | 1;
    uint64_t killed = 0;
    world->kills = kills;
    CHECK_OK(ferry_barrier_open(&world->barrier, "b",
                                FERRY_BARRIER(.flags = FERRY_CREATE, .count = PARTIES)));
    for (int self = 0; self < PARTIES; self++)
        start(world, self, &random);
    for (int64_t end_ns = test_now_ns() + (int64_t)(seconds() * 1e9); test_now_ns() < end_ns;) {
        usleep(next_random(&random) % 5000);
        if (kills)
            killed += kill_some(world, &random);
    }
    stop_all(world);
    check_end(world, killed);
    ferry_barrier_close(world->barrier);
    CHECK_OK(ferry_remove("b"));
}

TEST_LONG(no_round_is_complete_without_all, 60) /* E6 G7 */
{
    run(false);
}

TEST_LONG(each_death_is_told_and_nobody_waits_for_ever, 60) /* E6 G8 */
{
    run(true);
}
