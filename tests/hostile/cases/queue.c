/* Queues whose control memory is overwritten by another member (contract G9): each kind of queue, and all that one can do
 * with it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "../harness.h"
#include "../words.h"
#include "os/futex.h"
#include "test.h"

#define NAME        "hostile"
#define MILLISECOND INT64_C(1000000)

enum { MESSAGES = 4, BYTES = 2048, LARGEST = 512, SOME = 100 };

/* So many bytes of the data are in use, whatever the queue: after each trial it is where it began. */
enum { DATA_BYTES = 4096, INDEX_BYTES = 65536 };

struct world {
    ferry_queue *queue; /* the peer's, and as inherited by it the victim's */
    ferry_queue *other; /* opened by an operation */
    void *loan;
    const void *taken;
    int parcel;                                /* -1: none */
    char *data;                                /* mapped */
    char fresh[DATA_BYTES], ready[DATA_BYTES]; /* images: before, and after a preparation */
    char *index;                               /* of a store: the same of it */
    size_t index_bytes;
    char fresh_index[INDEX_BYTES], ready_index[INDEX_BYTES];
};

static const struct shape {
    const char *name;
    unsigned flags, overflow;
} shapes[] = {{"queue", 0, FERRY_OVERFLOW_BLOCK},
              {"queue that drops", 0, FERRY_OVERFLOW_DROP_OLDEST},
              {"queue without a buffer", FERRY_RENDEZVOUS, FERRY_OVERFLOW_BLOCK},
              {"queue without a bound", FERRY_UNBOUNDED, FERRY_OVERFLOW_BLOCK},
              {"store", FERRY_TYPES | FERRY_PRIORITIES, FERRY_OVERFLOW_BLOCK}};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* What cannot be looked on at. */
static const unsigned UNTAPPED = FERRY_UNBOUNDED | FERRY_TYPES | FERRY_PRIORITIES;

static const struct shape *shape;
static char bytes[LARGEST];

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

static int result(ssize_t count)
{
    return count < 0 ? (int)count : 0;
}

/* ---- Preparations, which must not fail --------------------------------------------------------
 *
 * The control memory is as it was at first, so the data have to be. */

static int prepare(struct world *world, int some, int large)
{
    put_back(world, world->fresh, world->fresh_index);
    for (int i = 0; i < some; i++)
        ferry_queue_send(world->queue, bytes, SOME, FERRY_NOW);
    for (int i = 0; i < large; i++)
        ferry_queue_send(world->queue, bytes, LARGEST, FERRY_NOW);
    keep(world, world->ready, world->ready_index);
    return 0;
}

static int empty(void *memory)
{
    return prepare(memory, 0, 0);
}

static int put_in(void *memory)
{
    return prepare(memory, 1, 1);
}

static int fill(void *memory)
{
    return prepare(memory, 0, MESSAGES);
}

/* ---- Sending ---------------------------------------------------------------------------------- */

static int send_now(void *memory)
{
    struct world *world = memory;
    return result(ferry_queue_send(world->queue, bytes, SOME, FERRY_NOW));
}

static int send_for_a_while(void *memory)
{
    struct world *world = memory;
    return result(ferry_queue_send(world->queue, bytes, LARGEST, MILLISECOND / 2));
}

static int send_forever(void *memory)
{
    struct world *world = memory;
    return result(ferry_queue_send(world->queue, bytes, LARGEST, FERRY_FOREVER));
}

static int send_batch(void *memory)
{
    struct world *world = memory;
    const struct ferry_message messages[3] = {{.bytes = bytes, .size_bytes = SOME},
                                              {.bytes = bytes, .size_bytes = LARGEST},
                                              {.bytes = bytes, .size_bytes = 1}};
    return result(ferry_queue_send_batch(world->queue, messages, 3, FERRY_NOW));
}

static int loan(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_loan(world->queue, &world->loan, SOME, FERRY_NOW);
    if (r == 0)
        memset(world->loan, 'l', SOME);
    else
        world->loan = NULL;
    return r;
}

static int send_loan(void *memory)
{
    struct world *world = memory;
    const struct ferry_message message = {.bytes = world->loan, .size_bytes = SOME};
    int r = ferry_queue_send_loan(world->queue, &message, FERRY_NOW);
    if (r >= 0)
        world->loan = NULL;
    return r;
}

static int return_loan(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_return_loan(world->queue, world->loan);
    if (r == 0)
        world->loan = NULL;
    return r;
}

static const struct hostile_operation sending[] = {
    {.name = "send-now", .prepare = empty, .run = send_now},
    {.name = "send-batch", .prepare = put_in, .run = send_batch},
    {.name = "send-to-a-full-one", .prepare = fill, .run = send_now},
    {.name = "send-a-while", .prepare = fill, .run = send_for_a_while, .dear = true},
    {.name = "send-forever", .prepare = fill, .run = send_forever, .endless = true, .dear = true},
    {0}};

/* ---- Receiving -------------------------------------------------------------------------------- */

