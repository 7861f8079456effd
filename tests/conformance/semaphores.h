/* A semaphore, whoever makes it: what the bodies of this suite know of the C library's, the kernel's and Ferry's.
 *
 * sem_wait(3) and semop(2) are the oracle: each body passes on theirs, unchanged, before it says anything about Ferry's.
 * What a back end has not, steps or times or a count of those who wait, is not asked of it; and of Ferry nothing that no
 * oracle has.  Results are 0 or -errno everywhere, with Ferry's codes; timeouts and steps are Ferry's.
 *
 *     SEMAPHORE_CONFORMANCE(all_steps_or_none, CAN_STEP) // E3
 *     {
 *         struct semaphore set = semaphore_make(back_end, 3, 1);
 *         …
 *         semaphore_destroy(&set);
 *     }
 *
 * registers a case for each back end; on one that cannot, it is skipped without being counted.  In the program with the
 * planted faults there is one for each wrong back end. */
#ifndef FERRY_CONFORMANCE_SEMAPHORES_H
#define FERRY_CONFORMANCE_SEMAPHORES_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "random.h"
#include "test.h"

/* What a back end has. */
enum {
    CAN_TIME_OUT = 0x01,
    CAN_GO_ON = 0x02, /* a wait outlives a signal handler, unless asked otherwise */
    CAN_COUNT_WAITERS = 0x04,
    CAN_STEP = 0x08, /* sets, steps, giving back */
};

/* A handle in this process; each back end uses the fields that it needs. */
struct semaphore {
    const struct semaphore_back_end *back_end;
    ferry_semaphore *ferry;
    void *posix;
    int id;             /* System V's number */
    uint32_t count;     /* 1, or of a set */
    bool interruptible; /* waits end with -EINTR when a signal handler ran */
    char name[48];
};

struct semaphore_back_end {
    const char *name;
    unsigned can;
    uint32_t most; /* units */

    /* Makes one, or a set, with so many units each under semaphore->name. */
    void (*make)(struct semaphore *semaphore, uint32_t value);
    /* One more handle, in whatever process; the other one's copy may be there, too. */
    void (*open)(struct semaphore *semaphore);
    void (*close)(struct semaphore *semaphore);
    void (*remove)(struct semaphore *semaphore);

    int (*wait)(struct semaphore *semaphore, int64_t timeout_ns);
    int (*post)(struct semaphore *semaphore);
    uint32_t (*value)(struct semaphore *semaphore, uint32_t which);
    uint32_t (*waiters)(struct semaphore *semaphore); /* CAN_COUNT_WAITERS */

    /* CAN_STEP */
    int (*operate)(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                   size_t count, int64_t timeout_ns);
    void (*set)(struct semaphore *semaphore, uint32_t which, uint32_t value);
};

extern const struct semaphore_back_end posix_unnamed, posix_named, system_v;
extern const struct semaphore_back_end ferry_plain, ferry_set;

/* ---- Handles ---- */

struct semaphore semaphore_make(const struct semaphore_back_end *back_end, uint32_t count,
                                uint32_t value);

/* A handle of the calling process's own, for one that another process has made. */
struct semaphore semaphore_open(const struct semaphore *made);
void semaphore_close(struct semaphore *semaphore);

/* Closes and removes. */
void semaphore_destroy(struct semaphore *semaphore);

/* ---- One by itself ---- */

static inline int semaphore_wait(struct semaphore *semaphore, int64_t timeout_ns)
{
    return semaphore->back_end->wait(semaphore, timeout_ns);
}

static inline int semaphore_post(struct semaphore *semaphore)
{
    return semaphore->back_end->post(semaphore);
}

static inline uint32_t semaphore_value(struct semaphore *semaphore)
{
    return semaphore->back_end->value(semaphore, 0);
}

/* ---- Sets ---- */

/* The units of the first ones, as many as are said here. */
#define SEMAPHORE_EXPECT(semaphore_, ...)                                                          \
    semaphore_expect(__FILE__, __LINE__, (semaphore_), (const uint32_t[]){__VA_ARGS__},            \
                     sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
void semaphore_expect(const char *file, int line, struct semaphore *semaphore,
                      const uint32_t *values, size_t count);

/* Does steps, each {which, change} or {which, change, FERRY_GIVE_BACK}. */
#define SEMAPHORE_OPERATE(semaphore_, timeout_ns_, ...)                                            \
    (semaphore_)                                                                                   \
        ->back_end->operate((semaphore_), (const struct ferry_semaphore_step[]){__VA_ARGS__},      \
                            sizeof((const struct ferry_semaphore_step[]){__VA_ARGS__}) /           \
                                sizeof(struct ferry_semaphore_step),                               \
                            (timeout_ns_))

/* ---- Registering ---- */

#define SEMAPHORE_CONFORMANCE_ON(back_end_, name_, needs_, seconds_)                               \
    static void name_##_on_##back_end_(void)                                                       \
    {                                                                                              \
        name_(&back_end_);                                                                         \
    }                                                                                              \
    static struct test_case name_##_case_##back_end_ = {                                           \
        .name = #back_end_ "." #name_, .body = name_##_on_##back_end_, .limit_s = (seconds_)};     \
    __attribute__((constructor)) static void name_##_register_##back_end_(void)                    \
    {                                                                                              \
        if ((back_end_.can & (unsigned)(needs_)) == (unsigned)(needs_))                            \
            test_register(&name_##_case_##back_end_);                                              \
    }

#ifdef CONFORMANCE_PLANTED
#include "semaphore_planted.h"
#else
#define SEMAPHORE_CONFORMANCE_ON_ALL(name_, needs_, seconds_)                                      \
    SEMAPHORE_CONFORMANCE_ON(posix_unnamed, name_, needs_, seconds_)                               \
    SEMAPHORE_CONFORMANCE_ON(posix_named, name_, needs_, seconds_)                                 \
    SEMAPHORE_CONFORMANCE_ON(system_v, name_, needs_, seconds_)                                    \
    SEMAPHORE_CONFORMANCE_ON(ferry_plain, name_, needs_, seconds_)                                 \
    SEMAPHORE_CONFORMANCE_ON(ferry_set, name_, needs_, seconds_)
#endif

#define SEMAPHORE_CONFORMANCE(name_, needs_)                                                       \
    static void name_(const struct semaphore_back_end *back_end);                                  \
    SEMAPHORE_CONFORMANCE_ON_ALL(name_, needs_, 30)                                                \
    static void name_(const struct semaphore_back_end *back_end)

#endif
