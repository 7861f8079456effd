/* The mutex below its handle: exclusion between threads and members, and every value that its word
 * may be found with (contract E5, G9, H5). */
#include <errno.h>
#include <pthread.h>

#include "object.h"
#include "shared/mutex.h"

/* An object and two members of it, each with its mutex, as two processes have. */
struct scene {
    struct object object;
    struct slots other;
    struct mutex one, two;
};

static struct scene *begin(void)
{
    static struct scene scene;
    scene.object = object_make("x", 0);
    scene.other = object_join(&scene.object);
    mutex_init(&scene.one, &scene.object.first, (struct mutex_manner){0},
               scene.object.region.bell_fd);
    mutex_init(&scene.two, &scene.other, (struct mutex_manner){0}, scene.object.region.bell_fd);
    return &scene;
}

static void end(struct scene *scene)
{
    mutex_deinit(&scene->one);
    mutex_deinit(&scene->two);
    object_leave(&scene->other);
    object_remove(&scene->object);
}

static uint32_t word(struct scene *scene)
{
    return atomic_load(&region_control(&scene->object.region)->mutex.word);
}

static void set_word(struct scene *scene, uint32_t value)
{
    atomic_store(&region_control(&scene->object.region)->mutex.word, value);
}

TEST(the_word_names_the_owner_and_is_0_when_free) /* E5 */
{
    struct scene *scene = begin();
    CHECK_EQ(word(scene), 0);
    CHECK_OK(mutex_lock(&scene->one, FERRY_FOREVER));
    CHECK_EQ(word(scene), scene->object.first.tag);
    CHECK_ERR(mutex_lock(&scene->two, FERRY_NOW), EAGAIN);
    CHECK_ERR(mutex_lock(&scene->two, 1000000), ETIMEDOUT);
    CHECK_ERR(mutex_lock(&scene->one, FERRY_NOW), EDEADLK);
    CHECK_ERR(mutex_unlock(&scene->two), EPERM);
    CHECK_EQ(word(scene) & TAG_MASK, scene->object.first.tag);
    CHECK_OK(mutex_unlock(&scene->one));
    CHECK_EQ(word(scene), 0);
    CHECK_ERR(mutex_unlock(&scene->one), EPERM);
    CHECK_ERR(mutex_repaired(&scene->one), EPERM);
    end(scene);
}

TEST(the_dead_owners_lock_stays_unrepaired_until_somebody_says_so) /* E5 */
{
    struct scene *scene = begin();
    CHECK_OK(mutex_lock(&scene->two, FERRY_NOW));
    object_vanish(&scene->other);
    for (int i = 0; i < 3; i++) {
        CHECK_ERR(mutex_lock(&scene->one, i == 0 ? FERRY_NOW : FERRY_FOREVER), EOWNERDEAD);
        CHECK_CONTAINS(ferry_explain(), "repair");
        CHECK_OK(mutex_unlock(&scene->one));
        CHECK_EQ(word(scene), MUTEX_UNREPAIRED);
    }
    CHECK_ERR(mutex_lock(&scene->one, FERRY_NOW), EOWNERDEAD);
    CHECK_OK(mutex_repaired(&scene->one));
    CHECK_OK(mutex_unlock(&scene->one));
    CHECK_OK(mutex_lock(&scene->one, FERRY_NOW));
    CHECK_OK(mutex_unlock(&scene->one));
    mutex_deinit(&scene->one);
    object_remove(&scene->object);
}

TEST(whoever_closes_with_the_lock_leaves_it_unrepaired) /* E5 */
{
    struct scene *scene = begin();
    CHECK_OK(mutex_lock(&scene->two, FERRY_NOW));
    mutex_abandon(&scene->one); /* does not have it: nothing happens */
    CHECK_EQ(word(scene) & TAG_MASK, scene->other.tag);
    mutex_abandon(&scene->two);
    CHECK_EQ(word(scene), MUTEX_UNREPAIRED);
    CHECK_ERR(mutex_lock(&scene->one, FERRY_NOW), EOWNERDEAD);
    CHECK_OK(mutex_unlock(&scene->one));
    end(scene);
}

