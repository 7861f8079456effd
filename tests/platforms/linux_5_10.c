/* That the filter of like-5.10 filters, and no more than it should.  To be run under it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test.h"

enum { EPOLL_PWAIT2 = 441, FUTEX_WAITV = 449, FCHMODAT2 = 452, FUTEX_WAKE_NEW = 454 };

#define CHECK_DENIED(call, error)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK_EQ(call, -1);                                                                        \
        CHECK_EQ(errno, error);                                                                    \
    } while (0)

TEST(newer_calls_are_not_there)
{
    CHECK_DENIED(syscall(EPOLL_PWAIT2, -1, NULL, 0, NULL, NULL, 0), ENOSYS);
    CHECK_DENIED(syscall(FUTEX_WAITV, NULL, 0, 0, NULL, 0), ENOSYS);
    CHECK_DENIED(syscall(FCHMODAT2, AT_FDCWD, "/", 0, 0), ENOSYS);
    CHECK_DENIED(syscall(FUTEX_WAKE_NEW, NULL, 0, 0, 0), ENOSYS);
}

TEST(newer_flags_are_not_known)
{
    _Atomic uint32_t word = 0;
    CHECK_DENIED(syscall(SYS_futex, &word, 13, 0, NULL, NULL, 0), ENOSYS);
    CHECK_DENIED(memfd_create("x", 0x8), EINVAL);
    CHECK_DENIED(syscall(SYS_pidfd_open, getpid(), O_EXCL), EINVAL);
    CHECK_DENIED(syscall(SYS_close_range, 4000, 4000, 4), EINVAL);
    CHECK_DENIED(madvise(NULL, 0, 23), EINVAL);
    CHECK_DENIED(syscall(SYS_preadv2, 0, NULL, 0L, -1L, -1L, 0x8), EOPNOTSUPP);
    CHECK_DENIED(syscall(SYS_pwritev2, 1, NULL, 0L, -1L, -1L, 0x100), EOPNOTSUPP);
    int fd = open(test_root(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CHECK_ERRNO(fd);
    CHECK_DENIED(linkat(fd, "", AT_FDCWD, "x", AT_EMPTY_PATH), ENOENT);
    CHECK_DENIED(fcntl(fd, 1024 + 3, fd), EINVAL);
    CHECK_DENIED(setsockopt(fd, SOL_SOCKET, 76, &fd, sizeof fd), ENOPROTOOPT);
    close(fd);
}

TEST(what_linux_5_10_had_is_there)
{
    _Atomic uint32_t word = 0;
    struct stat status;
    CHECK_EQ(syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK_ERRNO(fd);
    CHECK_ERRNO(fstatat(fd, "", &status, AT_EMPTY_PATH));
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    close(fd);
    fd = (int)syscall(SYS_pidfd_open, getpid(), O_NONBLOCK);
    CHECK_ERRNO(fd);
    close(fd);
    CHECK_ERRNO(syscall(SYS_close_range, 4000, 4000, 0));
    CHECK_ERRNO(madvise(NULL, 0, MADV_WIPEONFORK));
}
