/* Leftovers of a case: descriptors, mappings of Ferry objects, files in the root, memory.  The
 * kernel's own lists are compared, so the code under test cannot hide anything. */
#include "leftovers.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "test.h"

enum { DESCRIPTORS = 4096 }; /* those above it always count as new */

static bool open_before[DESCRIPTORS];

static void each_descriptor(void (*visit)(int descriptor))
{
    DIR *directory = opendir("/proc/self/fd");
    if (!directory) {
        report_fail("cannot list the open descriptors: /proc/self/fd");
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        int descriptor = atoi(entry->d_name);
        if (descriptor != dirfd(directory))
            visit(descriptor);
    }
    closedir(directory);
}

static void remember_descriptor(int descriptor)
{
    if (descriptor < DESCRIPTORS)
        open_before[descriptor] = true;
}

static void judge_descriptor(int descriptor)
{
    if (descriptor < DESCRIPTORS && open_before[descriptor])
        return;
    char path[64], target[512];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    ssize_t bytes = readlink(path, target, sizeof target - 1);
    target[bytes > 0 ? bytes : 0] = '\0';
    report_fail("left over: descriptor %d, %s", descriptor, target);
}

static void check_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps) {
        report_fail("cannot list the mappings: /proc/self/maps");
        return;
    }
    char line[1024];
    while (fgets(line, sizeof line, maps)) {
        line[strcspn(line, "\n")] = '\0';
        if (strstr(line, test_root()) || strstr(line, "/memfd:ferry"))
            report_fail("left over: mapping %s", line);
    }
    fclose(maps);
}

static void check_root(void)
{
    if (atomic_load(&report->leaves_objects))
        return;
    DIR *directory = opendir(test_root());
    if (!directory) {
        report_fail("the case's root is gone: %s", test_root());
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            report_fail("left over: %s in the root", entry->d_name);
    closedir(directory);
}

/* There under AddressSanitizer; prints what leaked to standard error. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

/* A case may have unshared its pid namespace: its next child lives in another one. */
static bool children_see_us(void)
{
    struct stat ours, theirs;
    return stat("/proc/self/ns/pid", &ours) == 0 &&
           stat("/proc/self/ns/pid_for_children", &theirs) == 0 && ours.st_ino == theirs.st_ino;
}

/* The leak check stops all threads from a child, which cannot work across pid namespaces. */
static void check_memory(void)
{
    if (__lsan_do_recoverable_leak_check && children_see_us() && __lsan_do_recoverable_leak_check())
        report_fail("left over: memory (see standard error)");
}

void leftovers_before(void)
{
    each_descriptor(remember_descriptor);
}

void leftovers_check(void)
{
    each_descriptor(judge_descriptor);
    check_mappings();
    check_root();
    check_memory();
}
