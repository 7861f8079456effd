/* ferry tap: shows what goes through a pipe, here, or a queue, in tap_queue.c, and takes nothing of it. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/kinds.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/tap_queue.h"
#include "cli/text.h"

/* A writer that is killed tells nobody; so somebody has to look whether there is one. */
static const int64_t LOOK_NS = 1000000000;

static char buffer[1 << 16];

struct tap {
    ferry_pipe *pipe;
    bool by_record;
    uint64_t left;   /* bytes that --count still asks for */
    uint64_t missed; /* so far */
    unsigned char size[4];
    uint32_t size_count;  /* bytes of the next record's size that are known */
    uint32_t record_left; /* bytes of this record that are not */
};

static void pipe_cleanup(ferry_pipe **pipe)
{
    *pipe = ferry_pipe_close(*pipe);
}

/* One byte of a record's size; behind the last, the record begins. */
static void take_size(struct tap *tap, char byte)
{
    tap->size[tap->size_count++] = (unsigned char)byte;
    if (tap->size_count == sizeof(tap->size))
        memcpy(&tap->record_left, tap->size, sizeof(tap->record_left));
}

/* Each record on a line of its own; one that ends its line has done so. */
static int show_records(struct tap *tap, const char *bytes, size_t count)
{
    int status = 0;
    while (count > 0 && status == 0) {
        if (tap->size_count < sizeof(tap->size)) {
            take_size(tap, *bytes++);
            count--;
            continue;
        }
        size_t part = count < tap->record_left ? count : tap->record_left;
        status = output_bytes(bytes, part);
        bytes += part;
        count -= part;
        tap->record_left -= (uint32_t)part;
        if (tap->record_left == 0) {
            tap->size_count = 0;
            if (status == 0 && bytes[-1] != '\n')
                status = output_bytes("\n", 1);
        }
    }
    return status;
}

static int show(struct tap *tap, const char *bytes, size_t count)
{
    int status = tap->by_record ? show_records(tap, bytes, count) : output_bytes(bytes, count);
    return status == 0 && !output_flush() ? STATUS_FAILED : status;
}

/* What went by unseen is said where it is missing. */
static int tell_of_gap(struct tap *tap, uint64_t missed)
{
    int status = 0;
    if (missed == tap->missed)
        return status;
    if (tap->record_left > 0)
        status = output_bytes("\n", 1);
    tap->size_count = tap->record_left = 0;
    output_flush();
    complain("%llu bytes went by too fast to be seen", (unsigned long long)(missed - tap->missed));
    tap->missed = missed;
    return status;
}

/* More of the stream: how many bytes, 0 at its end, or -errno. */
static ssize_t look(struct tap *tap, int64_t timeout_ns, uint64_t *ret_missed)
{
    size_t most = tap->left < sizeof(buffer) ? (size_t)tap->left : sizeof(buffer);
    for (;;) {
        bool forever = timeout_ns == FERRY_FOREVER;
        ssize_t n =
            ferry_pipe_tap(tap->pipe, buffer, most, ret_missed, forever ? LOOK_NS : timeout_ns);
        if (n != -ETIMEDOUT || !forever)
            return n;
    }
}

static int follow(struct tap *tap, int64_t timeout_ns)
{
    int status = 0;
    while (status == 0 && tap->left > 0) {
        uint64_t missed = tap->missed;
        ssize_t n = look(tap, timeout_ns, &missed);
        if (n < 0)
            return report((int)n);
        status = tell_of_gap(tap, missed);
        if (n == 0)
            break;
        if (status == 0)
            status = show(tap, buffer, (size_t)n);
        tap->left -= (uint64_t)n;
    }
    return status;
}

static int complain_missing(const char *name)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    complain("there is no pipe or queue \"%s\"; make it: ferry new queue %s, or: ferry new pipe %s",
             name, quoted, quoted);
    return STATUS_NOTHING;
}

static int tap_pipe(const char *name, uint64_t count, int64_t timeout_ns)
{
    ferry_pipe *pipe CLEANUP(pipe_cleanup) = NULL;
    int r = ferry_pipe_open(&pipe, name, FERRY_PIPE(.flags = FERRY_TAP));
    if (r < 0)
        return r == -ENOENT ? complain_missing(name) : report(r);
    struct tap tap = {
        .pipe = pipe, .by_record = ferry_pipe_keeps_records(pipe) == 1, .left = count};
    return follow(&tap, timeout_ns);
}

/* ---- The command line -------------------------------------------------------------------------- */

static int run(int argc, char **argv)
{
    struct tap_request request = {.count = UINT64_MAX, .timeout_ns = FERRY_FOREVER};
    const struct option options[] = {
        {.name = "count", .size = &request.count},
        {.name = "timeout", .duration = &request.timeout_ns},
        {.name = "records", .flag = &request.by_record},
        {.name = "json", .flag = &request.as_json},
        {0},
    };
    if (options_parse(&verb_tap, options, argc, argv) < 0)
        return STATUS_USAGE;
    char name[FERRY_NAME_SIZE];
    int kind, status = operand_find(argv[0], name, &kind);
    if (status)
        return status;
    bool of_queues = request.by_record || request.as_json;
    if (kind == FERRY_KIND_PIPE && of_queues) {
        complain("\"%s\" is a pipe, and --records and --json are for queues", name);
        return STATUS_USAGE;
    }
    switch (kind) {
    case 0: /* nothing is there, or what is damaged: opening it says which */
    case FERRY_KIND_PIPE:
        return tap_pipe(name, request.count, request.timeout_ns);
    case FERRY_KIND_QUEUE:
        return tap_queue(name, &request);
    default:
        return complain_other_kind(name, kind, "pipe or a queue");
    }
}

const struct verb verb_tap = {
    .name = "tap",
    .summary = "look at what goes through a pipe or a queue",
    .operands = "NAME",
    .least_operands = 1,
    .most_operands = 1,
    .help = "Writes to standard output what goes through, and takes nothing of it: readers\n"
            "and receivers get it all the same, and nobody waits for who looks on.  If it is\n"
            "too fast, it says on standard error how much went by unseen.\n"
            "\n"
            "Of a pipe, what is in it and what comes after it, until all writers are gone;\n"
            "records on a line each.  Of a queue, each message that is sent from now on, on\n"
            "a line of its own, until none has come for the timeout; not of queues that are\n"
            "unbounded, or have types, priorities or messages beyond 64K.\n"
            "\n"
            "Options\n"
            "  --count N       end after so many messages; of a pipe, bytes: 4097, 64K; a\n"
            "                  record's size counts as four\n"
            "  --timeout TIME  give up when nothing comes for 100ms, 2s … (default: never)\n"
            "  --records       queue: write a message's size in four bytes, little-endian,\n"
            "                  and then it\n"
            "  --json          queue: a line is {\"text\":\"hello\",\"type\":0,\"priority\":0},\n"
            "                  or has \"base64\" if it is not UTF-8\n"
            "\n"
            "Examples\n"
            "  ferry tap log | grep -i error\n"
            "  ferry tap jobs --json\n"
            "\n"
            "Exit status: 0 the stream has ended, or messages were seen; 1 failed; 2 wrong\n"
            "usage; 3 no such pipe or queue, or nothing came in time.\n",
    .run = run,
};
