/* Fuzz target: operations on a pipe whose control memory, and whose bytes, a peer overwrites between
 * them.
 *
 * An input is: whether the pipe keeps records; then a sequence of the operation, how much it is about, how
 * many patches come before it, and the patches.  A patch is a word that the layout names and one of
 * the harness's values for it, or any offset and any value, or a word among the data.  The memory is put right
 * after each input. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "hostile/words.h"
#include "shared/slots.h"
#include "support.h"
#include "test.h"

enum { STEPS_MOST = 16, PATCHES_MOST = 8, CAPACITY = 8192, PATIENCE_NS = 20000 };

/* With and without records. */
struct target {
    ferry_pipe *peer, *both, *tap;
    struct layout *control;
    uint32_t *ring; /* where the pipe has it at first */
    char image[WORDS_IMAGE_BYTES];
};

static struct target targets[2];
static struct words words;
static unsigned char bytes[4 * CAPACITY];

/* ---- Operations ------------------------------------------------------------------------------- */

static void write_some(struct target *target, size_t count)
{
    ferry_pipe_write(target->both, bytes, count, FERRY_NOW);
}

static void write_for_a_while(struct target *target, size_t count)
{
    ferry_pipe_write(target->both, bytes, count, PATIENCE_NS);
}

static void read_some(struct target *target, size_t count)
{
    ferry_pipe_read(target->both, bytes, count, FERRY_NOW);
}

static void read_for_a_while(struct target *target, size_t count)
{
    ferry_pipe_read(target->both, bytes, count, PATIENCE_NS);
}

static void write_in_place(struct target *target, size_t count)
{
    void *room;
    ssize_t n = ferry_pipe_reserve(target->both, &room, count % CAPACITY, FERRY_NOW);
    if (n < 0)
        return;
    memset(room, 'r', (size_t)n);
    ferry_pipe_commit(target->both, count % ((size_t)n + 1));
}

static void read_in_place(struct target *target, size_t count)
{
    const void *found;
    ssize_t n = ferry_pipe_peek(target->both, &found, FERRY_NOW);
    if (n <= 0)
        return;
    memcpy(bytes, found, (size_t)n < sizeof(bytes) ? (size_t)n : sizeof(bytes));
    if (ferry_pipe_consume(target->both, count % ((size_t)n + 1)) < 0)
        ferry_pipe_consume(target->both, 0);
}

static void look_on(struct target *target, size_t count)
{
    uint64_t missed;
    ferry_pipe_tap(target->tap, bytes, count + 1, &missed, FERRY_NOW);
}

static void resize(struct target *target, size_t count)
{
    ferry_pipe_set_capacity(target->both, count);
}

static void listen_and_ask(struct target *target, size_t count)
{
    uint64_t number;
    (void)count;
    ferry_pipe_descriptor(target->both);
    ferry_pipe_capacity(target->both, &number);
    ferry_pipe_depth(target->both, &number);
}

static void (*const operations[])(struct target *target, size_t count) = {
    write_some,    write_for_a_while, read_some, read_for_a_while, write_in_place,
    read_in_place, look_on,           resize,    listen_and_ask};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

/* ---- The pipe --------------------------------------------------------------------------------- */

static void *map(const char *path, size_t size, off_t offset)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    CHECK(memory != MAP_FAILED);
    close(fd);
    return memory;
}

/* The file that holds the ring; its name ends with a number. */
static void find_data(char *ret_path, size_t size, const char *name)
{
    glob_t found;
    snprintf(ret_path, size, "%s/ferry.%s:data:*", fuzz_root(), name);
    CHECK_EQ(glob(ret_path, 0, NULL, &found), 0);
    snprintf(ret_path, size, "%s", found.gl_pathv[0]);
    globfree(&found);
}

static void begin(struct target *target, unsigned flags)
{
    char path[4096 + 80];
    const char *name = flags != 0 ? "records" : "stream";
    CHECK_OK(ferry_pipe_open(&target->peer, name,
                             FERRY_PIPE(.flags = FERRY_CREATE | flags, .capacity = CAPACITY)));
    CHECK_OK(ferry_pipe_open(&target->both, name, NULL));
    CHECK_OK(ferry_pipe_open(&target->tap, name, FERRY_PIPE(.flags = FERRY_TAP)));
    snprintf(path, sizeof(path), "%s/ferry.%s", fuzz_root(), name);
    target->control = map(path, sizeof(*target->control), 0);
    find_data(path, sizeof(path), name);
    target->ring = map(path, CAPACITY, CAPACITY);
    memcpy(target->image, target->control, sizeof(target->image));
    words_list(&words, FERRY_KIND_PIPE);
}

/* Each handle opens its bell when it rings it first: so many descriptors more are no leak. */
static void allow_for_bells(void)
{
    enum { HANDLES = 6 };
    int places[HANDLES];
    for (int i = 0; i < HANDLES; i++)
        places[i] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    fuzz_check_descriptors();
    for (int i = 0; i < HANDLES; i++)
        close(places[i]);
}

static void patch(struct target *target, struct input *input)
{
    uint64_t values[WORDS_VALUES_MOST];
    uint64_t manner = input_take(input, 1);
    if (manner < 128) {
        struct word word = words.list[input_take(input, 2) % words.named];
        size_t count = words_values(target->control, target->image, word, values);
        words_store(target->control, word, values[input_take(input, 1) % count]);
    } else if (manner < 192) {
        uint64_t at = input_take(input, 2) % (CAPACITY / sizeof(target->ring[0]));
        target->ring[at] = (uint32_t)input_take(input, 4);
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
    size_t count = (size_t)input_take(input, 2) % sizeof(bytes);
    uint64_t patches = input_take(input, 1) % PATCHES_MOST;
    for (uint64_t i = 0; i < patches; i++)
        patch(target, input);
    defuse(&target->control->lock.word);
    defuse(&target->control->stream.in.lock.word);
    defuse(&target->control->stream.in.turn.word);
    defuse(&target->control->stream.out.lock.word);
    defuse(&target->control->stream.out.turn.word);
    operation(target, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct target *target = &targets[input_take(&input, 1) % 2];
    if (fuzz_root() != NULL && targets[0].control == NULL) {
        begin(&targets[0], 0);
        begin(&targets[1], FERRY_RECORDS);
        allow_for_bells();
    }
    for (int i = 0; i < STEPS_MOST && input.left > 0; i++)
        step(target, &input);
    memcpy(target->control, target->image, sizeof(target->image));
    ferry_pipe_set_capacity(target->peer, CAPACITY);
    memcpy(target->control, target->image, sizeof(target->image));
    fuzz_check_descriptors();
    return 0;
}
