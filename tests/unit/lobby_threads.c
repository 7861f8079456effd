/* The lobby below mutexes and conditions: who keeps the vigil, and who looks again by itself (contract E5, E6, G8, G15, G16). */
#include <errno.h>
#include <pthread.h>

#include "object.h"
#include "shared/bell.h"
#include "shared/board.h"
#include "shared/condition.h"
#include "shared/lobby.h"

/* An object and two members of it, each with its lobby, as two processes have. */
struct scene {
    struct object object;
    struct slots other;
    struct lobby one, two;
    _Atomic uint32_t *sentry;
    _Atomic uint32_t word; /* what is waited for: that it is not 0 */
};

static struct scene *begin(void)
{
    static struct scene scene;
    scene.object = object_make("x", 0);
    scene.other = object_join(&scene.object);
    struct layout *control = region_control(&scene.object.region);
    scene.sentry = &control->mutex.sentry;
    atomic_store(&scene.word, 0);
    int bell = scene.object.region.bell_fd;
    lobby_init(&scene.one, &scene.object.first, &control->gate.waiters, scene.sentry, bell);
    lobby_init(&scene.two, &scene.other, &control->gate.waiters, scene.sentry, bell);
    return &scene;
}

static void end(struct scene *scene)
{
    CHECK_EQ(atomic_load(scene->sentry), 0);
    lobby_deinit(&scene->one);
    lobby_deinit(&scene->two);
    if (scene->other.lock_fd >= 0)
        object_leave(&scene->other);
    object_remove(&scene->object);
}

/* ---- Sleepers --------------------------------------------------------------------------------- */

struct sleeper {
    struct scene *scene;
    struct lobby *lobby;
    slot_tag owner; /* whose death it is to hear of */
    pthread_t thread;
    _Atomic bool inside, gives_up;
    _Atomic unsigned looks; /* that nothing woke it for */
};

static void *sleep_until_changed(void *context)
{
    struct sleeper *sleeper = context;
    struct lobby_stay stay = lobby_enter(sleeper->lobby);
    atomic_store(&sleeper->inside, true);
    while (atomic_load(&sleeper->scene->word) == 0 && !atomic_load(&sleeper->gives_up)) {
        int r = lobby_sleep(&stay, &sleeper->scene->word, 0, sleeper->owner,
                            clock_deadline(FERRY_FOREVER));
        CHECK(r == 0 || r == 1);
        atomic_fetch_add(&sleeper->looks, (unsigned)r);
    }
    lobby_leave(&stay);
    return NULL;
}

static void send_to_sleep(struct sleeper *sleeper)
{
    CHECK_EQ(pthread_create(&sleeper->thread, NULL, sleep_until_changed, sleeper), 0);
    test_wait_until(atomic_load(&sleeper->inside));
}

static void await_sentry(struct scene *scene, const struct slots *slots)
{
    test_wait_until(atomic_load(scene->sentry) == slots->tag);
}

static void change(struct scene *scene)
{
    atomic_store(&scene->word, 1);
    lobby_wake_all(&scene->two, &scene->word);
}

/* ---- The post --------------------------------------------------------------------------------- */

TEST(a_lone_sleeper_keeps_the_vigil_and_is_woken) /* G15 */
{
    struct scene *scene = begin();
    struct sleeper sleeper = {.scene = scene, .lobby = &scene->one, .owner = scene->other.tag};
    send_to_sleep(&sleeper);
    await_sentry(scene, &scene->object.first);
    atomic_store(&scene->word, 1);
    lobby_wake(&scene->two, &scene->word);
    pthread_join(sleeper.thread, NULL);
    end(scene);
}

TEST(the_sentry_hears_that_the_owner_is_gone) /* G8 */
{
    struct scene *scene = begin();
    struct sleeper sleeper = {.scene = scene, .lobby = &scene->one, .owner = scene->other.tag};
    send_to_sleep(&sleeper);
    await_sentry(scene, &scene->object.first);
    object_vanish(&scene->other);
    test_wait_until(atomic_load(&sleeper.looks) > 0);
    change(scene);
    pthread_join(sleeper.thread, NULL);
    end(scene);
}

