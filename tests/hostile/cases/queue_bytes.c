/* Queues whose data, and whose index, another member overwrites (contract G9): headers of messages lie among these, where any
 * sender may put anything at any time.
 *
 * A victim does one operation after another, each on memory that was whole but for one word, and says before each what it
 * is about to do; whoever finds it dead or stuck knows where.  Then it does them while another process overwrites words at
 * full speed.  What comes is a message of a size that there is, within the buffer that was given, or an error. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "../words.h"
#include "test.h"

#define NAME "hostile"

enum { MESSAGES = 4, BYTES = 2048, LARGEST = 512, SOME = 100, PAGE = 4096 };

/* What is put right again after each trial: the beginning of each part. */
enum { PART_BYTES = 4 * PAGE, SHARED_FROM = 1920 };

static const struct shape {
    const char *name;
    unsigned flags, overflow;
} shapes[] = {{"ring", 0, FERRY_OVERFLOW_BLOCK},
              {"ring that drops", 0, FERRY_OVERFLOW_DROP_OLDEST},
              {"ring without a bound", FERRY_UNBOUNDED, FERRY_OVERFLOW_BLOCK},
              {"store", FERRY_TYPES | FERRY_PRIORITIES, FERRY_OVERFLOW_BLOCK},
              {"store that drops", FERRY_PRIORITIES, FERRY_OVERFLOW_DROP_OLDEST},
              {"store without a bound", FERRY_TYPES | FERRY_UNBOUNDED, FERRY_OVERFLOW_BLOCK}};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* A stretch of shared memory, and what was in it. */
struct part {
    unsigned char *bytes, *image;
    size_t count;
};

enum { CONTROL, DATA, INDEX, PARTS };

struct victim {
    _Atomic uint32_t operation, part, offset, trials, stop;
    _Atomic uint64_t value;
};

static struct part parts[PARTS];
static ferry_queue *queue, *tap;
static unsigned char *buffer; /* so large that what is behind it faults */
static struct victim *victim;

/* ---- Operations ------------------------------------------------------------------------------- */

static void check_size(ssize_t n, ssize_t most)
{
    CHECK(n <= most);
    CHECK(n >= 0 || n == -EAGAIN || n == -EBADMSG || n == -EMSGSIZE || n == -ETIMEDOUT ||
          n == -ENOSPC || n == -ENOBUFS);
}

static void send_one(void)
{
    check_size(ferry_queue_send(queue, buffer, LARGEST, FERRY_NOW), MESSAGES * LARGEST);
}

static void send_for_a_while(void)
{
    check_size(ferry_queue_send(queue, buffer, SOME, 20000), MESSAGES * LARGEST);
}

static void send_batch(void)
{
    struct ferry_message messages[MESSAGES];
    for (int i = 0; i < MESSAGES; i++)
        messages[i] = (struct ferry_message){.bytes = buffer, .size_bytes = SOME};
    check_size(ferry_queue_send_batch(queue, messages, MESSAGES, FERRY_NOW), MESSAGES);
}

static void receive_with(unsigned flags, size_t size)
{
    struct ferry_message message = {.bytes = buffer + LARGEST - size, .size_bytes = size};
    const struct ferry_choice choice = {.flags = flags};
    ssize_t n = ferry_queue_receive_message(queue, &message, &choice, FERRY_NOW);
    check_size(n, (ssize_t)size);
    CHECK(n < 0 || message.size_bytes <= LARGEST);
}

static void receive_one(void)
{
    receive_with(0, LARGEST);
}

static void receive_little(void)
{
    receive_with(0, 1);
    receive_with(FERRY_TRUNCATE, 1);
}

static void peek(void)
{
    receive_with(FERRY_PEEK, LARGEST);
}

static void receive_for_a_while(void)
{
    check_size(ferry_queue_receive(queue, buffer, LARGEST, 20000), LARGEST);
}

static void take_and_release(void)
{
    struct ferry_message message;
    static volatile unsigned char sum;
    ssize_t n = ferry_queue_take_message(queue, &message, NULL, FERRY_NOW);
    check_size(n, LARGEST);
    if (n < 0)
        return;
    for (ssize_t i = 0; i < n; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)message.bytes)[i]);
    ferry_queue_release_message(queue, message.bytes);
}

static void loan_and_send(void)
{
    void *bytes;
    int r = ferry_queue_loan(queue, &bytes, SOME, FERRY_NOW);
    check_size(r, 0);
    if (r < 0)
        return;
    memset(bytes, 'l', SOME);
    const struct ferry_message message = {.bytes = bytes, .size_bytes = SOME};
    if (ferry_queue_send_loan(queue, &message, FERRY_NOW) < 0)
        ferry_queue_return_loan(queue, bytes);
}

