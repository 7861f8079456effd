/* Reader-writer locks under load, with and without killing: a pair that writers change one after the other, and that nobody sees
 * half-written unless it was told that a writer died.
 *
 * Each notes whether it is about to write, writes, or neither; so it is known of each that is killed whether anybody may be told. */
#include <string.h>

#include "support.h"

enum { PARTIES = 6 };

struct lane {
    pid_t pid;
    _Atomic uint64_t reads, writes, told;
    _Atomic bool may_be_inside; /* from before it asks to write until behind its unlock */
};

struct world {
    volatile uint64_t one, two;
    _Atomic uint32_t readers, writers; /* as the living count themselves; only without killing */
    struct lane lanes[PARTIES];
    _Atomic bool stop;
    bool kills;
    uint32_t killed_inside_at_most;
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
    uint32_t lot = next_random(random) % 8;
    return lot == 0   ? FERRY_NOW
           : lot == 1 ? MILLISECOND / 20
           : lot == 2 ? MILLISECOND
                      : FERRY_FOREVER;
}

/* Did it not get it?  Then for a good reason. */
static bool is_without(int r, int64_t timeout_ns)
{
    if (r == 0 || r == -EOWNERDEAD)
        return false;
    CHECK(r == (timeout_ns == FERRY_NOW ? -EAGAIN : -ETIMEDOUT));
    return true;
}

static void linger(uint32_t *random)
{
    uint32_t lot = next_random(random) % 64;
    if (lot == 0)
        usleep(300);
    else if (lot < 8)
        sched_yield();
}

static void read_some(struct party *party, ferry_rwlock *lock)
{
    struct world *world = party->world;
    struct lane *lane = &world->lanes[party->self];
    int64_t timeout_ns = random_timeout(&party->random);
    int r = ferry_rwlock_lock_shared(lock, timeout_ns);
    if (is_without(r, timeout_ns))
        return;
    if (!world->kills) {
        world->readers++;
        CHECK_EQ(world->writers, 0);
    }
    uint64_t one = world->one;
    linger(&party->random);
    CHECK_EQ(world->one, one); /* nobody writes beside us, told or not */
    CHECK(world->two == one || r == -EOWNERDEAD);
    CHECK(r == 0 || world->kills);
    if (!world->kills)
        world->readers--;
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    lane->reads++;
    lane->told += r != 0;
}

static void write_some(struct party *party, ferry_rwlock *lock)
{
    struct world *world = party->world;
    struct lane *lane = &world->lanes[party->self];
    int64_t timeout_ns = random_timeout(&party->random);
    lane->may_be_inside = true;
    int r = ferry_rwlock_lock(lock, timeout_ns);
    if (!is_without(r, timeout_ns)) {
        if (!world->kills) {
            CHECK_EQ(world->writers++, 0);
            CHECK_EQ(world->readers, 0);
        }
        CHECK(world->two == world->one || r == -EOWNERDEAD);
        uint64_t next = world->one + 1;
        world->one = next;
        linger(&party->random);
        CHECK_EQ(world->one, next);
        world->two = next;
        if (r == -EOWNERDEAD)
            CHECK_OK(ferry_rwlock_repaired(lock));
        if (!world->kills)
            world->writers--;
        CHECK_OK(ferry_rwlock_unlock(lock));
        lane->writes++;
        lane->told += r != 0;
    }
    lane->may_be_inside = false;
}

static void take_part(void *context)
{
    struct party *party = context;
    ferry_rwlock *lock;
    CHECK_OK(ferry_rwlock_open(&lock, "l", NULL));
    while (!atomic_load(&party->world->stop))
        if (next_random(&party->random) % 4 == 0)
            write_some(party, lock);
        else
            read_some(party, lock);
    ferry_rwlock_close(lock);
}

static void start(struct world *world, int self, uint32_t *random)
{
    struct party party = {.world = world, .self = self, .random = next_random(random) | 1};
    world->lanes[self].pid = test_child(take_part, &party);
}

static void kill_one(struct world *world, uint32_t *random)
{
    int self = (int)(next_random(random) % PARTIES);
    struct lane *lane = &world->lanes[self];
    test_kill(lane->pid);
    world->killed_inside_at_most += atomic_exchange(&lane->may_be_inside, false);
    start(world, self, random);
}

/* Does everybody get on, and nobody wait for ever? */
static void check_progress(struct world *world)
{
    for (int self = 0; self < PARTIES; self++) {
        struct lane *lane = &world->lanes[self];
        uint64_t before = lane->reads + lane->writes;
        test_wait_until(lane->reads + lane->writes > before);
    }
}

static void end(struct world *world, ferry_rwlock *lock)
{
    atomic_store(&world->stop, true);
    uint64_t reads = 0, writes = 0, told = 0;
    for (int self = 0; self < PARTIES; self++) {
        test_wait_ok(world->lanes[self].pid);
        reads += world->lanes[self].reads;
        writes += world->lanes[self].writes;
        told += world->lanes[self].told;
    }
    fprintf(stderr, "%llu reads, %llu writes, %llu told, %u killed inside at most\n",
            (unsigned long long)reads, (unsigned long long)writes, (unsigned long long)told,
            world->killed_inside_at_most);
    CHECK(reads > 0 && writes > 0);
    CHECK(told == 0 || world->killed_inside_at_most > 0);
    int r = ferry_rwlock_lock(lock, FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    CHECK(world->one == world->two || r == -EOWNERDEAD);
    CHECK_OK(ferry_rwlock_repaired(lock));
    CHECK_OK(ferry_rwlock_unlock(lock));
    CHECK_EQ(look("l").reader_count, 0);
    ferry_rwlock_close(lock);
    CHECK_OK(ferry_remove("l"));
}

static void run(bool kills)
{
    struct world *world = test_shared(sizeof *world);
    uint32_t random = (uint32_t)test_now_ns() | 1;
    ferry_rwlock *lock;
    world->kills = kills;
    CHECK_OK(ferry_rwlock_open(&lock, "l", FERRY_RWLOCK(.flags = FERRY_CREATE)));
    for (int self = 0; self < PARTIES; self++)
        start(world, self, &random);
    for (int64_t end_ns = test_now_ns() + (int64_t)(seconds() * 1e9); test_now_ns() < end_ns;) {
        usleep(next_random(&random) % 3000);
        if (kills)
            kill_one(world, &random);
    }
    check_progress(world);
    end(world, lock);
}

TEST_LONG(nobody_sees_half_a_pair, 90) /* E6 */
{
    run(false);
}

TEST_LONG(nobody_sees_half_a_pair_untold_however_many_die, 90) /* E6 G8 */
{
    run(true);
}
