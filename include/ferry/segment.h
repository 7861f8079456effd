/* Shared memory segments: a piece of memory that several processes see at once, with a robust lock
 * and a change notice built in.  Both cost nothing while unused.
 *
 *     ferry_segment *segment;
 *     int r = ferry_segment_open(&segment, "hello",
 *                                FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64));
 *
 * Threads: a handle may be used from several threads at once; only open and close belong to one.
 * fork: the child uses the handles it inherited, as a member of its own (a lock that the parent
 *   held stays the parent's).  A child made by a bare clone() gets -ESTALE from every call; and so
 *   does fork's if the process may not open the object again, having been handed it or having given
 *   up the privileges it opened it with: hand it over to the child then.  Never fork from a signal
 *   handler that may have interrupted a Ferry call.
 * exec: closes them, unless handed over (ferry_segment_hand_over).
 * Death: a member may be killed at any instruction; the others go on.  The memory holds whatever
 *   the dead one had written so far; the lock tells its next owner (-EOWNERDEAD).
 * Descriptors: an open handle costs two, an anonymous one three; ferry_segment_descriptor() one
 *   more, and each thread asleep for the lock up to three while it sleeps (one of them stays with
 *   the handle once somebody slept for a tenth of a second).
 *
 * Any call may return -EBADMSG: another member wrote nonsense into the object's control memory.
 * The object is damaged then, the calling process is not. */
#ifndef FERRY_SEGMENT_H
#define FERRY_SEGMENT_H

#include <sys/types.h>

#include <ferry/base.h>

FERRY_BEGIN

typedef struct ferry_segment ferry_segment;

/* All-zero means the defaults.  FERRY_SEGMENT() fills in options_bytes; in C++, which has no such
 * literals, do it by hand. */
struct ferry_segment_options {
    size_t options_bytes; /* sizeof(struct ferry_segment_options) */
    uint64_t size_bytes;  /* how large to create it; of an existing one, how much is needed */
    unsigned flags;       /* FERRY_CREATE … */
    unsigned mode;        /* at creation, less the umask if it is named; 0 means 0600 */
    void *address;        /* where to attach; NULL leaves it to the system */
    const uid_t *trusted_owners; /* whose objects to accept besides one's own and root's */
    size_t trusted_owner_count;
};

#define FERRY_SEGMENT(...)                                                                         \
    (&(struct ferry_segment_options){.options_bytes = sizeof(struct ferry_segment_options),        \
                                     __VA_ARGS__})

/* Opens, or with FERRY_CREATE makes, the segment called name; NULL as name makes an anonymous one,
 * which lives as long as somebody holds it.  options may be NULL.  The caller is then a member
 * (attached) until it closes the handle or dies.  Never waits for other members' data; a peer that
 * was stopped in the middle of joining can hold it up for two seconds (-ETIMEDOUT).
 *
 * -ENOENT       no such name, and FERRY_CREATE was not given
 * -EEXIST       FERRY_EXCLUSIVE, and the name is taken; or the address asked for is in use
 * -EINVAL       a bad name, size 0 at creation, an existing segment smaller than size_bytes, an
 *               address that is not page-aligned, unknown flags
 * -EMEDIUMTYPE  the name is another kind of object
 * -EACCES       the permission bits forbid this role
 * -EPERM        the object belongs to somebody who is not trusted
 * -ENOSPC -ENOMEM -EMFILE -ENFILE -EFBIG   memory, descriptors or the file size limit ran out
 * -ENOTDIR -EROFS -EOPNOTSUPP   the root cannot be used
 * -EOPNOTSUPP   /proc is not mounted, and this needs it: making an anonymous segment, or, before
 *               Linux 6.10 and without root's rights, a named one
 * -EBUSY        for two seconds the name was made and removed all the time, or its remover stood still
 * -EUSERS       4,096 members already
 * -EPROTO       the object has a layout that this library does not know
 * -EBADMSG      what goes by that name is damaged, or not Ferry's */
FERRY_API int ferry_segment_open(ferry_segment **ret_segment, const char *name,
                                 const struct ferry_segment_options *options);

