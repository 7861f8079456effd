/* Forks are held off while somebody has a lock that no handle answers for (contract G11, G16). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/fork.h"
#include "test.h"

static void hold_and_let_go(void *context)
{
    (void)context;
    fork_hold();
    fork_unhold();
}

struct forker {
    _Atomic pid_t thread;
    _Atomic int forks;
    int rounds;
};

static void *fork_often(void *context)
{
    struct forker *forker = context;
    atomic_store(&forker->thread, gettid());
    for (int i = 0; i < forker->rounds; i++) {
        test_wait_ok(test_child(hold_and_let_go, NULL));
        atomic_fetch_add(&forker->forks, 1);
    }
    return NULL;
}

/* Is that thread of ours asleep? */
static bool is_asleep(pid_t thread)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    FILE *file = thread != 0 ? fopen(path, "re") : NULL;
    if (file == NULL)
        return false;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    fclose(file);
    return state == 'S';
}

TEST(a_fork_waits_until_nobody_holds_it_off) /* G11 */
{
    struct forker forker = {.rounds = 1};
    fork_hold();
    fork_hold(); /* holds nest */
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, fork_often, &forker), 0);
    test_wait_until(is_asleep(atomic_load(&forker.thread)));
    fork_unhold();
    test_wait_until(is_asleep(atomic_load(&forker.thread)));
    CHECK_EQ(atomic_load(&forker.forks), 0);
    fork_unhold();
    pthread_join(thread, NULL);
    CHECK_EQ(atomic_load(&forker.forks), 1);
}

static _Atomic bool enough;

static void *hold_often(void *context)
{
    (void)context;
    while (!atomic_load(&enough)) {
        hold_and_let_go(NULL);
        sched_yield();
    }
    return NULL;
}

TEST(children_forked_amid_holds_can_hold_and_fork_themselves) /* G11, G16 */
{
    enum { THREADS = 2 };
    struct forker forkers[THREADS] = {{.rounds = 100}, {.rounds = 100}};
    pthread_t forking[THREADS], holding[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&holding[i], NULL, hold_often, NULL), 0);
        CHECK_EQ(pthread_create(&forking[i], NULL, fork_often, &forkers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(forking[i], NULL);
    atomic_store(&enough, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(holding[i], NULL);
        CHECK_EQ(atomic_load(&forkers[i].forks), forkers[i].rounds);
    }
}
