/* Mutexes: owners, repeating, giving up, deaths while several wait, once (contract E5, E7, G7, G8, G11). */
#include <pthread.h>
#include <string.h>

#include "support.h"

static ferry_mutex *make(unsigned flags)
{
    ferry_mutex *mutex;
    CHECK_OK(ferry_mutex_open(&mutex, "m", FERRY_MUTEX(.flags = FERRY_CREATE | flags)));
    return mutex;
}

static ferry_mutex *join(void)
{
    ferry_mutex *mutex;
    CHECK_OK(ferry_mutex_open(&mutex, "m", NULL));
    return mutex;
}

static void drop(ferry_mutex *mutex)
{
    ferry_mutex_close(mutex);
    CHECK_OK(ferry_remove("m"));
}

/* ---- Owners ----------------------------------------------------------------------------------- */

TEST(only_the_owner_unlocks) /* E5 */
{
    ferry_mutex *mutex = make(0), *other = join();
    CHECK_ERR(ferry_mutex_unlock(mutex), EPERM);
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_NOW));
    CHECK_ERR(ferry_mutex_unlock(other), EPERM);
    CHECK_ERR(ferry_mutex_repaired(other), EPERM);
    CHECK_ERR(ferry_mutex_lock(other, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_mutex_lock(other, 5 * MILLISECOND), ETIMEDOUT);
    CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK_OK(ferry_mutex_lock(other, FERRY_NOW));
    CHECK_OK(ferry_mutex_unlock(other));
    CHECK_EQ(look("m").lock_count, 2);
    ferry_mutex_close(other);
    drop(mutex);
}

TEST(locking_it_twice_is_an_error) /* E7 */
{
    ferry_mutex *mutex = make(0);
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_FOREVER));
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_FOREVER), EDEADLK);
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_NOW), EDEADLK);
    CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK_ERR(ferry_mutex_unlock(mutex), EPERM);
    drop(mutex);
}

static void *unlock_it(void *mutex)
{
    CHECK_ERR(ferry_mutex_unlock(mutex), EPERM);
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_NOW), EAGAIN);
    return NULL;
}

TEST(or_is_counted_for_the_thread_that_has_it) /* E7 */
{
    ferry_mutex *mutex = make(FERRY_RECURSIVE), *other = join();
    for (int i = 0; i < 3; i++)
        CHECK_OK(ferry_mutex_lock(mutex, FERRY_FOREVER));
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, unlock_it, mutex), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_ERR(ferry_mutex_lock(other, FERRY_NOW), EAGAIN);
        CHECK_OK(ferry_mutex_unlock(mutex));
    }
    CHECK_ERR(ferry_mutex_unlock(mutex), EPERM);
    CHECK_OK(ferry_mutex_lock(other, FERRY_NOW));
    CHECK_OK(ferry_mutex_lock(other, FERRY_NOW)); /* the object is, whoever opens it how */
    ferry_mutex_close(other);
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_NOW), EOWNERDEAD);
    drop(mutex);
}

TEST(one_that_is_there_is_not_made_recursive) /* U6 */
{
    ferry_mutex *mutex = make(0), *other;
    CHECK_ERR(ferry_mutex_open(&other, "m", FERRY_MUTEX(.flags = FERRY_CREATE | FERRY_RECURSIVE)),
              EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "made without a flag");
    ferry_segment *segment;
    CHECK_ERR(ferry_segment_open(&segment, "m", NULL), EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "mutex");
    drop(mutex);
}

/* ---- Owners that die -------------------------------------------------------------------------- */

static void lock_and_die(void *context)
{
    (void)context;
    int r = ferry_mutex_lock(join(), FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    raise(SIGKILL);
}

static void let_one_die(void)
{
    int status;
    CHECK_ERRNO(waitpid(test_child(lock_and_die, NULL), &status, 0));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(who_comes_next_is_told_and_repairs) /* E5 */
{
    ferry_mutex *mutex = make(0);
    let_one_die();
    CHECK(look("m").lock_owner_dead);
    let_one_die(); /* neither did this one repair it */
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_FOREVER), EOWNERDEAD);
    CHECK(look("m").unrepaired);
    CHECK_OK(ferry_mutex_repaired(mutex));
    CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_NOW));
    CHECK_OK(ferry_mutex_unlock(mutex));
    drop(mutex);
}

