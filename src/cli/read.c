/* ferry read: bytes out of a pipe (see pipe.c) or a segment.
 *
 * Without --lock they come straight from the shared memory and may change on the way.  With it they
 * are copied under the lock first, so that a slow reader of standard output blocks nobody. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/kinds.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/pipe.h"
#include "cli/text.h"

struct request {
    uint64_t at;
    bool at_given;
    uint64_t count;
    bool count_given;
    bool lock;
    int64_t timeout_ns;
    bool progress;
    uint64_t pipe_size;
    bool pipe_size_given;
};

/* Fills in the count where none was given, and refuses what lies outside.  What lies inside has been
 * mapped, so it fits a size_t. */
static int find_range(ferry_segment *segment, struct request *request)
{
    uint64_t size = ferry_segment_size(segment);
    uint64_t room = request->at <= size ? size - request->at : 0;
    if (!request->count_given)
        request->count = room;
    if (request->at <= size && request->count <= room)
        return 0;
    complain("%s bytes from %s on reach outside: the segment has %s",
             phrase_count(request->count).text, phrase_count(request->at).text,
             phrase_count(size).text);
    return STATUS_FAILED;
}

static int copy_locked(ferry_segment *segment, const struct request *request, char *ret_copy)
{
    int r = ferry_segment_lock(segment, request->timeout_ns);
    if (r < 0 && r != -EOWNERDEAD)
        return report(r);
    if (r == 0)
        memcpy(ret_copy, (char *)ferry_segment_data(segment) + request->at, (size_t)request->count);
    ferry_segment_unlock(segment);
    if (r == 0)
        return 0;
    complain("somebody died holding the lock, the data may be half-written: read without --lock to "
             "see them, and make them whole with ferry write --repair");
    return STATUS_FAILED;
}

static int read_locked(ferry_segment *segment, const struct request *request)
{
    char *copy CLEANUP(text_cleanup) = expect_memory(malloc((size_t)request->count + 1));
    int status = copy_locked(segment, request, copy);
    return status ? status : output_bytes(copy, (size_t)request->count);
}

static int read_segment(const char *operand, struct request *request)
{
    ferry_segment *segment CLEANUP(segment_cleanup) = NULL;
    int status = operand_open_segment(&segment, operand, FERRY_READ);
    if (status == 0)
        status = find_range(segment, request);
    if (status)
        return status;
    if (request->lock)
        return read_locked(segment, request);
    return output_bytes((char *)ferry_segment_data(segment) + request->at, (size_t)request->count);
}

static int read_pipe(const char *name, const struct request *request)
{
    const struct pipe_request pipe = {.name = name,
                                      .timeout_ns = request->timeout_ns,
                                      .progress = request->progress,
                                      .size_bytes = request->pipe_size};
    return pipe_read(&pipe, request->count_given ? request->count : UINT64_MAX);
}

static int run(int argc, char **argv)
{
    struct request request = {.timeout_ns = FERRY_FOREVER};
    const struct option options[] = {
        {.name = "at", .size = &request.at, .given = &request.at_given},
        {.name = "count", .size = &request.count, .given = &request.count_given},
        {.name = "lock", .flag = &request.lock},
        {.name = "timeout", .duration = &request.timeout_ns},
        {.name = "progress", .flag = &request.progress},
        {.name = "size", .size = &request.pipe_size, .given = &request.pipe_size_given},
        {0},
    };
    if (options_parse(&verb_read, options, argc, argv) < 0)
        return STATUS_USAGE;
    char name[FERRY_NAME_SIZE];
    int kind, status = operand_find(argv[0], name, &kind);
    if (status)
        return status;
    const char *of_segments = request.at_given ? "--at" : request.lock ? "--lock" : NULL;
    const char *of_pipes = request.progress          ? "--progress"
                           : request.pipe_size_given ? "--size"
                                                     : NULL;
    if (kind == FERRY_KIND_PIPE && of_segments)
        return pipe_has_no(name, of_segments);
    if (kind == FERRY_KIND_SEGMENT && of_pipes)
        return segment_has_no(name, of_pipes);
    if (kind != 0 && kind != FERRY_KIND_PIPE && kind != FERRY_KIND_SEGMENT)
        return complain_other_kind(name, kind, "pipe or a segment");
    if (kind == FERRY_KIND_PIPE || (kind == 0 && !of_segments))
        return read_pipe(name, &request);
    return read_segment(argv[0], &request);
}

const struct verb verb_read = {
    .name = "read",
    .summary = "read bytes out of a pipe or a segment",
    .operands = "NAME",
    .least_operands = 1,
    .most_operands = 1,
    .help = "Writes what it reads to standard output.\n"
            "\n"
            "Out of a pipe, which is made if there is nothing of that name: waits for a\n"
            "writer, and reads up to the end of the stream, when all writers are gone.  What\n"
            "is not read stays for others, for as long as any process has the pipe open.\n"
            "Out of a segment: all its bytes, unless told otherwise.  Nothing is consumed.\n"
            "\n"
            "Options\n"
            "  --count SIZE    at most so many bytes; segment: exactly\n"
            "  --timeout TIME  how long to wait for a writer and for bytes, or for the lock:\n"
            "                  100ms, 2s (default: forever)\n"
            "  --progress      pipe: show on standard error how fast it goes\n"
            "  --size SIZE     pipe: how much is expected, for --progress (default: --count)\n"
            "  --at OFFSET     segment: where to begin (default: 0)\n"
            "  --lock          segment: copy them while holding its lock\n"
            "\n"
            "Examples\n"
            "  ferry read numbers | tail -1\n"
            "  ferry read backup --progress --size 4G >disk.img\n"
            "  ferry read demo --lock | xxd | head\n"
            "\n"
            "Exit status: 0 read; 1 failed, or outside the segment; 2 wrong usage;\n"
            "3 no such segment, or the time is up.\n",
    .run = run,
};
