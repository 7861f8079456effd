/* Pipes: a stream of bytes in one direction, with many writers and readers, as the kernel's pipes and
 * FIFOs are, whose bytes never enter the kernel while both sides are awake.
 *
 *     ferry_pipe *ends[2];
 *     int r = ferry_pipe_pair(ends, NULL);                          // like pipe(2), for fork
 *
 *     ferry_pipe *log;
 *     r = ferry_pipe_open(&log, "log", FERRY_PIPE(.flags = FERRY_CREATE | FERRY_WRITE));
 *
 * The kernel counts the ends: when the last writer is gone, closed, exited or killed, readers get the
 * rest and then 0; when the last reader is gone, writing is -EPIPE.  Children of fork hold the
 * ends they inherited.
 *
 * A name stays until it is removed; the bytes only while somebody has the pipe open.
 *
 * Threads: a handle may be used from several threads at once; open and close belong to one, and so
 *   do a reservation and its commit, bytes that are open and their consumption.
 * fork, exec, bare clone(): as with segments, see <ferry/segment.h>.
 * Death: a writer that is killed has written all of a write of up to 4,096 bytes, or nothing; of a
 *   longer one, a beginning.
 * Records: a pipe made with FERRY_RECORDS keeps the boundaries of writes.  Each write is a record, whole
 *   or not at all, of at most the capacity less four bytes (-EMSGSIZE); none is empty (-EINVAL).  Each read takes
 *   one; if the buffer is too small, that is -EMSGSIZE and the record stays.
 * Permissions: to write needs permission to write, and to read or tap, to read.  But the bytes are mapped
 *   for whoever may do either: a pipe that others may only write to does not hide them.
 * Descriptors: an end costs two, without a name three; a handle with both ends one more.
 *
 * Any call may return -EBADMSG: another member wrote nonsense into the object's control memory, and
 * -EBADF: the handle has not the role for it. */
#ifndef FERRY_PIPE_H
#define FERRY_PIPE_H

#include <sys/types.h>
#include <sys/uio.h>

#include <ferry/base.h>

FERRY_BEGIN

/* Writes of up to so many bytes are never mixed with others'. */
#define FERRY_PIPE_ATOMIC 4096

typedef struct ferry_pipe ferry_pipe;

/* All-zero means the defaults.  FERRY_PIPE() fills in options_bytes; in C++, which has no such
 * literals, do it by hand. */
struct ferry_pipe_options {
    size_t options_bytes; /* sizeof(struct ferry_pipe_options) */
    uint64_t capacity;    /* at creation, 4,096 to 2^30, rounded up to a power of two; 0: 65,536 */
    unsigned flags;       /* FERRY_CREATE …, FERRY_READ, FERRY_WRITE */
    unsigned mode;        /* at creation, less the umask; 0 means 0600 */
    int64_t patience_ns;  /* how long to wait for the other side; 0, unlike a timeout's: until it
                            comes; FERRY_NO_WAIT */
    const uid_t *trusted_owners; /* whose objects to accept besides one's own and root's */
    size_t trusted_owner_count;
};

#define FERRY_NO_WAIT INT64_C(-2) /* for patience_ns: not at all */

/* Flags for pipes alone. */
#define FERRY_SIGPIPE                                                                              \
    0x100u /* -EPIPE comes with SIGPIPE to the calling thread, as the kernel's does */
#define FERRY_RECORDS 0x200u /* at creation: what is written at once is read at once */

#define FERRY_PIPE(...)                                                                            \
    (&(struct ferry_pipe_options){.options_bytes = sizeof(struct ferry_pipe_options), __VA_ARGS__})

/* Opens, or with FERRY_CREATE makes, the pipe called name.  With FERRY_READ alone, waits for a writer,
 * and with FERRY_WRITE alone for a reader; both, or neither, never wait.  With FERRY_NO_WAIT a reader
 * succeeds at once, and a writer without a reader is -ENXIO.  With FERRY_CREATE, one that is there is taken as
 * it is, whatever its capacity, mode and lifetime; but for FERRY_RECORDS, a stream is -EMEDIUMTYPE.
 * -ETIMEDOUT, -EINTR (only with FERRY_EINTR), and otherwise as ferry_segment_open(). */