TEST(a_sentry_that_is_dead_is_replaced) /* G8 */
{
    struct scene *scene = begin();
    struct sleeper sleeper = {.scene = scene, .lobby = &scene->one, .owner = LOBBY_ANYBODY};
    atomic_store(scene->sentry, scene->other.tag);
    object_vanish(&scene->other);
    send_to_sleep(&sleeper);
    await_sentry(scene, &scene->object.first);
    change(scene);
    pthread_join(sleeper.thread, NULL);
    end(scene);
}

TEST(even_one_that_dies_while_others_sleep) /* G8 */
{
    struct scene *scene = begin();
    struct sleeper sleeper = {.scene = scene, .lobby = &scene->one, .owner = LOBBY_ANYBODY};
    atomic_store(scene->sentry, scene->other.tag);
    send_to_sleep(&sleeper);
    test_wait_until(atomic_load(&sleeper.looks) > 0); /* it leaves the vigil to the other one */
    CHECK_EQ(atomic_load(scene->sentry), scene->other.tag);
    object_vanish(&scene->other);
    await_sentry(scene, &scene->object.first);
    change(scene);
    pthread_join(sleeper.thread, NULL);
    end(scene);
}

TEST(who_is_not_the_sentry_looks_again_by_itself) /* G8 */
{
    struct scene *scene = begin();
    struct sleeper sleeper = {.scene = scene, .lobby = &scene->one, .owner = scene->other.tag};
    atomic_store(scene->sentry, scene->other.tag);
    send_to_sleep(&sleeper);
    test_wait_until(atomic_load(&sleeper.looks) > 1);
    atomic_store(&scene->word, 1); /* who changed it died before it woke anybody */
    pthread_join(sleeper.thread, NULL);
    atomic_store(scene->sentry, 0);
    end(scene);
}

TEST(however_many_have_died_in_their_sleep) /* G8 */
{
    enum { DEAD = 150 };
    static struct slots asleep[DEAD];
    struct scene *scene = begin();
    struct layout_board *board = scene->one.board;
    struct sleeper sleeper = {.scene = scene, .lobby = &scene->one, .owner = scene->other.tag};
    for (int i = 0; i < DEAD; i++) {
        asleep[i] = object_join(&scene->object);
        board_set(board, asleep[i].slot);
    }
    for (int i = 0; i < DEAD; i++)
        object_vanish(&asleep[i]);
    CHECK_EQ(board_count(board, slots_high(&scene->other)), DEAD);
    atomic_store(scene->sentry, scene->other.tag);
    send_to_sleep(&sleeper);
    test_wait_until(atomic_load(&sleeper.looks) > 0);
    CHECK_EQ(board_count(board, slots_high(&scene->other)), 1);
    change(scene);
    pthread_join(sleeper.thread, NULL);
    atomic_store(scene->sentry, 0);
    end(scene);
}

TEST(a_sentry_that_leaves_hands_on_its_post) /* G8 */
{
    struct scene *scene = begin();
    struct sleeper first = {.scene = scene, .lobby = &scene->one, .owner = scene->other.tag};
    struct sleeper second = {
        .scene = scene, .lobby = &scene->two, .owner = scene->object.first.tag};
    send_to_sleep(&first);
    await_sentry(scene, &scene->object.first);
    send_to_sleep(&second);
    atomic_store(&first.gives_up, true);
    bell_ring(scene->object.region.bell_fd);
    pthread_join(first.thread, NULL);
    await_sentry(scene, &scene->other);
    change(scene);
    pthread_join(second.thread, NULL);
    end(scene);
}

