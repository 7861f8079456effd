/* Barriers: rounds, who is the last, those who leave, counts that change, deaths, forks (contract E6, G7, G8, G11, G16).
 *
 * A child uses the handle that it inherited, and closes it: one that ends without has died. */
#include <fcntl.h>
#include <pthread.h>

#include "support.h"

static ferry_barrier *make(uint32_t count)
{
    ferry_barrier *barrier;
    CHECK_OK(
        ferry_barrier_open(&barrier, "b", FERRY_BARRIER(.flags = FERRY_CREATE, .count = count)));
    return barrier;
}

static ferry_barrier *join(void)
{
    ferry_barrier *barrier;
    CHECK_OK(ferry_barrier_open(&barrier, "b", NULL));
    return barrier;
}

static void drop(ferry_barrier *barrier)
{
    ferry_barrier_close(barrier);
    CHECK_OK(ferry_remove("b"));
}

static uint32_t arrived(ferry_barrier *barrier)
{
    uint32_t count;
    CHECK_OK(ferry_barrier_count(barrier, NULL, &count));
    return count;
}

/* ---- Rounds, as the C library's ---------------------------------------------------------------- */

/* What a body knows of a barrier. */
struct back_end {
    void *(*make)(uint32_t count);
    int (*wait)(void *barrier); /* 1: the last */
    void (*leave)(void *barrier);
    void (*drop)(void *barrier);
};

static void *make_ferrys(uint32_t count)
{
    return make(count);
}

static int wait_at_ferrys(void *barrier)
{
    int r = ferry_barrier_wait(barrier, FERRY_FOREVER);
    CHECK_OK(r);
    return r;
}

static void leave_ferrys(void *barrier)
{
    ferry_barrier_close(barrier);
}

static void drop_ferrys(void *barrier)
{
    drop(barrier);
}

static const struct back_end ferrys = {make_ferrys, wait_at_ferrys, leave_ferrys, drop_ferrys};

static void *make_pthreads(uint32_t count)
{
    pthread_barrier_t *barrier = test_shared(sizeof *barrier);
    pthread_barrierattr_t shared;
    CHECK_EQ(pthread_barrierattr_init(&shared), 0);
    CHECK_EQ(pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED), 0);
    CHECK_EQ(pthread_barrier_init(barrier, &shared, count), 0);
    pthread_barrierattr_destroy(&shared);
    return barrier;
}

static int wait_at_pthreads(void *barrier)
{
    int r = pthread_barrier_wait(barrier);
    CHECK(r == 0 || r == PTHREAD_BARRIER_SERIAL_THREAD);
    return r != 0;
}

static void leave_pthreads(void *barrier)
{
    (void)barrier;
}

static void drop_pthreads(void *barrier)
{
    CHECK_EQ(pthread_barrier_destroy(barrier), 0);
}

static const struct back_end pthreads = {make_pthreads, wait_at_pthreads, leave_pthreads,
                                         drop_pthreads};

enum { PARTIES = 7, MOST_ROUNDS = 20000 };

struct march {
    const struct back_end *back_end;
    void *barrier;
    uint32_t rounds;
    _Atomic uint32_t next; /* who comes takes one */
    _Atomic uint32_t at[PARTIES];
    _Atomic uint32_t lasts[MOST_ROUNDS];
};

/* Behind a round all have come to it, and nobody is behind the next one. */
static void check_others(struct march *march, uint32_t round)
{
    for (int i = 0; i < PARTIES; i++) {
        uint32_t at = atomic_load(&march->at[i]);
        CHECK(at == round + 1 || at == round + 2);
    }
}

static void *march_on(void *context)
{
    struct march *march = context;
    uint32_t self = atomic_fetch_add(&march->next, 1);
    for (uint32_t round = 0; round < march->rounds; round++) {
        if (round % 500 == self * 20) /* so that the others have to sleep */
            usleep(3000);
        atomic_store(&march->at[self], round + 1);
        if (march->back_end->wait(march->barrier))
            atomic_fetch_add(&march->lasts[round], 1);
        check_others(march, round);
    }
    return NULL;
}

static void march_and_leave(void *context)
{
    struct march *march = context;
    march_on(march);
    march->back_end->leave(march->barrier);
}

static struct march *begin_march(const struct back_end *back_end)
{
    struct march *march = test_shared(sizeof *march);
    march->back_end = back_end;
    march->rounds = test_thorough() ? MOST_ROUNDS : 2000;
    march->barrier = back_end->make(PARTIES);
    return march;
}

