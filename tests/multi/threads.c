/* One handle, many threads; and fork in the middle of what they do (contract G11, G16, H5).
 * Also run under ThreadSanitizer. */
#include "support.h"

#include <poll.h>
#include <pthread.h>

enum { THREADS = 8 };

static void start(pthread_t *threads, int count, void *(*body)(void *), void *context)
{
    for (int i = 0; i < count; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, body, context), 0);
}

static void join(pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* ---- The lock ---- */

static void *count_up(void *context)
{
    ferry_segment *segment = context;
    uint64_t *count = ferry_segment_data(segment);
    for (int i = 0; i < 3000; i++) {
        CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
        *count = *count + 1;
        CHECK_OK(ferry_segment_unlock(segment));
    }
    return NULL;
}

TEST(threads_on_one_handle_exclude_one_another) /* G16, H5 */
{
    ferry_segment *segment = create("x", sizeof(uint64_t));
    pthread_t threads[THREADS];
    start(threads, THREADS, count_up, segment);
    join(threads, THREADS);
    CHECK_EQ(*(uint64_t *)ferry_segment_data(segment), THREADS * 3000);
    destroy(segment, "x");
}

static void *be_refused(void *context)
{
    ferry_segment *segment = context;
    CHECK_ERR(ferry_segment_unlock(segment), EPERM);
    CHECK_ERR(ferry_segment_repaired(segment), EPERM);
    CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_segment_lock(segment, 20 * MILLISECOND), ETIMEDOUT);
    return NULL;
}

TEST(another_thread_neither_lets_go_nor_gets_in) /* E5, G16 */
{
    ferry_segment *segment = create("x", 10);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    pthread_t thread;
    start(&thread, 1, be_refused, segment);
    join(&thread, 1);
    CHECK_OK(ferry_segment_unlock(segment));
    destroy(segment, "x");
}

struct waiting {
    ferry_segment *segment;
    _Atomic int done;
};

static void *take_lock(void *context)
{
    struct waiting *waiting = context;
    CHECK_OK(ferry_segment_lock(waiting->segment, FERRY_FOREVER));
    atomic_fetch_add(&waiting->done, 1);
    CHECK_OK(ferry_segment_unlock(waiting->segment));
    return NULL;
}

TEST(thread_that_waits_gets_the_lock_of_another) /* G16 */
{
    struct waiting waiting = {.segment = create("x", 10)};
    CHECK_OK(ferry_segment_lock(waiting.segment, FERRY_FOREVER));
    pthread_t threads[THREADS];
    start(threads, THREADS, take_lock, &waiting);
    test_wait_until(look("x").wait_count == THREADS);
    CHECK_EQ(waiting.done, 0);
    CHECK_OK(ferry_segment_unlock(waiting.segment));
    join(threads, THREADS);
    CHECK_EQ(waiting.done, THREADS);
    destroy(waiting.segment, "x");
}

/* ---- The notice ---- */

static void *wait_once(void *context)
{
    struct waiting *waiting = context;
    uint32_t version = 0;
    CHECK_OK(ferry_segment_wait(waiting->segment, &version, FERRY_FOREVER));
    atomic_fetch_add(&waiting->done, 1);
    return NULL;
}

static void *run_out_of_time(void *context)
{
    struct waiting *waiting = context;
    uint32_t version = 0;
    CHECK_ERR(ferry_segment_wait(waiting->segment, &version, 5 * MILLISECOND), ETIMEDOUT);
    return NULL;
}

static bool is_waiting(const char *name)
{
    struct ferry_member member;
    CHECK_EQ(ferry_look_members(name, &member, 1), 1);
    return member.waiting;
}

TEST(one_notice_wakes_all_threads_whoever_gave_up_before) /* G16 */
{
    struct waiting waiting = {.segment = create("x", 10)};
    pthread_t threads[THREADS], impatient[THREADS];
    start(threads, THREADS, wait_once, &waiting);
    test_wait_until(is_waiting("x"));
    start(impatient, THREADS, run_out_of_time, &waiting);
    join(impatient, THREADS);
    test_wait_until(is_waiting("x"));
    CHECK_OK(ferry_segment_notify(waiting.segment));
    join(threads, THREADS);
    CHECK_EQ(waiting.done, THREADS);
    CHECK(!is_waiting("x"));
    destroy(waiting.segment, "x");
}

static void *notify_often(void *context)
{
    for (int i = 0; i < 3000; i++)
        CHECK_OK(ferry_segment_notify(context));
    return NULL;
}

static void *follow(void *context)
{
    struct waiting *waiting = context;
    for (uint32_t version = 0; version != THREADS * 3000;)
        CHECK_OK(ferry_segment_wait(waiting->segment, &version, FERRY_FOREVER));
    return NULL;
}

TEST(notices_of_many_threads_are_all_counted_and_heard) /* G16 */
{
    struct waiting waiting = {.segment = create("x", 10)};
    pthread_t threads[THREADS], followers[2];
    start(followers, 2, follow, &waiting);
    start(threads, THREADS, notify_often, waiting.segment);
    join(threads, THREADS);
    join(followers, 2);
    destroy(waiting.segment, "x");
}

static void *ask_for_descriptor(void *context)
{
    struct waiting *waiting = context;
    int descriptor = ferry_segment_descriptor(waiting->segment);
    CHECK_OK(descriptor);
    atomic_fetch_add(&waiting->done, descriptor);
    return NULL;
}

