/* The inner lock: exclusion, and what becomes of a dead or stopped owner's (DESIGN, law 3). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "object.h"
#include "shared/lock.h"

enum { PROCESSES = 4 };

struct work {
    struct object object;
    struct test_gate *start;
    uint64_t *count; /* shared, and plain: the lock is all that orders it */
    int rounds;
};

static struct layout_lock *lock_of(const struct object *object)
{
    return &region_control(&object->region)->lock;
}

static void count_up(void *context)
{
    struct work *work = context;
    struct slots slots = object_join(&work->object);
    test_gate_wait(work->start);
    for (int i = 0; i < work->rounds; i++) {
        CHECK_EQ(lock_take(lock_of(&work->object), &slots, CLOCK_NEVER), 0);
        ++*(volatile uint64_t *)work->count;
        lock_release(lock_of(&work->object));
    }
    object_leave(&slots);
}

TEST(four_processes_count_without_losing_one) /* G8 */
{
    struct work work = {.object = object_make("x", 0),
                        .start = test_gate_new(),
                        .count = test_shared(sizeof(uint64_t)),
                        .rounds = test_thorough() ? 1000000 : 50000};
    pid_t pids[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = test_child(count_up, &work);
    test_gate_open(work.start);
    for (int i = 0; i < PROCESSES; i++)
        test_wait_ok(pids[i]);
    CHECK_EQ(*work.count, (uint64_t)PROCESSES * (uint64_t)work.rounds);
    CHECK_EQ(atomic_load(&lock_of(&work.object)->word), 0);
    object_remove(&work.object);
}

TEST(a_dead_owners_lock_is_taken_over_and_the_taker_is_told) /* G8 */
{
    struct object object = object_make("x", 0);
    struct slots other = object_join(&object);
    CHECK_EQ(lock_take(lock_of(&object), &other, CLOCK_NEVER), 0);
    object_vanish(&other);
    CHECK_EQ(lock_take(lock_of(&object), &object.first, CLOCK_NEVER), 1);
    CHECK_EQ(atomic_load(&lock_of(&object)->word) & TAG_MASK, object.first.tag);
    lock_release(lock_of(&object));
    CHECK_EQ(lock_take(lock_of(&object), &object.first, CLOCK_NEVER), 0);
    lock_release(lock_of(&object));
    object_remove(&object);
}

static void hold_forever(void *context)
{
    struct work *work = context;
    struct slots slots = object_join(&work->object);
    CHECK_EQ(lock_take(lock_of(&work->object), &slots, CLOCK_NEVER), 0);
    test_gate_open(work->start);
    for (;;)
        pause();
}

TEST(waiting_for_a_stopped_owner_ends_in_time_and_names_it) /* G7, G8 */
{
    struct work work = {.object = object_make("x", 0), .start = test_gate_new()};
    pid_t pid = test_child(hold_forever, &work);
    test_gate_wait(work.start);
    kill(pid, SIGSTOP);
    for (int i = 0; i < 2; i++) {
        int64_t patience = i * 20000000;
        CHECK_ERR(lock_take(lock_of(&work.object), &work.object.first, clock_deadline(patience)),
                  ETIMEDOUT);
        char name[32];
        snprintf(name, sizeof(name), "(pid %d)", (int)pid);
        CHECK_CONTAINS(ferry_explain(), name);
        CHECK_CONTAINS(ferry_explain(), "stopped?");
    }
    test_kill(pid);
    CHECK_EQ(lock_take(lock_of(&work.object), &work.object.first, CLOCK_NEVER), 1);
    lock_release(lock_of(&work.object));
    object_remove(&work.object);
}

static void take_over(void *context)
{
    struct work *work = context;
    struct slots slots = object_join(&work->object);
    int r = lock_take(lock_of(&work->object), &slots, CLOCK_NEVER);
    CHECK(r == 0 || r == 1);
    *work->count += r == 1;
    lock_release(lock_of(&work->object));
    object_leave(&slots);
}

TEST(a_sleeper_finds_the_owner_dead_within_5_ms) /* G8 */
{
    struct work work = {.object = object_make("x", 0), .count = test_shared(sizeof(uint64_t))};
    for (int round = 0; round < 10; round++) {
        work.start = test_gate_new();
        *work.count = 0;
        pid_t owner = test_child(hold_forever, &work);
        test_gate_wait(work.start);
        /* It waits in members_join() already, which takes the inner lock, too. */
        pid_t waiter = test_child(take_over, &work);
        test_wait_until((atomic_load(&lock_of(&work.object)->word) & ~TAG_MASK) != 0);
        test_kill(owner);
        test_wait_ok(waiter);
        CHECK(*work.count <= 1);
        members_reap(&work.object.first, 1, CLOCK_NEVER);
    }
    object_remove(&work.object);
}

TEST(nonsense_in_the_word_is_taken_for_a_dead_owner) /* G9 */
{
    struct object object = object_make("x", 0);
    const uint32_t nonsense[] = {
        LAYOUT_MEMBERS + 1, slot_tag_make(17, 99), 0x3FFFFFFF, 0x40000000, 0x80000000, 0xC0000000,
        UINT32_MAX};
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        atomic_store(&lock_of(&object)->word, nonsense[i]);
        CHECK_EQ(lock_take(lock_of(&object), &object.first, clock_deadline(0)), 1);
        lock_release(lock_of(&object));
        CHECK_EQ(atomic_load(&lock_of(&object)->word), 0);
    }
    object_remove(&object);
}

static void be_killed_now_and_then(void *context)
{
    struct work *work = context;
    struct slots slots = object_guest(&work->object);
    int r = members_join(&slots);
    while (r == -ETIMEDOUT) /* joining takes this very lock, and on a busy machine may give up */
        r = members_enter(&slots);
    CHECK_OK(r);
    for (;;) {
        CHECK_OK(lock_take(lock_of(&work->object), &slots, CLOCK_NEVER));
        ++*(volatile uint64_t *)work->count;
        lock_release(lock_of(&work->object));
    }
}

TEST(killing_owners_and_waiters_at_random_never_blocks_the_rest) /* G8 */
{
    struct work work = {.object = object_make("x", 0), .count = test_shared(sizeof(uint64_t))};
    pid_t pids[PROCESSES];
    int rounds = test_thorough() ? 3000 : 60;
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = test_child(be_killed_now_and_then, &work);
    for (int round = 0; round < rounds; round++) {
        uint64_t before = *(volatile uint64_t *)work.count;
        int victim = round % PROCESSES;
        test_kill(pids[victim]);
        pids[victim] = test_child(be_killed_now_and_then, &work);
        test_wait_until(*(volatile uint64_t *)work.count != before);
    }
    for (int i = 0; i < PROCESSES; i++)
        test_kill(pids[i]);
    CHECK_OK(lock_take(lock_of(&work.object), &work.object.first, clock_deadline(0)));
    lock_release(lock_of(&work.object));
    object_remove(&work.object);
}
