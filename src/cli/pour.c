/* See pour.h.
 *
 * Fast, in both directions: the kernel copies between the standard stream and the ring, and nobody
 * else copies anything.  It is asked to do that without waiting (RWF_NOWAIT), because other writers
 * wait for who has room reserved, and other readers for who has bytes open.
 *
 * In, otherwise: what is not there at once is read into a buffer, for however long that takes, and
 * then written.  So each line of a slow input is on its way at once.  Reads of up to 4,096 bytes
 * are never split, as cat's are not: for less room than that, the buffer serves, too.
 *
 * Out, otherwise: first the output is waited for, then bytes are opened, and as many are written as
 * what can be written to takes without waiting.
 *
 * A pipe that keeps records gets a line as a record.  A record is consumed whole or not at all, so while
 * one is being written out, other readers do wait for the output.
 *
 * Bytes are consumed once they have been written: if the output breaks, the rest is still in the pipe. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/pour.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

/* As much as one turn moves: the capacity of a pipe, and of the kernel's. */
enum { PIECE = 65536 };

static char buffer[PIECE];

/* ---- Waiting, with an eye on the meter --------------------------------------------------------- */

/* What is left of a wait for the pipe. */
struct patience {
    int64_t left_ns, slice_ns;
};

static int64_t next_slice(const struct pour *pour, struct patience *patience)
{
    patience->slice_ns = meter_slice(&pour->meter, patience->left_ns);
    return patience->slice_ns;
}

/* A slice ended with this error: is it only the slice that is over? */
static bool goes_on(struct pour *pour, struct patience *patience, ssize_t error)
{
    if (error != -ETIMEDOUT || patience->slice_ns == patience->left_ns)
        return false;
    if (patience->left_ns != FERRY_FOREVER)
        patience->left_ns -= patience->slice_ns;
    meter_add(&pour->meter, 0);
    return true;
}

/* Waits until a standard stream can be read or written, or is broken. */
static void await_stream(struct pour *pour, int descriptor, short events)
{
    struct pollfd wanted = {.fd = descriptor, .events = events};
    int64_t slice_ns = meter_slice(&pour->meter, FERRY_FOREVER);
    int slice_ms = slice_ns == FERRY_FOREVER ? -1 : (int)(slice_ns / 1000000);
    int r;
    while ((r = poll(&wanted, 1, slice_ms)) == 0 || (r < 0 && errno == EINTR))
        meter_add(&pour->meter, 0);
}

/* ---- What can be done at once ------------------------------------------------------------------ */

/* preadv2() and pwritev2() at the stream's own position; not every C library has them. */
static ssize_t move_now(struct pour *pour, long number, int descriptor, void *bytes, size_t count)
{
    struct iovec piece = {.iov_base = bytes, .iov_len = count};
    ssize_t n;
    do
        n = syscall(number, descriptor, &piece, 1, -1L, -1L, RWF_NOWAIT);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    if (errno != EAGAIN && errno != EPIPE)
        pour->no_promise = true; /* if it is another trouble, a bare read or write will say so */
    return -errno;
}

/* ---- In ---------------------------------------------------------------------------------------- */

static int write_all(struct pour *pour, const char *bytes, size_t count)
{
    struct patience patience = {.left_ns = pour->timeout_ns};
    while (count > 0) {
        ssize_t n = ferry_pipe_write(pour->pipe, bytes, count, next_slice(pour, &patience));
        if (n < 0 && !goes_on(pour, &patience, n))
            return (int)n;
        if (n < 0)
            continue;
        bytes += n;
        count -= (size_t)n;
        patience.left_ns = pour->timeout_ns;
        meter_add(&pour->meter, (uint64_t)n);
    }
    return 0;
}

static bool is_input_there(void)
{
    int count;
    return ioctl(STDIN_FILENO, FIONREAD, &count) == 0 && count > 0;
}

/* Reserves what room there is.  Waits for it only if there is something to be put there: who has
 * come to the end of its input needs no room, and no reader either. */