static int receive_with(struct world *world, unsigned flags, size_t size, int64_t timeout_ns)
{
    struct ferry_message message = {.bytes = bytes, .size_bytes = size};
    const struct ferry_choice choice = {.flags = flags};
    return result(ferry_queue_receive_message(world->queue, &message, &choice, timeout_ns));
}

static int receive_now(void *memory)
{
    return receive_with(memory, 0, LARGEST, FERRY_NOW);
}

static int receive_for_a_while(void *memory)
{
    return receive_with(memory, 0, LARGEST, MILLISECOND / 2);
}

static int receive_forever(void *memory)
{
    return receive_with(memory, 0, LARGEST, FERRY_FOREVER);
}

static int receive_little(void *memory)
{
    int r = receive_with(memory, 0, 1, FERRY_NOW);
    return r == -EMSGSIZE ? receive_with(memory, FERRY_TRUNCATE, 1, FERRY_NOW) : r;
}

static int peek(void *memory)
{
    return receive_with(memory, FERRY_PEEK, LARGEST, FERRY_NOW);
}

static int receive_batch(void *memory)
{
    struct world *world = memory;
    static char room[3][LARGEST];
    struct ferry_message messages[3];
    for (int i = 0; i < 3; i++)
        messages[i] = (struct ferry_message){.bytes = room[i], .size_bytes = LARGEST};
    return result(ferry_queue_receive_batch(world->queue, messages, 3, NULL, FERRY_NOW));
}

static int take(void *memory)
{
    struct world *world = memory;
    struct ferry_message message;
    ssize_t n = ferry_queue_take_message(world->queue, &message, NULL, FERRY_NOW);
    world->taken = n >= 0 ? message.bytes : NULL;
    if (n >= 0 && n <= LARGEST)
        memcpy(bytes, message.bytes, (size_t)n);
    return result(n);
}

static int release(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_release_message(world->queue, world->taken);
    if (r == 0)
        world->taken = NULL;
    return r;
}

static int ask(void *memory)
{
    struct world *world = memory;
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof(statistics)};
    return ferry_queue_statistics(world->queue, &statistics);
}

static const struct hostile_operation receiving[] = {
    {.name = "receive-now", .prepare = put_in, .run = receive_now},
    {.name = "receive-nothing", .prepare = empty, .run = receive_now},
    {.name = "receive-little", .prepare = put_in, .run = receive_little},
    {.name = "receive-batch", .prepare = put_in, .run = receive_batch},
    {.name = "peek", .prepare = put_in, .run = peek},
    {.name = "ask", .prepare = put_in, .run = ask, .patience_ms = 2000},
    {.name = "receive-a-while", .prepare = empty, .run = receive_for_a_while, .dear = true},
    {.name = "receive-forever",
     .prepare = empty,
     .run = receive_forever,
     .endless = true,
     .dear = true},
    {0}};

/* ---- In place --------------------------------------------------------------------------------- */

static int empty_and_loan(void *memory)
{
    empty(memory);
    loan(memory);
    return 0;
}

static int put_in_and_take(void *memory)
{
    put_in(memory);
    take(memory);
    return 0;
}

/* What it had and could not give back. */
static void let_go(void *memory)
{
    struct world *world = memory;
    if (world->loan != NULL)
        return_loan(memory);
    if (world->taken != NULL)
        release(memory);
}

static const struct hostile_operation in_place[] = {
    {.name = "loan", .prepare = empty, .run = loan, .finish = let_go},
    {.name = "send-loan", .prepare = empty_and_loan, .run = send_loan, .finish = let_go},
    {.name = "return-loan", .prepare = empty_and_loan, .run = return_loan, .finish = let_go},
    {.name = "take", .prepare = put_in, .run = take, .finish = let_go},
    {.name = "release", .prepare = put_in_and_take, .run = release, .finish = let_go},
    {0}};

/* ---- Members ---------------------------------------------------------------------------------- */

static int open_flagged(struct world *world, unsigned flags)
{
    int r = ferry_queue_open(&world->other, NAME, FERRY_QUEUE(.flags = flags));
    return r < 0 ? r : result(ferry_queue_send(world->other, bytes, 1, FERRY_NOW));
}

static int open_another(void *memory)
{
    return open_flagged(memory, 0);
}

static int open_sole(void *memory)
{
    return open_flagged(memory, FERRY_WRITE | FERRY_SOLE_SENDER);
}

static int open_ready(void *memory)
{
    struct world *world = memory;
    empty(memory);
    return ferry_queue_open(&world->other, NAME, NULL);
}

static int close_another(void *memory)
{
    struct world *world = memory;
    world->other = ferry_queue_close(world->other);
    return 0;
}

static int hand_over(void *memory)
{
    struct world *world = memory;
    return ferry_queue_hand_over(world->queue, 0, &world->parcel);
}

static int take_parcel(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_take(&world->other, world->parcel);
    if (r == 0)
        world->parcel = -1;
    return r;
}

static void drop_another(void *memory)
{
    struct world *world = memory;
    close_another(memory);
    if (world->parcel >= 0)
        close(world->parcel);
    world->parcel = -1;
}