static void ask(void)
{
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof(statistics)};
    ferry_queue_statistics(queue, &statistics);
}

static void look_on(void)
{
    uint64_t missed;
    struct ferry_message message = {.bytes = buffer, .size_bytes = LARGEST};
    for (int i = 0; i < MESSAGES && tap != NULL; i++)
        check_size(ferry_queue_tap(tap, &message, &missed, FERRY_NOW), LARGEST);
}

static const struct operation {
    const char *name;
    void (*run)(void);
} operations[] = {{"send", send_one},
                  {"send batch", send_batch},
                  {"receive", receive_one},
                  {"receive little", receive_little},
                  {"peek", peek},
                  {"take", take_and_release},
                  {"loan", loan_and_send},
                  {"ask", ask},
                  {"tap", look_on},
                  {"send for a while", send_for_a_while},
                  {"receive for a while", receive_for_a_while}};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]), PROMPT = OPERATIONS - 2 };

/* ---- The queue -------------------------------------------------------------------------------- */

static void map_part(int part, const char *file, off_t from, size_t count)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof(path), "%s/%s", test_root(), file);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK_ERRNO(fd);
    CHECK_ERRNO(fstat(fd, &status));
    size_t there = status.st_size > from ? (size_t)(status.st_size - from) : 0;
    parts[part] = (struct part){.count = there < count ? there : count};
    if (parts[part].count > 0) {
        void *memory = mmap(NULL, parts[part].count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, from);
        CHECK(memory != MAP_FAILED);
        parts[part].bytes = memory;
        parts[part].image = test_shared(parts[part].count);
    }
    close(fd);
}

static void map_parts(void)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof(path), "%s/ferry." NAME, test_root());
    CHECK_ERRNO(stat(path, &status));
    snprintf(path, sizeof(path), "ferry." NAME ":data:%016llx", (unsigned long long)status.st_ino);
    map_part(CONTROL, "ferry." NAME, 0, WORDS_IMAGE_BYTES);
    map_part(DATA, path, 0, PART_BYTES);
    map_part(INDEX, "ferry." NAME, sizeof(struct layout), PART_BYTES);
}

static void make(const struct shape *shape)
{
    CHECK_OK(ferry_queue_open(&queue, NAME,
                              FERRY_QUEUE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE | shape->flags,
                                          .overflow = shape->overflow, .messages = MESSAGES,
                                          .bytes = BYTES, .largest = LARGEST)));
    tap = NULL;
    if ((shape->flags & (FERRY_UNBOUNDED | FERRY_TYPES | FERRY_PRIORITIES)) == 0)
        CHECK_OK(ferry_queue_open(&tap, NAME, FERRY_QUEUE(.flags = FERRY_TAP)));
    map_parts();
    unsigned char *memory =
        mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    CHECK_ERRNO(mprotect(memory + PAGE, PAGE, PROT_NONE));
    buffer = memory + PAGE - LARGEST;
    victim = test_shared(sizeof(*victim));
    CHECK_EQ(ferry_queue_send(queue, buffer, SOME, FERRY_NOW), 0);
    CHECK_EQ(ferry_queue_send(queue, buffer, LARGEST, FERRY_NOW), 0);
}

static void drop(void)
{
    ferry_queue_close(tap);
    ferry_queue_close(queue);
    munmap(buffer - PAGE + LARGEST, 2 * PAGE);
    for (int i = 0; i < PARTS; i++)
        if (parts[i].count > 0)
            munmap(parts[i].bytes, parts[i].count);
    CHECK_OK(ferry_remove(NAME));
}

static void remember(void)
{
    for (int i = 0; i < PARTS; i++)
        if (parts[i].count > 0)
            memcpy(parts[i].image, parts[i].bytes, parts[i].count);
}

/* The control memory but for who is a member, and all of the rest. */
static void put_right(void)
{
    memcpy(parts[CONTROL].bytes + SHARED_FROM, parts[CONTROL].image + SHARED_FROM,
           offsetof(struct layout, members) - SHARED_FROM);
    for (int i = DATA; i < PARTS; i++)
        if (parts[i].count > 0)
            memcpy(parts[i].bytes, parts[i].image, parts[i].count);
}

/* ---- One word at a time ----------------------------------------------------------------------- */

static void try_value(int part, struct word word, uint64_t value, unsigned from, unsigned to)
{
    atomic_store(&victim->part, (uint32_t)part);
    atomic_store(&victim->offset, word.offset);
    atomic_store(&victim->value, value);
    for (unsigned i = from; i < to; i++) {
        atomic_store(&victim->operation, i);
        put_right();
        words_store(parts[part].bytes, word, value);
        operations[i].run();
        atomic_fetch_add(&victim->trials, 1);
    }
}

