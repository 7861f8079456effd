/* ferry lock: runs a command while it holds a mutex. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/kinds.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"

/* With the mutex; lets go of it. */
static int run_with(ferry_mutex *mutex, bool owner_died, char *const *command)
{
    if (owner_died)
        setenv("FERRY_OWNER_DIED", "1", true);
    int status = command_run(command);
    if (owner_died) /* the command knew, and has seen to it */
        ferry_mutex_repaired(mutex);
    ferry_mutex_unlock(mutex);
    return status;
}

static int fail_own(int error)
{
    report(error);
    return error == -ETIMEDOUT || error == -EAGAIN ? STATUS_TIMED_OUT : STATUS_OWN_FAILURE;
}

static int lock_and_run(const char *name, int64_t timeout_ns, char *const *command)
{
    ferry_mutex *mutex;
    int r = ferry_mutex_open(&mutex, name, FERRY_MUTEX(.flags = FERRY_CREATE | FERRY_FOR_CHILDREN));
    if (r < 0)
        return fail_own(r);
    r = ferry_mutex_lock(mutex, timeout_ns);
    int status = r == 0 || r == -EOWNERDEAD ? run_with(mutex, r < 0, command) : fail_own(r);
    ferry_mutex_close(mutex);
    return status;
}

static int run(int argc, char **argv)
{
    int64_t timeout_ns = FERRY_FOREVER;
    const struct option options[] = {
        {.name = "timeout", .duration = &timeout_ns},
        {0},
    };
    int operands = options_parse(&verb_lock, options, argc, argv);
    if (operands < 0)
        return STATUS_USAGE;
    argv[operands] = NULL;
    char name[FERRY_NAME_SIZE];
    int kind, status = operand_find(argv[0], name, &kind);
    if (status)
        return status == STATUS_USAGE ? status : STATUS_OWN_FAILURE;
    if (kind != 0 && kind != FERRY_KIND_MUTEX) {
        complain_other_kind(name, kind, "mutex");
        return STATUS_OWN_FAILURE;
    }
    return lock_and_run(name, timeout_ns, argv + 1);
}

const struct verb verb_lock = {
    .name = "lock",
    .summary = "run a command while holding a mutex",
    .operands = "NAME -- COMMAND…",
    .least_operands = 2,
    .most_operands = INT_MAX,
    .help = "Takes the mutex, which is made if there is none, runs the command, and lets go of\n"
            "it when the command ends, however it ends.  What has the mutex is `ferry lock`\n"
            "itself: signals sent to it go on to the command, and if it is killed, so is the\n"
            "command, at once; what the command has started lives on, without the mutex.\n"
            "If an earlier holder died with it, FERRY_OWNER_DIED=1 is in the command's\n"
            "environment.\n"
            "\n"
            "Options\n"
            "  --timeout TIME  give up after 100ms, 2s … (default: never)\n"
            "\n"
            "Examples\n"
            "  ferry lock backup -- ./backup --full\n"
            "  ferry lock --timeout 10s printer -- lpr report.ps || echo busy\n"
            "\n"
            "Exit status: the command's; 124 the time is up; 125 Ferry itself failed; 126 the\n"
            "command cannot be run; 127 there is none; 128+N signal N ended it; 2 wrong usage.\n",
    .run = run,
};
