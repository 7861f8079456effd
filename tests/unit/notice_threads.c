/* The change notice below its handle: marks, boards and latches (DESIGN, law 4; contract H5). */
#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "object.h"
#include "os/clock.h"
#include "os/epoll.h"
#include "shared/board.h"
#include "shared/notice.h"

/* An object and two members of it, each with its notice, as two processes have. */
struct scene {
    struct object object;
    struct slots other;
    struct notice one, two;
    struct layout *control;
};

static struct scene *begin(void)
{
    static struct scene scene;
    scene.object = object_make("x", 0);
    scene.other = object_join(&scene.object);
    scene.control = region_control(&scene.object.region);
    notice_init(&scene.one, &scene.object.first, scene.object.region.bell_fd);
    notice_init(&scene.two, &scene.other, scene.object.region.bell_fd);
    return &scene;
}

static void end(struct scene *scene)
{
    notice_deinit(&scene->one);
    notice_deinit(&scene->two);
    if (scene->other.lock_fd >= 0)
        object_leave(&scene->other);
    object_remove(&scene->object);
}

static bool is_set(int latch)
{
    struct pollfd watched = {.fd = latch, .events = POLLIN};
    CHECK_ERRNO(poll(&watched, 1, 0));
    return (watched.revents & POLLIN) != 0;
}

TEST(a_step_is_seen_by_the_other_and_taken_once) /* H5 */
{
    struct scene *scene = begin();
    uint32_t version = 0;
    CHECK_ERR(notice_wait(&scene->two, &version, FERRY_NOW, false), EAGAIN);
    notice_step(&scene->one);
    notice_step(&scene->one);
    CHECK_OK(notice_wait(&scene->two, &version, FERRY_NOW, false));
    CHECK_EQ(version, 2);
    CHECK_ERR(notice_wait(&scene->two, &version, FERRY_NOW, false), EAGAIN);
    CHECK_ERR(notice_wait(&scene->two, &version, 1000000, false), ETIMEDOUT);
    CHECK_EQ(version, 2);
    CHECK_EQ(atomic_load(&scene->control->members[0].mark), 0);
    CHECK(!board_any(&scene->control->sleepers, LAYOUT_MEMBERS));
    end(scene);
}

TEST(the_version_wraps) /* H5 */
{
    struct scene *scene = begin();
    uint32_t version = UINT32_MAX;
    atomic_store(&scene->control->notice.version, UINT32_MAX);
    CHECK_ERR(notice_wait(&scene->two, &version, FERRY_NOW, false), EAGAIN);
    notice_step(&scene->one);
    CHECK_OK(notice_wait(&scene->two, &version, FERRY_FOREVER, false));
    CHECK_EQ(version, 0);
    end(scene);
}

TEST(a_living_senders_mark_holds_a_sleeper_up_for_its_time_at_most) /* G7 */
{
    struct scene *scene = begin();
    uint32_t version = 0;
    atomic_store(&scene->control->members[0].mark, 1); /* as if stopped in the middle */
    int64_t start = test_now_ns();
    CHECK_ERR(notice_wait(&scene->two, &version, 20000000, false), ETIMEDOUT);
    CHECK(test_now_ns() - start >= 20000000);
    CHECK_ERR(notice_wait(&scene->two, &version, FERRY_NOW, false), EAGAIN);
    CHECK(!board_any(&scene->control->sleepers, LAYOUT_MEMBERS));
    atomic_store(&scene->control->members[0].mark, 0);
    end(scene);
}

TEST(a_dead_senders_mark_is_struck_off) /* G8 */
{
    struct scene *scene = begin();
    uint32_t version = 0;
    atomic_store(&scene->control->members[1].mark, 1);
    object_vanish(&scene->other);
    CHECK_ERR(notice_wait(&scene->one, &version, 20000000, false), ETIMEDOUT);
    CHECK_EQ(atomic_load(&scene->control->members[1].mark), 0);
    CHECK_EQ(atomic_load(&scene->control->ledger.deaths), 1);
    end(scene);
}

TEST(marks_of_all_who_never_were_hold_a_sleeper_up_for_its_time_at_most) /* G7, G9 */
{
    struct scene *scene = begin();
    uint32_t version = 0;
    atomic_store(&scene->control->ledger.high, LAYOUT_MEMBERS);
    for (uint32_t slot = 2; slot < LAYOUT_MEMBERS; slot++)
        atomic_store(&scene->control->members[slot].mark, 1);
    CHECK_ERR(notice_wait(&scene->two, &version, 1000000, false), ETIMEDOUT);
    CHECK_EQ(atomic_load(&scene->control->members[2].mark), 0);
    CHECK_EQ(atomic_load(&scene->control->members[LAYOUT_MEMBERS - 1].mark), 1);
    end(scene);
}

TEST(a_step_that_wakes_nobody_strikes_off_dead_sleepers) /* G8 */
{
    struct scene *scene = begin();
    board_set(&scene->control->sleepers, 1);
    object_vanish(&scene->other);
    notice_step(&scene->one);
    CHECK(!board_any(&scene->control->sleepers, LAYOUT_MEMBERS));
    CHECK_EQ(atomic_load(&scene->control->ledger.deaths), 1);
    end(scene);
}

