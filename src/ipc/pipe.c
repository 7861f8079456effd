/* Pipes: an object with a stream.  The contract is in <ferry/pipe.h>.
 *
 * All reading and writing is opening a piece of the ring, copying, and closing it; see
 * shared/stream.c for what happens then. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/pipe.h"
#include "os/file.h"
#include "os/tokens.h"

static deadline deadline_of(int64_t timeout_ns)
{
    return timeout_ns == FERRY_NOW ? STREAM_NOW : clock_deadline(timeout_ns);
}

/* ---- Pieces ----------------------------------------------------------------------------------- */

/* Room or bytes were wanted, and could not be had. */
static int explain(int error, bool to_write)
{
    switch (error) {
    case -EPIPE:
        return fail_often(error, "nobody reads the pipe any more; open it again for a new reader");
    case -EAGAIN:
        return fail_often(error, to_write ? "the pipe has no room for it now; wait with a timeout"
                                          : "the pipe has no bytes now; wait with a timeout");
    case -ETIMEDOUT:
        return fail_often(error, to_write ? "the pipe had no room for it in time"
                                          : "no bytes came through the pipe in time");
    case -EINTR:
        return fail_often(error, "a signal handler ran during the wait");
    default:
        return error; /* explained where it was found */
    }
}

static int check_usable(ferry_pipe *pipe, bool to_write)
{
    int r = object_usable(&pipe->object);
    if (r < 0)
        return r;
    if ((to_write ? pipe->object.region.write_end : pipe->object.region.read_end) < 0)
        return fail(-EBADF, to_write ? "this end of the pipe only reads; open it with FERRY_WRITE"
                                     : "this end of the pipe only writes; open it with FERRY_READ");
    return 0;
}

/* Opens room, once there is enough. */
static int open_room(ferry_pipe *pipe, size_t least, deadline end, struct stream_piece *ret_room)
{
    int r;
    while ((r = stream_open_room(&pipe->stream, least, end, ret_room)) == -EAGAIN) {
        if (end == STREAM_NOW) {
            stream_want_room(&pipe->stream);
            return r;
        }
        r = stream_await_room(&pipe->stream, least, end, pipe->object.interruptible);
        if (r < 0)
            return r;
    }
    return r;
}

