/* Conditions: waiting, with a mutex, until another process says that something has changed; together they make a monitor.
 *
 *     ferry_condition *filled;
 *     int r = ferry_condition_open(&filled, "filled", mutex, FERRY_CONDITION(.flags = FERRY_CREATE));
 *     r = ferry_mutex_lock(mutex, FERRY_FOREVER);
 *     while (r >= 0 && buffer->count == 0)
 *         r = ferry_condition_wait(filled, FERRY_FOREVER);
 *     …
 *     r = ferry_mutex_unlock(mutex);
 *
 * and in another process, with the mutex or just behind it, ferry_condition_signal(filled).  Telling is remembered by nobody: who does not wait at
 * that moment does not hear of it, which is why what is waited for is looked at first, and again behind each wait.
 *
 * Threads, fork, exec: as with mutexes.
 * Death: a member may be killed at any instruction.  One that dies between changing what is waited for and telling leaves nobody asleep:
 *   those who wait are woken to look for themselves.  If it had the mutex, who gets that next is told (-EOWNERDEAD), in its wait as well.
 *   A signal that went to one who died before it could heed it is not lost: the others look again.
 * Descriptors: an open handle costs two, an anonymous one three; of all threads that wait, one has up to two more, of which its handle
 *   keeps one for the next long wait.
 *
 * Any call may return -EBADMSG: another member wrote nonsense into the object's control memory. */
#ifndef FERRY_CONDITION_H
#define FERRY_CONDITION_H

#include <sys/types.h>

#include <ferry/mutex.h>

FERRY_BEGIN

typedef struct ferry_condition ferry_condition;

/* All-zero means the defaults. */
struct ferry_condition_options {
    size_t options_bytes; /* sizeof(struct ferry_condition_options) */
    unsigned flags;       /* FERRY_CREATE, _EXCLUSIVE, _TEMPORARY, _EINTR */
    unsigned
        mode; /* at creation, less the umask if it is named; 0 means 0600.  Who may write may use it */
    const uid_t *trusted_owners; /* whose objects to accept besides one's own and root's */
    size_t trusted_owner_count;
};

#define FERRY_CONDITION(...)                                                                       \
    (&(struct ferry_condition_options){.options_bytes = sizeof(struct ferry_condition_options),    \
                                       __VA_ARGS__})

/* Opens, or with FERRY_CREATE makes, the condition called name; NULL makes an anonymous one.  It belongs to the mutex that it is made with,
 * whose handle is to stay open for as long as this one.  options may be NULL.  Fails as ferry_segment_open() does, and with -EINVAL if it
 * belongs to another mutex. */
FERRY_API int ferry_condition_open(ferry_condition **ret_condition, const char *name,
                                   ferry_mutex *mutex,
                                   const struct ferry_condition_options *options);

/* Leaves the object and frees the handle.  NULL is allowed.  Returns NULL. */
FERRY_API ferry_condition *ferry_condition_close(ferry_condition *condition);

/* With the mutex: lets go of it, waits until somebody tells, and takes it again, as often as this thread had it.
 * 0                 somebody told, and the mutex is this thread's again
 * 1                 likewise, but nobody told: somebody died, or might have (now and then, where several wait), so look yourself
 * -ETIMEDOUT        likewise, and the time is up (with FERRY_NOW: nobody told in the meantime)
 * -EINTR            likewise, only with FERRY_EINTR
 * -EOWNERDEAD       likewise, and an earlier owner of the mutex died with it; see ferry_mutex_lock()
 * -EPERM            this thread does not have the mutex; nothing has happened
 * -EBADMSG          another member overwrote the mutex, which is not this thread's any more
 * -ENOTRECOVERABLE  the data were given up, by this very wait if they were not repaired; the mutex is not this thread's any more */
FERRY_API int ferry_condition_wait(ferry_condition *condition, int64_t timeout_ns);

/* Wakes one who waits (now and then one more); or all.  Never blocks, and costs next to nothing while nobody waits. */
FERRY_API int ferry_condition_signal(ferry_condition *condition);
FERRY_API int ferry_condition_broadcast(ferry_condition *condition);

/* Hands the condition to another process, and redeems that: see ferry_segment_hand_over() and ferry_segment_take().  The mutex goes by itself,
 * and is taken first.  -EINVAL: it belongs to another one; the descriptor is good for nothing then. */
FERRY_API int ferry_condition_hand_over(ferry_condition *condition, int *ret_descriptor);
FERRY_API int ferry_condition_take(ferry_condition **ret_condition, ferry_mutex *mutex,
                                   int descriptor);

FERRY_END

#endif
