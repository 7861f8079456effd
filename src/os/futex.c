/* The futex system call.  See futex(2) and futex(7); no libc wrapper exists. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/futex.h"

/* 32-bit kernels with 64-bit time have a call of their own; its timespec is what time.h gives. */
#if defined(SYS_futex_time64) &&                                                                   \
    (!defined(SYS_futex) || (defined(__USE_TIME_BITS64) && __TIMESIZE == 32))
#define SYS_FUTEX SYS_futex_time64
#else
#define SYS_FUTEX SYS_futex
#endif

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int futex_wait(const _Atomic uint32_t *word, uint32_t expected, int64_t ns)
{
    struct timespec limit;
    return result(
        syscall(SYS_FUTEX, word, FUTEX_WAIT, expected, clock_timespec(&limit, ns), NULL, 0));
}

int futex_wake(_Atomic uint32_t *word, int count)
{
    return result(syscall(SYS_FUTEX, word, FUTEX_WAKE, count, NULL, NULL, 0));
}

int futex_add_one_and_wake_all(_Atomic uint32_t *word)
{
    /* FUTEX_WAKE_OP operates on its second address and then wakes sleepers of the first: here both
     * are one.  The comparison could wake sleepers of the second again: 0 of them. */
    unsigned operation = FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0);
    return result(syscall(SYS_FUTEX, word, FUTEX_WAKE_OP, INT_MAX, 0L, word, operation));
}
