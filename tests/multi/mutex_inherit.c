/* Mutexes that lend priorities (FERRY_INHERIT): the same rules as of others, and circles, the hand-over, and the priority itself (contract E5,
 * E7, G7, G8). */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#include "support.h"

static ferry_mutex *open_mutex(const char *name, unsigned flags)
{
    ferry_mutex *mutex;
    CHECK_OK(ferry_mutex_open(&mutex, name, FERRY_MUTEX(.flags = flags)));
    return mutex;
}

static ferry_mutex *make(const char *name)
{
    return open_mutex(name, FERRY_CREATE | FERRY_INHERIT);
}

static void drop(ferry_mutex *mutex, const char *name)
{
    ferry_mutex_close(mutex);
    CHECK_OK(ferry_remove(name));
}

/* ---- As others -------------------------------------------------------------------------------- */

TEST(only_the_owner_unlocks) /* E5 */
{
    ferry_mutex *mutex = make("m"), *other = open_mutex("m", 0);
    CHECK_ERR(ferry_mutex_unlock(mutex), EPERM);
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_NOW));
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_FOREVER), EDEADLK);
    CHECK_ERR(ferry_mutex_unlock(other), EPERM);
    CHECK_ERR(ferry_mutex_lock(other, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_mutex_lock(other, FERRY_FOREVER), EDEADLK); /* the same thread has it */
    CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK_OK(ferry_mutex_lock(other, FERRY_NOW));
    CHECK_OK(ferry_mutex_unlock(other));
    ferry_mutex_close(other);
    drop(mutex, "m");
}

TEST(a_recursive_one_counts) /* E7 */
{
    ferry_mutex *mutex = open_mutex("m", FERRY_CREATE | FERRY_INHERIT | FERRY_RECURSIVE);
    for (int i = 0; i < 3; i++)
        CHECK_OK(ferry_mutex_lock(mutex, FERRY_FOREVER));
    for (int i = 0; i < 3; i++)
        CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK_ERR(ferry_mutex_unlock(mutex), EPERM);
    drop(mutex, "m");
}

static void hold(void *holds)
{
    ferry_mutex *mutex = open_mutex("m", 0);
    int r = ferry_mutex_lock(mutex, FERRY_FOREVER);
    CHECK(r == 0 || r == -EOWNERDEAD);
    test_gate_open(holds);
    stay();
}

static pid_t hold_it(void)
{
    struct test_gate *holds = test_gate_new();
    pid_t owner = test_child(hold, holds);
    test_gate_wait(holds);
    return owner;
}

TEST(waiting_ends_when_the_time_is_up) /* G7 */
{
    ferry_mutex *mutex = make("m");
    pid_t owner = hold_it();
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_mutex_lock(mutex, 20 * MILLISECOND), ETIMEDOUT);
    test_kill(owner);
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_NOW), EOWNERDEAD);
    CHECK_OK(ferry_mutex_repaired(mutex));
    CHECK_OK(ferry_mutex_unlock(mutex));
    drop(mutex, "m");
}

TEST(the_data_can_be_given_up) /* E5 */
{
    ferry_mutex *mutex = make("m"), *other = open_mutex("m", 0);
    test_kill(hold_it());
    CHECK(look("m").lock_owner_dead);
    test_kill(hold_it()); /* neither did this one repair it */
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_FOREVER), EOWNERDEAD);
    CHECK(look("m").unrepaired);
    CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK(look("m").condemned);
    CHECK_ERR(ferry_mutex_lock(other, FERRY_NOW), ENOTRECOVERABLE);
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_FOREVER), ENOTRECOVERABLE);
    ferry_mutex_close(other);
    drop(mutex, "m");
}

TEST(who_closes_it_locked_has_died_for_the_others) /* E5 */
{
    ferry_mutex *mutex = make("m"), *other = open_mutex("m", 0);
    CHECK_OK(ferry_mutex_lock(other, FERRY_FOREVER));
    ferry_mutex_close(other);
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_FOREVER), EOWNERDEAD);
    CHECK_OK(ferry_mutex_repaired(mutex));
    CHECK_OK(ferry_mutex_unlock(mutex));
    drop(mutex, "m");
}

static void try_inherited(void *mutex)
{
    CHECK_ERR(ferry_mutex_unlock(mutex), EPERM);
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_NOW), EAGAIN);
    ferry_mutex_close(mutex);
}

