/* memfd_create(2) with seals. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/file.h"
#include "os/memfd.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Newer kernels may refuse or warn about a memfd that does not say that it is not a program; older
 * ones do not know the flag. */
static int create(const char *label)
{
    int fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

int memfd_make(const char *label, uint64_t size_bytes, uint64_t at, uint64_t count, mode_t mode)
{
    CLEANUP(file_close) int fd = create(label);
    if (fd < 0)
        return fail_errno(fd, "no memory without a name could be made");
    int r = file_reserve(fd, size_bytes, at, count);
    if (r < 0)
        return r;
    if (fchmod(fd, mode & 0666) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return fail_errno(-errno, "memory without a name could not be sealed");
    return TAKE_FD(fd);
}

bool memfd_is_sealed(int fd)
{
    const int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & wanted) == wanted;
}