static void end_march(struct march *march)
{
    for (uint32_t round = 0; round < march->rounds; round++)
        CHECK_EQ(atomic_load(&march->lasts[round]), 1);
    march->back_end->drop(march->barrier);
}

static void march_as_processes(const struct back_end *back_end)
{
    struct march *march = begin_march(back_end);
    pid_t children[PARTIES];
    for (int i = 0; i < PARTIES; i++)
        children[i] = test_child(march_and_leave, march);
    for (int i = 0; i < PARTIES; i++)
        test_wait_ok(children[i]);
    end_march(march);
}

TEST_LONG(processes_go_from_round_to_round_together, 60) /* E6 */
{
    march_as_processes(&ferrys);
}

TEST_LONG(as_they_do_at_the_c_librarys, 60) /* E6 */
{
    march_as_processes(&pthreads);
}

static void march_as_threads(const struct back_end *back_end)
{
    struct march *march = begin_march(back_end);
    pthread_t threads[PARTIES];
    for (int i = 0; i < PARTIES; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, march_on, march), 0);
    for (int i = 0; i < PARTIES; i++)
        pthread_join(threads[i], NULL);
    end_march(march);
}

TEST_LONG(threads_of_one_handle_do_so, 60) /* E6 G16 */
{
    march_as_threads(&ferrys);
}

TEST_LONG(as_they_do_at_the_c_librarys_too, 60) /* E6 G16 */
{
    march_as_threads(&pthreads);
}

TEST(who_is_alone_is_always_the_last) /* E6 */
{
    const struct back_end *both[] = {&ferrys, &pthreads};
    for (int i = 0; i < 2; i++) {
        void *barrier = both[i]->make(1);
        for (int round = 0; round < 3; round++)
            CHECK_EQ(both[i]->wait(barrier), 1);
        both[i]->drop(barrier);
    }
}

/* ---- One who waits ------------------------------------------------------------------------------ */

struct waiter {
    ferry_barrier *barrier;
    int64_t timeout_ns;
    int times;
    _Atomic int result; /* of the last one */
    _Atomic uint32_t done;
    pid_t pid;
};

static void wait_for_it(void *context)
{
    struct waiter *waiter = context;
    for (int i = 0; i < waiter->times; i++) {
        atomic_store(&waiter->result, ferry_barrier_wait(waiter->barrier, waiter->timeout_ns));
        atomic_fetch_add(&waiter->done, 1);
    }
    ferry_barrier_close(waiter->barrier);
}

static int find_sentry(const struct ferry_field *field, void *tag)
{
    if (strcmp(field->group, "barrier") == 0 && strcmp(field->name, "sentry") == 0)
        *(uint64_t *)tag = field->value;
    return 0;
}

/* Does one of those who wait keep the vigil? */
static bool has_sentry(void)
{
    uint64_t tag = 0;
    CHECK_OK(ferry_look_raw("b", find_sentry, &tag));
    return tag != 0;
}

static int waiters(void)
{
    struct ferry_member members[16];
    int there = ferry_look_members("b", members, 16), waiting = 0;
    for (int i = 0; i < there; i++)
        waiting += members[i].waiting && members[i].alive;
    return waiting;
}

/* Waits so many times, from now on; the first time, asleep when this returns. */
static struct waiter *begin_waiting(ferry_barrier *barrier, int times)
{
    struct waiter *waiter = test_shared(sizeof *waiter);
    *waiter = (struct waiter){.barrier = barrier, .timeout_ns = FERRY_FOREVER, .times = times};
    int already = waiters();
    waiter->pid = test_child(wait_for_it, waiter);
    test_wait_until(waiters() == already + 1 && has_sentry());
    return waiter;
}

static void end_waiting(struct waiter *waiter, int result)
{
    test_wait_ok(waiter->pid);
    CHECK_EQ(atomic_load(&waiter->result), result);
    CHECK_EQ(atomic_load(&waiter->done), (uint32_t)waiter->times);
}

static void member_stays(void *barrier)
{
    (void)barrier;
    stay();
}

/* A member that is found in nothing, and dies. */
static void let_one_die(ferry_barrier *barrier)
{
    pid_t member = test_child(member_stays, barrier);
    test_kill(member);
}

/* ---- Those who leave ---------------------------------------------------------------------------- */

