/* Makes the samples in tests/abi/version-N, once for each version of the layout, on the day before it
 * is released:
 *
 *     ninja -C build tests/abi/freeze
 *     for state in rest died torn; do
 *         FERRY_ROOT=$(mktemp -d -p /dev/shm) build/tests/abi/freeze $state >tests/abi/version-N/$state.hex
 *     done
 *
 * Each is an object's control memory, of which the bytes that are not zero are printed.  What it is
 * in the middle of when everybody has gone:
 *
 *   rest   nothing
 *   died   a member was killed with the segment's lock in hand
 *   torn   a member was killed with the inner lock in hand and two records committed, not applied */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "shared/layout.h"
#include "shared/root.h"
#include "shared/slots.h"

enum { ROW = 16 };

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

static struct layout *load(void)
{
    char path[4096], name[ROOT_FILE_SIZE];
    root_file(name, "frozen", ROOT_CONTROL, 0);
    snprintf(path, sizeof(path), "%s/%s", root_path(), name);
    struct layout *layout = malloc(sizeof(*layout));
    FILE *file = fopen(path, "re");
    if (layout == NULL || file == NULL || fread(layout, sizeof(*layout), 1, file) != 1)
        die("the control file cannot be read");
    fclose(file);
    return layout;
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

static void print(const struct layout *layout)
{
    static const unsigned char zeros[ROW];
    const unsigned char *bytes = (const unsigned char *)layout;
    for (size_t at = 0; at < sizeof(*layout); at += ROW) {
        if (memcmp(bytes + at, zeros, ROW) == 0)
            continue;
        printf("%05zx:", at);
        for (size_t i = 0; i < ROW; i++)
            printf(" %02x", bytes[at + i]);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: freeze rest|died|torn\n");
        return 2;
    }
    make(argv[1]);
    struct layout *layout = load();
    if (strcmp(argv[1], "torn") == 0)
        tear(layout);
    print(layout);
    free(layout);
    expect(ferry_remove("frozen"), "remove");
    return 0;
}
