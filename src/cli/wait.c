/* ferry wait: sleeps until a segment's data have changed or somebody tells of a condition, or takes a unit of a semaphore. */
#include "base/cleanup.h"
#include "cli/condition.h"
#include "cli/kinds.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/semaphore.h"

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

static int wait_for_segment(const char *name, const struct request *request)
{
    ferry_segment *segment CLEANUP(segment_cleanup) = NULL;
    int status = operand_open_segment(&segment, name, FERRY_READ);
    return status ? status : wait_for_change(segment, request);
}

static int wait_for_unit(const char *name, const struct request *request)
{
    ferry_semaphore *semaphore CLEANUP(semaphore_cleanup) = NULL;
    if (request->since_given) {
        complain("\"%s\" is a semaphore, and --since is for segments", name);
        return STATUS_USAGE;
    }
    int status = semaphore_open(&semaphore, name);
    if (status)
        return status;
    int r = ferry_semaphore_wait(semaphore, request->timeout_ns);
    return r < 0 ? report(r) : STATUS_DONE;
}

static int wait_for_telling(const char *name, const struct request *request)
{
    if (!request->since_given)
        return wait_for_condition(name, request->timeout_ns);
    complain("\"%s\" is a condition, and --since is for segments", name);
    return STATUS_USAGE;
}

static int meet(const char *name, const struct request *request)
{
    if (request->since_given) {
        complain("\"%s\" is a barrier, and --since is for segments", name);
        return STATUS_USAGE;
    }
    ferry_barrier *barrier;
    int r = ferry_barrier_open(&barrier, name, NULL);
    if (r < 0)
        return report(r);
    r = ferry_barrier_wait(barrier, request->timeout_ns);
    int status = r < 0 ? report(r) : STATUS_DONE;
    ferry_barrier_close(barrier);
    return status;
}

static int wait_for(const char *name, int kind, const struct request *request)
{
    switch (kind) {
    case FERRY_KIND_SEGMENT:
        return wait_for_segment(name, request);
    case FERRY_KIND_SEMAPHORE:
        return wait_for_unit(name, request);
    case FERRY_KIND_CONDITION:
        return wait_for_telling(name, request);
    case FERRY_KIND_BARRIER:
        return meet(name, request);
    case 0: /* nothing is there, or what is damaged: opening it says which */
        return request->since_given ? wait_for_segment(name, request)
                                    : wait_for_unit(name, request);
    default:
        return complain_other_kind(name, kind, "semaphore, a condition, a barrier or a segment");
    }
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
    char name[FERRY_NAME_SIZE];
    int kind, status = operand_find(argv[0], name, &kind);
    return status ? status : wait_for(name, kind, &request);
}

const struct verb verb_wait = {
    .name = "wait",
    .summary = "take a unit of a semaphore, or wait for a change or a telling",
    .operands = "NAME",
    .least_operands = 1,
    .most_operands = 1,
    .help = "Of a semaphore: takes a unit, and waits until there is one.\n"
            "Of a segment: sleeps until somebody says that it has changed, as `ferry write`\n"
            "does and ferry_segment_notify().\n"
            "Of a condition: sleeps, without its mutex, until somebody tells (`ferry post`).\n"
            "Of a barrier: waits for the others.\n"
            "For pipes, `ferry read` waits, for queues `ferry receive`.  Prints nothing.\n"
            "\n"
            "Options\n"
            "  --timeout TIME  give up after 100ms, 2s … (default: never)\n"
            "  --since NUMBER  segment: return at once if the version (see `ferry show`) is\n"
            "                  another one already; without it, earlier changes do not count\n"
            "\n"
            "Examples\n"
            "  ferry new semaphore slots --value 3\n"
            "  ferry wait slots && { ./work; ferry post slots; }\n"
            "  ferry wait demo && ferry read demo --lock\n"
            "\n"
            "Exit status: 0 taken, or changed; 1 failed; 2 wrong usage; 3 nothing of that\n"
            "name, or the time is up.\n",
    .run = run,
};
