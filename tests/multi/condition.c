/* Conditions: telling one and all, timeouts, deaths of who tells, who waits and who listens (contract E6, G7, G8, G11). */
#include <string.h>

#include "support.h"

struct scene {
    ferry_mutex *mutex;
    ferry_condition *condition;
};

/* What processes share beside the objects. */
struct shared {
    int tokens, woken, waiting;
    int results[16];
};

static struct scene open_scene(unsigned flags)
{
    struct scene scene;
    CHECK_OK(ferry_mutex_open(&scene.mutex, "m", FERRY_MUTEX(.flags = flags)));
    CHECK_OK(
        ferry_condition_open(&scene.condition, "c", scene.mutex, FERRY_CONDITION(.flags = flags)));
    return scene;
}

static struct scene begin(void)
{
    return open_scene(FERRY_CREATE);
}

static struct scene join(void)
{
    return open_scene(0);
}

static void leave(struct scene scene)
{
    ferry_condition_close(scene.condition);
    ferry_mutex_close(scene.mutex);
}

static void end(struct scene scene)
{
    leave(scene);
    CHECK_OK(ferry_remove("m"));
    CHECK_OK(ferry_remove("c"));
}

static void lock(struct scene scene)
{
    CHECK_OK(ferry_mutex_lock(scene.mutex, FERRY_FOREVER));
}

static void unlock(struct scene scene)
{
    CHECK_OK(ferry_mutex_unlock(scene.mutex));
}

static int find(const struct ferry_field *field, void *value)
{
    if (strcmp(field->group, "condition") == 0 && strcmp(field->name, "sentry") == 0)
        *(uint64_t *)value = field->value;
    return 0;
}

static bool has_sentry(void)
{
    uint64_t tag = 0;
    CHECK_OK(ferry_look_raw("c", find, &tag));
    return tag != 0;
}

static int waiters(void)
{
    struct ferry_member members[32];
    int there = ferry_look_members("c", members, 32), waiting = 0;
    for (int i = 0; i < there; i++)
        waiting += members[i].waiting;
    return waiting;
}

/* ---- One process ------------------------------------------------------------------------------ */

TEST(without_the_mutex_nobody_waits) /* E6 */
{
    struct scene scene = begin();
    CHECK_ERR(ferry_condition_wait(scene.condition, FERRY_NOW), EPERM);
    lock(scene);
    CHECK_ERR(ferry_condition_wait(scene.condition, FERRY_NOW), ETIMEDOUT);
    CHECK_ERR(ferry_condition_wait(scene.condition, 20 * MILLISECOND), ETIMEDOUT);
    CHECK_ERR(ferry_mutex_lock(scene.mutex, FERRY_NOW), EDEADLK); /* it is ours again */
    unlock(scene);
    CHECK_OK(ferry_condition_signal(scene.condition));
    CHECK_OK(ferry_condition_broadcast(scene.condition));
    lock(scene);
    CHECK_ERR(ferry_condition_wait(scene.condition, FERRY_NOW), ETIMEDOUT); /* nobody remembers */
    unlock(scene);
    end(scene);
}

TEST(it_belongs_to_one_mutex) /* E6 */
{
    struct scene scene = begin();
    ferry_mutex *other;
    ferry_condition *condition;
    CHECK_OK(ferry_mutex_open(&other, NULL, NULL));
    CHECK_ERR(ferry_condition_open(&condition, "c", other, NULL), EINVAL);
    CHECK_CONTAINS(ferry_explain(), "belongs to another mutex");
    CHECK_OK(ferry_condition_open(&condition, NULL, other, NULL));
    int parcel;
    CHECK_OK(ferry_condition_hand_over(condition, &parcel));
    ferry_condition_close(condition);
    CHECK_ERR(ferry_condition_take(&condition, scene.mutex, parcel), EINVAL);
    close(parcel);
    ferry_mutex_close(other);
    end(scene);
}

/* ---- Telling ---------------------------------------------------------------------------------- */

