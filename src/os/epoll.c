/* An epoll instance holding one edge-triggered descriptor is a latch: a write puts the descriptor
 * on the instance's own ready list, and reading the list takes it off again.  Each instance has its
 * own list, so any number of listeners each hear every write exactly once. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/epoll.h"
#include "os/file.h"

int epoll_latch(int fd)
{
    CLEANUP(file_close) int latch = epoll_create1(EPOLL_CLOEXEC);
    if (latch < 0)
        return -errno;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    if (epoll_ctl(latch, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    return TAKE_FD(latch);
}

void epoll_latch_set(int latch, int fd)
{
    /* To change nothing makes the kernel look again whether it is readable. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    epoll_ctl(latch, EPOLL_CTL_MOD, fd, &event);
}

int epoll_latch_clear(int latch)
{
    struct epoll_event event;
    int r = epoll_wait(latch, &event, 1, 0);
    return r < 0 ? -errno : r;
}
