/* ferry wait: sleeps until a segment's data have changed. */
#include "base/cleanup.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"

struct request {
    uint64_t since;
    bool since_given;
    int64_t timeout_ns;
};

static int wait_for_change(ferry_segment *segment, const struct request *request)
{
    uint32_t version = (uint32_t)request->since;
    int r = request->since_given ? 0 : ferry_segment_version(segment, &version);
    if (r >= 0)
        r = ferry_segment_wait(segment, &version, request->timeout_ns);
    return r < 0 ? report(r) : STATUS_DONE;
}

static int run(int argc, char **argv)
{
    struct request request = {.timeout_ns = FERRY_FOREVER};
    const struct option options[] = {
        {.name = "since", .number = &request.since, .given = &request.since_given},
        {.name = "timeout", .duration = &request.timeout_ns},
        {0},
    };
    if (options_parse(&verb_wait, options, argc, argv) < 0)
        return STATUS_USAGE;
    if (request.since > UINT32_MAX) {
        complain("--since: a version is less than 4294967296");
        return STATUS_USAGE;
    }
    ferry_segment *segment CLEANUP(segment_cleanup) = NULL;
    int status = operand_open_segment(&segment, argv[0], FERRY_READ);
    return status ? status : wait_for_change(segment, &request);
}

const struct verb verb_wait = {
    .name = "wait",
    .summary = "wait until a segment changes",
    .operands = "NAME",
    .least_operands = 1,
    .most_operands = 1,
    .help = "Sleeps until somebody says that a segment has changed, as `ferry write` does and\n"
            "ferry_segment_notify().  Prints nothing.  For pipes, `ferry read` waits.\n"
            "\n"
            "Options\n"
            "  --since NUMBER  return at once if the version (see `ferry show`) is another\n"
            "                  one already; without it, earlier changes do not count\n"
            "  --timeout TIME  give up after 100ms, 2s … (default: never)\n"
            "\n"
            "Examples\n"
            "  ferry wait demo && ferry read demo --lock\n"
            "\n"
            "Exit status: 0 it changed; 1 failed; 2 wrong usage; 3 no such segment, or the\n"
            "time is up.\n",
    .run = run,
};
