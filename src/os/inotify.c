/* inotify(7), IN_CLOSE_WRITE.  The kernel tells of the close a moment before it drops the locks of
 * the description: whoever asks about a lock then may have to ask again. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/file.h"
#include "os/inotify.h"

int inotify_on_close(int fd)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CLEANUP(file_close) int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0 || inotify_add_watch(watch, path, IN_CLOSE_WRITE) < 0)
        return -errno;
    return TAKE_FD(watch);
}

void inotify_drain(int watch)
{
    char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
    while (read(watch, events, sizeof(events)) == (ssize_t)sizeof(events))
        ;
}
