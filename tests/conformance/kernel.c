/* See kernel.h.
 *
 * A call that waits for ever is read() or write() on the descriptor itself, which blocks.  O_NONBLOCK
 * belongs to the open file, which forked processes share, so a call that does not wait opens the
 * same end once more for the moment: nobody notices, as there is one already.  A timed one polls and tries
 * without waiting. */
#include "kernel.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>

void kernel_prepare(struct ends *ends, uint64_t capacity)
{
    signal(SIGPIPE, SIG_IGN);
    if (capacity > 0)
        CHECK(kernel_set_capacity(ends->writing, capacity) >= 0);
}

void kernel_close(struct end *end)
{
    close(end->descriptor);
}

static ssize_t result(ssize_t returned)
{
    return returned < 0 ? -errno : returned;
}

/* -ENXIO: a write end, and nobody reads. */
static int open_again(struct end *end, int mode)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", end->descriptor);
    return (int)result(open(path, mode | O_NONBLOCK | O_CLOEXEC));
}

/* Has the end the role at all?  The kernel says so when it is asked. */
static bool has_role(struct end *end, int mode)
{
    int flags = fcntl(end->descriptor, F_GETFL) & O_ACCMODE;
    return flags == O_RDWR || flags == mode;
}

static ssize_t write_now(struct end *end, const void *bytes, size_t count)
{
    if (!has_role(end, O_WRONLY))
        return result(write(end->descriptor, bytes, count));
    int again = open_again(end, O_WRONLY);
    if (again < 0)
        return again == -ENXIO ? result(write(end->descriptor, bytes, count)) : again;
    ssize_t written = result(write(again, bytes, count));
    close(again);
    return written;
}

static ssize_t read_now(struct end *end, void *ret_bytes, size_t count)
{
    if (!has_role(end, O_RDONLY))
        return result(read(end->descriptor, ret_bytes, count));
    int again = open_again(end, O_RDONLY);
    if (again < 0)
        return again;
    ssize_t got = result(read(again, ret_bytes, count));
    close(again);
    return got;
}

/* Until the descriptor is ready; false if that is too late. */
static bool await(struct end *end, short events, int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - test_now_ns();
    if (left_ns <= 0)
        return false;
    struct pollfd wanted = {.fd = end->descriptor, .events = events};
    return poll(&wanted, 1, (int)((left_ns + MILLISECOND - 1) / MILLISECOND)) != 0;
}

ssize_t kernel_write(struct end *end, const void *bytes, size_t count, int64_t timeout_ns)
{
    if (timeout_ns == FERRY_FOREVER)
        return result(write(end->descriptor, bytes, count));
    const char *rest = bytes;
    size_t done = 0;
    int64_t deadline_ns = test_now_ns() + timeout_ns;
    for (;;) {
        ssize_t written = write_now(end, rest + done, count - done);
        if (written > 0)
            done += (size_t)written;
        if (done == count || timeout_ns == FERRY_NOW || (written < 0 && written != -EAGAIN))
            return done > 0 ? (ssize_t)done : written;
        if (!await(end, POLLOUT, deadline_ns))
            return done > 0 ? (ssize_t)done : -ETIMEDOUT;
    }
}

ssize_t kernel_read(struct end *end, void *ret_bytes, size_t count, int64_t timeout_ns)
{
    if (timeout_ns == FERRY_FOREVER)
        return result(read(end->descriptor, ret_bytes, count));
    int64_t deadline_ns = test_now_ns() + timeout_ns;
    for (;;) {
        ssize_t got = read_now(end, ret_bytes, count);
        if (got != -EAGAIN || timeout_ns == FERRY_NOW)
            return got;
        if (!await(end, POLLIN, deadline_ns))
            return -ETIMEDOUT;
    }
}

uint64_t kernel_capacity(struct end *end)
{
    int capacity = fcntl(end->descriptor, F_GETPIPE_SZ);
    CHECK_ERRNO(capacity);
    return (uint64_t)capacity;
}

uint64_t kernel_depth(struct end *end)
{
    int depth;
    CHECK_ERRNO(ioctl(end->descriptor, FIONREAD, &depth));
    return (uint64_t)depth;
}

int kernel_set_capacity(struct end *end, uint64_t capacity)
{
    int r = fcntl(end->descriptor, F_SETPIPE_SZ, (int)capacity);
    return r < 0 ? -errno : 0;
}

int kernel_descriptor(struct end *end)
{
    return end->descriptor;
}