static void try_word(int part, struct word word, unsigned from, unsigned to)
{
    static const uint64_t more[] = {SOME, LARGEST + 1, BYTES, UINT64_C(1) << 31,
                                    (UINT64_C(1) << 31) + 1};
    uint64_t values[WORDS_VALUES_MOST];
    size_t count = words_values(parts[part].bytes, parts[part].image, word, values);
    for (size_t i = 0; i < count; i++)
        try_value(part, word, values[i], from, to);
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
        try_value(part, word, more[i], from, to);
}

/* Where something is, or would come next. */
static bool is_in_use(int part, uint32_t offset)
{
    static const unsigned char zeros[64];
    uint32_t line = offset / 64 * 64;
    return offset < 256 || memcmp(parts[part].image + line, zeros, sizeof(zeros)) != 0;
}

/* The second word of a line may be the bytes of a message: a few of these are enough. */
static bool is_wanted(int part, uint32_t offset)
{
    return is_in_use(part, offset) && (part == INDEX || test_thorough() || offset % 64 < 24);
}

static void try_part(int part, unsigned from, unsigned to)
{
    for (uint32_t at = 0; at + 8 <= parts[part].count; at += 4) {
        if (!is_wanted(part, at))
            continue;
        try_word(part, (struct word){at, 4}, from, to);
        if (at % 8 == 0 && part == INDEX)
            try_word(part, (struct word){at, 8}, from, to);
    }
}

static void try_all(void *context)
{
    (void)context;
    remember();
    for (int part = DATA; part < PARTS; part++)
        try_part(part, 0, PROMPT);
    /* Those that wait take a while: what decides about it are the first headers. */
    for (uint32_t at = 0; at < 16; at += 4)
        try_word(DATA, (struct word){at, 4}, PROMPT, OPERATIONS);
    put_right();
    ferry_queue_close(tap);
    ferry_queue_close(queue);
}

/* Until it has ended, or nothing has happened for seconds. */
static void watch(pid_t pid)
{
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    CHECK_ERRNO(end.fd);
    uint32_t before;
    int r;
    do {
        before = atomic_load(&victim->trials);
        r = poll(&end, 1, 10000);
    } while (r == 0 && before != atomic_load(&victim->trials));
    close(end.fd);
    int status = 0;
    if (r == 0)
        kill(pid, SIGKILL);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    if (r == 0 || status != 0)
        test_fail(__FILE__, __LINE__, "%s: %s, with 0x%llx at 0x%x of part %u",
                  operations[atomic_load(&victim->operation)].name,
                  r == 0 ? "does not end" : "ended in a failure or by a signal",
                  (unsigned long long)atomic_load(&victim->value), atomic_load(&victim->offset),
                  atomic_load(&victim->part));
}

TEST_LONG(any_word_among_the_messages_is_survived, 900) /* G9 */
{
    for (unsigned i = 0; i < SHAPES; i++) {
        make(&shapes[i]);
        watch(test_child(try_all, NULL));
        CHECK(atomic_load(&victim->trials) > 1000);
        drop();
    }
}

/* ---- While they change ------------------------------------------------------------------------ */

static void operate(void *context)
{
    (void)context;
    uint64_t random = 88172645463325252;
    for (int i = 0; i < (test_thorough() ? 2000000 : 100000); i++) {
        unsigned choice = (unsigned)(words_random(&random) % PROMPT);
        atomic_store(&victim->operation, choice);
        operations[choice].run();
        atomic_fetch_add(&victim->trials, 1);
    }
    ferry_queue_close(tap);
    ferry_queue_close(queue);
}

/* Puts all right, and overwrites a word. */
static void overwrite(void *context)
{
    (void)context;
    uint64_t random = 2463534242;
    for (;;) {
        int part = parts[INDEX].count > 0 && words_random(&random) % 2 == 0 ? INDEX : DATA;
        uint32_t at = (uint32_t)(words_random(&random) % (parts[part].count / 4) * 4);
        if (!is_wanted(part, at))
            continue;
        put_right();
        for (int i = 0; i < 64; i++) {
            uint64_t values[WORDS_VALUES_MOST];
            struct word word = {at, 4};
            size_t count = words_values(parts[part].bytes, parts[part].image, word, values);
            words_store(parts[part].bytes, word, values[words_random(&random) % count]);
        }
    }
}

TEST_LONG(words_that_change_among_the_messages_are_survived, 900) /* G9 */
{
    for (unsigned i = 0; i < SHAPES; i++) {
        make(&shapes[i]);
        remember();
        pid_t attacker = test_child(overwrite, NULL);
        watch(test_child(operate, NULL));
        test_kill(attacker);
        put_right();
        drop();
    }
}
