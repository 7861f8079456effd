/* `ferry bench --html`: the report into a file, which is there as a whole or as it was before.
 *
 * It is written beside the file and renamed over it.  What is no regular file, a device or a pipe,
 * is written to as it is, for a rename would put a file in its place. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bench/html.h"
#include "cli/bench_show.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verb.h"

static int complain_file(const char *path, int r)
{
    const char *cure = r == -ENOSPC || r == -EDQUOT  ? "make room, or name another"
                       : r == -EACCES || r == -EPERM ? "name one where you may write"
                       : r == -EROFS                 ? "name one that is not read-only"
                       : r == -ENOENT || r == -ENOTDIR
                           ? "make its directory first"
                           : "name another file, or - for standard output";
    complain("--html: \"%s\" could not be written: %s; %s", path, strerror(-r), cure);
    return STATUS_FAILED;
}

/* Where the file really is: a symbolic link stays one. */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL);
    return real ? real : expect_memory(strdup(path));
}

static char *name_beside(const char *path)
{
    char *name;
    return expect_memory(asprintf(&name, "%s.%d.new", path, (int)getpid()) < 0 ? NULL : name);
}

/* With the older file's mode, if there is one. */
static int open_beside(const char *name, const struct stat *older)
{
    int fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    if (older && fchmod(fd, older->st_mode & 0777) < 0) {
        int r = -errno;
        close(fd);
        unlink(name);
        return r;
    }
    return fd;
}

static int write_and_close(const struct report *report, int fd)
{
    FILE *out = fdopen(fd, "w");
    if (out == NULL) {
        close(fd);
        return -ENOMEM;
    }
    int r = html_write(report, out);
    if (fclose(out) != 0 && r == 0)
        r = -errno;
    return r;
}

static int write_over(const struct report *report, const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : write_and_close(report, fd);
}

static int replace(const struct report *report, const char *path, const struct stat *older)
{
    CLEANUP(text_cleanup) char *beside = name_beside(path);
    int fd = open_beside(beside, older);
    if (fd < 0)
        return fd;
    int r = write_and_close(report, fd);
    if (r == 0 && rename(beside, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(beside);
    return r;
}

int bench_check_html(const char *path)
{
    struct stat older;
    bool exists = stat(path, &older) == 0;
    if (strcmp(path, "-") == 0 || (exists && !S_ISREG(older.st_mode) && !S_ISDIR(older.st_mode)))
        return STATUS_DONE;
    if (exists && S_ISDIR(older.st_mode))
        return complain_file(path, -EISDIR);
    if (exists && access(path, W_OK) < 0)
        return complain_file(path, -errno);
    CLEANUP(text_cleanup) char *real = resolve(path);
    CLEANUP(text_cleanup) char *beside = name_beside(real);
    int fd = open_beside(beside, exists ? &older : NULL);
    if (fd < 0)
        return complain_file(path, fd);
    close(fd);
    unlink(beside);
    return STATUS_DONE;
}

int bench_write_html(const struct report *report, const char *path)
{
    struct stat older;
    bool exists = stat(path, &older) == 0;
    if (strcmp(path, "-") == 0) {
        html_write(report, stdout); /* whoever flushes it at the end tells of what went wrong */
        return STATUS_DONE;
    }
    CLEANUP(text_cleanup) char *real = resolve(path);
    int r = exists && !S_ISREG(older.st_mode) ? write_over(report, path)
                                              : replace(report, real, exists ? &older : NULL);
    return r < 0 ? complain_file(path, r) : STATUS_DONE;
}
