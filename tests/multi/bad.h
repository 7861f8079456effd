/* What the tests of bad days share: each bad thing must be answered by the right errno, with the
 * cure in words, and must leave everything else as it was. */
#ifndef FERRY_TEST_BAD_H
#define FERRY_TEST_BAD_H

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "support.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* A call fails with exactly this errno, and the explanation contains these words. */
#define FAILS(result, code, words)                                                                 \
    do {                                                                                           \
        CHECK_ERR(result, code);                                                                   \
        CHECK_CONTAINS(ferry_explain(), words);                                                    \
    } while (0)

static inline int open_with(const char *name, unsigned flags, uint64_t size_bytes)
{
    ferry_segment *segment = NULL;
    int r =
        ferry_segment_open(&segment, name, FERRY_SEGMENT(.flags = flags, .size_bytes = size_bytes));
    CHECK((r == 0) == (segment != NULL)); /* outputs are untouched on failure */
    ferry_segment_close(segment);
    return r;
}

/* The path of a file in the root; good until the next call but three. */
static inline const char *in_root(const char *file)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", test_root(), file);
    return path;
}

static inline int count_entries(const char *directory)
{
    DIR *stream = opendir(directory);
    CHECK(stream != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(stream);
    return count;
}

static inline int count_descriptors(void)
{
    return count_entries("/proc/self/fd");
}

/* The file in the root that begins so, as a path; the case fails if there is none. */
static inline const char *find_in_root(const char *prefix)
{
    DIR *stream = opendir(test_root());
    CHECK(stream != NULL);
    const char *path = NULL;
    for (struct dirent *entry; path == NULL && (entry = readdir(stream)) != NULL;)
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            path = in_root(entry->d_name);
    closedir(stream);
    CHECK(path != NULL);
    return path;
}

/* Mounts a small file system over the root, seen by this case alone; skips if we may not. */
static inline void mount_over_root(unsigned long flags, const char *options)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
        SKIP("mounting a small tmpfs takes root");
    CHECK_ERRNO(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CHECK_ERRNO(mount("small", test_root(), "tmpfs", flags, options));
}

#endif
