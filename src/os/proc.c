/* Reading /proc.  Processes come and go while it is read: whatever cannot be opened is simply not
 * there any more. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/process.h"

enum { SMALL_FILE = 4096 };

bool proc_is_mounted(void)
{
    return access("/proc/self/fd", F_OK) == 0;
}

/* Relaxed: all threads would find the same. */
uint64_t proc_pid_namespace(void)
{
    struct stat status;
    uint64_t known =
        process_namespace ? atomic_load_explicit(process_namespace, memory_order_relaxed) : 0;
    if (known != 0 || stat("/proc/self/ns/pid", &status) < 0)
        return known;
    if (process_namespace)
        atomic_store_explicit(process_namespace, status.st_ino, memory_order_relaxed);
    return status.st_ino;
}

/* Reads the beginning of a small file as text; 0 or -errno. */
static int read_text(const char *path, char *ret_text, size_t size_bytes)
{
    CLEANUP(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t length = read(fd, ret_text, size_bytes - 1);
    if (length < 0)
        return -errno;
    ret_text[length] = '\0';
    return 0;
}

uint64_t proc_available_memory(void)
{
    static const char field[] = "MemAvailable:";
    char text[SMALL_FILE];
    if (read_text("/proc/meminfo", text, sizeof(text)) == 0) {
        const char *line = strstr(text, field);
        if (line != NULL)
            return strtoull(line + sizeof(field) - 1, NULL, 10) * 1024;
    }
    struct sysinfo info;
    if (sysinfo(&info) < 0)
        return UINT64_MAX;
    return ((uint64_t)info.freeram + info.bufferram) * info.mem_unit;
}

void proc_command(pid_t pid, char *ret_command, size_t size_bytes)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    if (pid <= 0 || read_text(path, ret_command, size_bytes) < 0) {
        ret_command[0] = '\0';
        return;
    }
    ret_command[strcspn(ret_command, "\n")] = '\0';
}

static int is_number(const char *text)
{
    return isdigit((unsigned char)text[0]);
}

struct search {
    const char *prefix, *other_prefix;
    int (*each)(pid_t pid, int fd, const char *target, void *context);
    void *context;
};

static int look_at_descriptors(const struct search *search, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *stream = opendir(path);
    if (stream == NULL)
        return 0;
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(stream)) != NULL;) {
        char target[PATH_MAX];
        ssize_t length = is_number(entry->d_name)
                             ? readlinkat(dirfd(stream), entry->d_name, target, sizeof(target) - 1)
                             : -1;
        if (length < 0)
            continue;
        target[length] = '\0';
        if (strncmp(target, search->prefix, strlen(search->prefix)) == 0 ||
            strncmp(target, search->other_prefix, strlen(search->other_prefix)) == 0)
            r = search->each(pid, atoi(entry->d_name), target, search->context);
    }
    closedir(stream);
    return r;
}

int proc_each_descriptor(const char *prefix, const char *other_prefix,
                         int (*each)(pid_t pid, int fd, const char *target, void *context),
                         void *context)
{
    const struct search search = {prefix, other_prefix, each, context};
    DIR *stream = opendir("/proc");
    if (stream == NULL)
        return 0;
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(stream)) != NULL;)
        if (is_number(entry->d_name))
            r = look_at_descriptors(&search, atoi(entry->d_name));
    closedir(stream);
    return r;
}

int proc_open_descriptor(pid_t pid, int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
    int own = open(path, flags | O_CLOEXEC);
    return own < 0 ? -errno : own;
}
