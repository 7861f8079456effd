/* What the tests of segments share: opening in one line, looking, and programs to run after exec.
 */
#ifndef FERRY_TEST_SUPPORT_H
#define FERRY_TEST_SUPPORT_H

#include <ferry/ferry.h>

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define MILLISECOND INT64_C(1000000)
#define SECOND      INT64_C(1000000000)

/* A new segment of that name, or with NULL an anonymous one. */
static inline ferry_segment *create(const char *name, uint64_t size_bytes)
{
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(
        &segment, name,
        FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .size_bytes = size_bytes)));
    return segment;
}

static inline ferry_segment *attach(const char *name)
{
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(&segment, name, NULL));
    return segment;
}

static inline struct ferry_object look(const char *name)
{
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_OK(ferry_look(name, &object));
    CHECK(!object.damaged);
    return object;
}

static inline struct ferry_object look_at(ferry_segment *segment)
{
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_OK(ferry_segment_look(segment, &object));
    CHECK(!object.damaged);
    return object;
}

/* Is it not another case's, which runs beside this one?  Anonymous objects have no root: they are
 * ours if one of our processes holds them. */
static inline bool is_ours(const struct ferry_object *object)
{
    int pid;
    return sscanf(object->name, "held:%d:", &pid) != 1 || getpgid(pid) == getpgrp();
}

/* For ferry_list(): counts ours in an int. */
static inline int count(const struct ferry_object *object, void *context)
{
    *(int *)context += is_ours(object);
    return 0;
}

/* How many files there are in the root, of whatever kind. */
static inline int count_files(void)
{
    DIR *root = opendir(test_root());
    CHECK(root != NULL);
    int count = -2; /* . and .. */
    while (readdir(root))
        count++;
    closedir(root);
    return count;
}

/* Is the name free, whoever asks? */
static inline void check_gone(const char *name)
{
    ferry_segment *segment;
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_ERR(ferry_segment_open(&segment, name, NULL), ENOENT);
    CHECK_ERR(ferry_look(name, &object), ENOENT);
    CHECK_ERR(ferry_look_members(name, NULL, 0), ENOENT);
    CHECK_ERR(ferry_remove(name), ENOENT);
}

/* The ledger's law: whoever came has left, died, or is there. */
static inline void check_ledger(const struct ferry_object *object)
{
    CHECK_EQ(object->attach_count, object->detach_count + object->death_count + object->attached);
}

/* Closes and removes. */
static inline void destroy(ferry_segment *segment, const char *name)
{
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove(name));
}

/* A child's last act: to wait for its end. */
static inline void stay(void)
{
    for (;;)
        pause();
}

static inline void stay_put(void *context)
{
    (void)context;
    stay();
}

/* Waits for a child and returns what waitpid() says of its end. */
static inline int end_of(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        CHECK_EQ(errno, EINTR);
    return status;
}

/* Waits until a child has been stopped. */
static inline void stop(pid_t pid)
{
    CHECK_ERRNO(kill(pid, SIGSTOP));
    int status;
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
}

/* From here on the process, and what it forks, runs on this one of its processors only. */
static inline void pin(unsigned index)
{
    cpu_set_t allowed, one;
    CHECK_ERRNO(sched_getaffinity(0, sizeof allowed, &allowed));
    index %= (unsigned)CPU_COUNT(&allowed);
    CPU_ZERO(&one);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && index-- == 0)
            CPU_SET(cpu, &one);
    CHECK_ERRNO(sched_setaffinity(0, sizeof one, &one));
}

/* The same numbers in every run: xorshift. */
static inline uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

#endif
