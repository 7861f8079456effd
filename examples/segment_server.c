/* Shared memory, the serving side: every line typed here becomes the segment's text, and whoever
 * waits for it is told.  Run segment_client beside it, and `ferry ls --watch` to see who comes and
 * goes.
 *
 *     segment_server NAME     makes the segment; fails if there is one.  End it with ^D: the
 *                             segment stays until `ferry rm NAME`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ferry/ferry.h>

enum { SIZE = 4097 };

static int complain(const char *what)
{
    fprintf(stderr, "segment_server: %s: %s\n", what, ferry_explain());
    return 1;
}

int main(int argc, char **argv)
{
    char line[SIZE];
    ferry_segment *segment;
    if (argc != 2) {
        fprintf(stderr, "usage: segment_server NAME\n");
        return 2;
    }
    if (ferry_segment_open(
            &segment, argv[1],
            FERRY_SEGMENT(.size_bytes = SIZE, .flags = FERRY_CREATE | FERRY_EXCLUSIVE)) < 0)
        return complain("cannot make the segment");
    setlinebuf(stdout);
    printf("%s: %d bytes, as asked\n", argv[1], (int)ferry_segment_size(segment));

    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        int r = ferry_segment_lock(segment, FERRY_FOREVER);
        if (r == -EOWNERDEAD) /* a client died reading: a whole line makes everything whole */
            ferry_segment_repaired(segment);
        else if (r < 0)
            return complain("cannot lock");
        strcpy(ferry_segment_data(segment), line);
        ferry_segment_unlock(segment);
        ferry_segment_notify(segment);
        printf("written: \"%s\"\n", line);
    }
    ferry_segment_close(segment);
    return 0;
}
