/* Mutexes and conditions under load, with and without killing: makers and takers share a small shelf, as a monitor guards it.
 *
 * What is on the shelf is made less taken.  Each of the two is counted twice, one behind the other, so that two who are in at once, or one
 * who died in between, leave a trace.  Who is in writes down its name; so who gets in, and is not told of a dead owner, must find no
 * name there.  Makers and takers that are killed are replaced, so there is always something to do, and whoever sleeps on beside
 * that stops the whole. */
#include <string.h>

#include "support.h"

enum { PARTIES = 6, ROOM = 3 };

struct counter {
    uint64_t first, second;
};

struct world {
    struct counter made, taken; /* with the mutex */
    uint32_t inside;            /* the name of who has the mutex, or 0 */
    bool stop;
    uint64_t told;           /* so often somebody heard of a dead owner */
    _Atomic uint64_t steps;  /* of all */
    _Atomic uint64_t parted; /* steps that their makers and takers know to be done */
    pid_t pids[PARTIES];
    uint32_t names;
    uint64_t kills;
};

struct monitor {
    ferry_mutex *mutex;
    ferry_condition *filled, *room;
};

static double seconds(void)
{
    return test_thorough() ? 20 : 1;
}

static struct monitor open_monitor(unsigned flags)
{
    struct monitor monitor;
    CHECK_OK(ferry_mutex_open(&monitor.mutex, "m", FERRY_MUTEX(.flags = flags)));
    CHECK_OK(ferry_condition_open(&monitor.filled, "filled", monitor.mutex,
                                  FERRY_CONDITION(.flags = flags)));
    CHECK_OK(ferry_condition_open(&monitor.room, "room", monitor.mutex,
                                  FERRY_CONDITION(.flags = flags)));
    return monitor;
}

static void close_monitor(struct monitor monitor)
{
    ferry_condition_close(monitor.filled);
    ferry_condition_close(monitor.room);
    ferry_mutex_close(monitor.mutex);
}

/* ---- Inside ----------------------------------------------------------------------------------- */

/* Whoever was in before us has left things as they ought to be, or we are told; then we put them right. */
static void come_in(struct world *world, struct monitor monitor, int r, uint32_t name)
{
    if (r == -EOWNERDEAD) {
        world->told++;
        world->made.second = world->made.first;
        world->taken.second = world->taken.first;
        world->inside = name;
        CHECK_OK(ferry_mutex_repaired(monitor.mutex));
    }
    CHECK(r == -EOWNERDEAD || world->inside == 0);
    world->inside = name;
    CHECK_EQ(world->made.first, world->made.second);
    CHECK_EQ(world->taken.first, world->taken.second);
    CHECK(world->made.first >= world->taken.first);
    CHECK(world->made.first - world->taken.first <= ROOM);
}

static void go_out(struct world *world, uint32_t name)
{
    CHECK_EQ(world->inside, name);
    world->inside = 0;
}

/* The compiler is to write one behind the other. */
static void add_one(struct counter *counter)
{
    volatile struct counter *there = counter;
    there->first = there->first + 1;
    atomic_signal_fence(memory_order_seq_cst);
    there->second = there->second + 1;
}

/* ---- Who makes, who takes --------------------------------------------------------------------- */

struct party {
    struct world *world;
    struct monitor inherited;
    uint32_t name, random;
    bool takes;
};

static int64_t random_timeout(uint32_t *random)
{
    uint32_t lot = next_random(random) % 16;
    return lot == 0   ? FERRY_NOW
           : lot == 1 ? MILLISECOND / 20
           : lot == 2 ? 2 * MILLISECOND
                      : FERRY_FOREVER;
}

static bool has_to_wait(const struct party *party)
{
    uint64_t there = party->world->made.first - party->world->taken.first;
    return !party->world->stop && there == (party->takes ? 0 : ROOM);
}

/* With the mutex, until there is something, or room.  False: not in time. */
static bool wait_for_turn(struct party *party, struct monitor monitor)
{
    while (has_to_wait(party)) {
        go_out(party->world, party->name);
        int r = ferry_condition_wait(party->takes ? monitor.filled : monitor.room,
                                     random_timeout(&party->random));
        CHECK(r == 0 || r == 1 || r == -ETIMEDOUT || r == -EOWNERDEAD);
        come_in(party->world, monitor, r, party->name);
        if (r == -ETIMEDOUT)
            return false;
    }
    return !party->world->stop;
}

static bool enter(struct party *party, struct monitor monitor)
{
    int r = ferry_mutex_lock(monitor.mutex, random_timeout(&party->random));
    if (r == -EAGAIN || r == -ETIMEDOUT)
        return false;
    CHECK(r == 0 || r == -EOWNERDEAD);
    come_in(party->world, monitor, r, party->name);
    return true;
}