TEST(to_a_thread_of_its_own_process_too) /* G16 */
{
    struct scene *scene = begin();
    struct sleeper first = {.scene = scene, .lobby = &scene->one, .owner = scene->other.tag};
    struct sleeper second = {.scene = scene, .lobby = &scene->one, .owner = scene->other.tag};
    send_to_sleep(&first);
    await_sentry(scene, &scene->object.first);
    send_to_sleep(&second);
    atomic_store(&first.gives_up, true);
    bell_ring(scene->object.region.bell_fd);
    pthread_join(first.thread, NULL);
    await_sentry(scene, &scene->object.first);
    change(scene);
    pthread_join(second.thread, NULL);
    end(scene);
}

TEST(all_are_woken_whoever_keeps_the_vigil) /* G15 G16 */
{
    enum { SLEEPERS = 6 };
    struct scene *scene = begin();
    struct sleeper sleepers[SLEEPERS];
    for (int i = 0; i < SLEEPERS; i++) {
        sleepers[i] = (struct sleeper){.scene = scene,
                                       .lobby = i % 2 ? &scene->one : &scene->two,
                                       .owner = i % 3 ? LOBBY_ANYBODY : scene->other.tag};
        send_to_sleep(&sleepers[i]);
    }
    test_wait_until(atomic_load(scene->sentry) != 0);
    change(scene);
    for (int i = 0; i < SLEEPERS; i++)
        pthread_join(sleepers[i].thread, NULL);
    end(scene);
}

/* ---- Conditions ------------------------------------------------------------------------------- */

/* Threads of two members that take turns, each of which wakes the next one alone. */
struct ring {
    struct condition one, two;
    pthread_mutex_t mutex;
    uint64_t turn, rounds; /* with the mutex */
};

struct player {
    struct ring *ring;
    uint64_t number, players;
};

static void await_turn(struct player *player, struct condition *condition)
{
    struct ring *ring = player->ring;
    while (ring->turn < ring->rounds && ring->turn % player->players != player->number) {
        struct condition_wait wait = condition_begin(condition);
        pthread_mutex_unlock(&ring->mutex);
        int r = condition_sleep(condition, &wait, FERRY_FOREVER);
        CHECK(r == 0 || r == 1);
        pthread_mutex_lock(&ring->mutex);
    }
}

static void *play(void *context)
{
    struct player *player = context;
    struct ring *ring = player->ring;
    struct condition *condition = player->number % 2 ? &ring->one : &ring->two;
    for (bool ended = false; !ended;) {
        pthread_mutex_lock(&ring->mutex);
        await_turn(player, condition);
        ended = ring->turn >= ring->rounds;
        ring->turn += !ended;
        pthread_mutex_unlock(&ring->mutex);
        condition_tell(condition, player->players > 2 || ended);
    }
    return NULL;
}

static void take_turns(uint64_t players, uint64_t rounds)
{
    enum { MOST = 6 };
    struct scene *scene = begin();
    struct ring ring = {.rounds = rounds, .mutex = PTHREAD_MUTEX_INITIALIZER};
    struct player player[MOST];
    pthread_t threads[MOST];
    condition_init(&ring.one, &scene->object.first, scene->object.region.bell_fd);
    condition_init(&ring.two, &scene->other, scene->object.region.bell_fd);
    for (uint64_t i = 0; i < players; i++) {
        player[i] = (struct player){&ring, i, players};
        CHECK_EQ(pthread_create(&threads[i], NULL, play, &player[i]), 0);
    }
    for (uint64_t i = 0; i < players; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(ring.turn, rounds);
    condition_deinit(&ring.one);
    condition_deinit(&ring.two);
    end(scene);
}

TEST(two_who_signal_each_other_go_on) /* E6 G16 */
{
    take_turns(2, test_thorough() ? 100000 : 5000);
}

TEST(several_who_tell_all_go_on) /* E6 G16 */
{
    take_turns(6, test_thorough() ? 20000 : 1000);
}
