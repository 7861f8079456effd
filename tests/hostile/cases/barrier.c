/* Barriers whose control memory is overwritten by another member (contract G9, E6). */
#include <ferry/ferry.h>

#include "harness.h"
#include "shared/layout.h"
#include "test.h"

#define NAME        "hostile"
#define MILLISECOND INT64_C(1000000)

/* How long coming to an object waits for a peer that was stopped in the middle of the same; a barrier waits half as long. */
#define PATIENCE_MS 2000

struct world {
    ferry_barrier *barrier;
    ferry_barrier *another; /* the victim's, while it has one */
};

/* ---- The world -------------------------------------------------------------------------------- */

static void make(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_barrier_open(
        &world->barrier, NAME, FERRY_BARRIER(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .count = 2)));
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_barrier_close(world->barrier);
    CHECK_OK(ferry_remove(NAME));
}

/* The memory is as it was before anybody came: so it is said by hand that somebody did, and sleeps; and the round has another
 * number each time, lest the one that follows be the very one that the victim has come to. */
static void rescue(void *memory, struct layout *control)
{
    static uint32_t number = UINT32_C(1) << 30;
    struct world *world = memory;
    atomic_store(&control->gate.barrier.rounds, number += 2);
    atomic_store(&control->gate.barrier.arrived, 1);
    atomic_store(&control->gate.barrier.sentry, 1);
    atomic_store(&control->gate.waiters.words[0], UINT64_MAX);
    ferry_barrier_wait(world->barrier, FERRY_NOW);
}

/* ---- Operations ------------------------------------------------------------------------------- */

static int wait_now(void *memory)
{
    struct world *world = memory;
    return ferry_barrier_wait(world->barrier, FERRY_NOW);
}

static int wait_for_a_while(void *memory)
{
    struct world *world = memory;
    return ferry_barrier_wait(world->barrier, MILLISECOND * 3 / 2); /* ends as a sentry */
}

static int wait_forever(void *memory)
{
    struct world *world = memory;
    return ferry_barrier_wait(world->barrier, FERRY_FOREVER);
}

static int set_one(void *memory)
{
    struct world *world = memory;
    return ferry_barrier_set_count(world->barrier, 1);
}

static int ask(void *memory)
{
    struct world *world = memory;
    uint32_t count, arrived;
    return ferry_barrier_count(world->barrier, &count, &arrived);
}

static int open_another(void *memory)
{
    struct world *world = memory;
    return ferry_barrier_open(&world->another, NAME, NULL);
}

static void close_another(void *memory)
{
    struct world *world = memory;
    world->another = ferry_barrier_close(world->another);
}

static int close_it_now(void *memory)
{
    close_another(memory);
    return 0;
}

static int look(void *memory)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    struct ferry_member members[4];
    (void)memory;
    int r = ferry_look(NAME, &object);
    return r < 0 ? r : ferry_look_members(NAME, members, 4);
}

/* Coming, and giving up, and striking the dead off: each may meet a lock that a living member keeps. */
static const struct hostile_operation waiting[] = {
    {.name = "wait-now", .run = wait_now, .patience_ms = 2 * PATIENCE_MS},
    {.name = "wait-last", .prepare = set_one, .run = wait_now, .patience_ms = 2 * PATIENCE_MS},
    {.name = "wait-a-while", .run = wait_for_a_while, .patience_ms = 3 * PATIENCE_MS, .dear = true},
    {.name = "wait-forever", .run = wait_forever, .endless = true, .dear = true},
    {0}};

static const struct hostile_operation changing[] = {
    {.name = "set-count", .run = set_one, .patience_ms = PATIENCE_MS},
    {.name = "ask", .run = ask, .patience_ms = PATIENCE_MS},
    {0}};

static const struct hostile_operation coming[] = {{.name = "open",
                                                   .run = open_another,
                                                   .finish = close_another,
                                                   .patience_ms = PATIENCE_MS,
                                                   .dear = true},
                                                  {.name = "close",
                                                   .prepare = open_another,
                                                   .run = close_it_now,
                                                   .patience_ms = 2 * PATIENCE_MS,
                                                   .dear = true},
                                                  {.name = "look", .run = look, .dear = true},
                                                  {0}};

static struct hostile_case case_of(const char *name, const struct hostile_operation *operations)
{
    return (struct hostile_case){.name = name,
                                 .object = NAME,
                                 .kind = FERRY_KIND_BARRIER,
                                 .world_bytes = sizeof(struct world),
                                 .setup = make,
                                 .teardown = drop,
                                 .rescue = rescue,
                                 .operations = operations};
}

static void survives(const char *name, const struct hostile_operation *operations)
{
    struct hostile_case hostile = case_of(name, operations);
    CHECK_OK(hostile_run(&hostile, NULL));
}

static void survives_race(const char *name, const struct hostile_operation *operations)
{
    struct hostile_case hostile = case_of(name, operations);
    CHECK_OK(hostile_race(&hostile, NULL));
}

TEST_LONG(waiting_survives_any_word, 900) /* G9 E6 */
{
    survives("barrier wait", waiting);
}

TEST_LONG(changing_the_count_survives_any_word, 900) /* G9 E6 */
{
    survives("barrier count", changing);
}

TEST_LONG(coming_and_going_survive_any_word, 900) /* G9 */
{
    survives("barrier members", coming);
}

TEST_LONG(all_survive_changing_words, 900) /* G9 */
{
    survives_race("barrier wait", waiting);
    survives_race("barrier count", changing);
}
