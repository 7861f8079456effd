/* ferry post: gives a semaphore a unit. */
#include "base/cleanup.h"
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

static int run(int argc, char **argv)
{
    const struct option options[] = {{0}};
    if (options_parse(&verb_post, options, argc, argv) < 0)
        return STATUS_USAGE;
    char name[FERRY_NAME_SIZE];
    int kind, status = operand_find(argv[0], name, &kind);
    if (status)
        return status;
    return kind == 0 || kind == FERRY_KIND_SEMAPHORE ? post(name)
                                                     : complain_other_kind(name, kind, "semaphore");
}

const struct verb verb_post = {
    .name = "post",
    .summary = "give a semaphore a unit",
    .operands = "NAME",
    .least_operands = 1,
    .most_operands = 1,
    .help = "Gives a semaphore one unit more, and wakes one who waits for it.\n"
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