TEST(or_gives_the_data_up_for_all) /* E5 */
{
    ferry_mutex *mutex = make(0), *other = join();
    let_one_die();
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_FOREVER), EOWNERDEAD);
    CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_NOW), ENOTRECOVERABLE);
    CHECK_ERR(ferry_mutex_lock(other, FERRY_FOREVER), ENOTRECOVERABLE);
    CHECK_CONTAINS(ferry_explain(), "remove the mutex");
    CHECK_ERR(ferry_mutex_unlock(other), EPERM);
    CHECK(look("m").condemned);
    ferry_mutex_close(other);
    drop(mutex);
}

struct waiting {
    int result;
};

static void wait_for_it(void *context)
{
    struct waiting *waiting = context;
    ferry_mutex *mutex = join();
    waiting->result = ferry_mutex_lock(mutex, FERRY_FOREVER);
    if (waiting->result == -EOWNERDEAD)
        CHECK_OK(ferry_mutex_repaired(mutex));
    if (waiting->result != -ENOTRECOVERABLE)
        CHECK_OK(ferry_mutex_unlock(mutex));
    ferry_mutex_close(mutex);
}

static int find_sentry(const struct ferry_field *field, void *tag)
{
    if (strcmp(field->name, "sentry") == 0)
        *(uint64_t *)tag = field->value;
    return 0;
}

/* Does one of those who wait keep the vigil? */
static bool has_sentry(void)
{
    uint64_t tag = 0;
    CHECK_OK(ferry_look_raw("m", find_sentry, &tag));
    return tag != 0;
}

static int waiters(void)
{
    struct ferry_member members[16];
    int there = ferry_look_members("m", members, 16), waiting = 0;
    for (int i = 0; i < there; i++)
        waiting += members[i].wants_lock;
    return waiting;
}

enum { SEVERAL = 5 };

static struct waiting *begin_waiting(pid_t *children, int count)
{
    struct waiting *waiting = test_shared(SEVERAL * sizeof(*waiting));
    for (int i = 0; i < count; i++)
        children[i] = test_child(wait_for_it, &waiting[i]);
    test_wait_until(waiters() == count && has_sentry());
    return waiting;
}

static pid_t hold_it(struct test_gate *holds);

TEST(of_several_that_wait_all_get_it_in_the_end) /* E5, G8 */
{
    pid_t children[SEVERAL];
    ferry_mutex *mutex = make(0);
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_FOREVER));
    struct waiting *waiting = begin_waiting(children, SEVERAL);
    CHECK_OK(ferry_mutex_unlock(mutex));
    for (int i = 0; i < SEVERAL; i++) {
        test_wait_ok(children[i]);
        CHECK_EQ(waiting[i].result, 0);
    }
    CHECK_EQ(waiters(), 0);
    CHECK(!has_sentry());
    drop(mutex);
}

TEST(when_the_owner_dies_one_of_several_is_told) /* E5, G8 */
{
    pid_t children[SEVERAL];
    ferry_mutex *mutex = make(0);
    struct test_gate *holds = test_gate_new();
    pid_t owner = hold_it(holds);
    struct waiting *waiting = begin_waiting(children, SEVERAL);
    test_kill(owner);
    int told = 0;
    for (int i = 0; i < SEVERAL; i++) {
        test_wait_ok(children[i]);
        told += waiting[i].result == -EOWNERDEAD;
    }
    CHECK_EQ(told, 1);
    drop(mutex);
}

TEST(all_who_wait_hear_that_the_data_are_given_up) /* E5, G8 */
{
    pid_t children[SEVERAL];
    ferry_mutex *mutex = make(0);
    let_one_die();
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_FOREVER), EOWNERDEAD);
    struct waiting *waiting = begin_waiting(children, SEVERAL);
    CHECK_OK(ferry_mutex_unlock(mutex));
    for (int i = 0; i < SEVERAL; i++) {
        test_wait_ok(children[i]);
        CHECK_EQ(waiting[i].result, -ENOTRECOVERABLE);
    }
    drop(mutex);
}

TEST(a_sentry_that_dies_with_the_owner_is_replaced) /* E5, G8 */
{
    pid_t children[3];
    ferry_mutex *mutex = make(0);
    struct test_gate *holds = test_gate_new();
    pid_t owner = hold_it(holds);
    struct waiting *waiting = begin_waiting(children, 1); /* so this one is it */
    children[1] = test_child(wait_for_it, &waiting[1]);
    children[2] = test_child(wait_for_it, &waiting[2]);
    test_wait_until(waiters() == 3);
    CHECK_ERRNO(kill(owner, SIGSTOP));
    CHECK_ERRNO(kill(children[0], SIGSTOP));
    test_kill(children[0]);
    test_kill(owner);
    test_wait_ok(children[1]);
    test_wait_ok(children[2]);
    CHECK_EQ((waiting[1].result == -EOWNERDEAD) + (waiting[2].result == -EOWNERDEAD), 1);
    drop(mutex);
}