TEST(who_does_not_stay_has_not_come) /* E6 G7 */
{
    ferry_barrier *barrier = make(2);
    CHECK_ERR(ferry_barrier_wait(barrier, FERRY_NOW), EAGAIN);
    CHECK_EQ(arrived(barrier), 0);
    CHECK_ERR(ferry_barrier_wait(barrier, 5 * MILLISECOND), ETIMEDOUT);
    CHECK_EQ(arrived(barrier), 0);
    struct waiter *waiter = begin_waiting(barrier, 1);
    CHECK_EQ(arrived(barrier), 1);
    CHECK_EQ(ferry_barrier_wait(barrier, FERRY_NOW), 1);
    end_waiting(waiter, 0);
    drop(barrier);
}

TEST(the_others_wait_on) /* E6 G7 */
{
    ferry_barrier *barrier = make(3);
    struct waiter *waiter = begin_waiting(barrier, 1);
    for (int i = 0; i < 3; i++)
        CHECK_ERR(ferry_barrier_wait(barrier, 3 * MILLISECOND), ETIMEDOUT);
    CHECK_EQ(arrived(barrier), 1);
    CHECK_EQ(atomic_load(&waiter->done), 0);
    struct waiter *other = begin_waiting(barrier, 1);
    CHECK_EQ(ferry_barrier_wait(barrier, FERRY_FOREVER), 1);
    end_waiting(waiter, 0);
    end_waiting(other, 0);
    drop(barrier);
}

static void ignore(int number)
{
    (void)number;
}

static void wait_interruptibly(void *context)
{
    struct waiter *waiter = context;
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = ignore}, NULL);
    ferry_barrier_close(waiter->barrier);
    CHECK_OK(ferry_barrier_open(&waiter->barrier, "b", FERRY_BARRIER(.flags = FERRY_EINTR)));
    wait_for_it(waiter);
}

TEST(nor_has_who_is_interrupted) /* G7 */
{
    ferry_barrier *barrier = make(2);
    struct waiter *waiter = test_shared(sizeof *waiter);
    *waiter = (struct waiter){.barrier = barrier, .timeout_ns = FERRY_FOREVER, .times = 1};
    pid_t child = test_child(wait_interruptibly, waiter);
    test_wait_until(arrived(barrier) == 1);
    while (atomic_load(&waiter->done) == 0) {
        CHECK_ERRNO(kill(child, SIGUSR1));
        usleep(1000);
    }
    test_wait_ok(child);
    CHECK_EQ(waiter->result, -EINTR);
    CHECK_EQ(arrived(barrier), 0);
    drop(barrier);
}

TEST(a_handler_alone_ends_no_wait) /* G7 */
{
    ferry_barrier *barrier = make(2);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = ignore}, NULL);
    struct waiter *waiter = begin_waiting(barrier, 1);
    for (int i = 0; i < 10; i++) {
        CHECK_ERRNO(kill(waiter->pid, SIGUSR1));
        test_sleeping(waiter->pid);
    }
    CHECK_EQ(arrived(barrier), 1);
    CHECK_EQ(ferry_barrier_wait(barrier, FERRY_FOREVER), 1);
    end_waiting(waiter, 0);
    drop(barrier);
}

/* ---- Counts ------------------------------------------------------------------------------------- */

TEST(fewer_may_go_on) /* E6 */
{
    ferry_barrier *barrier = make(4);
    struct waiter *first = begin_waiting(barrier, 2), *second = begin_waiting(barrier, 2);
    CHECK_OK(ferry_barrier_set_count(barrier, 3));
    CHECK_EQ(arrived(barrier), 2);
    CHECK_EQ(ferry_barrier_set_count(barrier, 1), 1); /* which makes this round complete */
    test_wait_until(atomic_load(&first->done) > 0 && atomic_load(&second->done) > 0);
    CHECK_EQ(ferry_barrier_wait(barrier, FERRY_NOW), 1);
    end_waiting(first, 1);
    end_waiting(second, 1);
    CHECK_EQ(look("b").broken_count, 0);
    drop(barrier);
}

