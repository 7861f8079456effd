/* See tokens.h.
 *
 * What each call does without blocking is asked for by flags of the call where the kernel has them for
 * this kind of file (RWF_NOWAIT for pipes since 6.5, RWF_NOSIGNAL since 6.18), and
 * in older ways where it has not: vmsplice for FIFOs, a blocked signal for SIGPIPE. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/file.h"
#include "os/tokens.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100
#endif

/* ---- Ends ------------------------------------------------------------------------------------- */

/* Room for two packets.  A pipe that cannot be made so small has more room: it is then seldom full, and
 * who waits for that looks in vain now and then. */
static void shape(int end)
{
    fcntl(end, F_SETPIPE_SZ, 2 * (int)sysconf(_SC_PAGESIZE));
}

static int set_flags(int end, int flags)
{
    return fcntl(end, F_SETFL, flags) < 0 ? -errno : 0;
}

int tokens_make(int *ret_read_end, int *ret_write_end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    CLEANUP(file_close) int read_end = ends[0];
    CLEANUP(file_close) int write_end = ends[1];
    int r = set_flags(write_end, O_DIRECT | O_NONBLOCK);
    if (r < 0)
        return r;
    shape(write_end);
    *ret_read_end = TAKE_FD(read_end);
    *ret_write_end = TAKE_FD(write_end);
    return 0;
}

/* What makes the end of a FIFO one for tokens. */
static int fit_out(int end, bool write_end)
{
    int r = set_flags(end, write_end ? O_DIRECT | O_NONBLOCK : 0);
    if (r == 0)
        shape(end);
    return r;
}

/* A FIFO's end, through whatever leads to it. */
static int open_end(int directory, const char *path, bool write_end)
{
    /* Non-blocking, so that it does not wait for the other end. */
    int flags = (write_end ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    CLEANUP(file_close) int end = openat(directory, path, flags | (directory < 0 ? 0 : O_NOFOLLOW));
    struct stat status;
    if (end < 0 || fstat(end, &status) < 0)
        return -errno;
    if (!S_ISFIFO(status.st_mode))
        return -EBADMSG;
    int r = fit_out(end, write_end);
    return r < 0 ? r : TAKE_FD(end);
}

int tokens_open_read_end(int directory, const char *file)
{
    return open_end(directory, file, false);
}

int tokens_open_write_end(int directory, const char *file)
{
    return open_end(directory, file, true);
}

bool tokens_is_end(int fd, bool write_end)
{
    struct stat status;
    int flags = fcntl(fd, F_GETFL);
    int wanted = write_end ? O_WRONLY | O_DIRECT | O_NONBLOCK : O_RDONLY;
    return flags >= 0 && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) &&
           (flags & (O_ACCMODE | O_DIRECT | O_NONBLOCK | O_PATH)) == wanted;
}

int tokens_open_other_end(int end)
{
    int flags = fcntl(end, F_GETFL);
    if (flags < 0)
        return -errno;
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", end);
    return open_end(-1, path, (flags & O_ACCMODE) == O_RDONLY);
}

static bool is_hung_up(int read_end)
{
    struct pollfd hung_up = {.fd = read_end, .events = 0};
    return poll(&hung_up, 1, 0) == 1 && (hung_up.revents & POLLHUP) != 0;
}

int tokens_reopen(int end, int directory, const char *file)
{
    int access = fcntl(end, F_GETFL);
    if (access < 0)
        return -errno;
    bool write_end = (access & O_ACCMODE) == O_WRONLY;
    CLEANUP(file_close) int own = file_reopen(end, directory, file, access & O_ACCMODE);
    int r = own < 0 ? own : fit_out(own, write_end);
    if (r < 0)
        return r;
    /* A FIFO that is opened when all its writers are gone says so only to who had it open before. */
    return !write_end && is_hung_up(end) && !is_hung_up(own) ? -EAGAIN : TAKE_FD(own);
}

/* Relaxed: whoever uses the end that is shared got it from the thread that says so. */
static _Atomic bool shares;

void tokens_accept_shared(void)
{
    atomic_store_explicit(&shares, true, memory_order_relaxed);
}

/* ---- Giving ----------------------------------------------------------------------------------- */

/* Which kernels have what is found out once. */
static _Atomic bool lacks_nosignal;

static ssize_t write_token(int end)
{
    static const char token = 1;
    return write(end, &token, 1);
}

/* Does not block, whatever the other holders of the description make of its flags. */
static ssize_t write_warily(int end)
{
    static char token = 1;
    const struct iovec one = {.iov_base = &token, .iov_len = 1};
    return vmsplice(end, &one, 1, SPLICE_F_NONBLOCK);
}

