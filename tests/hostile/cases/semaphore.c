/* Semaphores, and sets of them, whose control memory is overwritten by another member (contract G9, E1, E3). */
#include <errno.h>
#include <poll.h>

#include <ferry/ferry.h>

#include "harness.h"
#include "shared/layout.h"
#include "shared/semaphore.h"
#include "test.h"

#define NAME        "hostile"
#define MILLISECOND INT64_C(1000000)

/* How long posting waits for a peer that was stopped in the middle of it: <ferry/semaphore.h>. */
#define PATIENCE_MS 2000

struct world {
    ferry_semaphore *semaphore;
    ferry_semaphore *another; /* the victim's, while it has one */
};

/* ---- The world -------------------------------------------------------------------------------- */

static void make_one(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_semaphore_open(
        &world->semaphore, NAME,
        FERRY_SEMAPHORE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .value = 1, .most = 9)));
}

static void make_set(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_semaphore_open(
        &world->semaphore, NAME,
        FERRY_SEMAPHORE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_GIVE_BACK, .value = 1,
                        .most = 9)));
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_semaphore_close(world->semaphore);
    CHECK_OK(ferry_remove(NAME));
}

/* The memory is as it was before anybody slept: so it is said by hand that somebody does. */
static void rescue(void *memory, struct layout *control)
{
    struct world *world = memory;
    atomic_store(&control->semaphore.word, SEMAPHORE_ASLEEP);
    atomic_store(&control->sleepers.words[0], UINT64_MAX);
    atomic_store(&control->listeners.words[0], UINT64_MAX);
    ferry_semaphore_post(world->semaphore);
}

/* ---- Operations ------------------------------------------------------------------------------- */

static int wait_now(void *memory)
{
    struct world *world = memory;
    return ferry_semaphore_wait(world->semaphore, FERRY_NOW);
}

static int wait_for_a_while(void *memory)
{
    struct world *world = memory;
    return ferry_semaphore_wait(world->semaphore, MILLISECOND / 2);
}

static int wait_forever(void *memory)
{
    struct world *world = memory;
    return ferry_semaphore_wait(world->semaphore, FERRY_FOREVER);
}

static int post(void *memory)
{
    struct world *world = memory;
    return ferry_semaphore_post(world->semaphore);
}

static int take_all(void *memory)
{
    while (wait_now(memory) == 0)
        ;
    return 0;
}

static int ask(void *memory)
{
    struct world *world = memory;
    uint32_t value, waiters;
    int r = ferry_semaphore_value(world->semaphore, &value);
    return r < 0 ? r : ferry_semaphore_waiters(world->semaphore, &waiters);
}

static int open_another(void *memory)
{
    struct world *world = memory;
    return ferry_semaphore_open(&world->another, NAME, NULL);
}

static int poll_another(void *memory)
{
    struct world *world = memory;
    struct pollfd watched = {.fd = ferry_semaphore_descriptor(world->another), .events = POLLIN};
    if (watched.fd < 0)
        return watched.fd;
    poll(&watched, 1, 0);
    return ferry_semaphore_wait(world->another, FERRY_NOW);
}

static void close_another(void *memory)
{
    struct world *world = memory;
    world->another = ferry_semaphore_close(world->another);
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
    {.name = "wait-now", .run = wait_now, .patience_ms = PATIENCE_MS},
    {.name = "wait-a-while",
     .prepare = take_all,
     .run = wait_for_a_while,
     .patience_ms = PATIENCE_MS},
    {.name = "wait-forever",
     .prepare = take_all,
     .run = wait_forever,
     .endless = true,
     .dear = true},
    {.name = "post", .run = post, .patience_ms = PATIENCE_MS},
    {.name = "post-first", .prepare = take_all, .run = post, .patience_ms = PATIENCE_MS},
    {.name = "ask", .run = ask, .patience_ms = PATIENCE_MS},
    {0}};

static const struct hostile_operation coming[] = {{.name = "open",
                                                   .run = open_another,
                                                   .finish = close_another,
                                                   .patience_ms = PATIENCE_MS,
                                                   .dear = true},
                                                  {.name = "poll",
                                                   .prepare = open_another,
                                                   .run = poll_another,
                                                   .finish = close_another,
                                                   .patience_ms = 2 * PATIENCE_MS,
                                                   .dear = true},
                                                  {.name = "close",
                                                   .prepare = open_another,
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
                                 .kind = FERRY_KIND_SEMAPHORE,
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

TEST_LONG(one_survives_any_word, 900) /* G9 E1 */
{
    survives("semaphore", make_one, using);
}

TEST_LONG(a_set_survives_any_word, 900) /* G9 E3 E4 */
{
    survives("semaphore set", make_set, using);
}

TEST_LONG(coming_and_going_survive_any_word, 900) /* G9 */
{
    survives("semaphore members", make_one, coming);
    survives("semaphore set members", make_set, coming);
}

TEST_LONG(all_survive_changing_words, 900) /* G9 */
{
    survives_race("semaphore", make_one, using);
    survives_race("semaphore set", make_set, using);
}
