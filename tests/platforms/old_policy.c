/* That the rules of like-5.10 --old-policy forbid.  To be run under it. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test.h"

TEST(what_old_rules_do_not_know_is_forbidden)
{
    errno = 0;
    CHECK_EQ(syscall(SYS_pidfd_open, getpid(), 0), -1);
    CHECK_EQ(errno, EPERM);
    errno = 0;
    CHECK_EQ(syscall(SYS_close_range, 4000, 4000, 0), -1);
    CHECK_EQ(errno, EPERM);
}
