/* See queue_world.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../nap.h"
#include "queue_acts.h"
#include "queue_world.h"
#include "shared/ring.h"

#define SHAPE(...)                                                                                 \
    {                                                                                              \
        .messages = MESSAGES, .bytes = BYTES, .largest = LARGEST, __VA_ARGS__                      \
    }

/* Messages in order are in a ring, those that are chosen in a store. */
static const struct shape shapes[] = {
    {"ring", SHAPE(), false},
    {"types", SHAPE(.flags = FERRY_TYPES), true},
    {"types and priorities", SHAPE(.flags = FERRY_TYPES | FERRY_PRIORITIES), false},
    {.name = NULL}};

static struct {
    const struct scene *scene;
    const struct shape *shape;
    char name[128];
} now;

bool has(unsigned flag)
{
    return ((now.shape->options.flags | now.scene->flags) & flag) != 0;
}

bool drops_newest(void)
{
    return now.scene->overflow == FERRY_OVERFLOW_DROP_NEWEST;
}

/* ---- Messages --------------------------------------------------------------------------------- */

enum { NUMBERS = PARTIES * NUMBERS_EACH };

/* The first one of each party lies across the end of the ring, see wind(). */
static size_t size_of(unsigned number)
{
    static const size_t sizes[] = {200, 4, 49, 120};
    return sizes[number % (sizeof(sizes) / sizeof(sizes[0]))];
}

uint64_t bit(unsigned number)
{
    return UINT64_C(1) << number;
}

static unsigned char *bytes_of(unsigned number)
{
    static unsigned char bytes[NUMBERS][LARGEST];
    unsigned char *own = bytes[number];
    if (own[1] == 0)
        for (unsigned i = 0; i < LARGEST; i++)
            own[i] = (unsigned char)(i == 0 ? number : number * 31 + i * 7 + 1);
    if (own[1] == 0)
        own[1] = 1;
    return own;
}

struct ferry_message message_of(unsigned number)
{
    CHECK(number < NUMBERS);
    return (struct ferry_message){.bytes = bytes_of(number),
                                  .size_bytes = size_of(number),
                                  .type = has(FERRY_TYPES) ? 1 + number % 3 : 0,
                                  .priority = has(FERRY_PRIORITIES) ? number % 2 : 0};
}

/* Strikes a message off that somebody has got, so that its number can be another one's. */
static void forget(struct world *world, unsigned number)
{
    CHECK(!is_in(world, number));
    for (int i = 0; i < PARTIES; i++) {
        atomic_fetch_and(&world->books[i].tried, ~bit(number));
        atomic_fetch_and(&world->books[i].sent, ~bit(number));
        atomic_fetch_and(&world->books[i].got, ~bit(number));
    }
}

unsigned number_next(struct world *world, int who)
{
    unsigned turn = world->books[who].next++,
             number = (unsigned)who * NUMBERS_EACH + turn % NUMBERS_EACH;
    if (turn >= NUMBERS_EACH)
        forget(world, number);
    return number;
}

unsigned number_of(const struct ferry_message *message, size_t copied)
{
    CHECK(copied > 0);
    unsigned number = *(const unsigned char *)message->bytes;
    CHECK(number < NUMBERS);
    struct ferry_message expected = message_of(number);
    CHECK_EQ(message->size_bytes, expected.size_bytes);
    CHECK_EQ(message->type, expected.type);
    CHECK_EQ(message->priority, expected.priority);
    CHECK(copied <= expected.size_bytes);
    CHECK(memcmp(message->bytes, expected.bytes, copied) == 0);
    return number;
}

void note_got(struct world *world, int who, unsigned number)
{
    for (int i = 0; i < PARTIES; i++)
        CHECK((world->books[i].got & bit(number)) == 0);
    atomic_fetch_or(&world->books[who].got, bit(number));
}

/* ---- Other processes -------------------------------------------------------------------------- */

bool naps_on(pid_t pid, struct nap *nap)
{
    enum { MOMENT_NS = 200000 };
    struct nap before = *nap;
    nanosleep(&(struct timespec){.tv_nsec = MOMENT_NS}, NULL);
    *nap = nap_look(pid);
    return before.asleep && nap->asleep && nap->number == before.number;
}

void await_nap(pid_t pid)
{
    struct nap nap = nap_look(pid);
    test_wait_until(naps_on(pid, &nap));
}

/* ---- The queue -------------------------------------------------------------------------------- */

static struct ferry_queue_options options_of(unsigned flags)
{
    struct ferry_queue_options options = now.shape->options;
    options.options_bytes = sizeof(options);
    options.overflow = now.scene->overflow;
    options.flags |= now.scene->flags | flags;
    return options;
}

static void go(ferry_queue *queue, size_t size)
{
    unsigned char bytes[LARGEST] = "";
    const struct ferry_message message = {.bytes = bytes, .size_bytes = size};
    CHECK_EQ(ferry_queue_send_message(queue, &message, FERRY_NOW), 0);
    CHECK_EQ(ferry_queue_receive(queue, bytes, LARGEST, FERRY_NOW), size);
}

void go_on(ferry_queue *queue, uint32_t cells)
{
    uint32_t large = ring_cells(LARGEST), small = ring_cells(1);
    for (; cells > 2 * large || cells % small != 0; cells -= large)
        go(queue, LARGEST);
    for (; cells > 0; cells -= small)
        go(queue, 1);
}

