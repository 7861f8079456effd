/* Reader-writer locks: reading and writing, beside nobody, beside those who are in, and beside those who wait; killed and paused
 * anywhere. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <ferry/ferry.h>

#include "harness.h"
#include "test.h"

#define NAME "kill"

struct world {
    ferry_rwlock *survivor;
    struct test_gate *go; /* for the third */
    pid_t third;
    int third_result;
    int result;                 /* of the victim's operation */
    int other;                  /* of the survivor's, in between */
    volatile uint64_t one, two; /* the data: the same, but for who writes */
};

/* The victim's own handle. */
static ferry_rwlock *victim;

/* ---- The world -------------------------------------------------------------------------------- */

static void make(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_rwlock_open(&world->survivor, NAME,
                               FERRY_RWLOCK(.flags = FERRY_CREATE | FERRY_EXCLUSIVE)));
}

static void make_read(void *memory)
{
    struct world *world = memory;
    make(world);
    CHECK_OK(ferry_rwlock_lock_shared(world->survivor, FERRY_NOW));
}

static void make_written(void *memory)
{
    struct world *world = memory;
    make(world);
    CHECK_OK(ferry_rwlock_lock(world->survivor, FERRY_NOW));
}

static void attach(void *memory)
{
    (void)memory;
    CHECK_OK(ferry_rwlock_open(&victim, NAME, NULL));
}

/* And it has learned that spinning does not pay. */
static void attach_calm(void *memory)
{
    enum { WAITS = 16 };
    attach(memory);
    for (int i = 0; i < WAITS; i++) {
        int r = ferry_rwlock_lock(victim, 1);
        CHECK(r == -ETIMEDOUT);
        r = ferry_rwlock_lock_shared(victim, 1);
        CHECK(r == 0 || r == -ETIMEDOUT);
        if (r == 0)
            CHECK_OK(ferry_rwlock_unlock_shared(victim));
    }
}

static void attach_and_read(void *memory)
{
    attach(memory);
    CHECK_OK(ferry_rwlock_lock_shared(victim, FERRY_NOW));
}

static void attach_and_write(void *memory)
{
    attach(memory);
    CHECK_OK(ferry_rwlock_lock(victim, FERRY_NOW));
}

static void drop(void *memory)
{
    struct world *world = memory;
    ferry_rwlock_close(world->survivor);
    CHECK_OK(ferry_remove(NAME));
}

/* ---- Operations ------------------------------------------------------------------------------- */

static void read_lock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_rwlock_lock_shared(victim, FERRY_FOREVER);
}

static void read_unlock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_rwlock_unlock_shared(victim);
}

static void read_pair(void *memory)
{
    struct world *world = memory;
    world->result = ferry_rwlock_lock_shared(victim, FERRY_FOREVER);
    if (world->result == 0)
        CHECK_EQ(world->one, world->two);
    if (world->result == 0 || world->result == -EOWNERDEAD)
        CHECK_OK(ferry_rwlock_unlock_shared(victim));
}

static void write_lock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_rwlock_lock(victim, FERRY_FOREVER);
}

static void write_lock_now(void *memory)
{
    struct world *world = memory;
    world->result = ferry_rwlock_lock(victim, FERRY_NOW);
}

static void write_unlock(void *memory)
{
    struct world *world = memory;
    world->result = ferry_rwlock_unlock(victim);
}

/* Who is told repairs. */
static void change(struct world *world, ferry_rwlock *lock, int locked)
{
    if (locked == 0)
        CHECK_EQ(world->one, world->two);
    world->one = world->one + 1;
    world->two = world->one;
    if (locked == -EOWNERDEAD)
        CHECK_OK(ferry_rwlock_repaired(lock));
}

static void write_pair(void *memory)
{
    struct world *world = memory;
    world->result = ferry_rwlock_lock(victim, FERRY_FOREVER);
    CHECK(world->result == 0 || world->result == -EOWNERDEAD);
    change(world, victim, world->result);
    CHECK_OK(ferry_rwlock_unlock(victim));
}

static void try_reading(void *memory)
{
    struct world *world = memory;
    world->other = ferry_rwlock_lock_shared(world->survivor, FERRY_NOW);
    if (world->other != 0)
        return;
    CHECK_EQ(world->one, world->two);
    CHECK_OK(ferry_rwlock_unlock_shared(world->survivor));
}

static void try_writing(void *memory)
{
    struct world *world = memory;
    world->other = ferry_rwlock_lock(world->survivor, FERRY_NOW);
    if (world->other != 0)
        return;
    change(world, world->survivor, world->other);
    CHECK_OK(ferry_rwlock_unlock(world->survivor));
}

static void stop_reading(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_rwlock_unlock_shared(world->survivor));
}

static void stop_writing(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_rwlock_unlock(world->survivor));
}