static ssize_t reserve(struct pour *pour, void **ret_room)
{
    ssize_t r = ferry_pipe_reserve(pour->pipe, ret_room, 1, FERRY_NOW);
    if (r >= 0 || pour->timeout_ns == FERRY_NOW || !is_input_there())
        return r;
    struct patience patience = {.left_ns = pour->timeout_ns};
    do
        r = ferry_pipe_reserve(pour->pipe, ret_room, 1, next_slice(pour, &patience));
    while (goes_on(pour, &patience, r));
    return r;
}

/* Input that is there already, straight into the ring: how much, 0 for its end; -EAGAIN: this way
 * it cannot be done now. */
static ssize_t pass_now(struct pour *pour)
{
    void *room;
    ssize_t size = reserve(pour, &room), n = -EAGAIN;
    if (size < 0)
        return is_input_there() ? size : -EAGAIN;
    if (size >= FERRY_PIPE_ATOMIC)
        n = move_now(pour, SYS_preadv2, STDIN_FILENO, room, size < PIECE ? (size_t)size : PIECE);
    int r = ferry_pipe_commit(pour->pipe, n > 0 ? (size_t)n : 0);
    return r < 0 ? r : n < 0 ? -EAGAIN : n;
}

/* Input that was read and not passed on yet. */
struct kept {
    char *bytes;
    size_t count, size;
};

/* More of it, as soon as there is some: how much, 0 for its end. */
static ssize_t read_input(struct pour *pour, const struct kept *kept)
{
    for (;;) {
        if (pour->meter.is_live)
            await_stream(pour, STDIN_FILENO, POLLIN);
        ssize_t n = read(STDIN_FILENO, kept->bytes + kept->count, kept->size - kept->count);
        if (n >= 0)
            return n;
        if (errno == EAGAIN)
            await_stream(pour, STDIN_FILENO, POLLIN);
        else if (errno != EINTR)
            return -errno;
    }
}

/* Each line is a record, and what stands behind the last line end is one.  What fills all that can be kept is
 * too long for any. */
static int write_lines(struct pour *pour, struct kept *kept, bool is_end)
{
    size_t done = 0;
    int r = 0;
    while (r == 0 && done < kept->count) {
        const char *end = memchr(kept->bytes + done, '\n', kept->count - done);
        bool is_full = done == 0 && kept->count == kept->size;
        if (end == NULL && !is_end && !is_full)
            break;
        size_t length = end ? (size_t)(end + 1 - kept->bytes) - done : kept->count - done;
        r = write_all(pour, kept->bytes + done, length);
        done += length;
    }
    kept->count -= done;
    memmove(kept->bytes, kept->bytes + done, kept->count);
    return r;
}

static int pour_lines(struct pour *pour, struct kept *kept, int *ret_error)
{
    ssize_t n;
    do {
        n = read_input(pour, kept);
        if (n < 0) {
            *ret_error = (int)n;
            return POUR_STREAM;
        }
        kept->count += (size_t)n;
        *ret_error = write_lines(pour, kept, n == 0);
    } while (n > 0 && *ret_error == 0);
    return *ret_error < 0 ? POUR_PIPE : 0;
}

static int pour_in_records(struct pour *pour, int *ret_error)
{
    uint64_t capacity;
    *ret_error = ferry_pipe_capacity(pour->pipe, &capacity);
    if (*ret_error < 0)
        return POUR_PIPE;
    struct kept kept = {.size = (size_t)capacity};
    kept.bytes = expect_memory(malloc(kept.size));
    int trouble = pour_lines(pour, &kept, ret_error);
    free(kept.bytes);
    return trouble;
}

int pour_text(struct pour *pour, const char *bytes, size_t count, int *ret_error)
{
    *ret_error = write_all(pour, bytes, count);
    return *ret_error < 0 ? POUR_PIPE : 0;
}

