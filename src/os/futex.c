/* The futex system call.  See futex(2) and futex(7); no libc wrapper exists. */
#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/futex.h"

/* On 32-bit machines there are two calls, and which one fits depends on the libc's timespec. */
static long futex_call(const void *word, int operation, uint32_t value, const void *timeout,
                       const void *other, uint32_t last)
{
#ifdef SYS_futex_time64
    if (sizeof(((struct timespec *)0)->tv_sec) > sizeof(long))
        return syscall(SYS_futex_time64, word, operation, value, timeout, other, last);
#endif
    return syscall(SYS_futex, word, operation, value, timeout, other, last);
}

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int futex_wait(const _Atomic uint32_t *word, uint32_t expected, int64_t ns)
{
    struct timespec limit;
    return result(futex_call(word, FUTEX_WAIT, expected, clock_timespec(&limit, ns), NULL, 0));
}

int futex_wake(_Atomic uint32_t *word, int count)
{
    return result(futex_call(word, FUTEX_WAKE, (uint32_t)count, NULL, NULL, 0));
}

/* What fits in the operation as it is; greater ones are powers of two. */
enum { MOST_ARGUMENT = 2047 };

/* "Add so much": FUTEX_OP() of <linux/futex.h>, which shifts signed numbers too far. */
static uint32_t addition(uint32_t more)
{
    bool is_power = more > MOST_ARGUMENT;
    uint32_t operation = (uint32_t)FUTEX_OP_ADD | (is_power ? (uint32_t)FUTEX_OP_OPARG_SHIFT : 0);
    uint32_t argument = is_power ? (uint32_t)__builtin_ctz(more) : more;
    return operation << 28 | (uint32_t)FUTEX_OP_CMP_EQ << 24 | argument << 12;
}

/* ThreadSanitizer does not see what the kernel writes for us. */
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define SAY_RELEASED(word) __tsan_release(word)
#else
#define SAY_RELEASED(word) (void)0
#endif

int futex_add_and_wake(_Atomic uint32_t *word, uint32_t more, int most)
{
    /* FUTEX_WAKE_OP operates on its second address and then wakes sleepers of the first: here both
     * are one.  The comparison could wake sleepers of the second again: 0 of them. */
    SAY_RELEASED(word);
    return result(futex_call(word, FUTEX_WAKE_OP, (uint32_t)most, NULL, word, addition(more)));
}

int futex_set_and_wake_another(_Atomic uint32_t *lock, unsigned exponent, _Atomic uint32_t *word,
                               int count)
{
    /* Where others take a timeout, this call takes how many to wake of the second word, if that was
     * less than 0 as a signed number. */
    uint32_t operation = (uint32_t)FUTEX_OP_SET | (uint32_t)FUTEX_OP_OPARG_SHIFT;
    uint32_t set = operation << 28 | (uint32_t)FUTEX_OP_CMP_LT << 24 | exponent << 12;
    const void *one = (const void *)(uintptr_t)1;
    SAY_RELEASED(lock);
    return result(futex_call(word, FUTEX_WAKE_OP, (uint32_t)count, one, lock, set));
}

/* Linux 5.14; before, there is only one that counts time by the calendar. */
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

/* The same moment by the calendar, which may be set meanwhile. */
static deadline on_calendar(deadline end)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + clock_left_ns(end);
}

int futex_lock_pi(_Atomic uint32_t *word, deadline end)
{
    struct timespec limit;
    bool never = end == CLOCK_NEVER;
    int r = result(futex_call(word, FUTEX_LOCK_PI2, 0,
                              clock_timespec(&limit, never ? INT64_MAX : end), NULL, 0));
    if (r != -ENOSYS)
        return r;
    return result(futex_call(word, FUTEX_LOCK_PI, 0,
                             clock_timespec(&limit, never ? INT64_MAX : on_calendar(end)), NULL,
                             0));
}

int futex_unlock_pi(_Atomic uint32_t *word)
{
    return result(futex_call(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}
