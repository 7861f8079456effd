/* ferry write: bytes into a pipe (see pipe.c) or a segment.
 *
 * Everything is read before anything is written: what does not fit leaves the segment as it was.
 * The write itself is plain memory; --lock makes it whole for everybody who locks, too. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    bool lock;
    bool repair;
    int64_t timeout_ns;
    bool progress;
    uint64_t pipe_size;
    bool pipe_size_given;
};

struct input {
    char *bytes;
    size_t count;
};

/* Reads standard input to its end, or one byte beyond `room`: then it does not fit anyway. */
static int read_input(struct input *ret_input, uint64_t room)
{
    struct input input = {0};
    size_t capacity = 0;
    for (;;) {
        if (input.count == capacity) {
            capacity = capacity ? 2 * capacity : 65536;
            capacity = capacity > room + 1 ? (size_t)room + 1 : capacity;
            input.bytes = expect_memory(realloc(input.bytes, capacity));
        }
        ssize_t r = read(STDIN_FILENO, input.bytes + input.count, capacity - input.count);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0) {
            complain("standard input could not be read: %s", strerror(errno));
            free(input.bytes);
            return STATUS_FAILED;
        }
        input.count += (size_t)r;
        if (r == 0 || input.count > room)
            break;
    }
    *ret_input = input;
    return 0;
}

static int check_place(ferry_segment *segment, const struct request *request)
{
    uint64_t size = ferry_segment_size(segment);
    if (request->at <= size)
        return 0;
    complain("--at %s is outside: the segment has %s bytes", phrase_count(request->at).text,
             phrase_count(size).text);
    return STATUS_FAILED;
}

static int check_fit(ferry_segment *segment, const struct request *request,
                     const struct input *input, bool is_whole)
{
    uint64_t size = ferry_segment_size(segment);
    uint64_t room = size - request->at;
    if (input->count <= room)
        return 0;
    complain("%s%s bytes do not fit at %s, where the segment of %s has room for %s; nothing was "
             "written",
             is_whole ? "" : "more than ", phrase_count(is_whole ? input->count : room).text,
             phrase_count(request->at).text, phrase_count(size).text, phrase_count(room).text);
    return STATUS_FAILED;
}

static int take_input(struct input *ret_input, ferry_segment *segment,
                      const struct request *request, const char *text)
{
    int status = check_place(segment, request);
    if (status)
        return status;
    struct input input = {0};
    if (text) {
        input.bytes = expect_memory(strdup(text));
        input.count = strlen(text);
    } else {
        status = read_input(&input, ferry_segment_size(segment) - request->at);
    }
    if (status == 0)
        status = check_fit(segment, request, &input, text != NULL);
    if (status) {
        free(input.bytes);
        return status;
    }
    *ret_input = input;
    return 0;
}

static int store(ferry_segment *segment, const struct request *request, const struct input *input)
{
    if (input->count > 0)
        memcpy((char *)ferry_segment_data(segment) + request->at, input->bytes, input->count);
    int r = ferry_segment_notify(segment);
    return r < 0 ? report(r) : STATUS_DONE;
}

static int store_locked(ferry_segment *segment, const struct request *request,
                        const struct input *input)
{
    int taken = ferry_segment_lock(segment, request->timeout_ns);
    if (taken < 0 && taken != -EOWNERDEAD)
        return report(taken);
    int status = STATUS_FAILED;
    if (taken == -EOWNERDEAD && !request->repair)
        complain("somebody died holding the lock, the data may be half-written; nothing was "
                 "written: see what ferry read shows, then write what is right with --repair");
    else
        status = store(segment, request, input);
    if (status == STATUS_DONE && taken == -EOWNERDEAD)
        ferry_segment_repaired(segment);
    ferry_segment_unlock(segment);
    return status;
}

static int write_segment(const char *operand, const struct request *request, const char *text)
{
    ferry_segment *segment CLEANUP(segment_cleanup) = NULL;
    int status = operand_open_segment(&segment, operand, 0);
    if (status)
        return status;
    struct input input;
    status = take_input(&input, segment, request, text);
    if (status)
        return status;
    status = (request->lock || request->repair ? store_locked : store)(segment, request, &input);
    free(input.bytes);
    return status;
}

