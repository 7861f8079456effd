/* pidfd_open(2), Linux 5.3. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/pidfd.h"

int pidfd_of(pid_t pid)
{
    long fd = syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : (int)fd;
}