/* Goes round until the next message begins two cells before the end of a ring of one page. */
static void wind(ferry_queue *queue)
{
    if (!has(FERRY_RENDEZVOUS | FERRY_UNBOUNDED))
        go_on(queue, (uint32_t)sysconf(_SC_PAGESIZE) / RING_CELL - 2);
}

/* Holds a member's place for the victim. */
static ferry_queue *place;

static void third_process(void *memory)
{
    struct world *world = memory;
    ferry_queue_close(place);
    now.scene->third(world, THIRD);
    ferry_queue_close(world->queue);
    if (world->tap != NULL)
        ferry_queue_close(world->tap);
}

/* The victim is to have the place before the third one's: of several who sleep, the store wakes the first. */
static void start_third(struct world *world)
{
    CHECK_OK(ferry_queue_open(&place, NAME, NULL));
    world->third = test_child(third_process, world);
    place = ferry_queue_close(place);
}

static void set_up(void *memory)
{
    struct world *world = memory;
    const struct ferry_queue_options options = options_of(FERRY_CREATE | FERRY_EXCLUSIVE);
    for (unsigned i = 0; i < NUMBERS; i++)
        bytes_of(i); /* not while somebody steps */
    world->parcel = world->readable = world->writable = -1;
    CHECK_OK(ferry_queue_open(&world->queue, NAME, &options));
    wind(world->queue);
    if (now.scene->taps)
        CHECK_OK(ferry_queue_open(&world->tap, NAME, FERRY_QUEUE(.flags = FERRY_TAP)));
    for (unsigned i = 0; i < now.scene->before; i++)
        send_one(world, BEFORE);
    if (now.scene->polls == FERRY_READ)
        CHECK_OK(world->readable = ferry_queue_descriptor(world->queue, FERRY_READ));
    if (now.scene->polls == FERRY_WRITE)
        CHECK_OK(world->writable = ferry_queue_descriptor(world->queue, FERRY_WRITE));
    if (now.scene->set_up)
        now.scene->set_up(world, BEFORE);
    if (now.scene->third)
        start_third(world);
}

static void tear_down(void *memory)
{
    struct world *world = memory;
    if (world->third)
        test_wait_ok(world->third);
    ferry_queue_close(world->tap);
    ferry_queue_close(world->queue);
    int r = ferry_remove(NAME);
    CHECK(r == 0 || r == -ENOENT);
    CHECK_OK(ferry_sweep()); /* after who was killed removing it */
}

/* ---- Playing ---------------------------------------------------------------------------------- */

static void check(void *memory, const struct kill_point *point)
{
    struct world *world = memory;
    struct books *books = &world->books[now.scene->second ? THIRD : VICTIM];
    if (point->returned && books->failed != now.scene->failure)
        CHECK_EQ(books->failed, now.scene->failure2);
    if (now.scene->settle)
        now.scene->settle(world, SURVIVOR);
    if (now.scene->third) {
        test_wait_ok(world->third);
        world->third = 0;
    }
    if (now.scene->check) {
        now.scene->check(world, SURVIVOR);
        return;
    }
    check_messages(world);
    check_usable(world);
}

static void prepare(void *memory)
{
    struct world *world = memory;
    if (now.scene->third)
        await_nap(world->third);
    if (now.scene->prepare)
        now.scene->prepare(world, VICTIM);
}

static void operate(void *memory)
{
    now.scene->victim(memory, VICTIM);
}

static void operate_second(void *memory)
{
    now.scene->second(memory, THIRD);
}

static void between(void *memory)
{
    now.scene->between(memory, SURVIVOR);
}

static void unblock(void *memory)
{
    now.scene->unblock(memory, SURVIVOR);
}

/* Of what may take half a second at most, with several asleep. */
enum { BOUND_MS = 15000 };

static struct kill_case case_of(const struct scene *scene)
{
    return (struct kill_case){.name = now.name,
                              .world_bytes = sizeof(struct world),
                              .setup = set_up,
                              .prepare = prepare,
                              .operation = operate,
                              .between = scene->between ? between : NULL,
                              .unblock = scene->unblock ? unblock : NULL,
                              .check = check,
                              .teardown = tear_down,
                              .bound_ms = BOUND_MS};
}

static bool suits(const struct shape *shape, const struct scene *scene)
{
    if (shape->rare && !test_thorough())
        return false;
    unsigned flags = shape->options.flags, forbids = scene->forbids | (scene->taps ? UNTAPPED : 0);
    return (flags & scene->needs) == scene->needs && (flags & forbids) == 0;
}

static void play(const struct scene *scene, int (*run)(const struct scene *scene))
{
    for (const struct shape *shape = shapes; shape->name; shape++) {
        if (!suits(shape, scene))
            continue;
        now.scene = scene;
        now.shape = shape;
        snprintf(now.name, sizeof(now.name), "queue %s (%s)", scene->name, shape->name);
        CHECK_OK(run(scene));
    }
}

static int run_killed(const struct scene *scene)
{
    struct kill_case kill = case_of(scene);
    return kill_run(&kill, NULL);
}

static int run_paused(const struct scene *scene)
{
    struct kill_case pause = case_of(scene);
    return kill_run_paused(&pause, NULL);
}

static int run_recovery(const struct scene *scene)
{
    struct kill_case first = case_of(scene), second = first;
    second.prepare = NULL;
    second.operation = operate_second;
    return kill_run_recovery(&first, &second, NULL);
}

void play_killed(const struct scene *scene)
{
    play(scene, run_killed);
}

void play_paused(const struct scene *scene)
{
    play(scene, run_paused);
}

void play_recovery(const struct scene *scene)
{
    play(scene, run_recovery);
}
