/* Mutexes whose control memory is overwritten by another member: the word, who keeps the vigil, the board of those who wait,
 * whose turn it is once and for all (contract G9, E5, E7). */
#include <errno.h>

#include <ferry/ferry.h>

#include "harness.h"
#include "shared/layout.h"
#include "shared/mutex.h"
#include "test.h"

#define NAME        "hostile"
#define MILLISECOND INT64_C(1000000)

/* How long joining and leaving may wait for a stopped peer: <ferry/segment.h>. */
#define PATIENCE_MS 2000

struct world {
    ferry_mutex *mutex;
    ferry_mutex *another;       /* the victim's, while it has one */
    ferry_condition *condition; /* whose own memory is whole */
};

/* ---- The world -------------------------------------------------------------------------------- */

static void make_with(struct world *world, unsigned flags)
{
    CHECK_OK(ferry_mutex_open(&world->mutex, NAME,
                              FERRY_MUTEX(.flags = FERRY_CREATE | FERRY_EXCLUSIVE | flags)));
    CHECK_OK(ferry_condition_open(&world->condition, NULL, world->mutex, NULL));
}

static void make(void *memory)
{
    make_with(memory, 0);
}

static void make_recursive(void *memory)
{
    make_with(memory, FERRY_RECURSIVE);
}

static void make_lending(void *memory)
{
    make_with(memory, FERRY_INHERIT);
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_condition_close(world->condition);
    ferry_mutex_close(world->mutex);
    CHECK_OK(ferry_remove(NAME));
}

/* The memory is as it was before anybody slept: so it is said by hand that somebody does. */
static void rescue(void *memory, struct layout *control)
{
    struct world *world = memory;
    atomic_store(&control->mutex.word, 0);
    if (ferry_mutex_lock(world->mutex, FERRY_NOW) != 0)
        return;
    atomic_fetch_or(&control->mutex.word, MUTEX_WAITING);
    atomic_store(&control->mutex.sentry, TAG_MASK);
    ferry_mutex_unlock(world->mutex);
}

/* ---- Operations ------------------------------------------------------------------------------- */

static int lock_now(void *memory)
{
    struct world *world = memory;
    return ferry_mutex_lock(world->mutex, FERRY_NOW);
}

static int lock_for_a_moment(void *memory)
{
    struct world *world = memory;
    return ferry_mutex_lock(world->mutex, MILLISECOND / 2);
}

/* Long enough to keep the vigil. */
static int lock_for_a_while(void *memory)
{
    struct world *world = memory;
    return ferry_mutex_lock(world->mutex, 4 * MILLISECOND);
}

static int lock_forever(void *memory)
{
    struct world *world = memory;
    return ferry_mutex_lock(world->mutex, FERRY_FOREVER);
}

static int unlock(void *memory)
{
    struct world *world = memory;
    return ferry_mutex_unlock(world->mutex);
}

static int repair(void *memory)
{
    struct world *world = memory;
    return ferry_mutex_repaired(world->mutex);
}

static int once(void *memory)
{
    struct world *world = memory;
    return ferry_mutex_once(world->mutex, MILLISECOND / 2);
}

static int done(void *memory)
{
    struct world *world = memory;
    return ferry_mutex_done(world->mutex);
}

/* However often it has it. */
static void let_go(void *memory)
{
    while (unlock(memory) == 0)
        ;
}

static int wait_for_condition(void *memory)
{
    struct world *world = memory;
    return ferry_condition_wait(world->condition, FERRY_NOW);
}

static int open_another(void *memory)
{
    struct world *world = memory;
    return ferry_mutex_open(&world->another, NAME, NULL);
}

static int lock_another(void *memory)
{
    int r = open_another(memory);
    return r < 0 ? r : ferry_mutex_lock(((struct world *)memory)->another, FERRY_NOW);
}

static void close_another(void *memory)
{
    struct world *world = memory;
    world->another = ferry_mutex_close(world->another);
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
    {.name = "lock-now", .run = lock_now, .finish = let_go},
    {.name = "lock-a-moment", .run = lock_for_a_moment, .finish = let_go},
    {.name = "lock-a-while", .run = lock_for_a_while, .finish = let_go, .dear = true},
    {.name = "lock-forever", .run = lock_forever, .finish = let_go, .endless = true, .dear = true},
    {.name = "lock-again", .prepare = lock_now, .run = lock_for_a_moment, .finish = let_go},
    {.name = "unlock", .prepare = lock_now, .run = unlock, .finish = let_go},
    {.name = "repair", .prepare = lock_now, .run = repair, .finish = let_go},
    {.name = "once", .run = once, .finish = let_go},
    {.name = "done", .prepare = lock_now, .run = done, .finish = let_go},
    /* It takes the mutex again however long that takes. */
    {.name = "wait",
     .prepare = lock_now,
     .run = wait_for_condition,
     .finish = let_go,
     .endless = true,
     .dear = true},
    {0}};

/* Of one that lends priorities: whoever waits for a stranger whose number is in the word, waits for its end. */
static const struct hostile_operation lending[] = {
    {.name = "lock-now", .run = lock_now, .finish = let_go},
    {.name = "lock-a-moment", .run = lock_for_a_moment, .finish = let_go},
    {.name = "unlock", .prepare = lock_now, .run = unlock, .finish = let_go},
    {.name = "repair", .prepare = lock_now, .run = repair, .finish = let_go},
    {.name = "once", .run = once, .finish = let_go},
    {.name = "done", .prepare = lock_now, .run = done, .finish = let_go},
    {.name = "look", .run = look, .dear = true},
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
                                                  {.name = "close-locked",
                                                   .prepare = lock_another,
                                                   .run = close_it_now,
                                                   .patience_ms = 2 * PATIENCE_MS,
                                                   .dear = true},
                                                  {.name = "look", .run = look, .dear = true},
                                                  {0}};

static struct hostile_case case_of(const char *name, void (*setup)(void *world),
                                   const struct hostile_operation *operations)
{
    return (struct hostile_case){.name = name,
                                 .object = NAME,
                                 .kind = FERRY_KIND_MUTEX,
                                 .world_bytes = sizeof(struct world),
                                 .setup = setup,
                                 .teardown = drop,
                                 .rescue = rescue,
                                 .operations = operations};
}

static void survives(const char *name, void (*setup)(void *world),
                     const struct hostile_operation *operations)
{
    struct hostile_case hostile = case_of(name, setup, operations);
    CHECK_OK(hostile_run(&hostile, NULL));
}

static void survives_race(const char *name, void (*setup)(void *world),
                          const struct hostile_operation *operations)
{
    struct hostile_case hostile = case_of(name, setup, operations);
    CHECK_OK(hostile_race(&hostile, NULL));
}

TEST_LONG(it_survives_any_word, 900) /* G9 E5 */
{
    survives("mutex", make, using);
}

TEST_LONG(a_recursive_one_survives_any_word, 900) /* G9 E7 */
{
    survives("mutex, recursive", make_recursive, using);
}

TEST_LONG(one_that_lends_priorities_survives_any_word, 900) /* G9 E5 */
{
    survives("mutex, lending", make_lending, lending);
}

TEST_LONG(coming_and_going_survive_any_word, 900) /* G9 */
{
    survives("mutex members", make, coming);
}

TEST_LONG(all_survive_changing_words, 900) /* G9 */
{
    survives_race("mutex", make, using);
    survives_race("mutex, recursive", make_recursive, using);
    survives_race("mutex, lending", make_lending, lending);
}