/* Takes a token when there is one. */
static void take_token(void *context)
{
    struct shared *shared = context;
    struct scene scene = join();
    lock(scene);
    shared->waiting++;
    int r = 0;
    while (r >= 0 && shared->tokens == 0)
        r = ferry_condition_wait(scene.condition, FERRY_FOREVER);
    CHECK_OK(r);
    shared->waiting--;
    shared->tokens--;
    shared->woken++;
    unlock(scene);
    leave(scene);
}

enum { SEVERAL = 6 };

static struct shared *begin_waiting(pid_t *children, int count)
{
    struct shared *shared = test_shared(sizeof(*shared));
    for (int i = 0; i < count; i++)
        children[i] = test_child(take_token, shared);
    test_wait_until(waiters() == count && has_sentry());
    return shared;
}

static void give_tokens(struct scene scene, struct shared *shared, int tokens)
{
    lock(scene);
    shared->tokens += tokens;
    unlock(scene);
}

TEST(each_signal_wakes_one) /* E6 */
{
    struct scene scene = begin();
    pid_t children[SEVERAL];
    struct shared *shared = begin_waiting(children, SEVERAL);
    for (int i = 1; i <= SEVERAL; i++) {
        give_tokens(scene, shared, 1);
        CHECK_OK(ferry_condition_signal(scene.condition));
        test_wait_until(*(volatile int *)&shared->woken == i);
    }
    for (int i = 0; i < SEVERAL; i++)
        test_wait_ok(children[i]);
    end(scene);
}

TEST(a_broadcast_wakes_all) /* E6 */
{
    struct scene scene = begin();
    pid_t children[SEVERAL];
    struct shared *shared = begin_waiting(children, SEVERAL);
    give_tokens(scene, shared, SEVERAL);
    CHECK_OK(ferry_condition_broadcast(scene.condition));
    for (int i = 0; i < SEVERAL; i++)
        test_wait_ok(children[i]);
    end(scene);
}

TEST(a_recursive_mutex_is_let_go_of_and_taken_again_as_often) /* E6 E7 */
{
    ferry_mutex *mutex;
    ferry_condition *condition;
    CHECK_OK(ferry_mutex_open(&mutex, "m", FERRY_MUTEX(.flags = FERRY_CREATE | FERRY_RECURSIVE)));
    CHECK_OK(ferry_condition_open(&condition, "c", mutex, FERRY_CONDITION(.flags = FERRY_CREATE)));
    for (int i = 0; i < 3; i++)
        CHECK_OK(ferry_mutex_lock(mutex, FERRY_NOW));
    struct shared *shared = test_shared(sizeof(*shared));
    shared->tokens = 1;
    pid_t child = test_child(take_token, shared);
    while (*(volatile int *)&shared->woken == 0) { /* it can only come in while we wait */
        int r = ferry_condition_wait(condition, 10 * MILLISECOND);
        CHECK(r >= 0 || r == -ETIMEDOUT);
    }
    test_wait_ok(child);
    for (int i = 0; i < 3; i++)
        CHECK_OK(ferry_mutex_unlock(mutex));
    CHECK_ERR(ferry_mutex_unlock(mutex), EPERM);
    ferry_condition_close(condition);
    ferry_mutex_close(mutex);
    CHECK_OK(ferry_remove("m"));
    CHECK_OK(ferry_remove("c"));
}

/* ---- Deaths ----------------------------------------------------------------------------------- */

struct dying {
    struct shared *shared;
    bool with_mutex;
};

/* Changes what the others wait for, and dies before it tells. */
static void change_and_die(void *context)
{
    const struct dying *dying = context;
    struct scene scene = join();
    lock(scene);
    dying->shared->tokens += SEVERAL;
    if (!dying->with_mutex)
        unlock(scene);
    raise(SIGKILL);
}

static void check_teller_that_dies(int sleepers)
{
    struct scene scene = begin();
    pid_t children[SEVERAL];
    struct dying dying = {.shared = begin_waiting(children, sleepers)};
    int status;
    CHECK_ERRNO(waitpid(test_child(change_and_die, &dying), &status, 0));
    for (int i = 0; i < sleepers; i++)
        test_wait_ok(children[i]);
    end(scene);
}

