/* Units: how many there are, and that none is lost or made up, whoever takes and gives them. */
#include <sched.h>
#include <stdatomic.h>

#include "semaphores.h"

SEMAPHORE_CONFORMANCE(units_are_taken_and_given_one_by_one, 0) /* E1 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 2);
    CHECK_EQ(semaphore_value(&semaphore), 2);
    CHECK_EQ(semaphore_wait(&semaphore, FERRY_NOW), 0);
    CHECK_EQ(semaphore_wait(&semaphore, FERRY_FOREVER), 0);
    CHECK_EQ(semaphore_value(&semaphore), 0);
    for (int i = 0; i < 3; i++)
        CHECK_ERR(semaphore_wait(&semaphore, FERRY_NOW), EAGAIN);
    for (uint32_t i = 1; i <= 100; i++) {
        CHECK_EQ(semaphore_post(&semaphore), 0);
        CHECK_EQ(semaphore_value(&semaphore), i);
    }
    semaphore_destroy(&semaphore);
}

SEMAPHORE_CONFORMANCE(it_begins_with_what_was_asked_for, 0) /* E1 */
{
    const uint32_t values[] = {0, 1, 2, 255, 256, 32766, back_end->most - 1, back_end->most};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct semaphore semaphore = semaphore_make(back_end, 1, values[i]);
        CHECK_EQ(semaphore_value(&semaphore), values[i]);
        CHECK_EQ(semaphore_wait(&semaphore, FERRY_NOW), values[i] == 0 ? -EAGAIN : 0);
        semaphore_destroy(&semaphore);
    }
}

SEMAPHORE_CONFORMANCE(there_are_never_more_than_the_most, 0) /* E1 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, back_end->most - 1);
    CHECK_EQ(semaphore_post(&semaphore), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_ERR(semaphore_post(&semaphore), EOVERFLOW);
        CHECK_EQ(semaphore_value(&semaphore), back_end->most);
    }
    CHECK_EQ(semaphore_wait(&semaphore, FERRY_NOW), 0);
    CHECK_EQ(semaphore_post(&semaphore), 0);
    CHECK_EQ(semaphore_value(&semaphore), back_end->most);
    semaphore_destroy(&semaphore);
}

/* More are taken than given, so that there is often none. */
SEMAPHORE_CONFORMANCE(random_calls_are_counted, 0) /* E1 E2 */
{
    uint32_t random = seed_for(back_end->name, "random_calls_are_counted"), units = 3;
    struct semaphore one = semaphore_make(back_end, 1, units), other = semaphore_open(&one);
    for (int i = 0; i < 20000; i++) {
        struct semaphore *semaphore = random_below(&random, 2) == 0 ? &one : &other;
        if (random_below(&random, 7) < 3) {
            CHECK_EQ(semaphore_post(semaphore), 0);
            units++;
        } else {
            CHECK_EQ(semaphore_wait(semaphore, FERRY_NOW), units == 0 ? -EAGAIN : 0);
            units -= units != 0;
        }
        CHECK_EQ(semaphore_value(semaphore), units);
    }
    semaphore_close(&other);
    semaphore_destroy(&one);
}

/* ---- Between processes ---- */

enum { PROCESSES = 4, PAIRS = 2000 };

struct room {
    struct semaphore semaphore;
    int allowed;         /* so many may be inside at once */
    _Atomic int inside;  /* so many are */
    volatile int visits; /* not atomic: right only where one at a time is inside */
};

/* Whoever is inside gives way there now and then, so that somebody else would come in. */
static void visit(struct room *room, int pair)
{
    CHECK(atomic_fetch_add(&room->inside, 1) < room->allowed);
    int visits = room->visits;
    if (pair % 7 == 0)
        sched_yield();
    room->visits = visits + 1;
    CHECK(atomic_fetch_sub(&room->inside, 1) <= room->allowed);
}

static void go_in_and_out(void *context)
{
    struct room *room = context;
    struct semaphore semaphore = semaphore_open(&room->semaphore);
    for (int pair = 0; pair < PAIRS; pair++) {
        CHECK_EQ(semaphore_wait(&semaphore, FERRY_FOREVER), 0);
        visit(room, pair);
        CHECK_EQ(semaphore_post(&semaphore), 0);
    }
    semaphore_close(&semaphore);
}

static void visits_by_many(const struct semaphore_back_end *back_end, uint32_t allowed)
{
    struct room *room = test_shared(sizeof *room);
    pid_t pids[PROCESSES];
    room->semaphore = semaphore_make(back_end, 1, allowed);
    room->allowed = (int)allowed;
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = test_child(go_in_and_out, room);
    for (int i = 0; i < PROCESSES; i++)
        test_wait_ok(pids[i]);
    if (allowed == 1)
        CHECK_EQ(room->visits, PROCESSES * PAIRS);
    CHECK_EQ(semaphore_value(&room->semaphore), allowed);
    semaphore_destroy(&room->semaphore);
}

