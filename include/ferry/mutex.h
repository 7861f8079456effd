/* Mutexes: one thread of one process at a time, and whoever comes next hears it if an owner died.
 *
 *     ferry_mutex *mutex;
 *     int r = ferry_mutex_open(&mutex, "printer", FERRY_MUTEX(.flags = FERRY_CREATE));
 *     r = ferry_mutex_lock(mutex, FERRY_FOREVER);
 *     if (r == -EOWNERDEAD) { …look through the data…; r = ferry_mutex_repaired(mutex); }
 *     …
 *     r = ferry_mutex_unlock(mutex);
 *
 * Locking and unlocking that meet nobody are one atomic operation each.  Who waits sleeps, gets no turn in particular (whoever is
 * there when it is free may take it), and hears of the owner's death at once.  What was done before an unlock is seen behind the
 * lock that follows.
 *
 * Taking it twice is -EDEADLK for the thread that has it, or is counted (FERRY_RECURSIVE).  Longer circles, in which each waits for another, are
 * found by `ferry doctor`.
 *
 * Threads: a handle may be used from several threads at once, and it is a thread that has the lock; only open and close belong to one.
 * fork: the child uses the handles it inherited, as a member of its own; what the parent had locked stays the parent's.  As with segments: a
 *   bare clone() and the like get -ESTALE.
 * exec: closes them, unless handed over (ferry_mutex_hand_over); what was locked is then as if its owner had died.
 * Death: a member may be killed at any instruction.  If it had the lock, the next one gets it and is told (-EOWNERDEAD).  That one says when the
 *   data are whole (ferry_mutex_repaired); if it dies before, or closes its handle, the next one is told.  If it unlocks without having said so, it
 *   has given the data up: from then on, locking is -ENOTRECOVERABLE for all.  A thread that ends with the lock in hand leaves it locked until
 *   its process ends or closes the handle.
 * Descriptors: an open handle costs two, an anonymous one three; of all threads that wait, one has up to three more, of which its handle keeps one
 *   for the next long wait.
 *
 * Any call may return -EBADMSG: another member wrote nonsense into the object's control memory. */
#ifndef FERRY_MUTEX_H
#define FERRY_MUTEX_H

#include <sys/types.h>

#include <ferry/base.h>

FERRY_BEGIN

typedef struct ferry_mutex ferry_mutex;

/* At creation: the thread that has it may lock it again, and has to unlock it as often. */
#define FERRY_RECURSIVE 0x40000u

/* At creation: while others wait for it, its owner has the highest priority among them (SCHED_FIFO, SCHED_RR), and the one with the highest
 * gets it next, at once if the owner dies.  Each contended lock and unlock is a system call then, and a lock that is handed over is idle
 * until the next one runs; without this, waiting is far cheaper.  A circle of threads that wait for each other for such mutexes is found by the
 * kernel: -EDEADLK.  All members have to be in one pid namespace (-EOPNOTSUPP), and a handler does not end a wait, FERRY_EINTR or not.  Let go of
 * it in the thread that has it before closing. */
#define FERRY_INHERIT 0x100000u

/* At open: while it has the lock, this process waits for its children to end (as `ferry lock` does); for ferry doctor. */
#define FERRY_FOR_CHILDREN 0x80000u

/* All-zero means the defaults. */
struct ferry_mutex_options {
    size_t options_bytes; /* sizeof(struct ferry_mutex_options) */
    unsigned
        flags; /* FERRY_CREATE, _EXCLUSIVE, _TEMPORARY, _EINTR, _RECURSIVE, _INHERIT, _FOR_CHILDREN */
    unsigned
        mode; /* at creation, less the umask if it is named; 0 means 0600.  Who may write may use it */
    const uid_t *trusted_owners; /* whose objects to accept besides one's own and root's */
    size_t trusted_owner_count;
};

#define FERRY_MUTEX(...)                                                                           \
    (&(struct ferry_mutex_options){.options_bytes = sizeof(struct ferry_mutex_options),            \
                                   __VA_ARGS__})

/* Opens, or with FERRY_CREATE makes, the mutex called name; NULL makes an anonymous one.  options may be NULL.  Fails as
 * ferry_segment_open() does, and with -EMEDIUMTYPE if it is there already, not FERRY_RECURSIVE, and is to be. */
FERRY_API int ferry_mutex_open(ferry_mutex **ret_mutex, const char *name,
                               const struct ferry_mutex_options *options);

/* Leaves the object and frees the handle.  NULL is allowed.  A lock that it still has passes on as if its owner had
 * died.  Returns NULL. */
FERRY_API ferry_mutex *ferry_mutex_close(ferry_mutex *mutex);

/* Takes the lock.
 * 0                 taken
 * -EOWNERDEAD       taken, and an earlier owner died with it: the data may be half-written; see ferry_mutex_repaired()
 * -EAGAIN           FERRY_NOW, and somebody has it
 * -ETIMEDOUT        the time is up
 * -EDEADLK          this thread has it already, through this handle; FERRY_INHERIT: or to wait would never end (through another one it waits for itself)
 * -EOVERFLOW        FERRY_RECURSIVE, and it has it 2^32 times
 * -ENOTRECOVERABLE  the data were given up
 * -EINTR            only with FERRY_EINTR */
FERRY_API int ferry_mutex_lock(ferry_mutex *mutex, int64_t timeout_ns);

/* Lets go of it.  -EPERM unless this thread took it through this handle.  -EBADMSG: another member overwrote it meanwhile; it is not held any more. */
FERRY_API int ferry_mutex_unlock(ferry_mutex *mutex);

/* Behind -EOWNERDEAD, with the lock: the data are whole again.  -EPERM without the lock. */
FERRY_API int ferry_mutex_repaired(ferry_mutex *mutex);

/* What is to be done once, by one of all processes:
 *
 *     int r = ferry_mutex_once(mutex, FERRY_FOREVER);
 *     if (r == 1 || r == -EOWNERDEAD) { …do it…; r = ferry_mutex_done(mutex); }
 *
 * 0 once it has been done, which costs no lock.  1: this thread has the lock, and is to do it; -EOWNERDEAD: likewise, and somebody
 * died in the middle of it.  Other errors as ferry_mutex_lock().  Who does not get it done unlocks, and leaves it to the next one: after -EOWNERDEAD
 * behind ferry_mutex_repaired(), or else the data are given up. */
FERRY_API int ferry_mutex_once(ferry_mutex *mutex, int64_t timeout_ns);

/* It has been done, for good, and the data are whole; lets go of the lock.  As ferry_mutex_unlock(). */
FERRY_API int ferry_mutex_done(ferry_mutex *mutex);

/* Hands the mutex (not the lock) to another process, and redeems that: see ferry_segment_hand_over() and ferry_segment_take(). */
FERRY_API int ferry_mutex_hand_over(ferry_mutex *mutex, int *ret_descriptor);
FERRY_API int ferry_mutex_take(ferry_mutex **ret_mutex, int descriptor);

FERRY_END

#endif