static int write_pipe(const char *name, const struct request *request, const char *text)
{
    const struct pipe_request pipe = {.name = name,
                                      .timeout_ns = request->timeout_ns,
                                      .progress = request->progress,
                                      .size_bytes = request->pipe_size};
    return pipe_write(&pipe, text);
}

/* Does what was asked for go with what is there?  0, or the status: it has been complained about. */
static int check(const struct request *request, const char *name, int kind)
{
    const char *of_segments = request->at_given ? "--at"
                              : request->lock   ? "--lock"
                              : request->repair ? "--repair"
                                                : NULL;
    const char *of_pipes = request->progress          ? "--progress"
                           : request->pipe_size_given ? "--size"
                                                      : NULL;
    if (kind == FERRY_KIND_PIPE && of_segments)
        return pipe_has_no(name, of_segments);
    if (kind == FERRY_KIND_SEGMENT && of_pipes)
        return segment_has_no(name, of_pipes);
    if (kind != 0 && kind != FERRY_KIND_PIPE && kind != FERRY_KIND_SEGMENT)
        return complain_other_kind(name, kind, "pipe or a segment");
    return 0;
}

/* What is not there is made as a pipe, unless the options are a segment's. */
static bool is_for_pipe(const struct request *request, int kind)
{
    return kind == FERRY_KIND_PIPE ||
           (kind == 0 && !request->at_given && !request->lock && !request->repair);
}

static int run(int argc, char **argv)
{
    struct request request = {.timeout_ns = FERRY_FOREVER};
    const struct option options[] = {
        {.name = "at", .size = &request.at, .given = &request.at_given},
        {.name = "lock", .flag = &request.lock},
        {.name = "repair", .flag = &request.repair},
        {.name = "timeout", .duration = &request.timeout_ns},
        {.name = "progress", .flag = &request.progress},
        {.name = "size", .size = &request.pipe_size, .given = &request.pipe_size_given},
        {0},
    };
    int count = options_parse(&verb_write, options, argc, argv);
    if (count < 0)
        return STATUS_USAGE;
    const char *text = count > 1 ? argv[1] : NULL;
    char name[FERRY_NAME_SIZE];
    int kind, status = operand_find(argv[0], name, &kind);
    if (status == 0)
        status = check(&request, name, kind);
    if (status)
        return status;
    return is_for_pipe(&request, kind) ? write_pipe(name, &request, text)
                                       : write_segment(argv[0], &request, text);
}

const struct verb verb_write = {
    .name = "write",
    .summary = "write bytes into a pipe or a segment",
    .operands = "NAME [TEXT]",
    .least_operands = 1,
    .most_operands = 2,
    .help = "Writes TEXT as it stands, or else all of standard input.\n"
            "\n"
            "Into a pipe, which is made if there is nothing of that name: waits for a reader,\n"
            "and then writes as bytes come in.  If the pipe keeps records, each line is one,\n"
            "and TEXT, whatever is in it.\n"
            "Into a segment: everything is read first, what does not fit leaves it as it was,\n"
            "and all who wait for a change are told.\n"
            "\n"
            "Options\n"
            "  --timeout TIME  how long to wait for a reader and for room, or for the lock:\n"
            "                  100ms, 2s (default: forever)\n"
            "  --progress      pipe: show on standard error how fast it goes\n"
            "  --size SIZE     pipe: how much is expected, for --progress (default: what is\n"
            "                  left of a regular file)\n"
            "  --at OFFSET     segment: where to begin (default: 0)\n"
            "  --lock          segment: hold its lock meanwhile\n"
            "  --repair        segment: the same, and also if somebody died holding it: what\n"
            "                  is written makes the data whole again\n"
            "\n"
            "Examples\n"
            "  seq 1000000 | ferry write numbers\n"
            "  ferry write backup --progress <disk.img\n"
            "  ferry write demo hello --at 1K --lock --timeout 2s\n"
            "\n"
            "Exit status: 0 written; 1 failed, or nobody reads any more; 2 wrong usage;\n"
            "3 no such segment, or the time is up.\n",
    .run = run,
};