/* Detaches: unmaps the memory, leaves the object, frees the handle.  NULL is allowed.  A lock that
 * this handle still holds passes to the next taker as if its owner had died.  Returns NULL. */
FERRY_API ferry_segment *ferry_segment_close(ferry_segment *segment);

/* The memory.  Between two guard areas: running off either end of its pages faults at once. */
FERRY_API void *ferry_segment_data(const ferry_segment *segment);

/* Its size, exactly as it was asked for at creation. */
FERRY_API uint64_t ferry_segment_size(const ferry_segment *segment);

/* Takes the segment's lock, which orders whatever its users agree it orders.
 *
 * 0             taken
 * -EOWNERDEAD   taken, and an earlier owner died holding it: the data may be half-written.  Every
 *               owner is told so until one has called ferry_segment_repaired().
 * -EAGAIN       FERRY_NOW, and somebody has it
 * -ETIMEDOUT    the time is up
 * -EDEADLK      this thread has it already, through this handle
 * -EINTR        only with FERRY_EINTR
 *
 * A waiter hears of the owner's death at once, and of its exec within a tenth of a second. */
FERRY_API int ferry_segment_lock(ferry_segment *segment, int64_t timeout_ns);

/* Lets go of the lock.  -EPERM unless this thread took it through this handle. */
FERRY_API int ferry_segment_unlock(ferry_segment *segment);

/* Says that the data are whole again after -EOWNERDEAD.  -EPERM without the lock. */
FERRY_API int ferry_segment_repaired(ferry_segment *segment);

/* Tells everybody who waits that the data have changed: steps the version by one.  Never blocks. */
FERRY_API int ferry_segment_notify(ferry_segment *segment);

/* The version now.  It starts at 0 and wraps: compare for inequality only. */
FERRY_API int ferry_segment_version(ferry_segment *segment, uint32_t *ret_version);

/* Waits until the version differs from *version, then writes the new one there.  What was written
 * to the segment before the notice is visible then.
 * -EAGAIN (FERRY_NOW), -ETIMEDOUT, -EINTR (only with FERRY_EINTR). */
FERRY_API int ferry_segment_wait(ferry_segment *segment, uint32_t *version, int64_t timeout_ns);

/* A descriptor for the caller's own poll or epoll loop: readable while the version differs from the
 * one that ferry_segment_wait() returned last on this handle (before that: from the one at open).
 * Call that with FERRY_NOW when it is; -EAGAIN then means that nothing has changed after all:
 * the sender died before it had, or a contended lock was let go, whose waiters hear the same bell.
 * It belongs to the handle: only poll it, never read or close it.  Made at the first call. */
FERRY_API int ferry_segment_descriptor(ferry_segment *segment);

/* What ferry_look() says of an object by its name, of this one; see <ferry/inspect.h>. */
struct ferry_object;
FERRY_API int ferry_segment_look(ferry_segment *segment, struct ferry_object *ret_object);

/* Hands the segment to another process: returns a descriptor that stands for one membership, to be
 * passed over a unix socket or kept open across exec, and redeemed once with ferry_segment_take().
 * Works for named and anonymous segments; the receiver needs no permission of its own.  -ENOENT for
 * a named one whose name has been removed, -EACCES for more than this handle may do itself, -EUSERS,
 * -EOPNOTSUPP for an anonymous one where /proc is not mounted.
 * role: FERRY_READ, FERRY_WRITE, or 0 for both.  The descriptor is close-on-exec; clear that to let
 * it pass exec.  Closing it unredeemed takes the offer back. */
FERRY_API int ferry_segment_hand_over(ferry_segment *segment, unsigned role, int *ret_descriptor);

/* Redeems what ferry_segment_hand_over() made.  On success the descriptor is closed.  Waits through
 * the new handle are not ended by signals (no FERRY_EINTR).
 * -EMEDIUMTYPE if it is an object of another kind, which can still be taken as that; -EBADMSG if it
 * is anything else, or has been redeemed; -EPERM if the memory could be taken away
 * again by a stranger: a named segment is taken only if root or the caller owns it, an anonymous
 * one always; -EMFILE leaves the parcel as it is. */
FERRY_API int ferry_segment_take(ferry_segment **ret_segment, int descriptor);

FERRY_END

#endif