/* Telling is done with the mutex, or behind it. */
static void leave(struct party *party, struct monitor monitor, bool tells)
{
    ferry_condition *others = party->takes ? monitor.room : monitor.filled;
    bool early = next_random(&party->random) % 2 == 0;
    if (tells && early)
        CHECK_OK(ferry_condition_signal(others));
    go_out(party->world, party->name);
    CHECK_OK(ferry_mutex_unlock(monitor.mutex));
    if (tells && !early)
        CHECK_OK(ferry_condition_signal(others));
}

static void work(struct party *party, struct monitor monitor)
{
    struct world *world = party->world;
    if (!enter(party, monitor))
        return;
    bool acts = wait_for_turn(party, monitor);
    if (acts) {
        add_one(party->takes ? &world->taken : &world->made);
        atomic_fetch_add(&world->steps, 1);
    }
    if (next_random(&party->random) % 256 == 0) /* so that others have to sleep */
        usleep(2000);
    leave(party, monitor, acts);
    atomic_fetch_add(&world->parted, acts);
}

static void take_part(void *context)
{
    struct party *party = context;
    close_monitor(party->inherited);
    struct monitor monitor = open_monitor(0);
    while (!*(volatile bool *)&party->world->stop)
        work(party, monitor);
    close_monitor(monitor);
}

/* ---- All of them ------------------------------------------------------------------------------ */

static void start(struct world *world, struct monitor monitor, int self, uint32_t *random)
{
    struct party party = {.world = world,
                          .inherited = monitor,
                          .name = ++world->names,
                          .random = next_random(random),
                          .takes = self % 2 != 0};
    world->pids[self] = test_child(take_part, &party);
}

static void kill_one(struct world *world, struct monitor monitor, uint32_t *random)
{
    int self = (int)(next_random(random) % PARTIES);
    test_kill(world->pids[self]);
    world->kills++;
    start(world, monitor, self, random);
}

/* All go on working: nobody sleeps on beside a free lock, something on the shelf, or room. */
static void check_progress(struct world *world)
{
    uint64_t before = atomic_load(&world->steps);
    test_wait_until(atomic_load(&world->steps) > before);
}

static void call_it_a_day(struct world *world, struct monitor monitor)
{
    uint32_t name = ++world->names;
    come_in(world, monitor, ferry_mutex_lock(monitor.mutex, FERRY_FOREVER), name);
    world->stop = true;
    go_out(world, name);
    CHECK_OK(ferry_mutex_unlock(monitor.mutex));
    CHECK_OK(ferry_condition_broadcast(monitor.filled));
    CHECK_OK(ferry_condition_broadcast(monitor.room));
    for (int self = 0; self < PARTIES; self++)
        test_wait_ok(world->pids[self]);
}

static void check_books(struct world *world, struct monitor monitor)
{
    int r = ferry_mutex_lock(monitor.mutex, FERRY_NOW);
    CHECK_OK(r); /* all of them have gone, and nobody was killed since the last one was in */
    come_in(world, monitor, r, 1);
    uint64_t steps = world->made.first + world->taken.first, parted = atomic_load(&world->parted);
    fprintf(stderr, "%llu made, %llu taken, %llu killed, %llu heard of a dead owner\n",
            (unsigned long long)world->made.first, (unsigned long long)world->taken.first,
            (unsigned long long)world->kills, (unsigned long long)world->told);
    CHECK(steps > 0);
    CHECK(steps >= parted && steps <= parted + world->kills);
    CHECK(world->told <= world->kills);
    CHECK_OK(ferry_mutex_unlock(monitor.mutex));
}

static void run(bool kills)
{
    struct world *world = test_shared(sizeof *world);
    struct monitor monitor = open_monitor(FERRY_CREATE);
    uint32_t random = (uint32_t)test_now_ns() | 1;
    for (int self = 0; self < PARTIES; self++)
        start(world, monitor, self, &random);
    for (int64_t end_ns = test_now_ns() + (int64_t)(seconds() * 1e9); test_now_ns() < end_ns;) {
        usleep(next_random(&random) % 3000);
        if (kills)
            kill_one(world, monitor, &random);
        check_progress(world);
    }
    call_it_a_day(world, monitor);
    check_books(world, monitor);
    close_monitor(monitor);
    CHECK_OK(ferry_remove("filled"));
    CHECK_OK(ferry_remove("room"));
    CHECK_OK(ferry_remove("m"));
}

TEST_LONG(what_is_made_is_taken_and_all_go_on, 120) /* E5 E6 G15 */
{
    run(false);
}

TEST_LONG(who_is_killed_is_heard_of_once_and_the_others_go_on, 120) /* E5 E6 G8 */
{
    run(true);
}
