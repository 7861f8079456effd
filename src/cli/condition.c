/* See condition.h.  The command looks at none of the data that the mutex guards: where it hears that an owner died, it leaves the mutex to the
 * next one as it found it. */
#include <errno.h>
#include <time.h>

#include <ferry/ferry.h>

#include "base/cleanup.h"
#include "cli/condition.h"
#include "cli/operand.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verb.h"

struct pair {
    ferry_mutex *mutex;
    ferry_condition *condition;
};

static void pair_cleanup(struct pair *pair)
{
    ferry_condition_close(pair->condition);
    ferry_mutex_close(pair->mutex);
}

static int complain_missing(const char *name)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    complain("there is no condition \"%s\"; make it with: ferry new condition %s --mutex NAME",
             name, quoted);
    return STATUS_NOTHING;
}

/* The condition says which mutex it belongs to. */
static int pair_open(struct pair *pair, const char *name)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    int r = ferry_look(name, &object);
    if (r == -ENOENT)
        return complain_missing(name);
    if (r == 0 && object.mutex_name[0] == '\0') {
        complain("the mutex of \"%s\" has no name, so only programs can use it", name);
        return STATUS_FAILED;
    }
    if (r == 0)
        r = ferry_mutex_open(&pair->mutex, object.mutex_name, NULL);
    if (r == 0)
        r = ferry_condition_open(&pair->condition, name, pair->mutex, NULL);
    return r < 0 ? report(r) : 0;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* With the mutex.  Deaths of others are no telling. */
static int wait_until_told(ferry_condition *condition, int64_t timeout_ns)
{
    int64_t end_ns = now_ns() + timeout_ns;
    int r;
    do {
        int64_t left_ns = end_ns - now_ns();
        r = ferry_condition_wait(condition, timeout_ns < 0 ? FERRY_FOREVER
                                            : left_ns > 0  ? left_ns
                                                           : 0);
    } while (r == 1);
    return r;
}

static int wait_with(struct pair *pair, int64_t timeout_ns)
{
    int r = ferry_mutex_lock(pair->mutex, timeout_ns);
    if (r == 0)
        r = wait_until_told(pair->condition, timeout_ns);
    if (r == 0 || r == -ETIMEDOUT)
        ferry_mutex_unlock(pair->mutex);
    return r;
}

int wait_for_condition(const char *name, int64_t timeout_ns)
{
    struct pair pair CLEANUP(pair_cleanup) = {0};
    int status = pair_open(&pair, name);
    if (status)
        return status;
    int r = wait_with(&pair, timeout_ns);
    if (r != -EOWNERDEAD)
        return r < 0 ? report(r) : STATUS_DONE;
    complain("an owner of the condition's mutex died with it; a program that knows the data has to "
             "repair them first");
    return STATUS_FAILED;
}

int tell_condition(const char *name, bool all)
{
    struct pair pair CLEANUP(pair_cleanup) = {0};
    int status = pair_open(&pair, name);
    if (status)
        return status;
    int r =
        all ? ferry_condition_broadcast(pair.condition) : ferry_condition_signal(pair.condition);
    return r < 0 ? report(r) : STATUS_DONE;
}