TEST(or_more) /* E6 */
{
    ferry_barrier *barrier = make(2);
    struct waiter *first = begin_waiting(barrier, 1);
    CHECK_EQ(ferry_barrier_set_count(barrier, 3), 0);
    CHECK_ERR(ferry_barrier_wait(barrier, FERRY_NOW), EAGAIN);
    struct waiter *second = begin_waiting(barrier, 1);
    uint32_t count, come;
    CHECK_OK(ferry_barrier_count(barrier, &count, &come));
    CHECK_EQ(count, 3);
    CHECK_EQ(come, 2);
    CHECK_EQ(ferry_barrier_wait(barrier, FERRY_NOW), 1);
    end_waiting(first, 0);
    end_waiting(second, 0);
    CHECK_ERR(ferry_barrier_set_count(barrier, 0), EINVAL);
    CHECK_ERR(ferry_barrier_set_count(barrier, FERRY_BARRIER_MOST + 1), EINVAL);
    CHECK_EQ(ferry_barrier_set_count(barrier, FERRY_BARRIER_MOST), 0);
    ferry_barrier *other; /* it is still the one that was made for 2 */
    CHECK_OK(ferry_barrier_open(&other, "b", FERRY_BARRIER(.count = 2)));
    ferry_barrier_close(other);
    drop(barrier);
}

TEST(how_many_is_said_when_it_is_made) /* E6 G1 */
{
    ferry_barrier *barrier;
    CHECK_ERR(ferry_barrier_open(&barrier, "b", NULL), ENOENT);
    CHECK_ERR(ferry_barrier_open(&barrier, "b", FERRY_BARRIER(.flags = FERRY_CREATE)), EINVAL);
    CHECK_ERR(ferry_barrier_open(&barrier, NULL, NULL), EINVAL);
    CHECK_ERR(ferry_barrier_open(&barrier, NULL, FERRY_BARRIER(.count = FERRY_BARRIER_MOST + 1)),
              EINVAL);
    CHECK_ERR(ferry_barrier_open(&barrier, "b", FERRY_BARRIER(.flags = 0x100000, .count = 1)),
              EINVAL);
    barrier = make(3);
    ferry_barrier *other;
    CHECK_ERR(ferry_barrier_open(&other, "b", FERRY_BARRIER(.flags = FERRY_CREATE, .count = 4)),
              EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "made for 3, not for 4");
    ferry_mutex *mutex;
    CHECK_ERR(ferry_mutex_open(&mutex, "b", NULL), EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "barrier");
    drop(barrier);
}

/* ---- Deaths ------------------------------------------------------------------------------------- */

TEST(when_one_who_waits_dies_the_others_are_told) /* E6 G8 */
{
    ferry_barrier *barrier = make(4);
    struct waiter *victim = begin_waiting(barrier, 1); /* the sentry */
    struct waiter *first = begin_waiting(barrier, 1), *second = begin_waiting(barrier, 1);
    test_kill(victim->pid);
    end_waiting(first, -EOWNERDEAD);
    end_waiting(second, -EOWNERDEAD);
    CHECK_EQ(arrived(barrier), 0);
    CHECK_EQ(look("b").broken_count, 1);
    CHECK_EQ(look("b").round, 1);
    drop(barrier);
}

TEST(so_they_are_when_one_dies_who_has_not_come) /* E6 G8 */
{
    ferry_barrier *barrier = make(4);
    pid_t victim = test_child(member_stays, barrier);
    struct waiter *first = begin_waiting(barrier, 1), *second = begin_waiting(barrier, 1);
    test_kill(victim);
    end_waiting(first, -EOWNERDEAD);
    end_waiting(second, -EOWNERDEAD);
    drop(barrier);
}

TEST(a_replacement_and_the_survivors_go_on) /* E6 G8 */
{
    ferry_barrier *barrier = make(3);
    struct waiter *victim = begin_waiting(barrier, 1), *survivor = begin_waiting(barrier, 2);
    test_kill(victim->pid);
    test_wait_until(atomic_load(&survivor->done) == 1);
    CHECK_EQ(survivor->result, -EOWNERDEAD);
    test_wait_until(arrived(barrier) == 1); /* it has come again */
    struct waiter *replacement = begin_waiting(barrier, 1);
    CHECK_EQ(ferry_barrier_wait(barrier, FERRY_FOREVER), 1);
    end_waiting(survivor, 0);
    end_waiting(replacement, 0);
    drop(barrier);
}

