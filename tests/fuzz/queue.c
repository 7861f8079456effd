/* Fuzz target: operations on a queue whose control memory, and whose messages, a peer overwrites between them.
 *
 * An input is: which of the queues; then a sequence of the operation, how much it is about, how many patches come before
 * it, and the patches.  A patch is a word that the layout names and one of the harness's values for it, or any offset and
 * any value, or a word among the data, or in the index.  The memory is put right after each input. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "hostile/words.h"
#include "shared/slots.h"
#include "support.h"
#include "test.h"

enum {
    STEPS_MOST = 16,
    PATCHES_MOST = 8,
    MESSAGES = 4,
    BYTES = 2048,
    LARGEST = 512,
    PATIENCE_NS = 20000,
    PART_BYTES = 16384 /* of data and index are attacked, and put right */
};

static const struct shape {
    const char *name;
    unsigned flags, overflow;
} shapes[] = {{"ring", 0, FERRY_OVERFLOW_BLOCK},
              {"drops", 0, FERRY_OVERFLOW_DROP_OLDEST},
              {"meets", FERRY_RENDEZVOUS, FERRY_OVERFLOW_BLOCK},
              {"store", FERRY_TYPES | FERRY_PRIORITIES, FERRY_OVERFLOW_BLOCK}};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

struct part {
    unsigned char *bytes;
    size_t count;
    unsigned char image[PART_BYTES];
};

struct target {
    ferry_queue *queue, *tap;
    struct layout *control;
    struct part data, index;
    char image[WORDS_IMAGE_BYTES];
};

static struct target targets[SHAPES];
static struct words words;
static unsigned char bytes[LARGEST];

/* ---- Operations ------------------------------------------------------------------------------- */

static struct ferry_message message_of(size_t count)
{
    return (struct ferry_message){.bytes = bytes, .size_bytes = count};
}

static void send_some(struct target *target, size_t count)
{
    ferry_queue_send(target->queue, bytes, count, FERRY_NOW);
}

static void send_for_a_while(struct target *target, size_t count)
{
    ferry_queue_send(target->queue, bytes, count, PATIENCE_NS);
}

static void send_batch(struct target *target, size_t count)
{
    const struct ferry_message messages[3] = {message_of(count), message_of(1),
                                              message_of(LARGEST)};
    ferry_queue_send_batch(target->queue, messages, 3, FERRY_NOW);
}

static void receive_some(struct target *target, size_t count)
{
    ferry_queue_receive(target->queue, bytes, count, FERRY_NOW);
}

static void receive_for_a_while(struct target *target, size_t count)
{
    ferry_queue_receive(target->queue, bytes, count, PATIENCE_NS);
}

static void receive_of_choice(struct target *target, size_t count)
{
    struct ferry_message message = message_of(LARGEST);
    const struct ferry_choice choice = {
        .selection = (unsigned)count % 4, .flags = (unsigned)count / 4 % 4, .type = count / 16};
    ferry_queue_receive_message(target->queue, &message, &choice, FERRY_NOW);
}

static void take_in_place(struct target *target, size_t count)
{
    struct ferry_message message;
    (void)count;
    ssize_t n = ferry_queue_take_message(target->queue, &message, NULL, FERRY_NOW);
    if (n < 0)
        return;
    CHECK(n <= LARGEST);
    memcpy(bytes, message.bytes, (size_t)n);
    ferry_queue_release_message(target->queue, message.bytes);
}

static void send_in_place(struct target *target, size_t count)
{
    struct ferry_message message = message_of(count);
    if (ferry_queue_loan(target->queue, &message.bytes, count, FERRY_NOW) < 0)
        return;
    memset(message.bytes, 'l', count);
    if (count % 2 != 0 || ferry_queue_send_loan(target->queue, &message, FERRY_NOW) < 0)
        ferry_queue_return_loan(target->queue, message.bytes);
}

static void look_on(struct target *target, size_t count)
{
    uint64_t missed;
    struct ferry_message message = message_of(count);
    if (target->tap != NULL)
        ferry_queue_tap(target->tap, &message, &missed, FERRY_NOW);
}

static void listen_and_ask(struct target *target, size_t count)
{
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof(statistics)};
    (void)count;
    ferry_queue_descriptor(target->queue, FERRY_READ);
    ferry_queue_statistics(target->queue, &statistics);
}

static void (*const operations[])(struct target *target, size_t count) = {
    send_some,         send_for_a_while, send_batch,    receive_some, receive_for_a_while,
    receive_of_choice, take_in_place,    send_in_place, look_on,      listen_and_ask};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

/* ---- The queue -------------------------------------------------------------------------------- */

