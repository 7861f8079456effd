/* Makes the samples in tests/abi/version-N, once for each version of the layout, on the day before it
 * is released:
 *
 *     ninja -C build tests/abi/freeze
 *     for state in rest died torn queue queue-torn types semaphore semaphore-torn set set-torn; do
 *         FERRY_ROOT=$(mktemp -d -p /dev/shm) build/tests/abi/freeze $state >tests/abi/version-N/$state.hex
 *     done
 *
 * Each is an object's control memory, of which the bytes that are not zero are printed, and of a queue the data, too.
 * What it is in the middle of when everybody has gone:
 *
 *   rest   nothing
 *   died   a member was killed with the segment's lock in hand
 *   torn   a member was killed with the inner lock in hand and two records committed, not applied
 *   queue  nothing; there are three messages in it, one of them across the end of its ring
 *   queue-torn   a sender was killed when it had committed the third one, with the senders' lock in hand
 *   types  nothing; there are four messages in it, of two types and two priorities
 *   semaphore  nothing; it has three units, of at most five
 *   semaphore-torn  it has none; a member was killed asleep, and is as if it had died in a post with the lock in hand, too
 *   set    of three, with 2, 1 and 0 units of at most four; a member was killed that has to give back 2 of the first one
 *   set-torn   the same, and as if it had died with the lock in hand and records committed, not applied, by which the
 *          second one loses its unit and the third one gets 3 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "shared/layout.h"
#include "shared/root.h"
#include "shared/semaphore.h"
#include "shared/semaphore_set.h"
#include "shared/slots.h"

enum { ROW = 16, QUEUE_MESSAGES = 8, QUEUE_BYTES = 1024, QUEUE_LARGEST = 200, CELLS = 256 };

static void die(const char *what)
{
    fprintf(stderr, "freeze: %s: %s\n", what, ferry_explain());
    exit(1);
}

static void expect(int result, const char *what)
{
    if (result < 0)
        die(what);
}

/* A member that is killed, with the lock or without: the second, by an inherited handle. */
static void lose_member(ferry_segment *segment, bool with_lock)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (with_lock)
            expect(ferry_segment_lock(segment, FERRY_NOW), "lock");
        raise(SIGKILL);
    }
    int status;
    if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        die("the member was not killed");
}

static void make(const char *state)
{
    ferry_segment *segment;
    expect(ferry_segment_open(&segment, "frozen",
                              FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE,
                                            .size_bytes = 4097, .mode = 0600)),
           "create");
    for (int i = 0; i < 3; i++)
        expect(ferry_segment_notify(segment), "notify");
    for (int i = 0; i < 2; i++) {
        expect(ferry_segment_lock(segment, FERRY_NOW), "lock");
        expect(ferry_segment_unlock(segment), "unlock");
    }
    if (strcmp(state, "rest") != 0)
        lose_member(segment, strcmp(state, "died") == 0);
    ferry_segment_close(segment);
}

static void *read_whole(const char *name, size_t size)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", root_path(), name);
    void *bytes = malloc(size);
    FILE *file = fopen(path, "re");
    if (bytes == NULL || file == NULL || fread(bytes, size, 1, file) != 1)
        die("a file of the object cannot be read");
    fclose(file);
    return bytes;
}

static struct layout *load_with(size_t index_bytes)
{
    char name[ROOT_FILE_SIZE];
    root_file(name, "frozen", ROOT_CONTROL, 0);
    return read_whole(name, sizeof(struct layout) + index_bytes);
}

static struct layout *load(void)
{
    return load_with(0);
}

static void *load_data(const struct layout *layout)
{
    char path[4096], name[ROOT_FILE_SIZE];
    struct stat status;
    root_file(name, "frozen", ROOT_CONTROL, 0);
    snprintf(path, sizeof(path), "%s/%s", root_path(), name);
    if (stat(path, &status) < 0)
        die("the control file cannot be looked at");
    root_file(name, "frozen", ROOT_DATA, status.st_ino);
    return read_whole(name, (size_t)layout->identity.size_bytes);
}

/* The second member's, which is dead: it was about to strike itself off and to count. */
static void tear(struct layout *layout)
{
    layout->lock.word = slot_tag_make(1, layout->members[1].generation);
    layout->journal.records[0].offset = offsetof(struct layout, members[1].joined);
    layout->journal.records[0].value = 0;
    layout->journal.records[1].offset = offsetof(struct layout, ledger.detaches);
    layout->journal.records[1].value = 41;
    layout->journal.commit = 2;
}