TEST(who_comes_last_does_not_go_on_with_the_dead) /* E6 G8 */
{
    ferry_barrier *barrier = make(2);
    struct waiter *victim = begin_waiting(barrier, 1);
    test_kill(victim->pid);
    CHECK_ERR(ferry_barrier_wait(barrier, FERRY_FOREVER), EOWNERDEAD);
    CHECK_ERR(ferry_barrier_wait(barrier, FERRY_NOW), EAGAIN);
    drop(barrier);
}

TEST(if_nobody_waits_the_first_who_would_is_told) /* E6 G8 */
{
    ferry_barrier *barrier = make(3), *other;
    let_one_die(barrier);
    CHECK_ERR(ferry_barrier_wait(barrier, FERRY_FOREVER), EOWNERDEAD);
    CHECK_ERR(ferry_barrier_wait(barrier, MILLISECOND), ETIMEDOUT); /* once */
    let_one_die(barrier);
    other = join();
    CHECK_ERR(ferry_barrier_wait(other, FERRY_NOW), EOWNERDEAD);
    CHECK_ERR(ferry_barrier_wait(barrier, FERRY_NOW), EAGAIN);
    CHECK_EQ(look("b").broken_count, 2);
    ferry_barrier_close(other);
    drop(barrier);
}

static void exec_away(void *barrier)
{
    (void)barrier;
    execl("/bin/true", "true", (char *)NULL);
}

TEST(who_execs_has_died) /* E6 G8 G11 */
{
    ferry_barrier *barrier = make(3);
    struct waiter *waiter = begin_waiting(barrier, 1);
    test_wait_ok(test_child(exec_away, barrier));
    end_waiting(waiter, -EOWNERDEAD);
    drop(barrier);
}

TEST(who_closes_has_not) /* E6 */
{
    ferry_barrier *barrier = make(3);
    struct waiter *waiter = begin_waiting(barrier, 1);
    ferry_barrier_close(join());
    CHECK_ERR(ferry_barrier_wait(barrier, 5 * MILLISECOND), ETIMEDOUT);
    CHECK_EQ(atomic_load(&waiter->done), 0);
    CHECK_EQ(ferry_barrier_set_count(barrier, 1), 1);
    end_waiting(waiter, 0);
    CHECK_EQ(look("b").broken_count, 0);
    drop(barrier);
}

TEST(a_death_that_nobody_was_told_of_breaks_a_round_whose_count_changes) /* E6 G8 */
{
    ferry_barrier *barrier = make(3);
    struct waiter *waiter = begin_waiting(barrier, 1);
    stop(waiter->pid); /* so that it does not hear */
    let_one_die(barrier);
    CHECK_EQ(ferry_barrier_set_count(barrier, 1), 0);
    CHECK_ERRNO(kill(waiter->pid, SIGCONT));
    end_waiting(waiter, -EOWNERDEAD);
    CHECK_EQ(ferry_barrier_wait(barrier, FERRY_NOW), 1);
    drop(barrier);
}

TEST(who_waits_beside_a_stopped_sentry_is_told) /* E6 G8 */
{
    ferry_barrier *barrier = make(4);
    struct waiter *sentry = begin_waiting(barrier, 1), *other = begin_waiting(barrier, 1);
    stop(sentry->pid);
    let_one_die(barrier);
    end_waiting(other, -EOWNERDEAD);
    CHECK_ERRNO(kill(sentry->pid, SIGCONT));
    end_waiting(sentry, -EOWNERDEAD);
    CHECK_EQ(look("b").broken_count, 1);
    drop(barrier);
}

/* ---- Those who are slow ------------------------------------------------------------------------- */

/* Rounds pass by, complete and broken ones in turn. */
static void let_rounds_pass(ferry_barrier *barrier, int breaks)
{
    for (int i = 0; i < breaks; i++) {
        let_one_die(barrier);
        CHECK_ERR(ferry_barrier_wait(barrier, FERRY_NOW), EOWNERDEAD);
        for (int round = 0; round < 50; round++)
            CHECK_EQ(ferry_barrier_wait(barrier, FERRY_NOW), 1);
    }
}

TEST(whose_round_was_complete_learns_so_however_late) /* E6 */
{
    ferry_barrier *barrier = make(2);
    for (int breaks = 0; breaks < 12; breaks += 3) {
        struct waiter *slow = begin_waiting(barrier, 1);
        stop(slow->pid);
        CHECK_EQ(ferry_barrier_wait(barrier, FERRY_NOW), 1);
        CHECK_OK(ferry_barrier_set_count(barrier, 1));
        let_rounds_pass(barrier, breaks);
        CHECK_OK(ferry_barrier_set_count(barrier, 2));
        CHECK_ERRNO(kill(slow->pid, SIGCONT));
        end_waiting(slow, 0);
    }
    drop(barrier);
}

