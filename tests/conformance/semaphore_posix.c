/* The C library's semaphore, sem_overview(7): in memory that processes share, and under a name.
 *
 * Its times are those of the clock on the wall. */
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

#include "semaphore_kernel.h"

/* ---- In shared memory ---- */

static void make_in_memory(struct semaphore *semaphore, uint32_t value)
{
    semaphore->posix = test_shared(sizeof(sem_t));
    CHECK_ERRNO(sem_init(semaphore->posix, 1, value));
}

/* A process has it from whom it was forked by. */
static void nothing_to_do(struct semaphore *semaphore)
{
    (void)semaphore;
}

static void destroy(struct semaphore *semaphore)
{
    CHECK_ERRNO(sem_destroy(semaphore->posix));
}

/* ---- Under a name ---- */

static const char *path_of(const struct semaphore *semaphore)
{
    static char path[64];
    snprintf(path, sizeof path, "/conformance-%s", semaphore->name);
    return path;
}

static void make_with_name(struct semaphore *semaphore, uint32_t value)
{
    semaphore->posix = sem_open(path_of(semaphore), O_CREAT | O_EXCL, 0600, value);
    CHECK(semaphore->posix != SEM_FAILED);
}

static void open_name(struct semaphore *semaphore)
{
    semaphore->posix = sem_open(path_of(semaphore), 0);
    CHECK(semaphore->posix != SEM_FAILED);
}

static void close_name(struct semaphore *semaphore)
{
    CHECK_ERRNO(sem_close(semaphore->posix));
}

static void remove_name(struct semaphore *semaphore)
{
    CHECK_ERRNO(sem_unlink(path_of(semaphore)));
}

/* ---- Units ---- */

static struct timespec time_after(int64_t timeout_ns)
{
    enum { SECOND_NS = 1000000000 };
    struct timespec now;
    CHECK_ERRNO(clock_gettime(CLOCK_REALTIME, &now));
    int64_t then_ns = now.tv_nsec + timeout_ns % SECOND_NS;
    return (struct timespec){.tv_sec = now.tv_sec +
                                       (time_t)(timeout_ns / SECOND_NS + then_ns / SECOND_NS),
                             .tv_nsec = (long)(then_ns % SECOND_NS)};
}

int posix_wait(struct semaphore *semaphore, int64_t timeout_ns)
{
    int r;
    if (timeout_ns == FERRY_NOW) {
        r = sem_trywait(semaphore->posix);
    } else if (timeout_ns == FERRY_FOREVER) {
        r = sem_wait(semaphore->posix);
    } else {
        struct timespec then = time_after(timeout_ns);
        r = sem_timedwait(semaphore->posix, &then);
    }
    return r < 0 ? -errno : 0;
}

int posix_post(struct semaphore *semaphore)
{
    return sem_post(semaphore->posix) < 0 ? -errno : 0;
}

uint32_t posix_value(struct semaphore *semaphore, uint32_t which)
{
    int value;
    CHECK_EQ(which, 0);
    CHECK_ERRNO(sem_getvalue(semaphore->posix, &value));
    return (uint32_t)value;
}

#define POSIX(...)                                                                                 \
    {                                                                                              \
        .can = CAN_TIME_OUT | CAN_GO_ON, .most = INT_MAX, .wait = posix_wait, .post = posix_post,  \
        .value = posix_value, __VA_ARGS__                                                          \
    }

const struct semaphore_back_end posix_unnamed =
    POSIX(.name = "posix_unnamed", .make = make_in_memory, .open = nothing_to_do,
          .close = nothing_to_do, .remove = destroy);
const struct semaphore_back_end posix_named =
    POSIX(.name = "posix_named", .make = make_with_name, .open = open_name, .close = close_name,
          .remove = remove_name);
