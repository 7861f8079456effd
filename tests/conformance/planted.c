/* See planted.h. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "kernel.h"

/* Kernel pipes, but for what is in the list behind. */
#define KERNEL_PIPE_BUT(name_, ...)                                                                \
    const struct back_end name_ = {.name = #name_,                                                 \
                                   .oracle = &kernel_pipe,                                         \
                                   .make = make,                                                   \
                                   .close = kernel_close,                                          \
                                   .write = kernel_write,                                          \
                                   .read = kernel_read,                                            \
                                   .capacity = kernel_capacity,                                    \
                                   .depth = kernel_depth,                                          \
                                   .set_capacity = kernel_set_capacity,                            \
                                   .descriptor = kernel_descriptor,                                \
                                   __VA_ARGS__}

#pragma GCC diagnostic ignored "-Woverride-init"

static void make(struct ends *ret_ends, uint64_t capacity)
{
    kernel_pipe.make(ret_ends, capacity);
}

/* ---- A socket pair ---- */

static void make_sockets(struct ends *ret_ends, uint64_t capacity)
{
    int descriptors[2];
    (void)capacity;
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, descriptors));
    signal(SIGPIPE, SIG_IGN);
    ret_ends->reading->descriptor = descriptors[0];
    ret_ends->writing->descriptor = descriptors[1];
}

static ssize_t socket_write(struct end *end, const void *bytes, size_t count, int64_t timeout_ns)
{
    ssize_t r = send(end->descriptor, bytes, count, timeout_ns < 0 ? 0 : MSG_DONTWAIT);
    return r < 0 ? -errno : r;
}

static ssize_t socket_read(struct end *end, void *ret_bytes, size_t count, int64_t timeout_ns)
{
    ssize_t r = recv(end->descriptor, ret_bytes, count, timeout_ns < 0 ? 0 : MSG_DONTWAIT);
    return r < 0 ? -errno : r;
}

static uint64_t socket_capacity(struct end *end)
{
    (void)end;
    return CAPACITY;
}

KERNEL_PIPE_BUT(socket_pair, .make = make_sockets, .write = socket_write, .read = socket_read,
                .capacity = socket_capacity);

/* ---- Wrappers ---- */

static _Atomic int *somebody_closed;

static void make_counted(struct ends *ret_ends, uint64_t capacity)
{
    make(ret_ends, capacity);
    somebody_closed = test_shared(sizeof(int));
}

static void close_counted(struct end *end)
{
    if ((fcntl(end->descriptor, F_GETFL) & O_ACCMODE) == O_WRONLY)
        atomic_fetch_add(somebody_closed, 1);
    kernel_close(end);
}

/* The case closes its own, which is not yet too early. */
static ssize_t read_to_early_end(struct end *end, void *ret_bytes, size_t count, int64_t timeout_ns)
{
    ssize_t got = kernel_read(end, ret_bytes, count, timeout_ns);
    return got == -EAGAIN && atomic_load(somebody_closed) > 1 ? 0 : got;
}

KERNEL_PIPE_BUT(early_end, .make = make_counted, .close = close_counted, .read = read_to_early_end);

static void make_held(struct ends *ret_ends, uint64_t capacity)
{
    make(ret_ends, capacity);
    dup(ret_ends->reading->descriptor);
    dup(ret_ends->writing->descriptor);
}

KERNEL_PIPE_BUT(no_end, .make = make_held);

static ssize_t write_in_two(struct end *end, const void *bytes, size_t count, int64_t timeout_ns)
{
    size_t half = count / 2;
    ssize_t r = half > 0 ? kernel_write(end, bytes, half, timeout_ns) : 0;
    if (r < (ssize_t)half)
        return r;
    sched_yield();
    ssize_t rest = kernel_write(end, (const char *)bytes + half, count - half, timeout_ns);
    return rest < 0 && half > 0 ? (ssize_t)half : rest < 0 ? rest : (ssize_t)half + rest;
}

KERNEL_PIPE_BUT(split_writes, .write = write_in_two);

static struct {
    char byte;
    bool there;
} again;

static ssize_t read_it_twice(struct end *end, void *ret_bytes, size_t count, int64_t timeout_ns)
{
    char *bytes = ret_bytes;
    if (again.there && count > 0) {
        again.there = false;
        bytes[0] = again.byte;
        return 1;
    }
    ssize_t got = kernel_read(end, ret_bytes, count, timeout_ns);
    if (got > 1) {
        again.byte = bytes[got - 1];
        again.there = true;
    }
    return got;
}

KERNEL_PIPE_BUT(read_twice, .read = read_it_twice);

static ssize_t lose_write(struct end *end, const void *bytes, size_t count, int64_t timeout_ns)
{
    ssize_t r =
        kernel_write(end, bytes, count, timeout_ns == FERRY_FOREVER ? FERRY_NOW : timeout_ns);
    return r == -EAGAIN && timeout_ns == FERRY_FOREVER ? (ssize_t)count : r;
}

KERNEL_PIPE_BUT(lost_writes, .write = lose_write);

static void make_larger(struct ends *ret_ends, uint64_t capacity)
{
    make(ret_ends, capacity > 0 ? capacity : CAPACITY + PAGE);
}

KERNEL_PIPE_BUT(too_large, .make = make_larger);

/* ---- With names ---- */

static struct end holder;

static void create_held(const char *name)
{
    kernel_fifo.create(name);
    CHECK_EQ(kernel_fifo.open(&holder, name, FERRY_READ | FERRY_WRITE, 0), 0);
}

static void remove_held(const char *name)
{
    kernel_fifo.remove(name);
    close(holder.descriptor);
}

static int open_any(struct end *ret_end, const char *name, unsigned role, int64_t patience_ns)
{
    return kernel_fifo.open(ret_end, name, role, patience_ns);
}

static int open_at_once(struct end *ret_end, const char *name, unsigned role, int64_t patience_ns)
{
    (void)patience_ns;
    int r = kernel_fifo.open(ret_end, name, role, FERRY_NO_WAIT);
    return r == -ENXIO ? kernel_fifo.open(ret_end, name, FERRY_READ | FERRY_WRITE, 0) : r;
}

static void create_fifo(const char *name)
{
    kernel_fifo.create(name);
}

static void remove_fifo(const char *name)
{
    kernel_fifo.remove(name);
}

KERNEL_PIPE_BUT(never_alone, .oracle = &kernel_fifo, .create = create_held, .open = open_any,
                .remove = remove_held);
KERNEL_PIPE_BUT(impatient, .oracle = &kernel_fifo, .create = create_fifo, .open = open_at_once,
                .remove = remove_fifo);