TEST(who_dies_before_it_tells_leaves_nobody_asleep) /* E6, G8 */
{
    check_teller_that_dies(1);
    check_teller_that_dies(SEVERAL);
}

static void wait_for_owner_dead(void *context)
{
    struct shared *shared = context;
    struct scene scene = join();
    lock(scene);
    int r = 0;
    while (r >= 0 && shared->tokens == 0)
        r = ferry_condition_wait(scene.condition, FERRY_FOREVER);
    shared->results[0] = r;
    CHECK_OK(ferry_mutex_repaired(scene.mutex));
    unlock(scene);
    leave(scene);
}

TEST(who_dies_with_the_mutex_is_heard_of_in_the_wait) /* E5, E6, G8 */
{
    struct scene scene = begin();
    struct shared *shared = test_shared(sizeof(*shared));
    pid_t waiter = test_child(wait_for_owner_dead, shared);
    test_wait_until(waiters() == 1 && has_sentry());
    struct dying dying = {.shared = shared, .with_mutex = true};
    int status;
    CHECK_ERRNO(waitpid(test_child(change_and_die, &dying), &status, 0));
    test_wait_ok(waiter);
    CHECK_EQ(shared->results[0], -EOWNERDEAD);
    end(scene);
}

TEST(a_signal_that_a_dead_one_ate_is_not_lost) /* E6, G8 */
{
    struct scene scene = begin();
    pid_t children[SEVERAL];
    struct shared *shared = begin_waiting(children, SEVERAL);
    for (int i = 0; i < SEVERAL - 1; i++) /* stopped: a wake may go to any of these … */
        CHECK_ERRNO(kill(children[i], SIGSTOP));
    give_tokens(scene, shared, 1);
    CHECK_OK(ferry_condition_signal(scene.condition));
    for (int i = 0; i < SEVERAL - 1; i++) /* … and is gone with it */
        test_kill(children[i]);
    test_wait_ok(children[SEVERAL - 1]);
    CHECK_EQ(shared->woken, 1);
    end(scene);
}

/* ---- Ping and pong ---------------------------------------------------------------------------- */

static void play(struct scene scene, struct shared *shared, int side, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        lock(scene);
        int r = 0;
        while (r >= 0 && shared->tokens != side)
            r = ferry_condition_wait(scene.condition, FERRY_FOREVER);
        CHECK_OK(r);
        shared->tokens = !side;
        CHECK_OK(ferry_condition_signal(scene.condition));
        unlock(scene);
    }
}

static void be_second(void *shared)
{
    struct scene scene = join();
    play(scene, shared, 1, 2000);
    leave(scene);
}

TEST(two_take_turns) /* E6 */
{
    struct scene scene = begin();
    struct shared *shared = test_shared(sizeof(*shared));
    pid_t child = test_child(be_second, shared);
    play(scene, shared, 0, 2000);
    test_wait_ok(child);
    end(scene);
}

/* ---- Signals ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t handled;

static void handle(int signal_number)
{
    (void)signal_number;
    handled++;
}

static void be_interrupted(void *context)
{
    struct shared *shared = context;
    struct scene scene;
    struct sigaction action = {.sa_handler = handle};
    CHECK_ERRNO(sigaction(SIGUSR1, &action, NULL));
    CHECK_OK(ferry_mutex_open(&scene.mutex, "m", NULL));
    CHECK_OK(ferry_condition_open(&scene.condition, "c", scene.mutex,
                                  FERRY_CONDITION(.flags = FERRY_EINTR)));
    lock(scene);
    shared->results[0] = ferry_condition_wait(scene.condition, FERRY_FOREVER);
    unlock(scene);
    leave(scene);
}

TEST(a_handler_ends_a_wait_if_asked_to) /* G7 */
{
    struct scene scene = begin();
    struct shared *shared = test_shared(sizeof(*shared));
    pid_t child = test_child(be_interrupted, shared);
    test_wait_until(waiters() == 1 && has_sentry());
    CHECK_ERRNO(kill(child, SIGUSR1));
    test_wait_ok(child);
    CHECK_EQ(shared->results[0], -EINTR);
    end(scene);
}