/* ---- Queues ---------------------------------------------------------------------------------- */

static void send(ferry_queue *queue, int letter, size_t size)
{
    char bytes[QUEUE_LARGEST];
    memset(bytes, letter, sizeof(bytes));
    expect(ferry_queue_send(queue, bytes, size, FERRY_NOW), "send");
}

/* Goes once round, but for two cells, and puts three messages in. */
static void make_queue(void)
{
    char byte;
    ferry_queue *queue;
    expect(ferry_queue_open(&queue, "frozen",
                            FERRY_QUEUE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .mode = 0600,
                                        .messages = QUEUE_MESSAGES, .bytes = QUEUE_BYTES,
                                        .largest = QUEUE_LARGEST)),
           "create");
    for (int i = 0; i < CELLS / 2 - 1; i++) {
        send(queue, 'x', 1);
        expect((int)ferry_queue_receive(queue, &byte, 1, FERRY_NOW), "receive");
    }
    send(queue, 'a', QUEUE_LARGEST);
    send(queue, 'b', 1);
    send(queue, 'c', 49);
    pid_t pid = fork(); /* a member that is dead, in slot 1 */
    if (pid == 0)
        raise(SIGKILL);
    int status;
    if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        die("the member was not killed");
    ferry_queue_close(queue);
}

/* As if the last message's sender, the second member, had died behind its commit, before it said where the next one
 * goes.  The message has five cells. */
static void tear_queue(struct layout *layout)
{
    struct layout_queue_side *in = &layout->queue.in;
    in->lock.word = slot_tag_make(1, layout->members[1].generation);
    in->places[0] -= (UINT64_C(49) << 32) + 5;
    in->places[1] -= 5;
    in->numbers[0] -= in->numbers[0] != 0;
    in->messages--;
    in->bytes -= 49;
}

static void print(const char *prefix, const void *memory, size_t size)
{
    static const unsigned char zeros[ROW];
    const unsigned char *bytes = memory;
    for (size_t at = 0; at < size; at += ROW) {
        if (memcmp(bytes + at, zeros, ROW) == 0)
            continue;
        printf("%s%05zx:", prefix, at);
        for (size_t i = 0; i < ROW; i++)
            printf(" %02x", bytes[at + i]);
        printf("\n");
    }
}

static void send_as(ferry_queue *queue, int letter, size_t size, uint64_t type, uint32_t priority)
{
    char bytes[QUEUE_LARGEST];
    memset(bytes, letter, sizeof(bytes));
    const struct ferry_message message = {
        .bytes = bytes, .size_bytes = size, .type = type, .priority = priority};
    expect(ferry_queue_send_message(queue, &message, FERRY_NOW), "send");
}

/* What comes first goes again, so that there is a hole. */
static void make_typed_queue(void)
{
    char bytes[QUEUE_LARGEST];
    ferry_queue *queue;
    expect(ferry_queue_open(
               &queue, "frozen",
               FERRY_QUEUE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TYPES | FERRY_PRIORITIES,
                           .mode = 0600, .messages = QUEUE_MESSAGES, .bytes = QUEUE_BYTES,
                           .largest = QUEUE_LARGEST)),
           "create");
    send_as(queue, 'x', 100, 9, 9);
    send_as(queue, 'a', QUEUE_LARGEST, 5, 1);
    send_as(queue, 'b', 1, 3, 2);
    send_as(queue, 'c', 49, 5, 2);
    send_as(queue, 'd', 0, 5, 1);
    expect((int)ferry_queue_receive(queue, bytes, sizeof(bytes), FERRY_NOW), "receive");
    ferry_queue_close(queue);
}

static void freeze_types(void)
{
    make_typed_queue();
    struct layout *layout = load();
    size_t index_bytes = (size_t)layout->identity.index_bytes;
    void *data = load_data(layout), *control = load_with(index_bytes);
    print("", control, sizeof(*layout) + index_bytes);
    print("data ", data, (size_t)layout->identity.size_bytes);
    free(control);
    free(data);
    free(layout);
}

static void freeze_queue(bool torn)
{
    make_queue();
    struct layout *layout = load();
    void *data = load_data(layout);
    if (torn)
        tear_queue(layout);
    print("", layout, sizeof(*layout));
    print("data ", data, (size_t)layout->identity.size_bytes);
    free(data);
    free(layout);
}

