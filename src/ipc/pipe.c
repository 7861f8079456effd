/* Pipes: an object with a stream.  The contract is in <ferry/pipe.h>.
 *
 * All reading and writing is opening a piece of the ring, copying, and closing it; see
 * shared/stream.c for what happens then. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "base/error.h"
#include "ipc/pipe.h"

static deadline deadline_of(int64_t timeout_ns)
{
    return timeout_ns == FERRY_NOW ? STREAM_NOW : clock_deadline(timeout_ns);
}

static int explain_write(const ferry_pipe *pipe, int error)
{
    switch (error) {
    case -EPIPE:
        if (pipe->raises_sigpipe)
            raise(SIGPIPE); /* in this thread, as the kernel does */
        return fail_often(error, "nobody reads the pipe any more; write again when somebody does");
    case -EAGAIN:
        return fail_often(error, "the pipe has no room for it now; wait with a timeout");
    case -ETIMEDOUT:
        return fail_often(error, "the pipe had no room for it in time");
    case -EINTR:
        return fail_often(error, "a signal handler ran during the wait");
    default:
        return error; /* explained where it was found */
    }
}

static int explain_read(int error)
{
    switch (error) {
    case -EPIPE:
        return 0; /* the end of the stream */
    case -EAGAIN:
        return fail_often(error, "the pipe has no bytes now; wait with a timeout");
    case -ETIMEDOUT:
        return fail_often(error, "no bytes came through the pipe in time");
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
    if (pipe->taps)
        return fail(-EBADF, "this handle looks on and has no end of the pipe; open another one");
    if ((to_write ? pipe->object.region.write_end : pipe->object.region.read_end) < 0)
        return fail(-EBADF, to_write ? "this end of the pipe only reads; open it with FERRY_WRITE"
                                     : "this end of the pipe only writes; open it with FERRY_READ");
    return 0;
}

/* With FERRY_NOW, how often to look again because there should be something now.  A peer could go on
 * saying so. */
enum { SECOND_LOOKS = 4 };

static size_t header_of(const ferry_pipe *pipe)
{
    return pipe->keeps_records ? sizeof(uint32_t) : 0;
}

static int refuse_size(const ferry_pipe *pipe, size_t least)
{
    return fail(-EMSGSIZE,
                "the pipe has room for %llu bytes in all, not for %zu at once; enlarge it",
                (unsigned long long)stream_capacity(&pipe->stream), least);
}

/* A thread that has a part of this handle open would wait for itself. */
static int check_not_open(const _Atomic size_t *open, const pthread_t *by, const char *what)
{
    if (atomic_load_explicit(open, memory_order_acquire) == 0 ||
        !pthread_equal(*by, pthread_self()))
        return 0;
    return fail(-EDEADLK, "this thread has %s open; end that first", what);
}

/* Opens room, once there is enough. */
static int open_room(ferry_pipe *pipe, size_t least, size_t most, deadline end,
                     struct stream_piece *ret_room)
{
    struct stream *stream = &pipe->stream;
    int looks = 0, r = check_not_open(&pipe->reserved, &pipe->reserver, "room of the pipe");
    if (r < 0)
        return r;
    for (;;) {
        r = least <= stream_capacity(stream) ? stream_open_room(stream, least, most, end, ret_room)
                                             : refuse_size(pipe, least);
        if (r != -EAGAIN)
            return r;
        if (end != STREAM_NOW)
            r = stream_await_room(stream, least, end);
        else
            r = looks++ < SECOND_LOOKS ? stream_want_room(stream) : -EAGAIN;
        if (r < 0)
            return r;
    }
}

/* Opens bytes, once there are some.  -EPIPE: there will be none. */
static int open_bytes(ferry_pipe *pipe, deadline end, struct stream_piece *ret_bytes)
{
    struct stream *stream = &pipe->stream;
    int looks = 0, r = check_not_open(&pipe->peeked, &pipe->peeker, "bytes of the pipe");
    if (r < 0)
        return r;
    for (;;) {
        /* Who does not wait looks often, and mostly in vain. */
        bool in_vain = end == STREAM_NOW && !stream_has_bytes(stream);
        r = in_vain ? -EAGAIN : stream_open_bytes(stream, end, ret_bytes);
        if (r != -EAGAIN)
            return r;
        if (end != STREAM_NOW)
            r = stream_await_bytes(stream, end);
        else
            r = looks++ < SECOND_LOOKS ? stream_want_bytes(stream) : -EAGAIN;
        if (r < 0)
            return r;
    }
}

/* ---- Pieces ----------------------------------------------------------------------------------- */

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

/* ---- Records ----------------------------------------------------------------------------------
 *
 * A record lies in the ring as its size, in four bytes, and the bytes themselves, and both are committed
 * at once: so what a reader finds begins with a record and has nothing but whole ones. */

static size_t put_header(unsigned char *room, size_t count)
{
    uint32_t size = (uint32_t)count; /* the largest ring has 2^30 bytes */
    memcpy(room, &size, sizeof(size));
    return sizeof(size);
}

static ssize_t write_record(ferry_pipe *pipe, struct cursor cursor, size_t count, deadline end)
{
    if (count == 0)
        return fail(-EINVAL, "a record has at least one byte");
    size_t whole;
    if (__builtin_add_overflow(count, header_of(pipe), &whole))
        return refuse_size(pipe, count);
    struct stream_piece room;
    int r = open_room(pipe, whole, whole, end, &room);
    if (r < 0)
        return explain_write(pipe, r);
    copy(&cursor, room.data + put_header(room.data, count), count, true);
    stream_commit(&pipe->stream, whole);
    return (ssize_t)count;
}

static int refuse_record(ferry_pipe *pipe)
{
    stream_close_bytes(&pipe->stream);
    return fail(-EBADMSG, "a peer wrote nonsense in place of a record; remove the pipe and make it "
                          "anew");
}

/* ---- Writing ---------------------------------------------------------------------------------- */

/* Bytes go in and out in portions: while one side copies the next, the other copies the last one out
 * of a cache that still has it. */
enum { PORTION = 16384 };

static size_t portion(size_t count)
{
    return count < PORTION ? count : PORTION;
}

static ssize_t write_all(ferry_pipe *pipe, struct cursor cursor, size_t count, deadline end)
{
    size_t done = 0;
    while (done < count) {
        struct stream_piece room;
        int r = open_room(pipe, count <= FERRY_PIPE_ATOMIC ? count : 1, portion(count - done), end,
                          &room);
        if (r < 0) {
            r = explain_write(pipe, r); /* with the signal, also behind the first bytes */
            return done > 0 ? (ssize_t)done : r;
        }
        copy(&cursor, room.data, room.size_bytes, true);
        stream_commit(&pipe->stream, room.size_bytes);
        done += room.size_bytes;
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
    if (count < 0)
        return count;
    struct cursor cursor = {.pieces = pieces};
    deadline end = deadline_of(timeout_ns);
    return pipe->keeps_records ? write_record(pipe, cursor, (size_t)count, end)
                               : write_all(pipe, cursor, (size_t)count, end);
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
    struct stream_piece room;
    size_t header = header_of(pipe), whole;
    if (__builtin_add_overflow(least > 0 ? least : 1, header, &whole))
        return refuse_size(pipe, least);
    r = open_room(pipe, whole, SIZE_MAX, deadline_of(timeout_ns), &room);
    if (r < 0)
        return explain_write(pipe, r);
    pipe->room = room.data;
    pipe->reserver = pthread_self();
    atomic_store_explicit(&pipe->reserved, room.size_bytes - header, memory_order_release);
    *ret_room = room.data + header;
    return (ssize_t)(room.size_bytes - header);
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
    if (count > 0 && pipe->keeps_records)
        count += put_header(pipe->room, count);
    stream_commit(&pipe->stream, count);
    return 0;
}

/* ---- Reading ---------------------------------------------------------------------------------- */

/* The bytes of the first record there is. */
static int narrow_to_record(ferry_pipe *pipe, struct stream_piece *bytes)
{
    uint32_t size;
    if (bytes->size_bytes < sizeof(size))
        return refuse_record(pipe);
    memcpy(&size, bytes->data, sizeof(size));
    if (size == 0 || size > bytes->size_bytes - sizeof(size))
        return refuse_record(pipe);
    *bytes = (struct stream_piece){.data = bytes->data + sizeof(size), .size_bytes = size};
    return 0;
}

/* What the next read or peek is about: all bytes there are, or the first record. */
static int open_next(ferry_pipe *pipe, int64_t timeout_ns, struct stream_piece *ret_bytes)
{
    int r = open_bytes(pipe, deadline_of(timeout_ns), ret_bytes);
    return r < 0 || !pipe->keeps_records ? r : narrow_to_record(pipe, ret_bytes);
}

static int refuse_small_buffer(ferry_pipe *pipe, size_t record, size_t count)
{
    stream_close_bytes(&pipe->stream);
    return fail(-EMSGSIZE, "the next record has %zu bytes, and %zu are too few for it", record,
                count);
}

static ssize_t read_record(ferry_pipe *pipe, struct cursor cursor, size_t count, int64_t timeout_ns)
{
    struct stream_piece record;
    int r = open_next(pipe, timeout_ns, &record);
    if (r < 0)
        return explain_read(r);
    if (record.size_bytes > count)
        return refuse_small_buffer(pipe, record.size_bytes, count);
    copy(&cursor, record.data, record.size_bytes, false);
    stream_take(&pipe->stream, record.size_bytes + header_of(pipe));
    stream_close_bytes(&pipe->stream);
    return (ssize_t)record.size_bytes;
}

/* Copies out of what is open, in portions. */
static size_t read_open(ferry_pipe *pipe, struct cursor *cursor, size_t count,
                        const struct stream_piece *bytes)
{
    size_t most = bytes->size_bytes < count ? bytes->size_bytes : count;
    for (size_t done = 0; done < most;) {
        size_t part = portion(most - done);
        copy(cursor, bytes->data + done, part, false);
        stream_take(&pipe->stream, part);
        done += part;
    }
    return most;
}

/* The first bytes are waited for; others are there or not.  No other reader gets between. */
static ssize_t read_all(ferry_pipe *pipe, struct cursor cursor, size_t count, int64_t timeout_ns)
{
    struct stream_piece bytes;
    int r = open_bytes(pipe, deadline_of(timeout_ns), &bytes);
    if (r < 0)
        return explain_read(r);
    size_t done = read_open(pipe, &cursor, count, &bytes);
    while (done < count && stream_open_more_bytes(&pipe->stream, &bytes) == 0)
        done += read_open(pipe, &cursor, count - done, &bytes);
    stream_close_bytes(&pipe->stream);
    return (ssize_t)done;
}

ssize_t ferry_pipe_readv(ferry_pipe *pipe, const struct iovec *pieces, int piece_count,
                         int64_t timeout_ns)
{
    int r = check_usable(pipe, false);
    if (r < 0)
        return r;
    ssize_t count = count_bytes(pieces, piece_count);
    if (count < 0)
        return count;
    struct cursor cursor = {.pieces = pieces};
    if (pipe->keeps_records)
        return read_record(pipe, cursor, (size_t)count, timeout_ns);
    return count == 0 ? 0 : read_all(pipe, cursor, (size_t)count, timeout_ns);
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
    r = open_next(pipe, timeout_ns, &bytes);
    if (r < 0)
        return explain_read(r);
    pipe->peeker = pthread_self();
    atomic_store_explicit(&pipe->peeked, bytes.size_bytes, memory_order_release);
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
    if (pipe->keeps_records && count != 0 && count != pipe->peeked)
        return fail(-EINVAL, "a record is consumed whole (%zu bytes), or not at all (0)",
                    pipe->peeked);
    pipe->peeked = 0;
    if (count > 0)
        stream_take(&pipe->stream, count + header_of(pipe));
    stream_close_bytes(&pipe->stream);
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

int ferry_pipe_set_capacity(ferry_pipe *pipe, uint64_t capacity)
{
    int r = object_usable(&pipe->object);
    if (r < 0)
        return r;
    if (pipe->taps)
        return fail(-EBADF, "this handle looks on and has no end of the pipe; open another one");
    if (pipe->reserved > 0 || pipe->peeked > 0)
        return fail(-EBUSY, "this handle has room or bytes open; commit or consume them first");
    if (capacity == 0 || capacity > UINT64_C(1) << STREAM_MOST_EXPONENT)
        return fail(-EINVAL,
                    "a pipe holds at least a page and at most %llu bytes; %llu cannot be had",
                    1ULL << STREAM_MOST_EXPONENT, (unsigned long long)capacity);
    return stream_resize(&pipe->stream, stream_exponent(capacity));
}

int ferry_pipe_depth(ferry_pipe *pipe, uint64_t *ret_depth)
{
    int r = object_usable(&pipe->object);
    if (r == 0)
        *ret_depth = stream_depth(&pipe->stream);
    return r;
}

int ferry_pipe_keeps_records(const ferry_pipe *pipe)
{
    return pipe->keeps_records;
}

int ferry_pipe_descriptor(ferry_pipe *pipe)
{
    int r = object_usable(&pipe->object);
    if (r < 0)
        return r;
    const struct region *region = &pipe->object.region;
    bool writes = region->read_end < 0;
    int end = writes ? region->write_end : region->read_end;
    if (end < 0)
        return fail(-EBADF, "this handle has no end of the pipe");
    stream_listen(&pipe->stream, writes);
    return end;
}
