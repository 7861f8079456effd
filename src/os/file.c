/* See file.h.  An unnamed file that its maker does not live to link is freed by the kernel, which
 * is why nobody can ever meet a half-made one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/file.h"
#include "os/proc.h"

enum { PROC_PATH_SIZE = 32 };

/* Reserving is done in pieces, so that a signal costs one piece and not the whole. */
static const uint64_t PIECE = UINT64_C(64) << 20;

void file_close(int *fd)
{
    int before = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = before;
}

static void descriptor_path(char *ret_path, int fd)
{
    snprintf(ret_path, PROC_PATH_SIZE, "/proc/self/fd/%d", fd);
}

int file_make_unnamed(int directory, mode_t mode)
{
    int fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (fd >= 0)
        return fd;
    if (errno == EOPNOTSUPP || errno == EISDIR)
        return fail(-EOPNOTSUPP, "the root's file system has no unnamed files; use one that has, "
                                 "such as tmpfs, ext4 or xfs (FERRY_ROOT)");
    if (errno == EACCES || errno == EPERM)
        return fail(-EACCES, "the root's permissions do not let you make a file there; ask its "
                             "owner, or set FERRY_ROOT to a directory of your own");
    return fail_errno(-errno, "no file could be made in the root");
}

int file_link(int fd, int directory, const char *name)
{
    /* By descriptor where the kernel lets us (6.10, or CAP_DAC_READ_SEARCH), else through /proc. */
    if (linkat(fd, "", directory, name, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno == EEXIST || errno == ENOSPC)
        return -errno;
    char path[PROC_PATH_SIZE];
    descriptor_path(path, fd);
    return linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : -errno;
}

/* A tmpfs that is larger than the memory lets fallocate eat everything before it says no. */
static int check_memory(int fd, uint64_t bytes)
{
    struct statfs system;
    if (bytes < PIECE || fstatfs(fd, &system) < 0 || system.f_type != TMPFS_MAGIC)
        return 0;
    uint64_t available = proc_available_memory();
    if (bytes <= available)
        return 0;
    return fail(-ENOMEM, "%llu bytes of memory were asked for and %llu are available; ask for less",
                (unsigned long long)bytes, (unsigned long long)available);
}

int file_reserve_range(int fd, uint64_t at, uint64_t count)
{
    for (uint64_t done = 0; done < count;) {
        uint64_t piece = count - done < PIECE ? count - done : PIECE;
        if (fallocate(fd, 0, (off_t)(at + done), (off_t)piece) == 0)
            done += piece;
        else if (errno != EINTR)
            return fail_errno(-errno, "%llu bytes could not be reserved",
                              (unsigned long long)count);
    }
    return 0;
}

/* Beyond RLIMIT_FSIZE the kernel sends SIGXFSZ, which kills: so it is never tried. */
static int check_size(uint64_t bytes)
{
    struct rlimit limit;
    if (bytes > INT64_MAX)
        return fail(-ENOMEM, "%llu bytes are more than any file can have",
                    (unsigned long long)bytes);
    if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
        bytes <= limit.rlim_cur)
        return 0;
    return fail(-EFBIG,
                "a file of %llu bytes is beyond the %llu that this process may give one; raise "
                "`ulimit -f`",
                (unsigned long long)bytes, (unsigned long long)limit.rlim_cur);
}

int file_make_fifo(int directory, const char *name, mode_t mode)
{
    if (mkfifoat(directory, name, 0600) < 0)
        return fail_errno(-errno, "no FIFO could be made in the root");
    /* Not through mkfifo's mode, which the umask cuts.  Nobody looks for it before it is right. */
    if (fchmodat(directory, name, mode, 0) < 0)
        return fail_errno(-errno, "the FIFO's permissions could not be set");
    return 0;
}

int file_reserve(int fd, uint64_t size_bytes, uint64_t at, uint64_t count)
{
    int r = check_size(size_bytes);
    if (r == 0)
        r = check_memory(fd, count);
    if (r < 0)
        return r;
    if (ftruncate(fd, (off_t)size_bytes) < 0)
        return fail_errno(-errno, "a file of %llu bytes could not be made",
                          (unsigned long long)size_bytes);
    return count > 0 ? file_reserve_range(fd, at, count) : 0;
}

void file_give_back(int fd, uint64_t at, uint64_t count)
{
    while (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)count) < 0 &&
           errno == EINTR)
        ;
}

static int same_file(int fd, int other)
{
    struct stat a, b;
    if (fstat(fd, &a) < 0 || fstat(other, &b) < 0)
        return 0;
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int file_reopen(int fd, int directory, const char *name, int flags)
{
    if (name != NULL) {
        CLEANUP(file_close)
        int by_name =
            openat(directory, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (by_name >= 0 && same_file(fd, by_name))
            return TAKE_FD(by_name);
    }
    char path[PROC_PATH_SIZE];
    descriptor_path(path, fd);
    int again = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return again < 0 ? -errno : again;
}

int file_explain_reopen(int error, const char *what)
{
    if (error == -ENOENT && !proc_is_mounted())
        return fail(-EOPNOTSUPP,
                    "%s without a name can be opened again through /proc alone, which is not "
                    "mounted; mount it (mount -t proc proc /proc), or use an object with a name",
                    what);
    return fail_errno(error, "%s cannot be opened again", what);
}

int file_explain_link(int error, const char *what)
{
    if (error == -ENOENT && !proc_is_mounted())
        return fail(-EOPNOTSUPP,
                    "naming %s takes /proc, which is not mounted, or root's rights "
                    "(CAP_DAC_READ_SEARCH), or Linux 6.10; mount it (mount -t proc proc /proc)",
                    what);
    return fail_errno(error, "%s could not be given its name", what);
}

int file_has_name(int fd, int directory, const char *name)
{
    struct stat here, there;
    if (fstat(fd, &here) < 0)
        return -errno;
    if (fstatat(directory, name, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

int file_read_at(int fd, void *ret_bytes, size_t count, uint64_t at)
{
    for (size_t done = 0; done < count;) {
        ssize_t r = pread(fd, (char *)ret_bytes + done, count - done, (off_t)(at + done));
        if (r == 0)
            return -ENODATA;
        if (r > 0)
            done += (size_t)r;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int file_write_at(int fd, const void *bytes, size_t count, uint64_t at)
{
    for (size_t done = 0; done < count;) {
        ssize_t r = pwrite(fd, (const char *)bytes + done, count - done, (off_t)(at + done));
        if (r >= 0)
            done += (size_t)r;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int file_list(int directory, int (*each)(const char *name, void *context), void *context)
{
    int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0)
        return -errno;
    DIR *stream = fdopendir(own);
    if (stream == NULL) {
        int r = -errno;
        close(own);
        return r;
    }
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(stream)) != NULL;)
        r = each(entry->d_name, context);
    closedir(stream);
    return r;
}
