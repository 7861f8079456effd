/* Shared memory, the reading side.  Plain memory does not wait for its writer: the first look shows
 * whatever is there.  The change notice waits, and the lock keeps the text whole while it is read.
 *
 *     segment_client NAME     looks once, then again after the next change */
#include <stdio.h>

#include <ferry/ferry.h>

static int complain(const char *what)
{
    fprintf(stderr, "segment_client: %s: %s\n", what, ferry_explain());
    return 1;
}

int main(int argc, char **argv)
{
    ferry_segment *segment;
    uint32_t version;
    if (argc != 2) {
        fprintf(stderr, "usage: segment_client NAME\n");
        return 2;
    }
    if (ferry_segment_open(&segment, argv[1], FERRY_SEGMENT(.flags = FERRY_READ)) < 0)
        return complain("cannot attach");
    if (ferry_segment_version(segment, &version) < 0)
        return complain("cannot ask for the version");
    const char *text = ferry_segment_data(segment);
    int size = (int)ferry_segment_size(segment);
    setlinebuf(stdout);
    printf("at once: \"%.*s\"\n", size, text);

    if (ferry_segment_wait(segment, &version, FERRY_FOREVER) < 0)
        return complain("cannot wait");
    if (ferry_segment_lock(segment, FERRY_FOREVER) < 0)
        return complain("cannot lock");
    printf("after the notice: \"%.*s\"\n", size, text);
    ferry_segment_unlock(segment);
    ferry_segment_close(segment);
    return 0;
}
