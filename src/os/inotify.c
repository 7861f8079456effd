/* inotify(7), IN_CLOSE_WRITE.  The kernel tells of the close a moment before it drops the locks of
 * the description: whoever asks about a lock then may have to ask again. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
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

bool inotify_drain(int watch)
{
    /* The file is watched itself and not as part of a directory, so no event carries a name. */
    enum { EVENT = sizeof(struct inotify_event), MOST = 16 };
    char bytes[MOST * EVENT];
    bool goes_on = true;
    ssize_t length;
    do {
        length = read(watch, bytes, sizeof(bytes));
        for (ssize_t at = 0; at + EVENT <= length; at += EVENT) {
            uint32_t mask;
            memcpy(&mask, bytes + at + offsetof(struct inotify_event, mask), sizeof(mask));
            goes_on = goes_on && (mask & IN_IGNORED) == 0;
        }
    } while (length == (ssize_t)sizeof(bytes));
    return goes_on;
}
