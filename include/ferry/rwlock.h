/* Reader-writer locks: any number who read, or one who writes; and whoever comes next hears it if a writer died inside.
 *
 *     ferry_rwlock *table;
 *     int r = ferry_rwlock_open(&table, "table", FERRY_RWLOCK(.flags = FERRY_CREATE));
 *     r = ferry_rwlock_lock_shared(table, FERRY_FOREVER);
 *     …read…
 *     r = ferry_rwlock_unlock_shared(table);
 *
 * Readers that meet no writer cost one atomic operation each way, on memory of their own: they do not slow each other down.
 * A writer that waits keeps new readers out, and is followed by the readers that waited for it, before the next writer: neither
 * starves the other.  What was done before an unlock is seen behind the lock that follows.
 *
 * So who reads must not lock once more before it unlocks: a writer may wait for it to let go, and it for the writer.  Where the thread that
 * has the lock for writing asks for it again, that is -EDEADLK; longer circles are found by `ferry doctor`.
 *
 * Threads: a handle may be used from several threads at once.  It is a thread that has the lock for writing; for reading it is the handle.
 * fork: the child uses the handles it inherited, as a member of its own; what the parent had locked stays the parent's.
 * exec: closes them, unless handed over (ferry_rwlock_hand_over); what was locked is then as if its owner had died.
 * Death: a member may be killed at any instruction.  A reader's lock is gone with it, and nobody is told.  If it wrote, those who come
 *   next, readers and writers, get the lock and are told (-EOWNERDEAD), until a writer has said that the data are whole
 *   (ferry_rwlock_repaired): who reads that cannot repair, unlocks, and locks for writing.  A writer that unlocks without having said so
 *   has given the data up: from then on, locking is -ENOTRECOVERABLE for all.
 * Descriptors: an open handle costs two, an anonymous one three; of several threads that wait, one has up to three more.
 *
 * Any call may return -EBADMSG: another member wrote nonsense into the object's control memory. */
#ifndef FERRY_RWLOCK_H
#define FERRY_RWLOCK_H

#include <sys/types.h>

#include <ferry/base.h>
#include <ferry/mutex.h>

FERRY_BEGIN

typedef struct ferry_rwlock ferry_rwlock;

/* All-zero means the defaults. */
struct ferry_rwlock_options {
    size_t options_bytes; /* sizeof(struct ferry_rwlock_options) */
    unsigned flags;       /* FERRY_CREATE, _EXCLUSIVE, _TEMPORARY, _EINTR, _FOR_CHILDREN */
    unsigned
        mode; /* at creation, less the umask if it is named; 0 means 0600.  Who may write may use it */
    const uid_t *trusted_owners; /* whose objects to accept besides one's own and root's */
    size_t trusted_owner_count;
};

#define FERRY_RWLOCK(...)                                                                          \
    (&(struct ferry_rwlock_options){.options_bytes = sizeof(struct ferry_rwlock_options),          \
                                    __VA_ARGS__})

/* Opens, or with FERRY_CREATE makes, the lock called name; NULL makes an anonymous one.  options may be NULL.  Fails as
 * ferry_segment_open() does. */
FERRY_API int ferry_rwlock_open(ferry_rwlock **ret_rwlock, const char *name,
                                const struct ferry_rwlock_options *options);

/* Leaves the object and frees the handle.  NULL is allowed.  What it still has locked passes on as if its owner had
 * died.  Returns NULL. */
FERRY_API ferry_rwlock *ferry_rwlock_close(ferry_rwlock *rwlock);

/* Takes the lock, for writing.
 * 0                 taken
 * -EOWNERDEAD       taken, and an earlier writer died with it: the data may be half-written; see ferry_rwlock_repaired()
 * -EAGAIN           FERRY_NOW, and somebody has it, or waits to read and is first
 * -ETIMEDOUT        the time is up
 * -EDEADLK          this thread has it for writing already, through this handle
 * -ENOTRECOVERABLE  the data were given up
 * -ENOSPC           no memory is left to look at who reads
 * -EINTR            only with FERRY_EINTR */
FERRY_API int ferry_rwlock_lock(ferry_rwlock *rwlock, int64_t timeout_ns);

/* Takes the lock, for reading, beside others who read.  As ferry_rwlock_lock(); -EAGAIN if somebody writes, or waits for readers to
 * leave; never -ENOSPC; -EOVERFLOW if this handle has it 2^31 times. */
FERRY_API int ferry_rwlock_lock_shared(ferry_rwlock *rwlock, int64_t timeout_ns);

/* Lets go of it.  -EPERM unless this thread took it through this handle for writing. */
FERRY_API int ferry_rwlock_unlock(ferry_rwlock *rwlock);

/* Likewise, for reading.  -EPERM unless it was taken through this handle for reading, by whichever thread. */
FERRY_API int ferry_rwlock_unlock_shared(ferry_rwlock *rwlock);

/* Behind -EOWNERDEAD, with the lock for writing: the data are whole again.  -EPERM without the lock. */
FERRY_API int ferry_rwlock_repaired(ferry_rwlock *rwlock);

/* Hands the object (not what is locked) to another process, and redeems that: see ferry_segment_hand_over() and
 * ferry_segment_take(). */
FERRY_API int ferry_rwlock_hand_over(ferry_rwlock *rwlock, int *ret_descriptor);
FERRY_API int ferry_rwlock_take(ferry_rwlock **ret_rwlock, int descriptor);

FERRY_END

#endif