FERRY_API int ferry_pipe_open(ferry_pipe **ret_pipe, const char *name,
                              const struct ferry_pipe_options *options);

/* Makes a pipe without a name: [0] reads, [1] writes.  options may be NULL; of the flags only
 * FERRY_EINTR, FERRY_SIGPIPE and FERRY_RECORDS are allowed. */
FERRY_API int ferry_pipe_pair(ferry_pipe *ret_ends[2], const struct ferry_pipe_options *options);

/* To talk both ways: two pipes.  What one side writes to its `out`, the other reads from its `in`.  A
 * child of fork closes both of its parent's, and the parent the child's. */
struct ferry_pipe_duplex {
    ferry_pipe *in, *out;
};
FERRY_API int ferry_pipe_duplex(struct ferry_pipe_duplex ret_sides[2],
                                const struct ferry_pipe_options *options);

/* Lets go of what the handle has, and frees it.  NULL is allowed.  Returns NULL. */
FERRY_API ferry_pipe *ferry_pipe_close(ferry_pipe *pipe);

/* Closes one end, FERRY_READ or FERRY_WRITE, of a handle that has both.  -EBADF: it has not; -EINVAL: role
 * is neither; -EBUSY: it has room or bytes of that end open. */
FERRY_API int ferry_pipe_close_end(ferry_pipe *pipe, unsigned role);

/* Writes all bytes; fewer only if something happened behind the first: then it says how many.
 * Up to FERRY_PIPE_ATOMIC bytes are written all at once or not at all; of more, with FERRY_NOW, as many as
 * there is room for.
 *
 * -EAGAIN (FERRY_NOW) -ETIMEDOUT   no room, or not enough for all at once
 * -EPIPE        nobody reads any more.  No signal comes of it without FERRY_SIGPIPE.  A named pipe can be
 *               written again as soon as there is a new reader
 * -EDEADLK      this thread has a reservation open through this handle
 * -EINTR        only with FERRY_EINTR */
FERRY_API ssize_t ferry_pipe_write(ferry_pipe *pipe, const void *bytes, size_t count,
                                   int64_t timeout_ns);
FERRY_API ssize_t ferry_pipe_writev(ferry_pipe *pipe, const struct iovec *pieces, int piece_count,
                                    int64_t timeout_ns);

/* Reads what is there, at most `count` bytes; waits only if there is nothing.  0: the end of the
 * stream, all writers are gone, or, where the opening did not wait for one, none has come yet, as of
 * a FIFO that was opened with O_NONBLOCK.
 *
 * -EAGAIN (FERRY_NOW), -ETIMEDOUT, -EINTR (only with FERRY_EINTR); -EDEADLK: this thread has bytes open through
 * this handle. */
FERRY_API ssize_t ferry_pipe_read(ferry_pipe *pipe, void *ret_bytes, size_t count,
                                  int64_t timeout_ns);
FERRY_API ssize_t ferry_pipe_readv(ferry_pipe *pipe, const struct iovec *pieces, int piece_count,
                                   int64_t timeout_ns);

/* Writing without a copy: waits for room for `least` bytes (0 means 1; at most the capacity) and says where it
 * is and how much.  What is put there is nobody's until ferry_pipe_commit() says how much of it counts, 0
 * for nothing.  Until then other writers wait.  -EINVAL: this handle has reserved room already; -EMSGSIZE; other
 * codes as ferry_pipe_write(). */
FERRY_API ssize_t ferry_pipe_reserve(ferry_pipe *pipe, void **ret_room, size_t least,
                                     int64_t timeout_ns);
FERRY_API int ferry_pipe_commit(ferry_pipe *pipe, size_t count); /* -EINVAL: more than reserved */

/* Reading without a copy: waits for bytes and says where they are and how many; 0 at the end of the stream.
 * ferry_pipe_consume() says how many of them have been read; until then other readers wait, and after it the bytes
 * are gone.  0 takes none.  -EINVAL: this handle has bytes open already. */
