/* Semaphores and sets: one handle, many threads; and fork in the middle of what they do (contract E2, E3, G11, G16).  Also run
 * under ThreadSanitizer, which sees whether what was done before a post is seen behind the wait: what a semaphore guards here
 * is plain memory. */
#include <poll.h>
#include <pthread.h>

#include "support.h"

enum { THREADS = 6, PAIRS = 1000, PLACES = 4 };

/* One by itself, or a set whose first one is used. */
struct kind {
    uint32_t count;
    unsigned flags;
};

static const struct kind plain = {0, 0}, set = {2, 0}, given_back = {0, FERRY_GIVE_BACK};

#define EACH_OF_ONE(name_)                                                                         \
    static void name_(const struct kind *kind);                                                    \
    TEST(plain_##name_)                                                                            \
    {                                                                                              \
        name_(&plain);                                                                             \
    }                                                                                              \
    TEST(given_back_##name_)                                                                       \
    {                                                                                              \
        name_(&given_back);                                                                        \
    }                                                                                              \
    static void name_(const struct kind *kind)

#define EACH_KIND(name_)                                                                           \
    static void name_(const struct kind *kind);                                                    \
    TEST(set_##name_)                                                                              \
    {                                                                                              \
        name_(&set);                                                                               \
    }                                                                                              \
    EACH_OF_ONE(name_)

static ferry_semaphore *make(const struct kind *kind, uint32_t value)
{
    ferry_semaphore *semaphore;
    CHECK_OK(ferry_semaphore_open(
        &semaphore, NULL,
        FERRY_SEMAPHORE(.value = value, .count = kind->count, .flags = kind->flags)));
    return semaphore;
}

static int take(ferry_semaphore *semaphore, bool is_set, int64_t timeout_ns)
{
    return is_set ? ferry_semaphore_operate(semaphore, &(struct ferry_semaphore_step){.change = -1},
                                            1, timeout_ns)
                  : ferry_semaphore_wait(semaphore, timeout_ns);
}

static int give(ferry_semaphore *semaphore, bool is_set)
{
    return is_set ? ferry_semaphore_operate(semaphore, &(struct ferry_semaphore_step){.change = 1},
                                            1, FERRY_FOREVER)
                  : ferry_semaphore_post(semaphore);
}

static uint32_t value_of(ferry_semaphore *semaphore, bool is_set)
{
    uint32_t value;
    CHECK_OK(is_set ? ferry_semaphore_values(semaphore, &value, 1)
                    : ferry_semaphore_value(semaphore, &value));
    return value;
}

static void start(pthread_t *threads, int count, void *(*body)(void *), void *context)
{
    for (int i = 0; i < count; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, body, context), 0);
}

static void join(pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

/* ---- Excluding -------------------------------------------------------------------------------- */

struct door {
    ferry_semaphore *semaphore;
    bool is_set;
    int visits; /* plain: right only where one at a time is inside */
};

static void *go_in_and_out(void *context)
{
    struct door *door = context;
    for (int i = 0; i < PAIRS; i++) {
        CHECK_OK(take(door->semaphore, door->is_set, FERRY_FOREVER));
        int visits = door->visits;
        if (i % 16 == 0)
            sched_yield(); /* somebody else would come in here */
        door->visits = visits + 1;
        CHECK_OK(give(door->semaphore, door->is_set));
    }
    return NULL;
}

EACH_KIND(threads_exclude_each_other) /* E1, E2, G16 */
{
    struct door door = {make(kind, 1), kind->count > 1, 0};
    pthread_t threads[THREADS];
    start(threads, THREADS, go_in_and_out, &door);
    join(threads, THREADS);
    CHECK_EQ(door.visits, THREADS * PAIRS);
    CHECK_EQ(value_of(door.semaphore, door.is_set), 1);
    ferry_semaphore_close(door.semaphore);
}

/* ---- Ordering --------------------------------------------------------------------------------- */

/* A buffer between threads: plain memory, guarded by two that count and one that excludes. */
struct buffer {
    ferry_semaphore *empty, *full, *door;
    bool is_set;
    int64_t timeout_ns; /* of who takes out */
    int in, out;
    uint32_t places[PLACES];
    uint32_t taken[THREADS / 2][PAIRS];
    _Atomic uint32_t self;
};

static void put(struct buffer *buffer, uint32_t item)
{
    CHECK_OK(take(buffer->empty, buffer->is_set, FERRY_FOREVER));
    CHECK_OK(take(buffer->door, buffer->is_set, FERRY_FOREVER));
    buffer->places[buffer->in] = item;
    buffer->in = (buffer->in + 1) % PLACES;
    CHECK_OK(give(buffer->door, buffer->is_set));
    CHECK_OK(give(buffer->full, buffer->is_set));
}

static uint32_t get(struct buffer *buffer)
{
    int r;
    while ((r = take(buffer->full, buffer->is_set, buffer->timeout_ns)) == -ETIMEDOUT ||
           r == -EAGAIN)
        sched_yield();
    CHECK_OK(r);
    CHECK_OK(take(buffer->door, buffer->is_set, FERRY_FOREVER));
    uint32_t item = buffer->places[buffer->out];
    buffer->out = (buffer->out + 1) % PLACES;
    CHECK_OK(give(buffer->door, buffer->is_set));
    CHECK_OK(give(buffer->empty, buffer->is_set));
    return item;
}

static void *produce(void *context)
{
    struct buffer *buffer = context;
    uint32_t self = atomic_fetch_add(&buffer->self, 1);
    for (uint32_t i = 0; i < PAIRS; i++)
        put(buffer, self * PAIRS + i);
    return NULL;
}

static void *consume(void *context)
{
    struct buffer *buffer = context;
    for (int i = 0; i < PAIRS; i++) {
        uint32_t item = get(buffer);
        CHECK(item < THREADS / 2 * PAIRS);
        buffer
            ->taken[item / PAIRS][item % PAIRS]++; /* each item once, so each word by one thread */
    }
    return NULL;
}

static void fill_and_empty(const struct kind *kind, int64_t timeout_ns)
{
    static struct buffer buffer;
    pthread_t producers[THREADS / 2], consumers[THREADS / 2];
    buffer = (struct buffer){.is_set = kind->count > 1, .timeout_ns = timeout_ns};
    buffer.empty = make(kind, PLACES);
    buffer.full = make(kind, 0);
    buffer.door = make(kind, 1);
    start(consumers, THREADS / 2, consume, &buffer);
    start(producers, THREADS / 2, produce, &buffer);
    join(producers, THREADS / 2);
    join(consumers, THREADS / 2);
    for (int i = 0; i < THREADS / 2; i++)
        for (int j = 0; j < PAIRS; j++)
            CHECK_EQ(buffer.taken[i][j], 1);
    CHECK_EQ(value_of(buffer.empty, buffer.is_set), PLACES);
    CHECK_EQ(value_of(buffer.full, buffer.is_set), 0);
    ferry_semaphore_close(buffer.empty);
    ferry_semaphore_close(buffer.full);
    ferry_semaphore_close(buffer.door);
}

EACH_KIND(threads_fill_and_empty_a_buffer) /* E1, E2, G16 */
{
    fill_and_empty(kind, FERRY_FOREVER);
}

EACH_KIND(threads_whose_time_is_short_fill_and_empty_a_buffer) /* E2, G7, G16 */
{
    fill_and_empty(kind, MILLISECOND / 50);
}

EACH_KIND(threads_that_do_not_wait_fill_and_empty_a_buffer) /* E2, G16 */
{
    fill_and_empty(kind, FERRY_NOW);
}

/* ---- Several steps as one --------------------------------------------------------------------- */

enum { FORKS = THREADS };

struct table {
    ferry_semaphore *forks;
    int uses[FORKS]; /* plain: of each fork */
    _Atomic uint32_t self;
};

/* Both forks or none: so the circle of those who wait never closes. */
static void *eat(void *context)
{
    struct table *table = context;
    uint32_t left = atomic_fetch_add(&table->self, 1), right = (left + 1) % FORKS;
    const struct ferry_semaphore_step up[] = {{left, -1, FERRY_GIVE_BACK},
                                              {right, -1, FERRY_GIVE_BACK}};
    const struct ferry_semaphore_step down[] = {{left, 1, FERRY_GIVE_BACK},
                                                {right, 1, FERRY_GIVE_BACK}};
    for (int i = 0; i < PAIRS; i++) {
        CHECK_OK(ferry_semaphore_operate(table->forks, up, 2, FERRY_FOREVER));
        table->uses[left]++;
        table->uses[right]++;
        CHECK_OK(ferry_semaphore_operate(table->forks, down, 2, FERRY_FOREVER));
    }
    return NULL;
}

TEST(threads_take_two_of_a_set_at_once) /* E3, E4, G16 */
{
    static struct table table;
    pthread_t threads[FORKS];
    table = (struct table){.forks = make(&(const struct kind){FORKS, 0}, 1)};
    start(threads, FORKS, eat, &table);
    join(threads, FORKS);
    uint32_t values[FORKS];
    CHECK_OK(ferry_semaphore_values(table.forks, values, FORKS));
    for (int i = 0; i < FORKS; i++) {
        CHECK_EQ(table.uses[i], 2 * PAIRS);
        CHECK_EQ(values[i], 1);
    }
    ferry_semaphore_close(table.forks);
}

/* ---- Fork in the middle ------------------------------------------------------------------------ */

static void take_and_give(void *context)
{
    struct door *door = context;
    CHECK_OK(take(door->semaphore, door->is_set, FERRY_FOREVER));
    CHECK_OK(give(door->semaphore, door->is_set));
    ferry_semaphore_close(door->semaphore);
}

/* A child makes its copy of the handle its own.  ThreadSanitizer knows no copies: what threads of the parent have read without
 * a lock, which is the way that meets nobody, is for it the same memory. */
static void skip_where_forks_seem_races(void)
{
#ifdef __SANITIZE_THREAD__
    SKIP("to ThreadSanitizer, a forked child's memory is still its parent's");
#endif
}

EACH_KIND(children_are_forked_while_threads_take_and_give) /* G11, G16 */
{
    skip_where_forks_seem_races();
    struct door door = {make(kind, 1), kind->count > 1, 0};
    pthread_t threads[THREADS];
    start(threads, THREADS, go_in_and_out, &door);
    for (int i = 0; i < 20; i++)
        test_wait_ok(test_child(take_and_give, &door));
    join(threads, THREADS);
    CHECK_EQ(door.visits, THREADS * PAIRS);
    CHECK_EQ(value_of(door.semaphore, door.is_set), 1);
    ferry_semaphore_close(door.semaphore);
}

/* ---- Polling ----------------------------------------------------------------------------------- */

static void *post_many(void *context)
{
    struct door *door = context;
    for (int i = 0; i < PAIRS; i++)
        CHECK_OK(give(door->semaphore, door->is_set));
    return NULL;
}

static void *poll_and_take(void *context)
{
    struct door *door = context;
    struct pollfd watched = {.fd = ferry_semaphore_descriptor(door->semaphore), .events = POLLIN};
    CHECK_OK(watched.fd);
    for (int left = THREADS * PAIRS; left > 0;) {
        int r = take(door->semaphore, door->is_set, FERRY_NOW);
        if (r == -EAGAIN)
            CHECK_EQ(poll(&watched, 1, -1), 1);
        else
            left -= (CHECK_OK(r), 1);
    }
    return NULL;
}

EACH_OF_ONE(one_thread_polls_while_others_post) /* G15, G16 */
{
    struct door door = {make(kind, 0), kind->count > 1, 0};
    pthread_t posters[THREADS], poller;
    start(&poller, 1, poll_and_take, &door);
    start(posters, THREADS, post_many, &door);
    join(posters, THREADS);
    join(&poller, 1);
    CHECK_EQ(value_of(door.semaphore, door.is_set), 0);
    ferry_semaphore_close(door.semaphore);
}