static void close_it(void *memory)
{
    (void)memory;
    ferry_rwlock_close(victim);
}

/* ---- Questions -------------------------------------------------------------------------------- */

static void check_members(void)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look(NAME, &object));
    CHECK_STR(object.damage, "");
    CHECK_EQ(object.attach_count, object.detach_count + object.death_count + object.attached);
    CHECK_EQ(object.reader_count, 0);
    CHECK_EQ(object.lock_owner_pid, 0);
    CHECK(!object.unrepaired && !object.condemned);
}

/* The survivor writes, is told if somebody died doing so, and then all is as new. */
static int check_usable(struct world *world)
{
    ferry_rwlock *lock = world->survivor, *newcomer;
    int r = ferry_rwlock_lock(lock, FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    change(world, lock, r);
    CHECK_OK(ferry_rwlock_open(&newcomer, NAME, NULL)); /* perhaps in the dead one's slot */
    CHECK_ERR(ferry_rwlock_lock_shared(newcomer, FERRY_NOW), EAGAIN);
    CHECK_OK(ferry_rwlock_unlock(lock));
    CHECK_OK(ferry_rwlock_lock_shared(newcomer, FERRY_NOW));
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_NOW));
    CHECK_OK(ferry_rwlock_unlock_shared(newcomer));
    CHECK_ERR(ferry_rwlock_lock(newcomer, FERRY_NOW), EAGAIN);
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    CHECK_OK(ferry_rwlock_lock(newcomer, FERRY_NOW));
    CHECK_OK(ferry_rwlock_unlock(newcomer));
    ferry_rwlock_close(newcomer);
    check_members();
    return r;
}

static void check_untouched(void *memory, const struct kill_point *point)
{
    (void)point;
    CHECK_EQ(check_usable(memory), 0);
}

/* Whoever has returned with the lock for writing and died is told of. */
static void check_written(void *memory, const struct kill_point *point)
{
    int r = check_usable(memory);
    CHECK(!point->returned || r == -EOWNERDEAD);
}

static void check_let_go(void *memory, const struct kill_point *point)
{
    int r = check_usable(memory);
    CHECK(!point->returned || r == 0);
}

/* ---- Nobody else is there --------------------------------------------------------------------- */

static const struct kill_case reading = {.name = "rwlock read pair",
                                         .world_bytes = sizeof(struct world),
                                         .setup = make,
                                         .prepare = attach,
                                         .operation = read_pair,
                                         .check = check_untouched,
                                         .teardown = drop};

static const struct kill_case writing = {.name = "rwlock write pair",
                                         .world_bytes = sizeof(struct world),
                                         .setup = make,
                                         .prepare = attach,
                                         .operation = write_pair,
                                         .check = check_let_go,
                                         .teardown = drop};

static struct kill_case variant(struct kill_case kill_case, const char *name,
                                void (*operation)(void *world),
                                void (*check)(void *world, const struct kill_point *point))
{
    kill_case.name = name;
    kill_case.operation = operation;
    kill_case.check = check;
    return kill_case;
}

TEST_LONG(a_reader_may_die_anywhere_and_nobody_is_told /* G8 E6 */, 900)
{
    CHECK_OK(kill_run(&reading, NULL));
    struct kill_case lock = variant(reading, "rwlock read", read_lock, check_untouched);
    CHECK_OK(kill_run(&lock, NULL));
}

TEST_LONG(a_writer_may_die_anywhere_and_who_comes_next_is_told_if_it_was_inside /* G8 E6 */, 900)
{
    CHECK_OK(kill_run(&writing, NULL));
    struct kill_case lock = variant(writing, "rwlock write", write_lock, check_written);
    CHECK_OK(kill_run(&lock, NULL));
    lock = variant(writing, "rwlock write, FERRY_NOW", write_lock_now, check_written);
    CHECK_OK(kill_run(&lock, NULL));
}

TEST_LONG(letting_go_happens_or_the_writer_died_inside /* G8 E6 */, 900)
{
    struct kill_case unlock = variant(writing, "rwlock unlock", write_unlock, check_let_go);
    unlock.prepare = attach_and_write;
    CHECK_OK(kill_run(&unlock, NULL));
}

static void check_either(void *memory, const struct kill_point *point)
{
    (void)point;
    check_usable(memory);
}

TEST_LONG(who_closes_what_it_has_may_die_anywhere /* G8 E6 */, 900)
{
    struct kill_case closing = variant(writing, "rwlock close, writing", close_it, check_written);
    closing.prepare = attach_and_write;
    CHECK_OK(kill_run(&closing, NULL));
    closing = variant(writing, "rwlock close, reading", close_it, check_untouched);
    closing.prepare = attach_and_read;
    CHECK_OK(kill_run(&closing, NULL));
}