static void hold(void *holds)
{
    int r = ferry_mutex_lock(join(), FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    test_gate_open(holds);
    stay();
}

static pid_t hold_it(struct test_gate *holds)
{
    pid_t owner = test_child(hold, holds);
    test_gate_wait(holds);
    return owner;
}

/* ---- Counting --------------------------------------------------------------------------------- */

struct counting {
    uint64_t count;
    int rounds;
};

static void count_up(void *context)
{
    struct counting *counting = context;
    ferry_mutex *mutex = join();
    for (int i = 0; i < counting->rounds; i++) {
        CHECK_OK(ferry_mutex_lock(mutex, FERRY_FOREVER));
        volatile uint64_t *count = &counting->count;
        *count = *count + 1;
        if (i % 1000 == 0) /* so that others have to sleep */
            usleep(2000);
        CHECK_OK(ferry_mutex_unlock(mutex));
    }
    ferry_mutex_close(mutex);
}

TEST(many_processes_count_without_losing_one) /* E5 */
{
    enum { PROCESSES = 12 };
    ferry_mutex *mutex = make(0);
    struct counting *counting = test_shared(sizeof(*counting));
    counting->rounds = test_thorough() ? 20000 : 3000;
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = test_child(count_up, counting);
    for (int i = 0; i < PROCESSES; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(counting->count, (uint64_t)(PROCESSES * counting->rounds));
    drop(mutex);
}

/* ---- Forks, closing, handing over ------------------------------------------------------------- */

static void try_inherited(void *mutex)
{
    CHECK_ERR(ferry_mutex_unlock(mutex), EPERM);
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_NOW), EAGAIN);
    ferry_mutex_close(mutex);
}

TEST(what_the_parent_has_locked_stays_the_parents) /* G11 */
{
    ferry_mutex *mutex = make(FERRY_RECURSIVE);
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_NOW));
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_NOW));
    test_wait_ok(test_child(try_inherited, mutex));
    CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK_OK(ferry_mutex_unlock(mutex));
    drop(mutex);
}

TEST(it_is_handed_over_without_its_lock) /* G1 */
{
    ferry_mutex *mutex, *other;
    int parcel;
    CHECK_OK(ferry_mutex_open(&mutex, NULL, FERRY_MUTEX(.flags = FERRY_RECURSIVE)));
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_NOW));
    CHECK_OK(ferry_mutex_hand_over(mutex, &parcel));
    ferry_semaphore *wrong;
    CHECK_ERR(ferry_semaphore_take(&wrong, parcel), EMEDIUMTYPE);
    CHECK_OK(ferry_mutex_take(&other, parcel));
    CHECK_ERR(ferry_mutex_lock(other, FERRY_NOW), EAGAIN);
    CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK_OK(ferry_mutex_lock(other, FERRY_NOW));
    CHECK_OK(ferry_mutex_lock(other, FERRY_NOW));
    ferry_mutex_close(mutex);
    ferry_mutex_close(other);
}

/* ---- Once ------------------------------------------------------------------------------------- */

struct once {
    uint64_t times, after;
};

static void do_once(void *context)
{
    struct once *once = context;
    ferry_mutex *mutex = join();
    int r = ferry_mutex_once(mutex, FERRY_FOREVER);
    CHECK(r == 0 || r == 1);
    if (r == 1) {
        once->times++;
        CHECK_OK(ferry_mutex_done(mutex));
    }
    CHECK_EQ(once->times, 1);
    CHECK_OK(ferry_mutex_once(mutex, FERRY_NOW));
    ferry_mutex_close(mutex);
}

TEST(of_many_one_does_it) /* E6 */
{
    enum { PROCESSES = 8 };
    ferry_mutex *mutex = make(0);
    struct once *once = test_shared(sizeof(*once));
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = test_child(do_once, once);
    for (int i = 0; i < PROCESSES; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(once->times, 1);
    CHECK_ERR(ferry_mutex_done(mutex), EPERM);
    drop(mutex);
}

TEST(who_dies_in_it_leaves_it_to_the_next) /* E6, G8 */
{
    ferry_mutex *mutex = make(0);
    let_one_die();
    CHECK_ERR(ferry_mutex_once(mutex, FERRY_FOREVER), EOWNERDEAD);
    CHECK_OK(ferry_mutex_done(mutex));
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_NOW));
    CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK_OK(ferry_mutex_once(mutex, FERRY_NOW));
    drop(mutex);
}
