/* See thread.h.  gettid(2) is asked once in each thread: the number is the thread's for life, and a forked child forgets its
 * parent's. */
#include <sys/syscall.h>
#include <unistd.h>

#include "os/thread.h"

static _Thread_local uint32_t known;

uint32_t thread_id(void)
{
    if (known == 0)
        known = (uint32_t)syscall(SYS_gettid);
    return known;
}

void thread_after_fork(void)
{
    known = 0;
}
