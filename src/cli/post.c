/* ferry post: gives a semaphore a unit, or tells those who wait for a condition. */
#include "base/cleanup.h"
#include "cli/condition.h"
#include "cli/kinds.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/semaphore.h"

static int post(const char *name)
{
    ferry_semaphore *semaphore CLEANUP(semaphore_cleanup) = NULL;
    int status = semaphore_open(&semaphore, name);
    if (status)
        return status;
    int r = ferry_semaphore_post(semaphore);
    return r < 0 ? report(r) : STATUS_DONE;
}

static int post_to(const char *name, int kind, bool all)
{
    if (kind == FERRY_KIND_CONDITION)
        return tell_condition(name, all);
    if (kind != 0 && kind != FERRY_KIND_SEMAPHORE)
        return complain_other_kind(name, kind, "semaphore or a condition");
    if (!all)
        return post(name);
    complain("--all is for conditions");
    return STATUS_USAGE;
}

static int run(int argc, char **argv)
{
    bool all = false;
    const struct option options[] = {{.name = "all", .flag = &all}, {0}};
    if (options_parse(&verb_post, options, argc, argv) < 0)
        return STATUS_USAGE;
    char name[FERRY_NAME_SIZE];
    int kind, status = operand_find(argv[0], name, &kind);
    if (status)
        return status;
    return post_to(name, kind, all);
}

const struct verb verb_post = {
    .name = "post",
    .summary = "give a semaphore a unit, or tell who waits for a condition",
    .operands = "NAME",
    .least_operands = 1,
    .most_operands = 1,
    .help = "Of a semaphore: gives it one unit more, and wakes one who waits for it.\n"
            "Of a condition: wakes one who waits for it at this moment, or all.\n"
            "\n"
            "Options\n"
            "  --all           condition: wake all\n"
            "\n"
            "Examples\n"
            "  ferry new semaphore ready\n"
            "  ferry wait ready && ./use &      # behind\n"
            "  ./prepare && ferry post ready    # this\n"
            "\n"
            "Exit status: 0 done; 1 failed: it has as many as it may; 2 wrong usage; 3 there\n"
            "is no such semaphore.\n",
    .run = run,
};