/* With SIGPIPE held back, and taken away again if it came of this. */
static ssize_t write_without_signal(int end, ssize_t (*give)(int end))
{
    sigset_t only, before, pending;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &only, &before);
    ssize_t written = give(end);
    int error = errno;
    if (written < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) == 0)
        while (sigtimedwait(&only, NULL, &(struct timespec){0}) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return written;
}

static ssize_t write_quietly(int end)
{
    static const char token = 1;
    const struct iovec one = {.iov_base = (void *)(uintptr_t)&token, .iov_len = 1};
    if (atomic_load_explicit(&shares, memory_order_relaxed))
        return write_without_signal(end, write_warily);
    /* Relaxed: whoever does not know yet finds out. */
    if (!atomic_load_explicit(&lacks_nosignal, memory_order_relaxed)) {
        ssize_t written = syscall(SYS_pwritev2, end, &one, 1L, -1L, -1L, RWF_NOSIGNAL);
        if (written >= 0 || (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS))
            return written;
        atomic_store_explicit(&lacks_nosignal, true, memory_order_relaxed);
    }
    return write_without_signal(end, write_token);
}

int tokens_give(int write_end)
{
    ssize_t written;
    do
        written = write_quietly(write_end);
    while (written < 0 && errno == EINTR);
    if (written >= 0)
        return 1;
    return errno == EAGAIN ? 0 : -errno;
}

int tokens_count(int end)
{
    int bytes;
    return ioctl(end, FIONREAD, &bytes) == 0 ? bytes : 0;
}

/* ---- Taking ----------------------------------------------------------------------------------- */

static ssize_t read_without_waiting(int end)
{
    char token;
    const struct iovec one = {.iov_base = &token, .iov_len = 1};
    ssize_t got = syscall(SYS_preadv2, end, &one, 1L, -1L, -1L, RWF_NOWAIT);
    if (got < 0 && (errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS))
        got = vmsplice(end, &one, 1, SPLICE_F_NONBLOCK); /* a FIFO, opened by name */
    return got;
}

static int understand(ssize_t got)
{
    if (got > 0)
        return 1;
    return got == 0 ? -EPIPE : -errno;
}

int tokens_take(int read_end)
{
    int r;
    do
        r = understand(read_without_waiting(read_end));
    while (r == -EINTR);
    return r == -EAGAIN ? 0 : r;
}

/* ---- Sleeping --------------------------------------------------------------------------------- */

/* 0 if there is something to see; -ETIMEDOUT, -EINTR. */
static int await(struct pollfd *end, deadline until, bool interruptible)
{
    for (;;) {
        struct timespec left;
        int r = ppoll(end, 1, clock_timespec(&left, clock_left_ns(until)), NULL);
        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR || interruptible)
            return -errno;
    }
}

int tokens_await(int read_end, deadline end, bool interruptible)
{
    char token;
    int r;
    /* (To read would begin again behind a handler with SA_RESTART; to poll never does.) */
    while (end == CLOCK_NEVER && !interruptible) {
        r = understand(read(read_end, &token, 1));
        if (r == -EAGAIN) /* another holder of the description has made it so */
            break;
        if (r != -EINTR)
            return r == 1 ? 0 : r;
    }
    do {
        struct pollfd readable = {.fd = read_end, .events = POLLIN};
        r = await(&readable, end, interruptible);
        if (r == 0)
            r = tokens_take(read_end);
    } while (r == 0); /* somebody else took it */
    return r == 1 ? 0 : r;
}

int tokens_await_sight(int read_end, deadline end, bool interruptible)
{
    struct pollfd readable = {.fd = read_end, .events = POLLIN};
    int r = await(&readable, end, interruptible);
    return r == 0 && (readable.revents & POLLIN) == 0 ? -EPIPE : r;
}

int tokens_await_room(int write_end, deadline end, bool interruptible)
{
    struct pollfd writable = {.fd = write_end, .events = POLLOUT};
    int r = await(&writable, end, interruptible);
    return r == 0 && (writable.revents & POLLERR) != 0 ? -EPIPE : r;
}

bool tokens_has_reader(int write_end)
{
    struct pollfd broken = {.fd = write_end, .events = 0};
    return poll(&broken, 1, 0) != 1 || (broken.revents & POLLERR) == 0;
}

bool tokens_has_writer(int read_end)
{
    struct pollfd hung_up = {.fd = read_end, .events = 0};
    return poll(&hung_up, 1, 0) != 1 || (hung_up.revents & POLLHUP) == 0;
}