TEST(all_threads_get_the_same_descriptor) /* G16 */
{
    for (int round = 0; round < 20; round++) {
        struct waiting waiting = {.segment = create("x", 10)};
        pthread_t threads[THREADS];
        start(threads, THREADS, ask_for_descriptor, &waiting);
        join(threads, THREADS);
        CHECK_EQ(waiting.done, THREADS * ferry_segment_descriptor(waiting.segment));
        destroy(waiting.segment, "x");
    }
}

/* ---- Fork ---- */

struct storm {
    ferry_segment *segment;
    _Atomic bool over;
};

static void *lock_in_storm(void *context)
{
    struct storm *storm = context;
    while (!storm->over) {
        CHECK_OK(ferry_segment_lock(storm->segment, FERRY_FOREVER));
        CHECK_OK(ferry_segment_unlock(storm->segment));
    }
    return NULL;
}

static void *notify_in_storm(void *context)
{
    struct storm *storm = context;
    while (!storm->over)
        CHECK_OK(ferry_segment_notify(storm->segment));
    return NULL;
}

static void *wait_in_storm(void *context)
{
    struct storm *storm = context;
    uint32_t version = 0;
    while (!storm->over)
        CHECK_OK(ferry_segment_wait(storm->segment, &version, FERRY_FOREVER));
    return NULL;
}

static void *open_and_listen_in_storm(void *context)
{
    struct storm *storm = context;
    while (!storm->over) {
        ferry_segment *segment = attach("x");
        CHECK_OK(ferry_segment_descriptor(segment));
        ferry_segment_close(segment);
    }
    return NULL;
}

static void use_all(void *context)
{
    struct storm *storm = context;
    uint32_t version;
    CHECK_OK(ferry_segment_lock(storm->segment, FERRY_FOREVER));
    CHECK_OK(ferry_segment_unlock(storm->segment));
    CHECK_OK(ferry_segment_version(storm->segment, &version));
    CHECK_OK(ferry_segment_notify(storm->segment));
    CHECK_OK(ferry_segment_wait(storm->segment, &version, FERRY_FOREVER));
    CHECK_OK(ferry_segment_descriptor(storm->segment));
    ferry_segment_close(storm->segment);
}

TEST_LONG(fork_in_the_middle_of_what_threads_do, 120) /* G11, G16 */
{
    struct storm storm = {.segment = create("x", 10)};
    pthread_t threads[6];
    start(&threads[0], 2, lock_in_storm, &storm);
    start(&threads[2], 1, notify_in_storm, &storm);
    start(&threads[3], 2, wait_in_storm, &storm);
    start(&threads[5], 1, open_and_listen_in_storm, &storm);
    for (int i = 0; i < 100; i++)
        test_wait_ok(test_child(use_all, &storm));
    atomic_store(&storm.over, true);
    CHECK_OK(ferry_segment_notify(storm.segment));
    join(threads, 6);
    struct ferry_object object = look("x");
    check_ledger(&object);
    CHECK_EQ(object.attached, 1);
    destroy(storm.segment, "x");
}

static void use_while_parent_waits(void *context)
{
    ferry_segment *segment = context;
    CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_segment_unlock(segment), EPERM);
    CHECK_OK(ferry_segment_notify(segment));
}

TEST(child_forked_while_threads_sleep_has_no_share_in_their_waits) /* G11 */
{
    struct waiting waiting = {.segment = create("x", 10)};
    CHECK_OK(ferry_segment_lock(waiting.segment, FERRY_FOREVER));
    pthread_t locker, waiter;
    start(&locker, 1, take_lock, &waiting);
    start(&waiter, 1, wait_once, &waiting);
    test_wait_until(look("x").wait_count == 1 && is_waiting("x"));
    test_wait_ok(test_child(use_while_parent_waits, waiting.segment));
    join(&waiter, 1);
    CHECK_EQ(waiting.done, 1);
    CHECK_OK(ferry_segment_unlock(waiting.segment));
    join(&locker, 1);
    destroy(waiting.segment, "x");
}

static void *open_and_close(void *context)
{
    (void)context;
    for (int i = 0; i < 200; i++) {
        ferry_segment *segment = attach("x");
        CHECK_OK(ferry_segment_notify(segment));
        ferry_segment_close(segment);
    }
    return NULL;
}

TEST(threads_open_and_close_side_by_side) /* G16 */
{
    ferry_segment *segment = create("x", 10);
    pthread_t threads[4];
    start(threads, 4, open_and_close, NULL);
    join(threads, 4);
    struct ferry_object object = look("x");
    CHECK_EQ(object.attach_count, 801);
    CHECK_EQ(object.detach_count, 800);
    CHECK_EQ(object.version, 800);
    destroy(segment, "x");
}

static void *fail_differently(void *context)
{
    _Atomic int *done = context;
    for (int i = 0; i < 1000; i++) {
        ferry_segment *segment;
        CHECK_ERR(ferry_segment_open(&segment, done ? "missing" : "a/b", NULL),
                  done ? ENOENT : EINVAL);
        CHECK_CONTAINS(ferry_explain(), done ? "missing" : "slash");
    }
    return NULL;
}

TEST(each_thread_has_its_own_explanation) /* G16 */
{
    pthread_t threads[2];
    _Atomic int flag = 0;
    start(&threads[0], 1, fail_differently, &flag);
    start(&threads[1], 1, fail_differently, NULL);
    join(threads, 2);
}