TEST(bits_of_members_that_never_were_cost_a_look_and_nothing_more) /* G9 */
{
    struct scene *scene = begin();
    uint32_t version = 0;
    for (uint32_t i = 0; i < LAYOUT_BOARD_WORDS; i++) {
        atomic_store(&scene->control->sleepers.words[i], UINT64_MAX);
        atomic_store(&scene->control->listeners.words[i], UINT64_MAX);
    }
    atomic_store(&scene->control->ledger.high, UINT64_MAX);
    notice_step(&scene->one);
    CHECK_OK(notice_wait(&scene->two, &version, FERRY_NOW, false));
    CHECK_EQ(version, 1);
    for (uint32_t slot = 2; slot < LAYOUT_MEMBERS; slot += 100)
        atomic_store(&slots_entry(&scene->other, slot)->mark, UINT32_MAX);
    CHECK_ERR(notice_wait(&scene->two, &version, 1000000, false), ETIMEDOUT);
    end(scene);
}

TEST(a_descriptor_is_readable_while_there_is_something_not_yet_returned) /* G15 */
{
    struct scene *scene = begin();
    uint32_t version = 0;
    int descriptor = notice_descriptor(&scene->two);
    CHECK_OK(descriptor);
    CHECK_EQ(notice_descriptor(&scene->two), descriptor);
    CHECK(!is_set(descriptor));
    CHECK(board_has(&scene->control->listeners, 1));
    for (int i = 0; i < 3; i++) {
        notice_step(&scene->one);
        CHECK(is_set(descriptor));
    }
    CHECK_OK(notice_wait(&scene->two, &version, FERRY_NOW, false));
    CHECK_EQ(version, 3);
    CHECK(!is_set(descriptor));

    /* A ring without a step, from a sender that died in between: one look, and quiet again. */
    bell_ring(scene->object.region.bell_fd);
    CHECK(is_set(descriptor));
    CHECK_ERR(notice_wait(&scene->two, &version, FERRY_NOW, false), EAGAIN);
    CHECK(!is_set(descriptor));
    end(scene);
}

TEST(a_descriptor_made_late_tells_of_what_was_before) /* G15 */
{
    struct scene *scene = begin();
    uint32_t version = 0;
    notice_step(&scene->one);
    int descriptor = notice_descriptor(&scene->two);
    CHECK(is_set(descriptor));
    CHECK_OK(notice_wait(&scene->two, &version, FERRY_NOW, false));
    CHECK(!is_set(descriptor));
    end(scene);
}

TEST(a_latch_stays_set_while_a_sender_is_in_the_middle) /* law 4: it rings before it commits */
{
    struct scene *scene = begin();
    uint32_t version = 0;
    int descriptor = notice_descriptor(&scene->two);
    atomic_fetch_add(&scene->control->members[0].mark, 1);
    bell_ring(scene->object.region.bell_fd);
    for (int i = 0; i < 3; i++) {
        CHECK_ERR(notice_wait(&scene->two, &version, FERRY_NOW, false), EAGAIN);
        CHECK(is_set(descriptor));
    }
    atomic_fetch_add(&scene->control->notice.version, 1);
    atomic_fetch_sub(&scene->control->members[0].mark, 1);
    CHECK_OK(notice_wait(&scene->two, &version, FERRY_NOW, false));
    CHECK(!is_set(descriptor));
    end(scene);
}

TEST(dead_listeners_are_struck_off_in_time) /* G8 */
{
    struct scene *scene = begin();
    CHECK_OK(notice_descriptor(&scene->two));
    object_vanish(&scene->other);
    for (int i = 0; i < 200; i++)
        notice_step(&scene->one);
    CHECK(!board_any(&scene->control->listeners, LAYOUT_MEMBERS));
    CHECK_EQ(atomic_load(&scene->control->ledger.deaths), 1);
    end(scene);
}

enum { STEPS = 20000, SENDERS = 2, SLEEPERS = 2 };

static void *send_all(void *notice)
{
    for (int i = 0; i < STEPS; i++)
        notice_step(notice);
    return NULL;
}

static void *receive_to_the_end(void *notice)
{
    uint32_t version = 0;
    while (version != STEPS * SENDERS)
        CHECK_OK(notice_wait(notice, &version, INT64_C(10000000000), false));
    return NULL;
}

TEST_LONG(sleeping_threads_hear_every_last_step, 120) /* G8, G16: no wake-up is lost */
{
    for (int round = 0; round < (test_thorough() ? 50 : 3); round++) {
        struct scene *scene = begin();
        pthread_t senders[SENDERS], sleepers[SLEEPERS];
        for (int i = 0; i < SLEEPERS; i++)
            CHECK_EQ(pthread_create(&sleepers[i], NULL, receive_to_the_end,
                                    i % 2 ? &scene->one : &scene->two),
                     0);
        for (int i = 0; i < SENDERS; i++)
            CHECK_EQ(pthread_create(&senders[i], NULL, send_all, i % 2 ? &scene->two : &scene->one),
                     0);
        for (int i = 0; i < SENDERS; i++)
            pthread_join(senders[i], NULL);
        for (int i = 0; i < SLEEPERS; i++)
            pthread_join(sleepers[i], NULL);
        CHECK_EQ(atomic_load(&scene->control->notice.version), STEPS * SENDERS);
        CHECK_EQ(atomic_load(&scene->control->members[0].mark), 0);
        CHECK_EQ(atomic_load(&scene->control->members[1].mark), 0);
        CHECK(!board_any(&scene->control->sleepers, LAYOUT_MEMBERS));
        end(scene);
    }
}