int pour_in(struct pour *pour, int *ret_error)
{
    if (ferry_pipe_keeps_records(pour->pipe))
        return pour_in_records(pour, ret_error);
    for (;;) {
        ssize_t n = pour->no_promise ? -EAGAIN : pass_now(pour);
        if (n == 0)
            return 0;
        if (n > 0) {
            meter_add(&pour->meter, (uint64_t)n);
            continue;
        }
        if (n != -EAGAIN) {
            *ret_error = (int)n;
            return POUR_PIPE;
        }
        n = read_input(pour, &(struct kept){.bytes = buffer, .size = sizeof(buffer)});
        if (n <= 0) {
            *ret_error = (int)n;
            return n < 0 ? POUR_STREAM : 0;
        }
        *ret_error = write_all(pour, buffer, (size_t)n);
        if (*ret_error < 0)
            return POUR_PIPE;
    }
}

/* ---- Out --------------------------------------------------------------------------------------- */

/* A bare write takes what keeps nobody waiting: a file everything, all else, once poll() has said that it
 * may, what a pipe must take then. */
static ssize_t write_output(struct pour *pour, const void *bytes, size_t count)
{
    void *raw = (void *)(uintptr_t)bytes;
    if (!pour->no_promise) {
        size_t piece = count < PIECE ? count : PIECE;
        ssize_t n = move_now(pour, SYS_pwritev2, STDOUT_FILENO, raw, piece);
        return n < 0 && pour->no_promise ? -EAGAIN : n;
    }
    size_t piece = pour->is_file ? PIECE : FERRY_PIPE_ATOMIC;
    ssize_t n = write(STDOUT_FILENO, bytes, count < piece ? count : piece);
    return n < 0 ? (errno == EINTR ? -EAGAIN : -errno) : n;
}

/* Waits for bytes: how many there are, 0 for the end of the stream. */
static ssize_t peek(struct pour *pour, const void **ret_bytes)
{
    struct patience patience = {.left_ns = pour->timeout_ns};
    ssize_t n;
    do
        n = ferry_pipe_peek(pour->pipe, ret_bytes, next_slice(pour, &patience));
    while (goes_on(pour, &patience, n));
    return n;
}

/* Writes of what is open: how much; 0 if no more is wanted.  Of a record all or nothing. */
static ssize_t put_out(struct pour *pour, const char *bytes, size_t size, uint64_t count)
{
    if (!ferry_pipe_keeps_records(pour->pipe))
        return write_output(pour, bytes, size < count ? size : (size_t)count);
    if (size > count)
        return 0;
    size_t done = 0;
    while (done < size) {
        ssize_t n = write_output(pour, bytes + done, size - done);
        if (n == -EAGAIN)
            await_stream(pour, STDOUT_FILENO, POLLOUT);
        else if (n < 0)
            return n;
        else
            done += (size_t)n;
    }
    return (ssize_t)done;
}

int pour_out(struct pour *pour, uint64_t count, int *ret_error)
{
    struct stat output;
    pour->is_file = fstat(STDOUT_FILENO, &output) == 0 && S_ISREG(output.st_mode);
    pour->no_promise = pour->is_file;
    while (count > 0) {
        const void *bytes;
        if (pour->no_promise && !pour->is_file)
            await_stream(pour, STDOUT_FILENO, POLLOUT);
        ssize_t size = peek(pour, &bytes);
        if (size <= 0) {
            *ret_error = (int)size;
            return size < 0 ? POUR_PIPE : 0;
        }
        ssize_t n = put_out(pour, bytes, (size_t)size, count);
        int r = ferry_pipe_consume(pour->pipe, n > 0 ? (size_t)n : 0);
        if (r < 0 || (n < 0 && n != -EAGAIN)) {
            *ret_error = r < 0 ? r : (int)n;
            return r < 0 ? POUR_PIPE : POUR_STREAM;
        }
        if (n == 0) {
            *ret_error = (int)size;
            return pour->meter.done_bytes == 0 ? POUR_COUNT : 0;
        }
        if (n == -EAGAIN) {
            await_stream(pour, STDOUT_FILENO, POLLOUT);
            continue;
        }
        count -= (uint64_t)n;
        meter_add(&pour->meter, (uint64_t)n);
    }
    return 0;
}
