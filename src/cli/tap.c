/* ferry tap: shows what goes through a pipe, and takes nothing of it. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"
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

/* Taps what is there, or says how to make it. */
static int open_tap(struct tap *tap, const char *operand)
{
    char name[FERRY_NAME_SIZE];
    int kind, status = operand_find(operand, name, &kind);
    if (status)
        return status;
    if (kind != 0 && kind != FERRY_KIND_PIPE) {
        complain("\"%s\" is a %s; pipes are tapped, and that is looked at with `ferry read`", name,
                 ferry_kind_name(kind));
        return STATUS_FAILED;
    }
    int r = ferry_pipe_open(&tap->pipe, name, FERRY_PIPE(.flags = FERRY_TAP));
    if (r == -ENOENT) {
        char *quoted CLEANUP(text_cleanup) = operand_quote(name);
        complain("there is no pipe \"%s\"; make it: ferry new pipe %s", name, quoted);
        return STATUS_NOTHING;
    }
    if (r < 0)
        return report(r);
    tap->by_record = ferry_pipe_keeps_records(tap->pipe) == 1;
    return 0;
}

static int run(int argc, char **argv)
{
    struct tap tap = {.left = UINT64_MAX};
    int64_t timeout_ns = FERRY_FOREVER;
    const struct option options[] = {
        {.name = "count", .size = &tap.left},
        {.name = "timeout", .duration = &timeout_ns},
        {0},
    };
    if (options_parse(&verb_tap, options, argc, argv) < 0)
        return STATUS_USAGE;
    int status = open_tap(&tap, argv[0]);
    if (status)
        return status;
    ferry_pipe *pipe CLEANUP(pipe_cleanup) = tap.pipe;
    (void)pipe;
    return follow(&tap, timeout_ns);
}

const struct verb verb_tap = {
    .name = "tap",
    .summary = "look at what goes through a pipe",
    .operands = "NAME",
    .least_operands = 1,
    .most_operands = 1,
    .help = "Writes to standard output what is in a pipe and what comes after it, and takes\n"
            "nothing: readers get it all the same, and nobody waits for who looks on.  Ends\n"
            "when all writers are gone.  If the stream is too fast, it says how many bytes\n"
            "went by unseen.  Records are shown on a line each.\n"
            "\n"
            "Options\n"
            "  --count SIZE    end after so many bytes; a record's size counts as four\n"
            "  --timeout TIME  give up when nothing comes for 100ms, 2s … (default: never)\n"
            "\n"
            "Examples\n"
            "  ferry tap log | grep -i error\n"
            "\n"
            "Exit status: 0 the stream has ended; 1 failed; 2 wrong usage; 3 no such pipe, or\n"
            "the time is up.\n",
    .run = run,
};