SEMAPHORE_CONFORMANCE(a_unit_to_begin_with_excludes, 0) /* E1 E2 */
{
    visits_by_many(back_end, 1);
}

SEMAPHORE_CONFORMANCE(two_units_let_two_in, 0) /* E1 E2 */
{
    visits_by_many(back_end, 2);
}

/* Two processes take turns: each writes what the other one reads behind its wait. */
struct turns {
    struct semaphore there, back;
    volatile int ball;
};

static void throw_back(void *context)
{
    struct turns *turns = context;
    struct semaphore there = semaphore_open(&turns->there), back = semaphore_open(&turns->back);
    for (int turn = 0; turn < PAIRS; turn++) {
        CHECK_EQ(semaphore_wait(&there, FERRY_FOREVER), 0);
        CHECK_EQ(turns->ball, 2 * turn + 1);
        turns->ball++;
        CHECK_EQ(semaphore_post(&back), 0);
    }
    semaphore_close(&there);
    semaphore_close(&back);
}

SEMAPHORE_CONFORMANCE(none_to_begin_with_orders, 0) /* E1 */
{
    struct turns *turns = test_shared(sizeof *turns);
    turns->there = semaphore_make(back_end, 1, 0);
    turns->back = semaphore_make(back_end, 1, 0);
    pid_t partner = test_child(throw_back, turns);
    for (int turn = 0; turn < PAIRS; turn++) {
        CHECK_EQ(turns->ball, 2 * turn);
        turns->ball++;
        CHECK_EQ(semaphore_post(&turns->there), 0);
        CHECK_EQ(semaphore_wait(&turns->back, FERRY_FOREVER), 0);
    }
    test_wait_ok(partner);
    CHECK_EQ(semaphore_value(&turns->there), 0);
    CHECK_EQ(semaphore_value(&turns->back), 0);
    semaphore_destroy(&turns->there);
    semaphore_destroy(&turns->back);
}

static void post_many(void *context)
{
    struct semaphore semaphore = semaphore_open(context);
    for (int i = 0; i < PAIRS; i++)
        CHECK_EQ(semaphore_post(&semaphore), 0);
    semaphore_close(&semaphore);
}

/* By all the ways there are to wait. */
static void wait_for_many(void *context)
{
    struct semaphore semaphore = semaphore_open(context);
    for (int taken = 0, i = 0; taken < PAIRS; i++) {
        int r = semaphore_wait(&semaphore, i % 3 == 0 ? FERRY_NOW : FERRY_FOREVER);
        CHECK(r == 0 || (r == -EAGAIN && i % 3 == 0));
        taken += r == 0;
    }
    semaphore_close(&semaphore);
}

/* As many are taken as were given: each waiter comes to its end, and nothing is left. */
SEMAPHORE_CONFORMANCE(no_unit_is_lost_or_made_up, 0) /* E2 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 0);
    pid_t pids[2 * PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        pids[2 * i] = test_child(wait_for_many, &semaphore);
        pids[2 * i + 1] = test_child(post_many, &semaphore);
    }
    for (int i = 0; i < 2 * PROCESSES; i++)
        test_wait_ok(pids[i]);
    CHECK_EQ(semaphore_value(&semaphore), 0);
    semaphore_destroy(&semaphore);
}

/* ---- Who is gone ---- */

static void take_one_give_two(void *context)
{
    struct semaphore semaphore = semaphore_open(context);
    CHECK_EQ(semaphore_wait(&semaphore, FERRY_NOW), 0);
    CHECK_EQ(semaphore_post(&semaphore), 0);
    CHECK_EQ(semaphore_post(&semaphore), 0);
    _exit(0);
}

static void take_one_and_stay(void *context)
{
    struct semaphore semaphore = semaphore_open(context);
    CHECK_EQ(semaphore_wait(&semaphore, FERRY_NOW), 0);
    for (;;)
        pause();
}

/* A semaphore has no owner: what a process has taken is gone with it, and what it has given stays. */
SEMAPHORE_CONFORMANCE(units_are_nobody_s, 0) /* G5 E1 */
{
    struct semaphore semaphore = semaphore_make(back_end, 1, 5);
    test_wait_ok(test_child(take_one_give_two, &semaphore));
    CHECK_EQ(semaphore_value(&semaphore), 6);
    pid_t killed = test_child(take_one_and_stay, &semaphore);
    test_wait_until(semaphore_value(&semaphore) == 5);
    test_kill(killed);
    CHECK_EQ(semaphore_value(&semaphore), 5);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(semaphore_wait(&semaphore, FERRY_NOW), 0);
    CHECK_ERR(semaphore_wait(&semaphore, FERRY_NOW), EAGAIN);
    semaphore_destroy(&semaphore);
}
