/* See mutex_world.h. */
#include <errno.h>

#include "mutex_world.h"

ferry_mutex *victim;

/* ---- The world -------------------------------------------------------------------------------- */

void make_with(struct world *world, unsigned flags)
{
    CHECK_OK(ferry_mutex_open(&world->survivor, NAME,
                              FERRY_MUTEX(.flags = FERRY_CREATE | FERRY_EXCLUSIVE | flags)));
}

void drop(void *memory)
{
    struct world *world = memory;
    ferry_mutex_close(world->survivor);
    CHECK_OK(ferry_remove(NAME));
}

ferry_mutex *join(struct world *world)
{
    ferry_mutex *own;
    ferry_mutex_close(world->survivor);
    CHECK_OK(ferry_mutex_open(&own, NAME, NULL));
    return own;
}

void attach(void *memory)
{
    victim = join(memory);
}

void attach_and_lock(void *memory)
{
    attach(memory);
    int r = ferry_mutex_lock(victim, FERRY_NOW);
    CHECK(r == 0 || r == -EOWNERDEAD);
}

/* ---- Others who wait -------------------------------------------------------------------------- */

static struct world *the_world; /* for children, which are given one pointer */

static void sleep_for_it(void *memory)
{
    struct sleeper *sleeper = memory;
    ferry_mutex *own = join(the_world);
    test_gate_wait(sleeper->go);
    int r = ferry_mutex_lock(own, FERRY_FOREVER);
    if (r == -EOWNERDEAD)
        CHECK_OK(ferry_mutex_repaired(own));
    if (r != -ENOTRECOVERABLE)
        CHECK_OK(ferry_mutex_unlock(own));
    atomic_store(&sleeper->result, r);
    ferry_mutex_close(own);
}

void call_sleeper(struct world *world, struct sleeper *sleeper)
{
    the_world = world;
    sleeper->result = NEVER;
    sleeper->go = test_gate_new();
    sleeper->pid = test_child(sleep_for_it, sleeper);
}

int end_of(struct sleeper *sleeper)
{
    test_wait_ok(sleeper->pid);
    int r = sleeper->result;
    CHECK(r == 0 || r == -EOWNERDEAD || r == -ENOTRECOVERABLE);
    return r;
}

/* ---- Operations ------------------------------------------------------------------------------- */

void lock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_lock(victim, FERRY_FOREVER);
}

void lock_now(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_lock(victim, FERRY_NOW);
}

void unlock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_unlock(victim);
}

void repair(void *memory)
{
    struct world *world = memory;
    world->result = ferry_mutex_repaired(victim);
}

void close_it(void *memory)
{
    (void)memory;
    victim = ferry_mutex_close(victim);
}

void unlock_too(void *memory)
{
    struct world *world = memory;
    if (!world->unlocked)
        CHECK_OK(ferry_mutex_unlock(world->survivor));
    world->unlocked = true;
}

void try_too(void *memory)
{
    struct world *world = memory;
    world->other = ferry_mutex_lock(world->survivor, FERRY_NOW);
    if (world->other == 0)
        CHECK_OK(ferry_mutex_unlock(world->survivor));
}

/* ---- Questions -------------------------------------------------------------------------------- */

void check_members(void)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look(NAME, &object));
    CHECK_STR(object.damage, "");
    CHECK_EQ(object.attach_count, object.detach_count + object.death_count + object.attached);
}

int take_repair_release(struct world *world)
{
    int r = ferry_mutex_lock(world->survivor, FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    if (r == -EOWNERDEAD)
        CHECK_OK(ferry_mutex_repaired(world->survivor));
    CHECK_OK(ferry_mutex_unlock(world->survivor));
    CHECK_OK(ferry_mutex_lock(world->survivor, FERRY_NOW));
    CHECK_OK(ferry_mutex_unlock(world->survivor));
    check_members();
    return r;
}

void check_dead_owner_told(void *memory, const struct kill_point *point)
{
    int r = take_repair_release(memory);
    CHECK(!point->returned || r == -EOWNERDEAD);
}

void check_free(void *memory, const struct kill_point *point)
{
    int r = take_repair_release(memory);
    CHECK(!point->returned || r == 0);
}

void check_waiter_gone(void *memory, const struct kill_point *point)
{
    unlock_too(memory);
    check_dead_owner_told(memory, point);
}

void check_in_turn(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK_OK(world->result);
    CHECK(world->other == 0 || world->other == -EAGAIN);
}