static void *map(const char *path, size_t size, off_t offset)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    CHECK(memory != MAP_FAILED);
    close(fd);
    return memory;
}

/* As much of a file as is attacked. */
static void map_part(struct part *part, const char *path, off_t from)
{
    struct stat status;
    CHECK_ERRNO(stat(path, &status));
    if (status.st_size <= from)
        return;
    size_t there = (size_t)(status.st_size - from);
    part->count = there < PART_BYTES ? there : PART_BYTES;
    part->bytes = map(path, part->count, from);
    memcpy(part->image, part->bytes, part->count);
}

static void begin(struct target *target, const struct shape *shape)
{
    char path[4096 + 80];
    struct stat status;
    CHECK_OK(ferry_queue_open(&target->queue, shape->name,
                              FERRY_QUEUE(.flags = FERRY_CREATE | shape->flags,
                                          .overflow = shape->overflow, .messages = MESSAGES,
                                          .bytes = BYTES, .largest = LARGEST)));
    if ((shape->flags & (FERRY_TYPES | FERRY_PRIORITIES)) == 0)
        CHECK_OK(ferry_queue_open(&target->tap, shape->name, FERRY_QUEUE(.flags = FERRY_TAP)));
    snprintf(path, sizeof(path), "%s/ferry.%s", fuzz_root(), shape->name);
    CHECK_ERRNO(stat(path, &status));
    target->control = map(path, sizeof(*target->control), 0);
    map_part(&target->index, path, sizeof(*target->control));
    snprintf(path, sizeof(path), "%s/ferry.%s:data:%016llx", fuzz_root(), shape->name,
             (unsigned long long)status.st_ino);
    map_part(&target->data, path, 0);
    memcpy(target->image, target->control, sizeof(target->image));
}

/* Each handle opens its bell when it rings it first, and a latch: so many descriptors more are no leak. */
static void allow_for_bells(void)
{
    enum { EACH = 3 };
    int places[EACH * SHAPES];
    for (int i = 0; i < EACH * SHAPES; i++)
        places[i] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    fuzz_check_descriptors();
    for (int i = 0; i < EACH * SHAPES; i++)
        close(places[i]);
}

static void put_right(struct target *target)
{
    memcpy(target->control, target->image, sizeof(target->image));
    memcpy(target->data.bytes, target->data.image, target->data.count);
    if (target->index.count > 0)
        memcpy(target->index.bytes, target->index.image, target->index.count);
}

static void patch(struct target *target, struct input *input)
{
    uint64_t values[WORDS_VALUES_MOST];
    uint64_t manner = input_take(input, 1);
    struct part *part = manner < 160 || target->index.count == 0 ? &target->data : &target->index;
    if (manner < 112) {
        struct word word = words.list[input_take(input, 2) % words.named];
        size_t count = words_values(target->control, target->image, word, values);
        words_store(target->control, word, values[input_take(input, 1) % count]);
    } else if (manner < 208) {
        uint32_t at = (uint32_t)(input_take(input, 2) % (part->count / 4) * 4);
        words_store(part->bytes, (struct word){at, 4}, input_take(input, 4));
    } else {
        uint32_t width = manner % 2 == 0 ? 4 : 8;
        uint32_t offset = (uint32_t)input_take(input, 2) % (WORDS_IMAGE_BYTES / width) * width;
        words_store(target->control, (struct word){offset, width}, input_take(input, width));
    }
}

/* A living holder of a lock is waited for, for a while; that is promised, and tried elsewhere. */
static void defuse(_Atomic uint32_t *lock)
{
    if (slot_of_tag(atomic_load(lock) & TAG_MASK) <= WORDS_NEXT)
        atomic_store(lock, 0);
}

static void step(struct target *target, struct input *input)
{
    void (*operation)(struct target *, size_t) = operations[input_take(input, 1) % OPERATIONS];
    size_t count = (size_t)input_take(input, 2) % (LARGEST + 1);
    uint64_t patches = input_take(input, 1) % PATCHES_MOST;
    for (uint64_t i = 0; i < patches; i++)
        patch(target, input);
    defuse(&target->control->lock.word);
    defuse(&target->control->queue.in.lock.word);
    defuse(&target->control->queue.out.lock.word);
    operation(target, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct target *target = &targets[input_take(&input, 1) % SHAPES];
    if (fuzz_root() != NULL && targets[0].control == NULL) {
        words_list(&words, FERRY_KIND_QUEUE);
        for (int i = 0; i < SHAPES; i++)
            begin(&targets[i], &shapes[i]);
        allow_for_bells();
    }
    for (int i = 0; i < STEPS_MOST && input.left > 0; i++)
        step(target, &input);
    put_right(target);
    fuzz_check_descriptors();
    return 0;
}
