/* Sets: several steps as one, waiting for zero, and what is given back when its holder is gone.
 *
 * What the kernel does at exec(2), where what is to be given back stays so, is not asked of Ferry, whose handles end there. */
#include <stdatomic.h>

#include "semaphores.h"

/* ---- Steps ---- */

SEMAPHORE_CONFORMANCE(all_steps_or_none, CAN_STEP) /* E3 */
{
    struct semaphore set = semaphore_make(back_end, 3, 1);
    CHECK_EQ(SEMAPHORE_OPERATE(&set, FERRY_NOW, {0, -1, 0}, {1, -1, 0}, {2, 4, 0}), 0);
    SEMAPHORE_EXPECT(&set, 0, 0, 5);
    CHECK_ERR(SEMAPHORE_OPERATE(&set, FERRY_NOW, {2, -1, 0}, {0, -1, 0}), EAGAIN);
    CHECK_ERR(SEMAPHORE_OPERATE(&set, FERRY_NOW, {2, -6, 0}, {0, 1, 0}), EAGAIN);
    CHECK_ERR(SEMAPHORE_OPERATE(&set, FERRY_NOW, {0, 1, 0}, {1, 1, 0}, {2, 0, 0}), EAGAIN);
    SEMAPHORE_EXPECT(&set, 0, 0, 5);
    CHECK_EQ(SEMAPHORE_OPERATE(&set, FERRY_NOW, {2, -5, 0}, {0, 1, 0}), 0);
    SEMAPHORE_EXPECT(&set, 1, 0, 0);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(steps_are_done_in_order, CAN_STEP) /* E3 */
{
    struct semaphore set = semaphore_make(back_end, 2, 0);
    CHECK_EQ(SEMAPHORE_OPERATE(&set, FERRY_NOW, {0, 3, 0}, {0, -3, 0}, {0, 0, 0}), 0);
    CHECK_ERR(SEMAPHORE_OPERATE(&set, FERRY_NOW, {0, -3, 0}, {0, 3, 0}), EAGAIN);
    CHECK_EQ(SEMAPHORE_OPERATE(&set, FERRY_NOW, {1, 0, 0}, {1, 1, 0}), 0);
    CHECK_ERR(SEMAPHORE_OPERATE(&set, FERRY_NOW, {1, 0, 0}, {1, 1, 0}), EAGAIN);
    CHECK_EQ(SEMAPHORE_OPERATE(&set, FERRY_NOW, {1, -1, 0}, {1, 0, 0}, {1, 2, 0}), 0);
    SEMAPHORE_EXPECT(&set, 0, 2);
    semaphore_destroy(&set);
}

/* The first step that cannot be done says why. */
SEMAPHORE_CONFORMANCE(too_many_units_undo_all_steps, CAN_STEP) /* E3 */
{
    struct semaphore set = semaphore_make(back_end, 2, back_end->most);
    CHECK_ERR(SEMAPHORE_OPERATE(&set, FERRY_NOW, {0, -5, 0}, {1, 1, 0}), EOVERFLOW);
    SEMAPHORE_EXPECT(&set, back_end->most, back_end->most);
    CHECK_ERR(SEMAPHORE_OPERATE(&set, FERRY_NOW, {0, 1, 0}, {1, 0, 0}), EOVERFLOW);
    CHECK_ERR(SEMAPHORE_OPERATE(&set, FERRY_NOW, {1, 0, 0}, {0, 1, 0}), EAGAIN);
    CHECK_EQ(SEMAPHORE_OPERATE(&set, FERRY_NOW, {0, -1, 0}, {0, 1, 0}), 0);
    SEMAPHORE_EXPECT(&set, back_end->most, back_end->most);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(what_is_not_in_the_set_is_refused, CAN_STEP) /* E3 */
{
    struct semaphore set = semaphore_make(back_end, 2, 1);
    CHECK_ERR(SEMAPHORE_OPERATE(&set, FERRY_NOW, {0, -1, 0}, {2, -1, 0}), EINVAL);
    CHECK_ERR(back_end->operate(&set, (const struct ferry_semaphore_step[]){{0, 1, 0}}, 0, 0),
              EINVAL);
    SEMAPHORE_EXPECT(&set, 1, 1);
    semaphore_destroy(&set);
}

/* ---- In processes of their own ---- */

enum { STEPS = 4 };

/* What a process is to do with a handle of its own, and how it goes. */
struct task {
    struct semaphore set;
    struct ferry_semaphore_step steps[STEPS];
    size_t count;
    int64_t timeout_ns;
    int result;
    enum { EXITS, STAYS, FORKS_A_CHILD_THAT_EXITS } then;
    _Atomic bool is_done;
};

static struct task *task_new(struct semaphore *set, int then)
{
    struct task *task = test_shared(sizeof *task);
    *task = (struct task){.set = *set, .timeout_ns = FERRY_FOREVER, .then = (unsigned)then};
    return task;
}

static void add_step(struct task *task, uint32_t which, int32_t change, unsigned flags)
{
    CHECK(task->count < STEPS);
    task->steps[task->count++] = (struct ferry_semaphore_step){which, change, flags};
}

static void do_nothing(void *context)
{
    (void)context;
}

static void do_task(void *context)
{
    struct task *task = context;
    struct semaphore set = semaphore_open(&task->set);
    task->result = set.back_end->operate(&set, task->steps, task->count, task->timeout_ns);
    if (task->then == FORKS_A_CHILD_THAT_EXITS)
        test_wait_ok(test_child(do_nothing, NULL));
    task->is_done = true;
    while (task->then != EXITS)
        pause();
}

/* It sleeps, for it cannot do its steps yet, when this returns. */
static pid_t start_waiting(struct task *task)
{
    pid_t pid = test_child(do_task, task);
    test_sleeping(pid);
    CHECK(!task->is_done);
    return pid;
}

/* It has done its steps, and is there still. */
static pid_t start_holding(struct task *task)
{
    pid_t pid = test_child(do_task, task);
    test_wait_until(task->is_done);
    CHECK_EQ(task->result, 0);
    return pid;
}

static void finish(pid_t pid, const struct task *task)
{
    test_wait_ok(pid);
    CHECK_EQ(task->result, 0);
}

static void change_one(struct semaphore *set, uint32_t which, int32_t change)
{
    CHECK_EQ(SEMAPHORE_OPERATE(set, FERRY_NOW, {which, change, 0}), 0);
}

/* ---- Waiting ---- */

SEMAPHORE_CONFORMANCE(who_waits_for_two_takes_both_at_once, CAN_STEP) /* E3 */
{
    struct semaphore set = semaphore_make(back_end, 2, 0);
    struct task *task = task_new(&set, EXITS);
    add_step(task, 0, -2, 0);
    add_step(task, 1, -1, 0);
    pid_t pid = start_waiting(task);
    for (uint32_t units = 1; units <= 2; units++) {
        change_one(&set, 0, 1);
        test_sleeping(pid);
        SEMAPHORE_EXPECT(&set, units, 0);
    }
    change_one(&set, 1, 1);
    finish(pid, task);
    SEMAPHORE_EXPECT(&set, 0, 0);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(zero_is_waited_for, CAN_STEP) /* E3 */
{
    struct semaphore set = semaphore_make(back_end, 1, 2);
    struct task *tasks[2] = {task_new(&set, EXITS), task_new(&set, EXITS)};
    pid_t pids[2];
    for (int i = 0; i < 2; i++) {
        add_step(tasks[i], 0, 0, 0);
        pids[i] = start_waiting(tasks[i]);
    }
    change_one(&set, 0, -1);
    test_sleeping(pids[0]);
    test_sleeping(pids[1]);
    change_one(&set, 0, -1);
    for (int i = 0; i < 2; i++)
        finish(pids[i], tasks[i]);
    SEMAPHORE_EXPECT(&set, 0);
    semaphore_destroy(&set);
}

/* With "wait for zero, then one more" as one, zero is free: only one of several who wait comes in. */
SEMAPHORE_CONFORMANCE(waiting_for_zero_can_exclude, CAN_STEP) /* E3 */
{
    enum { SLEEPERS = 4 };
    struct semaphore set = semaphore_make(back_end, 1, 1);
    struct task *tasks[SLEEPERS];
    pid_t pids[SLEEPERS];
    for (int i = 0; i < SLEEPERS; i++) {
        tasks[i] = task_new(&set, EXITS);
        add_step(tasks[i], 0, 0, 0);
        add_step(tasks[i], 0, 1, 0);
        pids[i] = start_waiting(tasks[i]);
    }
    for (int done = 0; done < SLEEPERS; done++) {
        change_one(&set, 0, -1);
        test_wait_until(set.back_end->value(&set, 0) == 1);
    }
    for (int i = 0; i < SLEEPERS; i++)
        finish(pids[i], tasks[i]);
    SEMAPHORE_EXPECT(&set, 1);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(who_waits_hears_of_a_value_that_was_set, CAN_STEP) /* E3 */
{
    struct semaphore set = semaphore_make(back_end, 2, 0);
    struct task *task = task_new(&set, EXITS);
    add_step(task, 1, -3, 0);
    pid_t pid = start_waiting(task);
    back_end->set(&set, 1, 2);
    test_sleeping(pid);
    back_end->set(&set, 1, 5);
    finish(pid, task);
    SEMAPHORE_EXPECT(&set, 0, 2);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(steps_that_wait_end_when_their_time_is_over, CAN_STEP) /* E3 G7 */
{
    struct semaphore set = semaphore_make(back_end, 2, 1);
    const int64_t moment_ns = 20000000;
    int64_t begin_ns = test_now_ns();
    CHECK_ERR(SEMAPHORE_OPERATE(&set, moment_ns, {0, -1, 0}, {1, 0, 0}), ETIMEDOUT);
    CHECK(test_now_ns() - begin_ns >= moment_ns);
    CHECK_EQ(SEMAPHORE_OPERATE(&set, 1, {0, -1, 0}, {1, -1, 0}), 0);
    SEMAPHORE_EXPECT(&set, 0, 0);
    semaphore_destroy(&set);
}

/* What it was to give back, it has not taken. */
SEMAPHORE_CONFORMANCE(who_is_killed_while_waiting_for_two_has_none, CAN_STEP) /* E4 G8 */
{
    struct semaphore set = semaphore_make(back_end, 2, 1);
    struct task *task = task_new(&set, EXITS);
    add_step(task, 0, -1, FERRY_GIVE_BACK);
    add_step(task, 1, -2, FERRY_GIVE_BACK);
    test_kill(start_waiting(task));
    SEMAPHORE_EXPECT(&set, 1, 1);
    change_one(&set, 1, 1);
    SEMAPHORE_EXPECT(&set, 1, 2);
    semaphore_destroy(&set);
}

/* ---- Giving back ---- */

SEMAPHORE_CONFORMANCE(what_is_held_is_given_back_by_who_exits, CAN_STEP) /* E4 */
{
    struct semaphore set = semaphore_make(back_end, 3, 4);
    struct task *task = task_new(&set, EXITS);
    add_step(task, 0, -4, FERRY_GIVE_BACK);
    add_step(task, 1, -3, 0);
    add_step(task, 2, 2, FERRY_GIVE_BACK);
    finish(test_child(do_task, task), task);
    SEMAPHORE_EXPECT(&set, 4, 1, 4);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(what_is_held_is_given_back_by_who_is_killed, CAN_STEP) /* E4 G8 */
{
    struct semaphore set = semaphore_make(back_end, 3, 4);
    struct task *task = task_new(&set, STAYS);
    add_step(task, 0, -4, FERRY_GIVE_BACK);
    add_step(task, 1, -3, 0);
    add_step(task, 2, 2, FERRY_GIVE_BACK);
    pid_t pid = start_holding(task);
    SEMAPHORE_EXPECT(&set, 0, 1, 6);
    test_kill(pid);
    SEMAPHORE_EXPECT(&set, 4, 1, 4);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(who_waits_gets_what_a_dead_one_held, CAN_STEP) /* E4 G8 */
{
    struct semaphore set = semaphore_make(back_end, 2, 1);
    struct task *holder = task_new(&set, STAYS), *waiter = task_new(&set, EXITS);
    add_step(holder, 0, -1, FERRY_GIVE_BACK);
    add_step(waiter, 0, -1, 0);
    add_step(waiter, 1, -1, 0);
    pid_t holding = start_holding(holder), waiting = start_waiting(waiter);
    test_kill(holding);
    finish(waiting, waiter);
    SEMAPHORE_EXPECT(&set, 0, 0);
    semaphore_destroy(&set);
}

/* Zero comes as well by what a dead one had given. */
SEMAPHORE_CONFORMANCE(who_waits_for_zero_hears_of_a_death, CAN_STEP) /* E4 G8 */
{
    struct semaphore set = semaphore_make(back_end, 1, 0);
    struct task *holder = task_new(&set, STAYS), *waiter = task_new(&set, EXITS);
    add_step(holder, 0, 1, FERRY_GIVE_BACK);
    add_step(waiter, 0, 0, 0);
    pid_t holding = start_holding(holder), waiting = start_waiting(waiter);
    test_kill(holding);
    finish(waiting, waiter);
    SEMAPHORE_EXPECT(&set, 0);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(a_child_does_not_owe_what_its_parent_does, CAN_STEP) /* E4 G11 */
{
    struct semaphore set = semaphore_make(back_end, 1, 3);
    struct task *task = task_new(&set, FORKS_A_CHILD_THAT_EXITS);
    add_step(task, 0, -2, FERRY_GIVE_BACK);
    pid_t pid = start_holding(task); /* its child is gone */
    SEMAPHORE_EXPECT(&set, 1);
    test_kill(pid);
    SEMAPHORE_EXPECT(&set, 3);
    semaphore_destroy(&set);
}

/* What it gives by itself does not count, unless that is to be taken back as well. */
SEMAPHORE_CONFORMANCE(debts_are_those_of_the_marked_steps_alone, CAN_STEP) /* E4 */
{
    struct semaphore set = semaphore_make(back_end, 2, 1);
    struct task *task = task_new(&set, EXITS);
    add_step(task, 0, -1, FERRY_GIVE_BACK);
    add_step(task, 0, 1, 0);
    add_step(task, 1, -1, FERRY_GIVE_BACK);
    add_step(task, 1, 1, FERRY_GIVE_BACK);
    finish(test_child(do_task, task), task);
    SEMAPHORE_EXPECT(&set, 2, 1);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(taking_back_stops_at_zero, CAN_STEP) /* E4 */
{
    struct semaphore set = semaphore_make(back_end, 2, 0);
    struct task *task = task_new(&set, STAYS);
    add_step(task, 0, 5, FERRY_GIVE_BACK);
    add_step(task, 1, 5, FERRY_GIVE_BACK);
    pid_t pid = start_holding(task);
    change_one(&set, 0, -3);
    test_kill(pid);
    SEMAPHORE_EXPECT(&set, 0, 0);
    change_one(&set, 0, 1);
    SEMAPHORE_EXPECT(&set, 1, 0);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(giving_back_stops_at_the_most, CAN_STEP) /* E4 */
{
    struct semaphore set = semaphore_make(back_end, 1, back_end->most);
    struct task *task = task_new(&set, STAYS);
    add_step(task, 0, -3, FERRY_GIVE_BACK);
    pid_t pid = start_holding(task);
    change_one(&set, 0, 2);
    test_kill(pid);
    SEMAPHORE_EXPECT(&set, back_end->most);
    semaphore_destroy(&set);
}

SEMAPHORE_CONFORMANCE(what_is_set_is_owed_by_nobody, CAN_STEP) /* E4 */
{
    struct semaphore set = semaphore_make(back_end, 2, 5);
    struct task *task = task_new(&set, STAYS);
    add_step(task, 0, -2, FERRY_GIVE_BACK);
    add_step(task, 1, -2, FERRY_GIVE_BACK);
    pid_t pid = start_holding(task);
    back_end->set(&set, 0, 4);
    test_kill(pid);
    SEMAPHORE_EXPECT(&set, 4, 5);
    semaphore_destroy(&set);
}
