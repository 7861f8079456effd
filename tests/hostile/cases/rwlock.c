/* Reader-writer locks whose control memory is overwritten by another member (contract G9, E6). */
#include <errno.h>

#include <ferry/ferry.h>

#include "harness.h"
#include "shared/layout.h"
#include "test.h"

#define NAME        "hostile"
#define MILLISECOND INT64_C(1000000)

/* How long coming and going wait for a peer that was stopped in the middle of it. */
#define PATIENCE_MS 2000

struct world {
    ferry_rwlock *lock;
    ferry_rwlock *another; /* the victim's, while it has one */
};

/* ---- The world -------------------------------------------------------------------------------- */

static void make(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_rwlock_open(&world->lock, NAME,
                               FERRY_RWLOCK(.flags = FERRY_CREATE | FERRY_EXCLUSIVE)));
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_rwlock_close(world->lock);
    CHECK_OK(ferry_remove(NAME));
}

/* The memory is as it was before anybody waited: so it is said by hand that somebody does, and keeps a vigil. */
static void rescue(void *memory, struct layout *control)
{
    struct world *world = memory;
    atomic_store(&control->listeners.words[0], UINT64_MAX);
    atomic_store(&control->gate.waiters.words[0], UINT64_MAX);
    atomic_store(&control->gate.readers.words[0], UINT64_MAX);
    atomic_store(&control->mutex.sentry, 1);
    atomic_store(&control->gate.rwlock.door_sentry, 1);
    atomic_store(&control->gate.rwlock.drain_sentry, 1);
    for (uint32_t slot = 0; slot < 8; slot++)
        atomic_store(&control->members[slot].holds, 0);
    atomic_store(&control->gate.rwlock.door, 0);
    atomic_store(&control->mutex.word, 0);
    int r = ferry_rwlock_lock(world->lock, 20 * MILLISECOND);
    if (r == 0 || r == -EOWNERDEAD) {
        ferry_rwlock_repaired(world->lock);
        ferry_rwlock_unlock(world->lock);
    }
}

/* ---- Operations ------------------------------------------------------------------------------- */

static int open_another(void *memory)
{
    struct world *world = memory;
    return ferry_rwlock_open(&world->another, NAME, NULL);
}

static void close_another(void *memory)
{
    struct world *world = memory;
    world->another = ferry_rwlock_close(world->another);
}

static int read_for(ferry_rwlock *lock, int64_t timeout_ns)
{
    int r = ferry_rwlock_lock_shared(lock, timeout_ns);
    if (r == 0 || r == -EOWNERDEAD)
        ferry_rwlock_unlock_shared(lock);
    return r;
}

static int write_for(ferry_rwlock *lock, int64_t timeout_ns)
{
    int r = ferry_rwlock_lock(lock, timeout_ns);
    if (r == -EOWNERDEAD)
        ferry_rwlock_repaired(lock);
    if (r == 0 || r == -EOWNERDEAD)
        ferry_rwlock_unlock(lock);
    return r;
}

static int read_now(void *memory)
{
    struct world *world = memory;
    return read_for(world->lock, FERRY_NOW);
}

static int read_a_while(void *memory)
{
    struct world *world = memory;
    return read_for(world->lock, MILLISECOND / 2);
}

static int read_forever(void *memory)
{
    struct world *world = memory;
    return read_for(world->lock, FERRY_FOREVER);
}

static int write_now(void *memory)
{
    struct world *world = memory;
    return write_for(world->lock, FERRY_NOW);
}

static int write_a_while(void *memory)
{
    struct world *world = memory;
    return write_for(world->lock, MILLISECOND / 2);
}

static int write_forever(void *memory)
{
    struct world *world = memory;
    return write_for(world->lock, FERRY_FOREVER);
}

static int begin_reading(void *memory)
{
    struct world *world = memory;
    return ferry_rwlock_lock_shared(world->lock, FERRY_NOW);
}