TEST(what_the_parent_has_locked_stays_the_parents) /* G11 */
{
    ferry_mutex *mutex = make("m");
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_NOW));
    test_wait_ok(test_child(try_inherited, mutex));
    CHECK_OK(ferry_mutex_unlock(mutex));
    drop(mutex, "m");
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

struct waiting {
    int result;
    int priority; /* SCHED_FIFO; 0: none */
    struct test_gate *first;
};

/* The system call: not every C library has it. */
static int set_scheduler(int policy, int priority)
{
    const struct sched_param parameter = {.sched_priority = priority};
    return (int)syscall(SYS_sched_setscheduler, 0, policy, &parameter);
}

static void be_important(int priority)
{
    if (priority != 0)
        CHECK_ERRNO(set_scheduler(SCHED_FIFO, priority));
}

static void wait_for_it(void *context)
{
    struct waiting *waiting = context;
    ferry_mutex *mutex = open_mutex("m", 0);
    be_important(waiting->priority);
    waiting->result = ferry_mutex_lock(mutex, FERRY_FOREVER);
    if (waiting->result == -EOWNERDEAD)
        CHECK_OK(ferry_mutex_repaired(mutex));
    CHECK_OK(ferry_mutex_unlock(mutex));
    ferry_mutex_close(mutex);
}

static int waiters(void)
{
    struct ferry_member members[16];
    int there = ferry_look_members("m", members, 16), waiting = 0;
    for (int i = 0; i < there; i++)
        waiting += members[i].wants_lock;
    return waiting;
}

TEST(when_the_owner_dies_one_of_several_is_told) /* E5, G8 */
{
    enum { SEVERAL = 4 };
    ferry_mutex *mutex = make("m");
    pid_t owner = hold_it(), children[SEVERAL];
    struct waiting *waiting = test_shared(SEVERAL * sizeof(*waiting));
    for (int i = 0; i < SEVERAL; i++) {
        children[i] = test_child(wait_for_it, &waiting[i]);
        test_wait_until(waiters() == i + 1);
        test_sleeping(children[i]);
    }
    test_kill(owner);
    int told = 0;
    for (int i = 0; i < SEVERAL; i++) {
        test_wait_ok(children[i]);
        told += waiting[i].result == -EOWNERDEAD;
    }
    CHECK_EQ(told, 1);
    drop(mutex, "m");
}

static void count_up(void *context)
{
    volatile uint64_t *count = context;
    ferry_mutex *mutex = open_mutex("m", 0);
    for (int i = 0; i < 2000; i++) {
        CHECK_OK(ferry_mutex_lock(mutex, FERRY_FOREVER));
        *count = *count + 1;
        CHECK_OK(ferry_mutex_unlock(mutex));
    }
    ferry_mutex_close(mutex);
}