FERRY_API ssize_t ferry_pipe_peek(ferry_pipe *pipe, const void **ret_bytes, int64_t timeout_ns);
FERRY_API int ferry_pipe_consume(ferry_pipe *pipe,
                                 size_t count); /* -EINVAL: more than there were */

/* Through a handle that was opened with FERRY_TAP: what goes through the pipe, from where its readers
 * were at the opening, at most `count` bytes of it.  Nothing is taken, nobody waits for who looks on, and nobody
 * counts it as a reader.  To open such a handle needs permission to read.  Whoever is too slow misses something:
 * *ret_missed says how many bytes since the opening, also where 0 is returned.  It goes on with the oldest bytes
 * that are there.  Of a pipe with records, their sizes (four bytes) are seen, too; and after a gap, it goes on with
 * the record that readers take next.
 *
 * 0: there were writers, and all are gone; said once.  A writer that is killed tells nobody: where that matters,
 * wait with a timeout and look again.  -EAGAIN (FERRY_NOW), -ETIMEDOUT, -EINTR (only with FERRY_EINTR). */
FERRY_API ssize_t ferry_pipe_tap(ferry_pipe *pipe, void *ret_bytes, size_t count,
                                 uint64_t *ret_missed, int64_t timeout_ns);

/* How many bytes fit. */
FERRY_API int ferry_pipe_capacity(ferry_pipe *pipe, uint64_t *ret_capacity);

/* Changes that, to at least `capacity`, with all bytes that are in it, while others write and read.
 * A pipe can become as large as 16 MiB, or as it was made.  -EBUSY: more bytes are in it, or somebody
 * has reserved room or peeked and takes his time; -EINVAL: 0, or more than that; -ENOSPC; -EACCES: the caller
 * may not write the object, whatever the handle's role. */
FERRY_API int ferry_pipe_set_capacity(ferry_pipe *pipe, uint64_t capacity);

/* How many bytes are in it now. */
FERRY_API int ferry_pipe_depth(ferry_pipe *pipe, uint64_t *ret_depth);

/* 1 if it was made with FERRY_RECORDS, else 0. */
FERRY_API int ferry_pipe_keeps_records(const ferry_pipe *pipe);

/* The end itself, for the caller's own poll or epoll loop: readable while there are bytes, writable
 * while 4,096 are free (of the smallest pipe, all), POLLHUP when nobody writes any more, but not before the
 * first writer, POLLERR when nobody reads, as the kernel's pipe has it.  Only for polling: it stays the handle's.
 * Of a handle with both ends, the one that reads; to poll both, open two.  A record or reservation of more than 4,096
 * bytes can be -EAGAIN although it is writable: wait for that with a timeout.
 * From the first call on, writers that would have made no system call make one now and then. */
FERRY_API int ferry_pipe_descriptor(ferry_pipe *pipe);

/* Hands ends of the pipe to another process: returns a descriptor that stands for them, to be passed over a
 * unix socket or kept open across exec, and redeemed once with ferry_pipe_take().  Works with and
 * without a name; the receiver needs no permission of its own.  role: FERRY_READ, FERRY_WRITE, both, or 0 for
 * all that this handle has; -EBADF for what it has not.  Other codes as ferry_segment_hand_over().
 *
 * The ends in the descriptor count, as a pipe's do that are on their way through a socket: readers do not
 * see the end of the stream, writers no broken pipe, and the bytes are kept even if no process holds
 * the pipe.  Closing it unredeemed takes the offer back.  It is close-on-exec; clear that to let it
 * pass exec. */
FERRY_API int ferry_pipe_hand_over(ferry_pipe *pipe, unsigned role, int *ret_descriptor);

/* Redeems what ferry_pipe_hand_over() made.  On success the descriptor is closed.  -EMEDIUMTYPE: it is an
 * object of another kind.  Otherwise as ferry_segment_take(). */
FERRY_API int ferry_pipe_take(ferry_pipe **ret_pipe, int descriptor);

FERRY_END

#endif
