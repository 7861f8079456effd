/* Semaphores under load, with and without killing: units move between two of them, and none is lost or made up.
 *
 * A unit is in the bank, or out, or in the hands of somebody.  Who takes one notes that before and behind; so who is killed leaves at most
 * one that nobody knows about, and nobody sleeps on beside units. */
#include <string.h>

#include "support.h"

enum { PARTIES = 6, UNITS = 4 };

struct lane {
    pid_t pid;
    _Atomic uint64_t moves;
    _Atomic uint32_t in_hand; /* there may be one */
};

struct world {
    ferry_semaphore *bank, *out;
    struct lane lanes[PARTIES];
    _Atomic bool stop;
    uint32_t lost_at_most;
};

static double seconds(void)
{
    return test_thorough() ? 15 : 0.5;
}

struct party {
    struct world *world;
    int self;
    uint32_t random;
};

static int64_t random_timeout(uint32_t *random)
{
    uint32_t lot = next_random(random) % 8;
    return lot == 0   ? FERRY_NOW
           : lot == 1 ? MILLISECOND / 20
           : lot == 2 ? MILLISECOND
                      : 50 * MILLISECOND;
}

/* From one to the other, if there is one in time. */
static void move(struct lane *lane, ferry_semaphore *from, ferry_semaphore *to, int64_t timeout_ns)
{
    atomic_store(&lane->in_hand, 1);
    int r = ferry_semaphore_wait(from, timeout_ns);
    if (r == 0) {
        CHECK_OK(ferry_semaphore_post(to));
        atomic_fetch_add(&lane->moves, 1);
    } else if (r != -EAGAIN) {
        CHECK_ERR(r, ETIMEDOUT);
    }
    atomic_store(&lane->in_hand, 0);
}

/* Half of them work in one direction, half in the other. */
static void take_part(void *context)
{
    struct party *party = context;
    struct world *world = party->world;
    struct lane *lane = &world->lanes[party->self];
    ferry_semaphore *bank, *out;
    CHECK_OK(ferry_semaphore_open(&bank, "bank", NULL));
    CHECK_OK(ferry_semaphore_open(&out, "out", NULL));
    bool back = party->self % 2 != 0;
    while (!atomic_load(&world->stop))
        move(lane, back ? out : bank, back ? bank : out, random_timeout(&party->random));
    ferry_semaphore_close(bank);
    ferry_semaphore_close(out);
}

static void start(struct world *world, int self, uint32_t *random)
{
    struct party party = {.world = world, .self = self, .random = next_random(random)};
    world->lanes[self].pid = test_child(take_part, &party);
}

static uint32_t value_of(ferry_semaphore *semaphore)
{
    uint32_t value;
    CHECK_OK(ferry_semaphore_value(semaphore, &value));
    return value;
}

/* Whoever took its last unit with it is replaced by a new one, so that the others have something to do. */
static void kill_one(struct world *world, uint32_t *random)
{
    int self = (int)(next_random(random) % PARTIES);
    struct lane *lane = &world->lanes[self];
    test_kill(lane->pid);
    world->lost_at_most += atomic_exchange(&lane->in_hand, 0);
    start(world, self, random);
}

/* All that are in it, one by one. */
static uint32_t drain(ferry_semaphore *semaphore)
{
    uint32_t units = 0;
    while (ferry_semaphore_wait(semaphore, FERRY_NOW) == 0)
        units++;
    return units;
}

static void run(uint32_t most, bool kills)
{
    struct world *world = test_shared(sizeof *world);
    uint32_t random = (uint32_t)test_now_ns() | 1, made = UNITS;
    CHECK_OK(
        ferry_semaphore_open(&world->bank, "bank",
                             FERRY_SEMAPHORE(.flags = FERRY_CREATE, .value = UNITS, .most = most)));
    CHECK_OK(ferry_semaphore_open(&world->out, "out",
                                  FERRY_SEMAPHORE(.flags = FERRY_CREATE, .most = most)));
    for (int self = 0; self < PARTIES; self++)
        start(world, self, &random);
    for (int64_t end_ns = test_now_ns() + (int64_t)(seconds() * 1e9); test_now_ns() < end_ns;) {
        usleep(next_random(&random) % 3000);
        if (!kills)
            continue;
        kill_one(world, &random);
        for (; made < UNITS + world->lost_at_most && most > made; made++)
            CHECK_OK(ferry_semaphore_post(world->bank));
    }
    atomic_store(&world->stop, true);
    uint64_t moves = 0;
    for (int self = 0; self < PARTIES; self++) {
        test_wait_ok(world->lanes[self].pid);
        moves += atomic_load(&world->lanes[self].moves);
    }
    uint32_t left = value_of(world->bank) + value_of(world->out);
    fprintf(stderr, "%llu moves, %u units made, %u left, %u lost at most\n",
            (unsigned long long)moves, made, left, world->lost_at_most);
    CHECK(moves > 0);
    CHECK(left <= made && left + world->lost_at_most >= made);
    CHECK_EQ(drain(world->bank) + drain(world->out), left);
    ferry_semaphore_close(world->bank);
    ferry_semaphore_close(world->out);
    CHECK_OK(ferry_remove("bank"));
    CHECK_OK(ferry_remove("out"));
}

TEST_LONG(units_move_and_stay_as_many, 60) /* E2 */
{
    run(FERRY_SEMAPHORE_MOST, false);
}

TEST_LONG(units_move_and_stay_as_many_where_they_are_bounded, 60) /* E2 */
{
    run(UNITS, false);
}

TEST_LONG(who_is_killed_takes_one_unit_at_most, 60) /* E2 G8 */
{
    run(FERRY_SEMAPHORE_MOST, true);
}

/* ---- Nobody sleeps on beside a unit -------------------------------------------------------------- */

struct strict {
    ferry_semaphore *semaphore;
    _Atomic uint64_t taken;
    uint64_t each;
};

static void take_all(void *context)
{
    struct strict *strict = context;
    for (;;) {
        CHECK_OK(ferry_semaphore_wait(strict->semaphore, FERRY_FOREVER));
        atomic_fetch_add(&strict->taken, 1);
    }
}

static void give_some(void *context)
{
    struct strict *strict = context;
    for (uint64_t i = 0; i < strict->each; i++)
        CHECK_OK(ferry_semaphore_post(strict->semaphore));
}

TEST_LONG(every_unit_finds_one_who_waits_for_ever, 120) /* E2 G15 */
{
    enum { TAKERS = 3, GIVERS = 3 };
    struct strict *strict = test_shared(sizeof *strict);
    strict->each = test_thorough() ? 2000000 : 50000;
    CHECK_OK(ferry_semaphore_open(&strict->semaphore, NULL, NULL));
    pid_t takers[TAKERS], givers[GIVERS];
    for (int i = 0; i < TAKERS; i++)
        takers[i] = test_child(take_all, strict);
    for (int i = 0; i < GIVERS; i++)
        givers[i] = test_child(give_some, strict);
    for (int i = 0; i < GIVERS; i++)
        test_wait_ok(givers[i]);
    test_wait_until(atomic_load(&strict->taken) == GIVERS * strict->each);
    CHECK_EQ(value_of(strict->semaphore), 0);
    for (int i = 0; i < TAKERS; i++)
        test_kill(takers[i]);
    ferry_semaphore_close(strict->semaphore);
}