TEST(many_processes_count_without_losing_one) /* E5 */
{
    enum { PROCESSES = 4 };
    ferry_mutex *mutex = make("m");
    uint64_t *count = test_shared(sizeof(*count));
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = test_child(count_up, count);
    for (int i = 0; i < PROCESSES; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(*count, (uint64_t)(PROCESSES * 2000));
    drop(mutex, "m");
}

/* ---- Circles ---------------------------------------------------------------------------------- */

struct crossing {
    struct test_gate *holds, *go;
    int result;
};

static void take_the_other_way_round(void *context)
{
    struct crossing *crossing = context;
    ferry_mutex *left = open_mutex("left", 0), *right = open_mutex("right", 0);
    CHECK_OK(ferry_mutex_lock(right, FERRY_FOREVER));
    test_gate_open(crossing->holds);
    crossing->result = ferry_mutex_lock(left, FERRY_FOREVER);
    CHECK_OK(crossing->result);
    CHECK_OK(ferry_mutex_unlock(left));
    CHECK_OK(ferry_mutex_unlock(right));
    ferry_mutex_close(left);
    ferry_mutex_close(right);
}

TEST(a_circle_of_processes_is_found) /* E7 */
{
    ferry_mutex *left = make("left"), *right = make("right");
    struct crossing *crossing = test_shared(sizeof(*crossing));
    crossing->holds = test_gate_new();
    CHECK_OK(ferry_mutex_lock(left, FERRY_FOREVER));
    pid_t child = test_child(take_the_other_way_round, crossing);
    test_gate_wait(crossing->holds);
    test_sleeping(child);
    CHECK_ERR(ferry_mutex_lock(right, FERRY_FOREVER), EDEADLK);
    CHECK_OK(ferry_mutex_unlock(left));
    test_wait_ok(child);
    drop(left, "left");
    drop(right, "right");
}

/* ---- Priorities ------------------------------------------------------------------------------- */

/* As /proc has it: below -1 for a real-time one, -1 less its number. */
static long priority_of(pid_t pid)
{
    char path[64], line[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    CHECK(file != NULL && fgets(line, sizeof(line), file) != NULL);
    fclose(file);
    char *field = strrchr(line, ')') + 1;
    for (int i = 0; i < 15; i++) /* the 18th, and the name is the second */
        field = strchr(field + 1, ' ');
    return strtol(field, NULL, 10);
}

TEST(the_owner_has_the_priority_of_who_waits) /* E5 */
{
    if (set_scheduler(SCHED_FIFO, 1) < 0)
        SKIP("real-time priorities need rights");
    CHECK_ERRNO(set_scheduler(SCHED_OTHER, 0));
    ferry_mutex *mutex = make("m");
    pid_t owner = hold_it();
    struct waiting *waiting = test_shared(sizeof(*waiting));
    waiting->priority = 7;
    CHECK(priority_of(owner) >= 0);
    pid_t waiter = test_child(wait_for_it, waiting);
    test_wait_until(priority_of(owner) == -1 - waiting->priority);
    test_kill(waiter);
    test_wait_until(priority_of(owner) >= 0);
    test_kill(owner);
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_FOREVER), EOWNERDEAD);
    CHECK_OK(ferry_mutex_repaired(mutex));
    CHECK_OK(ferry_mutex_unlock(mutex));
    drop(mutex, "m");
}

/* ---- Conditions ------------------------------------------------------------------------------- */

static void tell(void *context)
{
    volatile int *told = context;
    ferry_mutex *mutex = open_mutex("m", 0);
    ferry_condition *condition;
    CHECK_OK(ferry_condition_open(&condition, "c", mutex, NULL));
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_FOREVER));
    *told = 1;
    CHECK_OK(ferry_condition_signal(condition));
    CHECK_OK(ferry_mutex_unlock(mutex));
    ferry_condition_close(condition);
    ferry_mutex_close(mutex);
}

TEST(a_condition_lets_go_of_it_and_takes_it_again) /* E6 */
{
    ferry_mutex *mutex = make("m");
    ferry_condition *condition;
    int *told = test_shared(sizeof(*told));
    CHECK_OK(ferry_condition_open(&condition, "c", mutex, FERRY_CONDITION(.flags = FERRY_CREATE)));
    CHECK_OK(ferry_mutex_lock(mutex, FERRY_FOREVER));
    pid_t child = test_child(tell, told);
    int r = 0;
    while (r >= 0 && !*(volatile int *)told)
        r = ferry_condition_wait(condition, FERRY_FOREVER);
    CHECK_OK(r);
    CHECK_OK(ferry_mutex_unlock(mutex));
    test_wait_ok(child);
    ferry_condition_close(condition);
    CHECK_OK(ferry_remove("c"));
    drop(mutex, "m");
}

/* ---- Other namespaces ------------------------------------------------------------------------- */

static void try_inside(void *context)
{
    (void)context;
    ferry_mutex *mutex;
    CHECK_OK(ferry_mutex_open(&mutex, "m", NULL));
    CHECK_ERR(ferry_mutex_lock(mutex, FERRY_NOW), EOPNOTSUPP);
    CHECK_CONTAINS(ferry_explain(), "pid namespace");
    ferry_mutex_close(mutex);
}

static void go_inside(void *works)
{
    if (unshare(CLONE_NEWPID) < 0)
        return;
    *(bool *)works = true;
    test_wait_ok(test_child(try_inside, NULL));
}

TEST(it_is_for_one_pid_namespace) /* E5 */
{
    ferry_mutex *mutex = make("m");
    bool *works = test_shared(sizeof(*works));
    test_wait_ok(test_child(go_inside, works));
    drop(mutex, "m");
    if (!*works)
        SKIP("a pid namespace needs root");
}
