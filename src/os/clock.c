/* Clocks and deadlines.  Reading them is a vdso call: no system call. */
#include "os/clock.h"

enum { NS_PER_S = 1000000000 };

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_unix_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

deadline clock_deadline(int64_t timeout_ns)
{
    deadline end;
    if (timeout_ns < 0 || __builtin_add_overflow(clock_now_ns(), timeout_ns, &end))
        return CLOCK_NEVER;
    return end;
}

int64_t clock_left_ns(deadline end)
{
    if (end == CLOCK_NEVER)
        return INT64_MAX;
    int64_t left = end - clock_now_ns();
    return left > 0 ? left : 0;
}

struct timespec *clock_timespec(struct timespec *ret_time, int64_t ns)
{
    if (ns == INT64_MAX)
        return NULL;
    ret_time->tv_sec = (time_t)(ns / NS_PER_S);
    ret_time->tv_nsec = (long)(ns % NS_PER_S);
    return ret_time;
}
