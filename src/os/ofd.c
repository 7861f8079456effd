/* fcntl(2) with F_OFD_SETLK and F_OFD_GETLK. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "os/ofd.h"

static struct flock range(short type, off_t at, off_t count)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = count};
}

int ofd_lock(int fd, off_t at, off_t count)
{
    struct flock lock = range(F_WRLCK, at, count);
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    return errno == EACCES ? -EAGAIN : -errno;
}

int ofd_unlock(int fd, off_t at, off_t count)
{
    struct flock lock = range(F_UNLCK, at, count);
    return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : -errno;
}

int ofd_is_locked(int fd, off_t at, off_t count)
{
    struct flock lock = range(F_WRLCK, at, count);
    if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
        return -errno;
    return lock.l_type != F_UNLCK;
}

off_t ofd_extent(int fd, off_t at)
{
    struct flock lock = range(F_WRLCK, at, 1);
    if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
        return -errno;
    if (lock.l_type == F_UNLCK)
        return 0;
    return lock.l_len != 0 ? lock.l_len : INT64_MAX; /* 0 reaches to the end of all files */
}
