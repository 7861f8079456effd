/* Conditions whose control memory is overwritten by another member: the sequence, who keeps the vigil, the board of those who wait,
 * the books of who died (contract G9, E6).  The mutex that it belongs to is whole; see mutex.c. */
#include <errno.h>

#include <ferry/ferry.h>

#include "harness.h"
#include "shared/layout.h"
#include "test.h"

#define NAME        "hostile"
#define MUTEX       "whole"
#define MILLISECOND INT64_C(1000000)

/* How long joining and leaving may wait for a stopped peer: <ferry/segment.h>. */
#define PATIENCE_MS 2000

struct world {
    ferry_mutex *mutex;
    ferry_condition *condition;
    ferry_condition *another; /* the victim's, while it has one */
};

/* ---- The world -------------------------------------------------------------------------------- */

static void make(void *memory)
{
    struct world *world = memory;
    const unsigned flags = FERRY_CREATE | FERRY_EXCLUSIVE;
    CHECK_OK(ferry_mutex_open(&world->mutex, MUTEX, FERRY_MUTEX(.flags = flags)));
    CHECK_OK(ferry_condition_open(&world->condition, NAME, world->mutex,
                                  FERRY_CONDITION(.flags = flags)));
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_condition_close(world->condition);
    ferry_mutex_close(world->mutex);
    CHECK_OK(ferry_remove(NAME));
    CHECK_OK(ferry_remove(MUTEX));
}

/* The memory is as it was before anybody slept: so it is said by hand that somebody does.  The sequence was put back, and must
 * not become what somebody saw before that and waits to see change. */
static void rescue(void *memory, struct layout *control)
{
    static uint32_t rescues;
    struct world *world = memory;
    atomic_fetch_add(&control->gate.condition.sequence, ++rescues);
    atomic_store(&control->gate.waiters.words[0], UINT64_MAX);
    atomic_store(&control->gate.condition.sentry, UINT32_MAX);
    ferry_condition_broadcast(world->condition);
}

/* ---- Operations ------------------------------------------------------------------------------- */

static int lock(void *memory)
{
    struct world *world = memory;
    return ferry_mutex_lock(world->mutex, FERRY_FOREVER);
}

static void unlock(void *memory)
{
    struct world *world = memory;
    ferry_mutex_unlock(world->mutex);
}

static int wait_now(void *memory)
{
    struct world *world = memory;
    return ferry_condition_wait(world->condition, FERRY_NOW);
}

static int wait_for_a_moment(void *memory)
{
    struct world *world = memory;
    return ferry_condition_wait(world->condition, MILLISECOND / 2);
}

/* Long enough to keep the vigil. */
static int wait_for_a_while(void *memory)
{
    struct world *world = memory;
    return ferry_condition_wait(world->condition, 4 * MILLISECOND);
}

static int wait_forever(void *memory)
{
    struct world *world = memory;
    return ferry_condition_wait(world->condition, FERRY_FOREVER);
}

static int signal_one(void *memory)
{
    struct world *world = memory;
    return ferry_condition_signal(world->condition);
}

static int broadcast(void *memory)
{
    struct world *world = memory;
    return ferry_condition_broadcast(world->condition);
}

static int open_another(void *memory)
{
    struct world *world = memory;
    return ferry_condition_open(&world->another, NAME, world->mutex, NULL);
}

static void close_another(void *memory)
{
    struct world *world = memory;
    world->another = ferry_condition_close(world->another);
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

static const struct hostile_operation using[] = {
    {.name = "wait-now", .prepare = lock, .run = wait_now, .finish = unlock},
    {.name = "wait-a-moment", .prepare = lock, .run = wait_for_a_moment, .finish = unlock},
    {.name = "wait-a-while",
     .prepare = lock,
     .run = wait_for_a_while,
     .finish = unlock,
     .patience_ms = PATIENCE_MS,
     .dear = true},
    {.name = "wait-forever",
     .prepare = lock,
     .run = wait_forever,
     .finish = unlock,
     .endless = true,
     .dear = true},
    {.name = "signal", .run = signal_one},
    {.name = "broadcast", .run = broadcast},
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
                                 .kind = FERRY_KIND_CONDITION,
                                 .world_bytes = sizeof(struct world),
                                 .setup = make,
                                 .teardown = drop,
                                 .rescue = rescue,
                                 .operations = operations};
}

TEST_LONG(it_survives_any_word, 900) /* G9 E6 */
{
    struct hostile_case hostile = case_of("condition", using);
    CHECK_OK(hostile_run(&hostile, NULL));
}

TEST_LONG(coming_and_going_survive_any_word, 900) /* G9 */
{
    struct hostile_case hostile = case_of("condition members", coming);
    CHECK_OK(hostile_run(&hostile, NULL));
}

TEST_LONG(all_survive_changing_words, 900) /* G9 */
{
    struct hostile_case hostile = case_of("condition", using);
    CHECK_OK(hostile_race(&hostile, NULL));
}
