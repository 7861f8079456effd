/* See queue_world.h.
 *
 * The harness puts back the control memory; the data, and the index of a store, are put back here.  They are kept as they were
 * when the queue was new, and as they were when an operation had been prepared: a rescue begins there.  Of a race, in
 * which preparations are attacked as well, nothing is kept but the beginning. */
#include "queue_world.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../words.h"
#include "os/futex.h"
#include "test.h"

static const struct shape {
    const char *name;
    unsigned flags, overflow;
} shapes[] = {{"queue", 0, FERRY_OVERFLOW_BLOCK},
              {"queue that drops", 0, FERRY_OVERFLOW_DROP_OLDEST},
              {"queue without a buffer", FERRY_RENDEZVOUS, FERRY_OVERFLOW_BLOCK},
              {"queue without a bound", FERRY_UNBOUNDED, FERRY_OVERFLOW_BLOCK},
              {"store", FERRY_TYPES | FERRY_PRIORITIES, FERRY_OVERFLOW_BLOCK}};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* Of the current run. */
static const struct shape *shape;
static bool racing;

char bytes[LARGEST];

static char *map_data(void)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof(path), "%s/ferry." NAME, test_root());
    CHECK_ERRNO(stat(path, &status));
    snprintf(path, sizeof(path), "%s/ferry." NAME ":data:%016llx", test_root(),
             (unsigned long long)status.st_ino);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK_ERRNO(fd);
    void *data = mmap(NULL, DATA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(data != MAP_FAILED);
    close(fd);
    return data;
}

/* What lies behind the members in the control file, if anything. */
static void map_index(struct world *world)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof(path), "%s/ferry." NAME, test_root());
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK_ERRNO(fd);
    CHECK_ERRNO(fstat(fd, &status));
    world->index_bytes = (size_t)status.st_size - sizeof(struct layout);
    CHECK(world->index_bytes <= INDEX_BYTES);
    if (world->index_bytes > 0) {
        void *index = mmap(NULL, world->index_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                           sizeof(struct layout));
        CHECK(index != MAP_FAILED);
        world->index = index;
    }
    close(fd);
}

static void keep(struct world *world, char *data, char *index)
{
    memcpy(data, world->data, DATA_BYTES);
    if (world->index_bytes > 0)
        memcpy(index, world->index, world->index_bytes);
}

static void put_back(struct world *world, const char *data, const char *index)
{
    memcpy(world->data, data, DATA_BYTES);
    if (world->index_bytes > 0)
        memcpy(world->index, index, world->index_bytes);
}

static void make(void *memory)
{
    struct world *world = memory;
    world->parcel = -1;
    CHECK_OK(ferry_queue_open(&world->queue, NAME,
                              FERRY_QUEUE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE | shape->flags,
                                          .overflow = shape->overflow, .messages = MESSAGES,
                                          .bytes = BYTES, .largest = LARGEST)));
    world->data = map_data();
    map_index(world);
    keep(world, world->fresh, world->fresh_index);
    keep(world, world->ready, world->ready_index);
}

static void drop(void *memory)
{
    struct world *world = memory;
    munmap(world->data, DATA_BYTES);
    if (world->index_bytes > 0)
        munmap(world->index, world->index_bytes);
    ferry_queue_close(world->queue);
    CHECK_OK(ferry_remove(NAME));
}

/* Whoever sleeps on it has another look, and sleeps again. */
static void disturb(_Atomic uint32_t *word)
{
    atomic_fetch_add(word, UINT32_C(3) << 16);
    futex_wake(word, INT_MAX);
}

static void disturb_all(struct layout *control)
{
    disturb(&control->queue.in.sequence);
    disturb(&control->queue.out.sequence);
    for (unsigned slot = WORDS_PEER; slot <= WORDS_NOBODY; slot++)
        disturb(&control->members[slot].wake);
}

/* Takes out what is there and puts one in, with everybody on the boards: whoever sleeps has another look. */
static void rescue(void *memory, struct layout *control)
{
    struct world *world = memory;
    put_back(world, world->ready, world->ready_index);
    atomic_store(&control->queue.receivers.words[0], UINT64_MAX);
    atomic_store(&control->queue.senders.words[0], UINT64_MAX);
    disturb_all(control);
    for (int i = 0; i < MESSAGES; i++)
        ferry_queue_receive(world->queue, bytes, sizeof(bytes), MILLISECOND / 10);
    ferry_queue_send(world->queue, bytes, SOME, MILLISECOND);
    disturb_all(control);
}

/* ---- Preparations ---- */

static int prepare(struct world *world, int some, int large)
{
    put_back(world, world->fresh, world->fresh_index);
    for (int i = 0; i < some; i++)
        ferry_queue_send(world->queue, bytes, SOME, FERRY_NOW);
    for (int i = 0; i < large; i++)
        ferry_queue_send(world->queue, bytes, LARGEST, FERRY_NOW);
    if (!racing)
        keep(world, world->ready, world->ready_index);
    return 0;
}

int empty(void *memory)
{
    return prepare(memory, 0, 0);
}

int put_in(void *memory)
{
    return prepare(memory, 1, 1);
}

int fill(void *memory)
{
    return prepare(memory, 0, MESSAGES);
}

void begin_anew(struct world *world)
{
    put_back(world, world->fresh, world->fresh_index);
}

/* ---- Playing ---- */

void play(const char *what, const struct hostile_operation *operations, bool race)
{
    char name[64];
    racing = race;
    for (unsigned i = 0; i < SHAPES; i++) {
        shape = &shapes[i];
        if (operations == looking_on && (shape->flags & UNTAPPED) != 0)
            continue;
        snprintf(name, sizeof(name), "%s, %s", shape->name, what);
        const struct hostile_case queue = {.name = name,
                                           .object = NAME,
                                           .kind = FERRY_KIND_QUEUE,
                                           .world_bytes = sizeof(struct world),
                                           .setup = make,
                                           .teardown = drop,
                                           .rescue = rescue,
                                           .operations = operations};
        CHECK_OK(race ? hostile_race(&queue, NULL) : hostile_run(&queue, NULL));
    }
}
