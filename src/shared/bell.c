/* See bell.h.  If a ringer dies, it has rung or it has not; who must be told in either case is the
 * business of those who ring (notice.c, mutex.c). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/epoll.h"
#include "os/file.h"
#include "shared/bell.h"

/* A FIFO gives room back a page at a time. */
enum { FIFO_PAGE = 4096, ATTEMPTS = 16 };

/* For reading and writing: such an open of a FIFO never blocks, and writes to it never break. */
static const int ACCESS = O_RDWR | O_NONBLOCK;

/* A bell is never empty, so that latches can always be set by hand.  A FIFO is emptied by the kernel
 * when the last of those who have it open goes. */
static void fill(int bell)
{
    struct pollfd readable = {.fd = bell, .events = POLLIN};
    if (poll(&readable, 1, 0) == 0)
        bell_ring(bell);
}

int bell_make(int root, const char *file, mode_t mode)
{
    int r = file_make_fifo(root, file, mode);
    if (r < 0)
        return r;
    int fd = openat(root, file, ACCESS | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(-errno, "the new bell cannot be opened");
    fill(fd);
    return fd;
}

int bell_open(int root, const char *file, uid_t owner)
{
    CLEANUP(file_close) int fd = openat(root, file, ACCESS | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ENOENT : fail_errno(-errno, "the bell cannot be opened");
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISFIFO(status.st_mode) || status.st_uid != owner)
        return fail(-EBADMSG, "the object's bell is not what its owner made; remove the object");
    fill(fd);
    return TAKE_FD(fd);
}

int bell_make_anonymous(void)
{
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
        return fail_errno(-errno, "no bell could be made");
    int fd = bell_reopen(ends[0]);
    close(ends[0]);
    close(ends[1]);
    if (fd >= 0)
        fill(fd);
    return fd;
}

int bell_reopen(int bell)
{
    int fd = file_reopen(bell, -1, NULL, ACCESS);
    return fd < 0 ? file_explain_reopen(fd, "a bell") : fd;
}

int bell_check(int bell)
{
    struct stat status;
    int flags = fcntl(bell, F_GETFL);
    if (flags >= 0 && fstat(bell, &status) == 0 && S_ISFIFO(status.st_mode) &&
        (flags & (O_ACCMODE | O_NONBLOCK)) == (ACCESS & (O_ACCMODE | O_NONBLOCK)))
        return 0;
    return fail(-EBADMSG, "the bell handed over is not one");
}

/* Has this process a bell whose description is somebody else's, too? */
static _Atomic bool lent;

void bell_accept_lent(void)
{
    /* Relaxed: whoever rings that bell got it from the thread that says so. */
    atomic_store_explicit(&lent, true, memory_order_relaxed);
}

/* As bell_ring(), by calls that do not block even where the description may: its other holder can
 * change that at any moment. */
static void ring_warily(int bell)
{
    static char token = 1;
    const struct iovec piece = {.iov_base = &token, .iov_len = 1};
    for (int i = 0; i < ATTEMPTS && vmsplice(bell, &piece, 1, SPLICE_F_NONBLOCK) < 0; i++) {
        if (errno != EAGAIN)
            return;
        CLEANUP(file_close) int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (nowhere < 0 || (splice(bell, NULL, nowhere, NULL, FIFO_PAGE, SPLICE_F_NONBLOCK) < 0 &&
                            errno != EAGAIN))
            return;
    }
}

void bell_ring(int bell)
{
    const char token = 1;
    if (atomic_load_explicit(&lent, memory_order_relaxed)) {
        ring_warily(bell);
        return;
    }
    char page[FIFO_PAGE];
    for (int i = 0; i < ATTEMPTS && write(bell, &token, 1) < 0; i++) {
        /* A full FIFO gives up its oldest page.  It is not emptied by that unless as many ringers
         * as it has pages do this at once, and each of them writes again.  If it is full each time,
         * somebody else keeps ringing. */
        if (errno == EAGAIN && read(bell, page, sizeof(page)) < 0 && errno != EAGAIN)
            return;
        if (errno != EAGAIN && errno != EINTR)
            return;
    }
}

int bell_latch(int bell)
{
    int latch = epoll_latch(bell);
    if (latch == -ENOSPC)
        return fail(latch,
                    "no more descriptors can be waited for; raise fs.epoll.max_user_watches");
    return latch < 0 ? fail_errno(latch, "no descriptor to wait on could be made") : latch;
}