/* Opens bytes, once there are some.  -EPIPE: there will be none. */
static int open_bytes(ferry_pipe *pipe, deadline end, struct stream_piece *ret_bytes)
{
    int r;
    while ((r = stream_open_bytes(&pipe->stream, end, ret_bytes)) == -EAGAIN) {
        r = end == STREAM_NOW ? stream_want_bytes(&pipe->stream)
                              : stream_await_bytes(&pipe->stream, end, pipe->object.interruptible);
        if (r < 0)
            return r;
    }
    return r;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

/* A place in a list of pieces of memory. */
struct cursor {
    const struct iovec *pieces;
    size_t done; /* of the first piece */
};

/* Copies `count` bytes between the ring and the pieces, and moves on. */
static void copy(struct cursor *cursor, unsigned char *ring, size_t count, bool to_ring)
{
    while (count > 0) {
        const struct iovec *piece = cursor->pieces;
        size_t rest = piece->iov_len - cursor->done, part = rest < count ? rest : count;
        unsigned char *bytes = (unsigned char *)piece->iov_base + cursor->done;
        if (part > 0 && to_ring)
            memcpy(ring, bytes, part);
        else if (part > 0)
            memcpy(bytes, ring, part);
        ring += part;
        count -= part;
        cursor->done += part;
        if (cursor->done == piece->iov_len)
            *cursor = (struct cursor){.pieces = piece + 1};
    }
}

/* How many bytes the pieces have together; -EINVAL if that is no number. */
static ssize_t count_bytes(const struct iovec *pieces, int piece_count)
{
    size_t count = 0;
    if (piece_count < 0)
        return fail(-EINVAL, "%d pieces are none", piece_count);
    for (int i = 0; i < piece_count; i++)
        if (__builtin_add_overflow(count, pieces[i].iov_len, &count) || count > SSIZE_MAX)
            return fail(-EINVAL, "the pieces have more bytes than can be counted");
    return (ssize_t)count;
}

static ssize_t write_all(ferry_pipe *pipe, struct cursor cursor, size_t count, int64_t timeout_ns)
{
    deadline end = deadline_of(timeout_ns);
    size_t done = 0;
    while (done < count) {
        struct stream_piece room;
        int r = open_room(pipe, count <= FERRY_PIPE_ATOMIC ? count : 1, end, &room);
        if (r < 0)
            return done > 0 ? (ssize_t)done : explain(r, true);
        size_t part = room.size_bytes < count - done ? room.size_bytes : count - done;
        copy(&cursor, room.data, part, true);
        stream_commit(&pipe->stream, part);
        done += part;
    }
    return (ssize_t)done;
}

ssize_t ferry_pipe_writev(ferry_pipe *pipe, const struct iovec *pieces, int piece_count,
                          int64_t timeout_ns)
{
    int r = check_usable(pipe, true);
    if (r < 0)
        return r;
    ssize_t count = count_bytes(pieces, piece_count);
    if (count <= 0)
        return count;
    return write_all(pipe, (struct cursor){.pieces = pieces}, (size_t)count, timeout_ns);
}

ssize_t ferry_pipe_write(ferry_pipe *pipe, const void *bytes, size_t count, int64_t timeout_ns)
{
    const struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
    return ferry_pipe_writev(pipe, &piece, 1, timeout_ns);
}

ssize_t ferry_pipe_reserve(ferry_pipe *pipe, void **ret_room, size_t least, int64_t timeout_ns)
{
    int r = check_usable(pipe, true);
    if (r < 0)
        return r;
    if (pipe->reserved > 0)
        return fail(-EINVAL, "this handle has reserved room already; commit that first");
    if (least > stream_capacity(&pipe->stream))
        return fail(-EMSGSIZE, "the pipe has %llu bytes in all and %zu were to be reserved",
                    (unsigned long long)stream_capacity(&pipe->stream), least);
    struct stream_piece room;
    r = open_room(pipe, least > 0 ? least : 1, deadline_of(timeout_ns), &room);
    if (r < 0)
        return explain(r, true);
    pipe->reserved = room.size_bytes;
    *ret_room = room.data;
    return (ssize_t)room.size_bytes;
}

int ferry_pipe_commit(ferry_pipe *pipe, size_t count)
{
    int r = check_usable(pipe, true);
    if (r < 0)
        return r;
    if (pipe->reserved == 0 || count > pipe->reserved)
        return fail(-EINVAL, "%zu bytes of room are reserved, and %zu cannot be committed",
                    pipe->reserved, count);
    pipe->reserved = 0;
    stream_commit(&pipe->stream, count);
    return 0;
}

/* ---- Reading ---------------------------------------------------------------------------------- */

ssize_t ferry_pipe_readv(ferry_pipe *pipe, const struct iovec *pieces, int piece_count,
                         int64_t timeout_ns)
{
    int r = check_usable(pipe, false);
    if (r < 0)
        return r;
    ssize_t count = count_bytes(pieces, piece_count);
    if (count <= 0)
        return count;
    struct stream_piece bytes;
    r = open_bytes(pipe, deadline_of(timeout_ns), &bytes);
    if (r < 0)
        return r == -EPIPE ? 0 : explain(r, false);
    size_t part = bytes.size_bytes < (size_t)count ? bytes.size_bytes : (size_t)count;
    struct cursor cursor = {.pieces = pieces};
    copy(&cursor, bytes.data, part, false);
    stream_consume(&pipe->stream, part);
    return (ssize_t)part;
}

ssize_t ferry_pipe_read(ferry_pipe *pipe, void *ret_bytes, size_t count, int64_t timeout_ns)
{
    const struct iovec piece = {.iov_base = ret_bytes, .iov_len = count};
    return ferry_pipe_readv(pipe, &piece, 1, timeout_ns);
}

ssize_t ferry_pipe_peek(ferry_pipe *pipe, const void **ret_bytes, int64_t timeout_ns)
{
    int r = check_usable(pipe, false);
    if (r < 0)
        return r;
    if (pipe->peeked > 0)
        return fail(-EINVAL, "this handle has bytes open already; consume these first");
    struct stream_piece bytes;
    r = open_bytes(pipe, deadline_of(timeout_ns), &bytes);
    if (r < 0)
        return r == -EPIPE ? 0 : explain(r, false);
    pipe->peeked = bytes.size_bytes;
    *ret_bytes = bytes.data;
    return (ssize_t)bytes.size_bytes;
}

int ferry_pipe_consume(ferry_pipe *pipe, size_t count)
{
    int r = check_usable(pipe, false);
    if (r < 0)
        return r;
    if (pipe->peeked == 0 || count > pipe->peeked)
        return fail(-EINVAL, "%zu bytes are open, and %zu cannot be consumed", pipe->peeked, count);
    pipe->peeked = 0;
    stream_consume(&pipe->stream, count);
    return 0;
}

/* ---- Asking ----------------------------------------------------------------------------------- */

int ferry_pipe_capacity(ferry_pipe *pipe, uint64_t *ret_capacity)
{
    int r = object_usable(&pipe->object);
    if (r == 0)
        *ret_capacity = stream_capacity(&pipe->stream);
    return r;
}

int ferry_pipe_depth(ferry_pipe *pipe, uint64_t *ret_depth)
{
    int r = object_usable(&pipe->object);
    if (r == 0)
        *ret_depth = stream_depth(&pipe->stream);
    return r;
}
