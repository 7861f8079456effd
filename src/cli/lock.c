/* ferry lock: runs a command while it holds a mutex, or a reader-writer lock. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/kinds.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"

/* What the command runs with: one of the two. */
struct held {
    ferry_mutex *mutex;
    ferry_rwlock *rwlock;
    bool shared;
};

/* Makes it if there is none. */
static int open_lock(struct held *held, const char *name, bool is_rwlock)
{
    const unsigned flags = FERRY_CREATE | FERRY_FOR_CHILDREN;
    return is_rwlock ? ferry_rwlock_open(&held->rwlock, name, FERRY_RWLOCK(.flags = flags))
                     : ferry_mutex_open(&held->mutex, name, FERRY_MUTEX(.flags = flags));
}

static void close_lock(struct held *held)
{
    ferry_mutex_close(held->mutex);
    ferry_rwlock_close(held->rwlock);
}

static int take(const struct held *held, int64_t timeout_ns)
{
    return held->mutex    ? ferry_mutex_lock(held->mutex, timeout_ns)
           : held->shared ? ferry_rwlock_lock_shared(held->rwlock, timeout_ns)
                          : ferry_rwlock_lock(held->rwlock, timeout_ns);
}

/* The command knew if an owner had died, and has seen to it; one that only read could not. */
static void let_go(const struct held *held, bool owner_died)
{
    if (held->shared) {
        ferry_rwlock_unlock_shared(held->rwlock);
    } else if (held->mutex) {
        if (owner_died)
            ferry_mutex_repaired(held->mutex);
        ferry_mutex_unlock(held->mutex);
    } else {
        if (owner_died)
            ferry_rwlock_repaired(held->rwlock);
        ferry_rwlock_unlock(held->rwlock);
    }
}

static int run_with(const struct held *held, bool owner_died, char *const *command)
{
    if (owner_died)
        setenv("FERRY_OWNER_DIED", "1", true);
    int status = command_run(command);
    let_go(held, owner_died);
    return status;
}

static int fail_own(int error)
{
    report(error);
    return error == -ETIMEDOUT || error == -EAGAIN ? STATUS_TIMED_OUT : STATUS_OWN_FAILURE;
}

static int lock_and_run(const char *name, bool is_rwlock, bool shared, int64_t timeout_ns,
                        char *const *command)
{
    struct held held CLEANUP(close_lock) = {.shared = shared};
    int r = open_lock(&held, name, is_rwlock);
    if (r == 0)
        r = take(&held, timeout_ns);
    return r == 0 || r == -EOWNERDEAD ? run_with(&held, r < 0, command) : fail_own(r);
}

/* The kind of what is there, or 0, is to be one that can be locked like this. */
static int check_kind(const char *name, int kind, bool shared)
{
    if (kind == 0 || kind == FERRY_KIND_RWLOCK || (kind == FERRY_KIND_MUTEX && !shared))
        return 0;
    if (kind == FERRY_KIND_MUTEX)
        complain("\"%s\" is a mutex, which nobody shares; --shared is for an rwlock", name);
    else
        complain_other_kind(name, kind, "mutex or an rwlock");
    return STATUS_OWN_FAILURE;
}

static int run(int argc, char **argv)
{
    int64_t timeout_ns = FERRY_FOREVER;
    bool shared = false;
    const struct option options[] = {
        {.name = "shared", .flag = &shared},
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
    bool is_rwlock = kind == FERRY_KIND_RWLOCK || (kind == 0 && shared);
    status = check_kind(name, kind, shared);
    return status ? status : lock_and_run(name, is_rwlock, shared, timeout_ns, argv + 1);
}

const struct verb verb_lock = {
    .name = "lock",
    .summary = "run a command while holding a lock",
    .operands = "NAME -- COMMAND…",
    .least_operands = 2,
    .most_operands = INT_MAX,
    .help = "Takes the mutex, which is made if there is none, runs the command, and lets go\n"
            "of it when the command ends, however it does.  What has the mutex is\n"
            "`ferry lock` itself: signals sent to it go on to the command, and if it is\n"
            "killed, so is the command, at once; what the command has started lives on,\n"
            "without the mutex.  If an earlier holder died with it, FERRY_OWNER_DIED=1 is in\n"
            "the command's environment.  Of a reader-writer lock, it takes the writer's part,\n"
            "or with --shared a reader's.\n"
            "\n"
            "Options\n"
            "  --shared        beside others who do the same; makes an rwlock if need be\n"
            "  --timeout TIME  give up after 100ms, 2s … (default: never)\n"
            "\n"
            "Examples\n"
            "  ferry lock backup -- ./backup --full\n"
            "  ferry lock --shared prices -- ./report\n"
            "  ferry lock --timeout 10s printer -- lpr report.ps || echo busy\n"
            "\n"
            "Exit status: 0, or whatever the command ends with; 124 the time is up; 125 Ferry\n"
            "itself failed; 126 the command cannot be run; 127 there is none; 128+N signal N\n"
            "ended it; 2 wrong usage.\n",
    .run = run,
};