static int end_reading(void *memory)
{
    struct world *world = memory;
    return ferry_rwlock_unlock_shared(world->lock);
}

static int begin_writing(void *memory)
{
    struct world *world = memory;
    return ferry_rwlock_lock(world->lock, FERRY_NOW);
}

static int end_writing(void *memory)
{
    struct world *world = memory;
    return ferry_rwlock_unlock(world->lock);
}

static int read_by_another(void *memory)
{
    struct world *world = memory;
    int r = open_another(memory);
    return r < 0 ? r : ferry_rwlock_lock_shared(world->another, FERRY_NOW);
}

static int write_by_another(void *memory)
{
    struct world *world = memory;
    int r = open_another(memory);
    return r < 0 ? r : ferry_rwlock_lock(world->another, FERRY_NOW);
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
    {.name = "read-now", .run = read_now, .patience_ms = PATIENCE_MS},
    {.name = "read-unlock",
     .prepare = begin_reading,
     .run = end_reading,
     .patience_ms = PATIENCE_MS},
    {.name = "write-now", .run = write_now, .patience_ms = PATIENCE_MS},
    {.name = "write-unlock",
     .prepare = begin_writing,
     .run = end_writing,
     .patience_ms = PATIENCE_MS},
    {.name = "read-a-while-alone", .run = read_a_while, .patience_ms = PATIENCE_MS},
    {.name = "write-a-while-alone", .run = write_a_while, .patience_ms = PATIENCE_MS},
    {0}};

static const struct hostile_operation waiting[] = {
    {.name = "read-a-while",
     .prepare = write_by_another,
     .run = read_a_while,
     .finish = close_another,
     .patience_ms = PATIENCE_MS,
     .dear = true},
    {.name = "write-a-while",
     .prepare = read_by_another,
     .run = write_a_while,
     .finish = close_another,
     .patience_ms = PATIENCE_MS,
     .dear = true},
    {.name = "read-forever", .run = read_forever, .endless = true, .dear = true},
    {.name = "write-forever", .run = write_forever, .endless = true, .dear = true},
    {0}};

static const struct hostile_operation coming[] = {{.name = "open",
                                                   .run = open_another,
                                                   .finish = close_another,
                                                   .patience_ms = PATIENCE_MS,
                                                   .dear = true},
                                                  {.name = "close-reading",
                                                   .prepare = read_by_another,
                                                   .run = close_it_now,
                                                   .patience_ms = 2 * PATIENCE_MS,
                                                   .dear = true},
                                                  {.name = "close-writing",
                                                   .prepare = write_by_another,
                                                   .run = close_it_now,
                                                   .patience_ms = 2 * PATIENCE_MS,
                                                   .dear = true},
                                                  {.name = "look", .run = look, .dear = true},
                                                  {0}};

static struct hostile_case case_of(const struct hostile_operation *operations)
{
    return (struct hostile_case){.name = "rwlock",
                                 .object = NAME,
                                 .kind = FERRY_KIND_RWLOCK,
                                 .world_bytes = sizeof(struct world),
                                 .setup = make,
                                 .teardown = drop,
                                 .rescue = rescue,
                                 .operations = operations};
}

static void survives(const struct hostile_operation *operations)
{
    struct hostile_case hostile = case_of(operations);
    CHECK_OK(hostile_run(&hostile, NULL));
}

static void survives_race(const struct hostile_operation *operations)
{
    struct hostile_case hostile = case_of(operations);
    CHECK_OK(hostile_race(&hostile, NULL));
}

TEST_LONG(using_it_survives_any_word, 900) /* G9 E6 */
{
    survives(using);
}

TEST_LONG(waiting_survives_any_word, 900) /* G9 E6 */
{
    survives(waiting);
}

TEST_LONG(coming_and_going_survive_any_word, 900) /* G9 */
{
    survives(coming);
}

TEST_LONG(all_survive_changing_words, 900) /* G9 */
{
    survives_race(using);
}
