/* See new_lock.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/new_lock.h"
#include "cli/operand.h"
#include "cli/output.h"

const char *lock_request_stray(const struct lock_request *request, enum ferry_kind kind)
{
    if (request->recursive && kind != FERRY_KIND_MUTEX)
        return "--recursive is for mutexes";
    if (request->inherits && kind != FERRY_KIND_MUTEX)
        return "--inherit is for mutexes";
    if (request->mutex != NULL && kind != FERRY_KIND_CONDITION)
        return "--mutex is for conditions";
    return NULL;
}

int lock_request_check(const struct lock_request *request, enum ferry_kind kind)
{
    if (kind == FERRY_KIND_CONDITION && request->mutex == NULL)
        complain("a condition belongs to a mutex: --mutex NAME");
    else if (kind == FERRY_KIND_BARRIER &&
             (request->count == 0 || request->count > FERRY_BARRIER_MOST))
        complain("a barrier is for 1 to %u who meet there: --count N", FERRY_BARRIER_MOST);
    else
        return 0;
    return STATUS_USAGE;
}

static int make_mutex(const struct lock_request *request, const char *name, unsigned mode,
                      unsigned flags)
{
    ferry_mutex *mutex;
    flags |= (request->recursive ? FERRY_RECURSIVE : 0) | (request->inherits ? FERRY_INHERIT : 0);
    int r = ferry_mutex_open(&mutex, name, FERRY_MUTEX(.mode = mode, .flags = flags));
    if (r == 0)
        ferry_mutex_close(mutex);
    return r;
}

static int make_condition(ferry_mutex *mutex, const char *name, unsigned mode, unsigned flags)
{
    ferry_condition *condition;
    int r = ferry_condition_open(&condition, name, mutex,
                                 FERRY_CONDITION(.mode = mode, .flags = flags));
    if (r == 0)
        ferry_condition_close(condition);
    return r;
}

/* Its mutex is made, too, if it is not there. */
static int make_condition_with(const struct lock_request *request, const char *name, unsigned mode,
                               unsigned flags)
{
    ferry_mutex *mutex;
    int r =
        ferry_mutex_open(&mutex, request->mutex, FERRY_MUTEX(.mode = mode, .flags = FERRY_CREATE));
    if (r < 0)
        return r;
    r = make_condition(mutex, name, mode, flags);
    ferry_mutex_close(mutex);
    return r;
}

static int make_rwlock(const char *name, unsigned mode, unsigned flags)
{
    ferry_rwlock *rwlock;
    int r = ferry_rwlock_open(&rwlock, name, FERRY_RWLOCK(.mode = mode, .flags = flags));
    if (r == 0)
        ferry_rwlock_close(rwlock);
    return r;
}

static int make_barrier(const struct lock_request *request, const char *name, unsigned mode,
                        unsigned flags)
{
    ferry_barrier *barrier;
    int r = ferry_barrier_open(
        &barrier, name,
        FERRY_BARRIER(.count = (uint32_t)request->count, .mode = mode, .flags = flags));
    if (r == 0)
        ferry_barrier_close(barrier);
    return r;
}

int lock_request_make(const struct lock_request *request, enum ferry_kind kind, const char *name,
                      unsigned mode, unsigned flags)
{
    switch (kind) {
    case FERRY_KIND_RWLOCK:
        return make_rwlock(name, mode, flags);
    case FERRY_KIND_CONDITION:
        return make_condition_with(request, name, mode, flags);
    case FERRY_KIND_BARRIER:
        return make_barrier(request, name, mode, flags);
    default:
        return make_mutex(request, name, mode, flags);
    }
}

struct lock_difference lock_request_compare(const struct lock_request *request,
                                            const struct ferry_object *object)
{
    struct lock_difference other = {""};
    if (request->recursive != object->recursive)
        snprintf(other.text, sizeof(other.text), ", it is %srecursive",
                 object->recursive ? "" : "not ");
    else if (request->inherits != object->inherits)
        snprintf(other.text, sizeof(other.text), ", it %s priorities",
                 object->inherits ? "lends" : "does not lend");
    else if (request->mutex != NULL && strcmp(request->mutex, object->mutex_name) != 0)
        snprintf(other.text, sizeof(other.text), ", it belongs to the mutex \"%s\", not \"%s\"",
                 object->mutex_name, request->mutex);
    else if (request->count != 0 && request->count != object->barrier_count)
        snprintf(other.text, sizeof(other.text), ", it is for %" PRIu32 ", not for %" PRIu64,
                 object->barrier_count, request->count);
    return other;
}