TEST(nonsense_in_the_word_is_taken_for_a_dead_owner) /* G9 */
{
    struct scene *scene = begin();
    const uint32_t nonsense[] = {1 + LAYOUT_MEMBERS,   TAG_MASK,   slot_tag_make(4095, 1),
                                 MUTEX_WAITING | 5000, UINT32_MAX, scene->other.tag + (1u << 20)};
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        set_word(scene, nonsense[i]);
        CHECK_ERR(mutex_lock(&scene->one, FERRY_NOW), EOWNERDEAD);
        CHECK_OK(mutex_repaired(&scene->one));
        CHECK_OK(mutex_unlock(&scene->one));
        CHECK_EQ(word(scene), 0);
    }
    set_word(scene, MUTEX_WAITING); /* free, and a bit too many */
    CHECK_OK(mutex_lock(&scene->one, FERRY_NOW));
    CHECK_OK(mutex_unlock(&scene->one));
    end(scene);
}

TEST(an_owner_whose_word_was_overwritten_is_told) /* G9 */
{
    struct scene *scene = begin();
    CHECK_OK(mutex_lock(&scene->one, FERRY_NOW));
    set_word(scene, scene->other.tag);
    CHECK_ERR(mutex_unlock(&scene->one), EBADMSG);
    CHECK_EQ(word(scene), scene->other.tag);
    CHECK_ERR(mutex_unlock(&scene->one), EPERM); /* it is not ours any more */
    set_word(scene, 0);
    CHECK_OK(mutex_lock(&scene->one, FERRY_NOW));
    CHECK_OK(mutex_unlock(&scene->one));
    end(scene);
}

struct worker {
    struct mutex *mutex;
    uint64_t *count; /* plain: the mutex is all that orders it */
    int rounds;
};

static void *count_up(void *context)
{
    struct worker *worker = context;
    for (int i = 0; i < worker->rounds; i++) {
        CHECK_OK(mutex_lock(worker->mutex, FERRY_FOREVER));
        ++*worker->count;
        CHECK_OK(mutex_unlock(worker->mutex));
    }
    return NULL;
}

TEST(threads_of_two_members_count_without_losing_one) /* G16, H5 */
{
    enum { THREADS = 4 };
    struct scene *scene = begin();
    uint64_t count = 0;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){i % 2 ? &scene->two : &scene->one, &count,
                                     test_thorough() ? 200000 : 5000};
        CHECK_EQ(pthread_create(&threads[i], NULL, count_up, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(count, (uint64_t)THREADS * (uint64_t)workers[0].rounds);
    CHECK_EQ(word(scene) & TAG_MASK, 0);
    CHECK_EQ(atomic_load(&region_control(&scene->object.region)->mutex.taken), count);
    end(scene);
}

enum bed { ON_THE_WORD, AS_SENTRY, AS_DEAF_SENTRY };

/* Waits until somebody sleeps for the lock. */
static void await_sleeper(struct scene *scene, enum bed bed)
{
    const struct layout *control = region_control(&scene->object.region);
    test_wait_until(bed == ON_THE_WORD ? (word(scene) & MUTEX_WAITING) != 0
                                       : atomic_load(&control->mutex.sentry) != 0);
}

static void wake_a_sleeper(enum bed bed)
{
    struct scene *scene = begin();
    uint64_t count = 0;
    struct worker worker = {&scene->two, &count, 1};
    if (bed == AS_DEAF_SENTRY)
        scene->two.lobby.bell = -1;
    CHECK_OK(mutex_lock(&scene->one, FERRY_NOW));
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, count_up, &worker), 0);
    await_sleeper(scene, bed);
    CHECK_OK(mutex_unlock(&scene->one));
    pthread_join(thread, NULL);
    CHECK_EQ(count, 1);
    end(scene);
}

TEST(unlocking_wakes_whoever_sleeps_for_it) /* G8 */
{
    wake_a_sleeper(ON_THE_WORD);
    wake_a_sleeper(AS_SENTRY);
}

TEST(a_sleeper_that_cannot_hear_the_bell_looks_again) /* G10 */
{
    wake_a_sleeper(AS_DEAF_SENTRY);
}

TEST(what_a_fork_leaves_in_the_child_is_not_the_childs_lock) /* G11 */
{
    struct scene *scene = begin();
    CHECK_OK(mutex_lock(&scene->one, FERRY_NOW));
    struct mutex copy = scene->one;
    mutex_after_fork(&copy);
    CHECK_ERR(mutex_unlock(&copy), EPERM);
    CHECK_OK(mutex_unlock(&scene->one));
    end(scene);
}