/* ---- Semaphores ------------------------------------------------------------------------------ */

enum { SEMAPHORE_UNITS = 3, SEMAPHORE_BOUND = 5, SET_COUNT = 3, SET_BOUND = 4 };

static ferry_semaphore *make_semaphore(uint32_t count, uint32_t value, uint32_t most)
{
    ferry_semaphore *semaphore;
    expect(
        ferry_semaphore_open(&semaphore, "frozen",
                             FERRY_SEMAPHORE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .mode = 0600,
                                             .count = count, .value = value, .most = most)),
        "create");
    return semaphore;
}

static bool is_announced(void)
{
    struct layout *layout = load();
    bool is = (layout->semaphore.word & SEMAPHORE_ASLEEP) != 0;
    free(layout);
    return is;
}

static void lose(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        die("the member was not killed");
}

/* In slot 1, by an inherited handle. */
static void lose_sleeper(ferry_semaphore *semaphore)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(ferry_semaphore_wait(semaphore, FERRY_FOREVER) < 0);
    while (!is_announced())
        usleep(1000);
    kill(pid, SIGKILL);
    lose(pid);
}

static void freeze_semaphore(bool torn)
{
    ferry_semaphore *semaphore = make_semaphore(0, torn ? 0 : SEMAPHORE_UNITS, SEMAPHORE_BOUND);
    if (torn)
        lose_sleeper(semaphore);
    ferry_semaphore_close(semaphore);
    struct layout *layout = load();
    if (torn)
        layout->semaphore.lock.word = slot_tag_make(1, layout->members[1].generation);
    print("", layout, sizeof(*layout));
    free(layout);
}

/* In slot 1. */
static void lose_debtor(ferry_semaphore *set)
{
    static const struct ferry_semaphore_step take = {0, -2, FERRY_GIVE_BACK};
    pid_t pid = fork();
    if (pid == 0) {
        expect(ferry_semaphore_operate(set, &take, 1, FERRY_NOW), "operate");
        raise(SIGKILL);
    }
    lose(pid);
}

/* As if the second member had died in its next step. */
static void tear_set(struct layout *layout)
{
    struct set_index *index = (struct set_index *)(void *)(layout + 1);
    layout->semaphore.lock.word = slot_tag_make(1, layout->members[1].generation);
    for (uint32_t i = 0; i < 2; i++) {
        index->records[i].offset = offsetof(struct set_index, values) + (1 + i) * sizeof(uint64_t);
        index->records[i].value = index->values[1 + i] - (i == 0 ? 1 : 0) + (i == 1 ? 3 : 0);
    }
    index->commit = 2;
}

static void freeze_set(bool torn)
{
    ferry_semaphore *set = make_semaphore(SET_COUNT, 4, SET_BOUND);
    expect(ferry_semaphore_set_value(set, 1, 1), "set");
    expect(ferry_semaphore_set_value(set, 2, 0), "set");
    lose_debtor(set);
    ferry_semaphore_close(set);
    struct layout *layout = load();
    size_t index_bytes = (size_t)layout->identity.index_bytes;
    free(layout);
    layout = load_with(index_bytes);
    if (torn)
        tear_set(layout);
    print("", layout, sizeof(*layout) + index_bytes);
    free(layout);
}

/* ---- Segments -------------------------------------------------------------------------------- */

static void freeze_segment(const char *state)
{
    make(state);
    struct layout *layout = load();
    if (strcmp(state, "torn") == 0)
        tear(layout);
    print("", layout, sizeof(*layout));
    free(layout);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr,
                "usage: freeze "
                "rest|died|torn|queue|queue-torn|types|semaphore|semaphore-torn|set|set-torn\n");
        return 2;
    }
    bool torn = strstr(argv[1], "-torn") != NULL;
    if (strcmp(argv[1], "types") == 0)
        freeze_types();
    else if (strncmp(argv[1], "semaphore", 9) == 0)
        freeze_semaphore(torn);
    else if (strncmp(argv[1], "set", 3) == 0)
        freeze_set(torn);
    else if (strncmp(argv[1], "queue", 5) == 0)
        freeze_queue(torn);
    else
        freeze_segment(argv[1]);
    expect(ferry_remove("frozen"), "remove");
    return 0;
}