static const struct hostile_operation members[] = {
    {.name = "open",
     .prepare = empty,
     .run = open_another,
     .finish = drop_another,
     .patience_ms = 2000},
    {.name = "open-sole",
     .prepare = empty,
     .run = open_sole,
     .finish = drop_another,
     .patience_ms = 2000},
    {.name = "close", .prepare = open_ready, .run = close_another, .patience_ms = 2000},
    {.name = "hand-over", .run = hand_over, .finish = drop_another, .patience_ms = 2000},
    {.name = "take-parcel",
     .prepare = hand_over,
     .run = take_parcel,
     .finish = drop_another,
     .patience_ms = 2000},
    {0}};

/* ---- Polling and looking on ------------------------------------------------------------------- */

static int poll_for_messages(void *memory)
{
    struct world *world = memory;
    int r = result(ferry_queue_descriptor(world->other, FERRY_READ));
    return r < 0 ? r : result(ferry_queue_receive(world->other, bytes, LARGEST, FERRY_NOW));
}

static int poll_for_room(void *memory)
{
    struct world *world = memory;
    int r = result(ferry_queue_descriptor(world->other, FERRY_WRITE));
    return r < 0 ? r : result(ferry_queue_send(world->other, bytes, LARGEST, FERRY_NOW));
}

static int ask_for_signals(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_notify(world->other, &(struct ferry_arrival){.signal = SIGURG});
    return r < 0 ? r : ferry_queue_notify(world->other, NULL);
}

static int open_and_fill(void *memory)
{
    int r = open_ready(memory);
    return r < 0 ? r : fill(memory);
}

static const struct hostile_operation polling[] = {{.name = "poll-for-messages",
                                                    .prepare = open_ready,
                                                    .run = poll_for_messages,
                                                    .finish = drop_another,
                                                    .dear = true},
                                                   {.name = "poll-for-room",
                                                    .prepare = open_and_fill,
                                                    .run = poll_for_room,
                                                    .finish = drop_another,
                                                    .dear = true},
                                                   {.name = "notices",
                                                    .prepare = open_ready,
                                                    .run = ask_for_signals,
                                                    .finish = drop_another,
                                                    .dear = true},
                                                   {0}};

static int look_for(struct world *world, int64_t timeout_ns)
{
    uint64_t missed;
    struct ferry_message message = {.bytes = bytes, .size_bytes = LARGEST};
    return result(ferry_queue_tap(world->other, &message, &missed, timeout_ns));
}

static int look_now(void *memory)
{
    return look_for(memory, FERRY_NOW);
}

static int look_for_a_while(void *memory)
{
    return look_for(memory, MILLISECOND / 2);
}

static int open_tap(void *memory)
{
    struct world *world = memory;
    int r = ferry_queue_open(&world->other, NAME, FERRY_QUEUE(.flags = FERRY_TAP));
    return r < 0 ? r : look_now(memory);
}

/* Whoever looks on sees what comes from then on. */
static int begin_to_look(void *memory)
{
    struct world *world = memory;
    put_back(world, world->fresh, world->fresh_index);
    return ferry_queue_open(&world->other, NAME, FERRY_QUEUE(.flags = FERRY_TAP));
}

static int look_on(void *memory)
{
    int r = begin_to_look(memory);
    return r < 0 ? r : put_in(memory);
}

static const struct hostile_operation looking_on[] = {
    {.name = "tap-now", .prepare = look_on, .run = look_now, .finish = drop_another},
    {.name = "tap-nothing", .prepare = begin_to_look, .run = look_now, .finish = drop_another},
    {.name = "tap-a-while",
     .prepare = begin_to_look,
     .run = look_for_a_while,
     .finish = drop_another,
     .dear = true},
    {.name = "open-tap",
     .prepare = put_in,
     .run = open_tap,
     .finish = drop_another,
     .patience_ms = 2000,
     .dear = true},
    {0}};

/* ---- All of it -------------------------------------------------------------------------------- */

static void play(const char *what, const struct hostile_operation *operations, bool race)
{
    char name[64];
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

static const struct {
    const char *what;
    const struct hostile_operation *operations;
} groups[] = {{"sending", sending}, {"receiving", receiving}, {"in place", in_place},
              {"members", members}, {"polling", polling},     {"looking on", looking_on}};

TEST_LONG(senders_survive_any_word, 900) /* G9 Q1 */
{
    play("sending", sending, false);
}

TEST_LONG(receivers_survive_any_word, 900) /* G9 Q1 */
{
    play("receiving", receiving, false);
}

TEST_LONG(loans_survive_any_word, 900) /* G9 Q6 */
{
    play("in place", in_place, false);
}

TEST_LONG(joining_and_leaving_survive_any_word, 900) /* G9 */
{
    play("members", members, false);
}

TEST_LONG(polling_and_looking_on_survive_any_word, 900) /* G9 Q7 */
{
    play("polling", polling, false);
    play("looking on", looking_on, false);
}

TEST_LONG(all_survive_changing_words, 900) /* G9 */
{
    for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        play(groups[i].what, groups[i].operations, true);
}
