/* Barriers beside a member that stands still with the inner lock: what cannot be taken back now is taken back later (contract E6, G7). */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "ipc/barrier.h"
#include "shared/journal.h"
#include "test.h"

struct scene {
    ferry_barrier *stopped, *waiting;
    _Atomic int result;
    pthread_t thread;
};

static void ignore(int number)
{
    (void)number;
}

static void *come(void *context)
{
    struct scene *scene = context;
    atomic_store(&scene->result, ferry_barrier_wait(scene->waiting, FERRY_FOREVER));
    CHECK_CONTAINS(ferry_explain(), "is it stopped?");
    return NULL;
}

static uint64_t arrived(const struct scene *scene)
{
    return atomic_load(&scene->stopped->barrier.shared->arrived);
}

/* One has come, and a signal ends its wait while another one has the lock. */
static void begin(struct scene *scene)
{
    CHECK_OK(
        ferry_barrier_open(&scene->stopped, "b", FERRY_BARRIER(.flags = FERRY_CREATE, .count = 3)));
    CHECK_OK(ferry_barrier_open(&scene->waiting, "b", FERRY_BARRIER(.flags = FERRY_EINTR)));
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = ignore}, NULL);
    CHECK_EQ(pthread_create(&scene->thread, NULL, come, scene), 0);
    test_wait_until(arrived(scene) == 1);
    CHECK_OK(journal_lock(&scene->stopped->object.slots, CLOCK_NEVER));
    while (atomic_load(&scene->result) == 0) {
        pthread_kill(scene->thread, SIGUSR1);
        usleep(1000);
    }
    pthread_join(scene->thread, NULL);
    CHECK_EQ(scene->result, -ETIMEDOUT);
    CHECK_EQ(arrived(scene), 1);
    journal_unlock(&scene->stopped->object.slots);
}

static void end(struct scene *scene)
{
    ferry_barrier_close(scene->waiting);
    CHECK_EQ(arrived(scene), 0);
    ferry_barrier_close(scene->stopped);
    CHECK_OK(ferry_remove("b"));
}

TEST(who_could_not_leave_has_left_when_its_handle_is_used_again) /* E6 G7 */
{
    struct scene scene = {0};
    uint32_t left;
    begin(&scene);
    CHECK_OK(ferry_barrier_count(scene.waiting, NULL, &left));
    CHECK_EQ(left, 0);
    CHECK_EQ(arrived(&scene), 0);
    end(&scene);
}

TEST(or_when_it_is_closed) /* E6 G7 */
{
    struct scene scene = {0};
    begin(&scene);
    end(&scene);
}

TEST(but_not_from_a_round_that_has_ended) /* E6 */
{
    struct scene scene = {0};
    uint32_t others;
    begin(&scene);
    CHECK_EQ(ferry_barrier_set_count(scene.stopped, 1), 1);
    CHECK_OK(ferry_barrier_set_count(scene.stopped, 3));
    CHECK_OK(journal_lock(&scene.stopped->object.slots, CLOCK_NEVER));
    atomic_store(&scene.stopped->barrier.shared->arrived, 2); /* two others */
    journal_unlock(&scene.stopped->object.slots);
    CHECK_OK(ferry_barrier_count(scene.waiting, NULL, &others));
    CHECK_EQ(others, 2);
    atomic_store(&scene.stopped->barrier.shared->arrived, 0);
    end(&scene);
}