TEST(and_so_does_whose_round_was_broken) /* E6 G8 */
{
    ferry_barrier *barrier = make(2);
    for (int breaks = 0; breaks < 21; breaks += 4) { /* also more than are remembered */
        struct waiter *slow = begin_waiting(barrier, 1);
        stop(slow->pid);
        let_one_die(barrier);
        CHECK_ERR(ferry_barrier_wait(barrier, FERRY_NOW), EOWNERDEAD);
        CHECK_EQ(ferry_barrier_set_count(barrier, 1), 0);
        let_rounds_pass(barrier, breaks);
        CHECK_OK(ferry_barrier_set_count(barrier, 2));
        CHECK_ERRNO(kill(slow->pid, SIGCONT));
        end_waiting(slow, -EOWNERDEAD);
    }
    drop(barrier);
}

/* ---- Forks, handing over, looking --------------------------------------------------------------- */

static void *wait_as_thread(void *barrier)
{
    CHECK_EQ(ferry_barrier_wait(barrier, FERRY_FOREVER), 0);
    return NULL;
}

static void close_it(void *barrier)
{
    CHECK_EQ(arrived(barrier), 1);
    ferry_barrier_close(barrier);
}

TEST(a_child_has_not_come_to_its_parents_round) /* G11 G16 */
{
    ferry_barrier *barrier = make(2);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, wait_as_thread, barrier), 0);
    test_wait_until(arrived(barrier) == 1);
    test_wait_ok(test_child(close_it, barrier));
    CHECK_EQ(arrived(barrier), 1);
    CHECK_EQ(ferry_barrier_wait(barrier, FERRY_FOREVER), 1);
    pthread_join(thread, NULL);
    CHECK_EQ(look("b").broken_count, 0);
    drop(barrier);
}

static void take_and_wait(void *context)
{
    struct waiter *waiter = context;
    ferry_barrier *own;
    ferry_barrier_close(waiter->barrier);
    CHECK_OK(ferry_barrier_take(&own, waiter->times));
    CHECK_EQ(ferry_barrier_wait(own, FERRY_FOREVER), 0);
    ferry_barrier_close(own);
}

TEST(it_is_handed_over) /* G1 */
{
    ferry_barrier *barrier;
    int parcel;
    CHECK_OK(ferry_barrier_open(&barrier, NULL, FERRY_BARRIER(.count = 2)));
    CHECK_OK(ferry_barrier_hand_over(barrier, &parcel));
    ferry_mutex *wrong;
    CHECK_ERR(ferry_mutex_take(&wrong, parcel), EMEDIUMTYPE);
    struct waiter waiter = {.barrier = barrier, .times = parcel};
    pid_t child = test_child(take_and_wait, &waiter);
    close(parcel);
    test_wait_until(arrived(barrier) == 1);
    CHECK_EQ(ferry_barrier_wait(barrier, FERRY_FOREVER), 1);
    test_wait_ok(child);
    ferry_barrier_close(barrier);
}

TEST(who_looks_sees_rounds_and_who_waits) /* G13 */
{
    ferry_barrier *barrier = make(3);
    struct waiter *waiter = begin_waiting(barrier, 1);
    struct ferry_object object = look("b");
    CHECK_EQ(object.kind, FERRY_KIND_BARRIER);
    CHECK_STR(ferry_kind_name(object.kind), "barrier");
    CHECK_EQ(object.barrier_count, 3);
    CHECK_EQ(object.arrived_count, 1);
    CHECK_EQ(object.round, 0);
    CHECK_EQ(object.broken_count, 0);
    CHECK_EQ(object.wait_count, 1);
    struct ferry_member members[2];
    CHECK_EQ(ferry_look_members("b", members, 2), 2);
    CHECK(!members[0].waiting);
    CHECK(members[1].waiting);
    CHECK_EQ(ferry_barrier_set_count(barrier, 1), 1);
    end_waiting(waiter, 0);
    CHECK(!has_sentry());
    CHECK_EQ(look("b").barrier_count, 1);
    CHECK_EQ(look("b").arrived_count, 0);
    CHECK_EQ(look("b").round, 1);
    drop(barrier);
}