/* ---- One stands, the other one tries ---------------------------------------------------------- */

/* The victim got it; the other one as well, or it found it taken. */
static void check_in_turn(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    (void)point;
    CHECK(world->other == 0 || world->other == -EAGAIN);
    CHECK_EQ(world->result, 0);
    CHECK_EQ(check_usable(world), 0);
}

TEST_LONG(nobody_sees_half_wherever_a_writer_stands /* E6 */, 900)
{
    struct kill_case pause =
        variant(writing, "rwlock write pair, and a try to read", write_pair, check_in_turn);
    pause.between = try_reading;
    CHECK_OK(kill_run_paused(&pause, NULL));
    pause.name = "rwlock write pair, and a try to write";
    pause.between = try_writing;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

TEST_LONG(nobody_writes_beside_a_reader_wherever_it_stands /* E6 */, 900)
{
    struct kill_case pause =
        variant(reading, "rwlock read pair, and a try to write", read_pair, check_in_turn);
    pause.between = try_writing;
    CHECK_OK(kill_run_paused(&pause, NULL));
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

/* The survivor may have let go already, to end the victim's sleep. */
static void stop_all(struct world *world)
{
    int r = ferry_rwlock_unlock_shared(world->survivor);
    CHECK(r == 0 || r == -EPERM);
    r = ferry_rwlock_unlock(world->survivor);
    CHECK(r == 0 || r == -EPERM);
}

static void check_waiter_gone(void *memory, const struct kill_point *point)
{
    stop_all(memory);
    check_let_go(memory, point);
}

static void check_reader_gone(void *memory, const struct kill_point *point)
{
    stop_all(memory);
    check_untouched(memory, point);
}

TEST_LONG(a_writer_that_waits_for_readers_may_die_anywhere /* G8 E6 */, 900)
{
    struct kill_case waiting =
        variant(writing, "rwlock write pair, waiting for a reader", write_pair, check_waiter_gone);
    waiting.setup = make_read;
    waiting.prepare = attach_calm;
    waiting.unblock = stop_reading;
    CHECK_OK(kill_run(&waiting, NULL));
}

TEST_LONG(a_writer_that_waits_for_a_writer_may_die_anywhere /* G8 E6 */, 900)
{
    struct kill_case waiting =
        variant(writing, "rwlock write pair, waiting for a writer", write_pair, check_waiter_gone);
    waiting.setup = make_written;
    waiting.prepare = attach_calm;
    waiting.unblock = stop_writing;
    CHECK_OK(kill_run(&waiting, NULL));
}

TEST_LONG(a_reader_that_waits_may_die_anywhere /* G8 E6 */, 900)
{
    struct kill_case waiting =
        variant(reading, "rwlock read pair, waiting for a writer", read_pair, check_reader_gone);
    waiting.setup = make_written;
    waiting.prepare = attach_calm;
    waiting.unblock = stop_writing;
    CHECK_OK(kill_run(&waiting, NULL));
}

/* They sleep on a word first, from which they wake by themselves, and then keep a vigil. */
static int find_sentry(const struct ferry_field *field, void *tag)
{
    if (strstr(field->name, "sentry") != NULL)
        *(uint64_t *)tag |= field->value;
    return 0;
}

static void stop_in_vigil(void *memory)
{
    uint64_t tag = 0;
    CHECK_OK(ferry_look_raw(NAME, find_sentry, &tag));
    if (tag != 0)
        stop_all(memory);
}

static struct kill_case in_vigil(struct kill_case waiting, const char *name,
                                 void (*setup)(void *world))
{
    waiting.name = name;
    waiting.setup = setup;
    waiting.prepare = attach_calm;
    waiting.unblock = stop_in_vigil;
    waiting.check = waiting.operation == read_pair ? check_reader_gone : check_waiter_gone;
    return waiting;
}

TEST_LONG(who_keeps_a_vigil_may_die_anywhere /* G8 E6 */, 900)
{
    struct kill_case waiting =
        in_vigil(writing, "rwlock write pair, in a vigil for a reader", make_read);
    CHECK_OK(kill_run(&waiting, NULL));
    waiting = in_vigil(writing, "rwlock write pair, in a vigil for a writer", make_written);
    CHECK_OK(kill_run(&waiting, NULL));
    waiting = in_vigil(reading, "rwlock read pair, in a vigil", make_written);
    CHECK_OK(kill_run(&waiting, NULL));
}

/* ---- Waking ----------------------------------------------------------------------------------- */

static void third_waits(struct world *world, int (*lock)(ferry_rwlock *, int64_t),
                        int (*unlock)(ferry_rwlock *))
{
    ferry_rwlock *own;
    ferry_rwlock_close(world->survivor);
    CHECK_OK(ferry_rwlock_open(&own, NAME, NULL));
    test_gate_wait(world->go);
    world->third_result = lock(own, FERRY_FOREVER);
    CHECK(world->third_result == 0 || world->third_result == -EOWNERDEAD);
    if (world->third_result == 0)
        CHECK_EQ(world->one, world->two);
    CHECK_OK(unlock(own));
    ferry_rwlock_close(own);
}

static void third_reads(void *memory)
{
    third_waits(memory, ferry_rwlock_lock_shared, ferry_rwlock_unlock_shared);
}

static int repair_and_unlock(ferry_rwlock *lock)
{
    CHECK_OK(ferry_rwlock_repaired(lock));
    return ferry_rwlock_unlock(lock);
}

static void third_writes(void *memory)
{
    third_waits(memory, ferry_rwlock_lock, repair_and_unlock);
}

static void make_with_third(struct world *world, void (*body)(void *world))
{
    make(world);
    world->go = test_gate_new();
    world->third = test_child(body, world);
}

static void make_with_reader(void *memory)
{
    make_with_third(memory, third_reads);
}

static void make_with_writer(void *memory)
{
    make_with_third(memory, third_writes);
}

static void let_third_wait(struct world *world)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    test_gate_open(world->go);
    do
        CHECK_OK(ferry_look(NAME, &object));
    while (object.wait_count == 0);
    test_sleeping(world->third);
}

static void read_and_let_third_wait(void *memory)
{
    attach_and_read(memory);
    let_third_wait(memory);
}

static void write_and_let_third_wait(void *memory)
{
    attach_and_write(memory);
    let_third_wait(memory);
}

static void check_third(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    test_wait_ok(world->third);
    CHECK(!point->returned || world->third_result == 0);
    check_let_go(memory, point);
}

static void check_third_untold(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    check_third(memory, point);
    CHECK_EQ(world->third_result, 0);
}

TEST_LONG(a_writer_gets_in_wherever_the_last_reader_dies_on_its_way_out /* G8 G15 E6 */, 900)
{
    struct kill_case waking = variant(reading, "rwlock read unlock, with a writer that waits",
                                      read_unlock, check_third_untold);
    waking.setup = make_with_writer;
    waking.prepare = read_and_let_third_wait;
    CHECK_OK(kill_run(&waking, NULL));
}

TEST_LONG(a_reader_gets_in_wherever_the_writer_dies_on_its_way_out /* G8 G15 E6 */, 900)
{
    struct kill_case waking =
        variant(writing, "rwlock unlock, with a reader that waits", write_unlock, check_third);
    waking.setup = make_with_reader;
    waking.prepare = write_and_let_third_wait;
    CHECK_OK(kill_run(&waking, NULL));
}

TEST_LONG(and_so_does_a_writer /* G8 G15 E6 */, 900)
{
    struct kill_case waking =
        variant(writing, "rwlock unlock, with a writer that waits", write_unlock, check_third);
    waking.setup = make_with_writer;
    waking.prepare = write_and_let_third_wait;
    CHECK_OK(kill_run(&waking, NULL));
}

/* ---- Coming behind the dead ------------------------------------------------------------------- */

/* At once, since others begin with a spin, which takes long instruction by instruction. */
static void write_at_once(void *memory)
{
    struct world *world = memory;
    world->result = ferry_rwlock_lock(victim, FERRY_NOW);
    CHECK(world->result == 0 || world->result == -EOWNERDEAD);
    change(world, victim, world->result);
    CHECK_OK(ferry_rwlock_unlock(victim));
}

static void read_at_once(void *memory)
{
    struct world *world = memory;
    world->result = ferry_rwlock_lock_shared(victim, FERRY_NOW);
    CHECK(world->result == -EOWNERDEAD || (world->result == 0 && world->one == world->two));
    CHECK_OK(ferry_rwlock_unlock_shared(victim));
}

TEST_LONG(who_finds_a_dead_writer_may_die_anywhere_too /* G8 E6 */, 900)
{
    struct kill_case second =
        variant(writing, "rwlock write pair, behind a dead writer", write_at_once, check_let_go);
    CHECK_OK(kill_run_recovery(&writing, &second, NULL));
    second = variant(reading, "rwlock read pair, behind a dead writer", read_at_once, check_either);
    CHECK_OK(kill_run_recovery(&writing, &second, NULL));
}

TEST_LONG(who_finds_a_dead_reader_may_die_anywhere_too /* G8 E6 */, 900)
{
    struct kill_case second =
        variant(writing, "rwlock write pair, behind a dead reader", write_at_once, check_let_go);
    CHECK_OK(kill_run_recovery(&reading, &second, NULL));
    second.name = "rwlock write pair that waits, behind a dead reader";
    second.operation = write_pair;
    CHECK_OK(kill_run_recovery(&reading, &second, NULL));
}
