/* Semaphores: a number of units that processes take and give, waiting while there is none.
 *
 *     ferry_semaphore *seats;
 *     int r = ferry_semaphore_open(&seats, "seats", FERRY_SEMAPHORE(.flags = FERRY_CREATE, .value = 100));
 *     r = ferry_semaphore_wait(seats, FERRY_FOREVER);
 *     …
 *     r = ferry_semaphore_post(seats);
 *
 * One that begins with 1 lets one process in at a time; with 0 it orders: who waits comes behind who posts.  A wait and a post
 * that meet nobody are one atomic operation each.  What was done before a post is seen behind the wait that takes its unit.
 *
 * Threads: a handle may be used from several threads at once; only open and close belong to one.
 * fork: the child uses the handles it inherited, as a member of its own.  As with segments: a bare clone() and the like get -ESTALE.
 * exec: closes them, unless handed over (ferry_semaphore_hand_over).
 * Death: a member may be killed at any instruction.  A unit is taken and posted, or it is not; no unit is lost or made up, and nobody
 *   sleeps on beside one.  But a unit that the dead one had taken is gone with it, for a semaphore has no owner: see mutexes for that.
 * Descriptors: an open handle costs two, an anonymous one three; ferry_semaphore_descriptor() one more.
 *
 * Any call may return -EBADMSG: another member wrote nonsense into the object's control memory. */
#ifndef FERRY_SEMAPHORE_H
#define FERRY_SEMAPHORE_H

#include <sys/types.h>

#include <ferry/base.h>

FERRY_BEGIN

typedef struct ferry_semaphore ferry_semaphore;

/* The most units that one can have; and how many can be a set. */
#define FERRY_SEMAPHORE_MOST     536870911u
#define FERRY_SEMAPHORE_SET_MOST 256u

/* What a member takes is given back when it is gone, however it went (and what it gives is taken): at ferry_semaphore_open(), all that
 * is waited for and posted through the handle, which the semaphore has to have been made for; in a step, that one. */
#define FERRY_GIVE_BACK 0x800u

/* All-zero means the defaults: made with no unit, for at most FERRY_SEMAPHORE_MOST. */
struct ferry_semaphore_options {
    size_t options_bytes; /* sizeof(struct ferry_semaphore_options) */
    unsigned flags;       /* FERRY_CREATE, _EXCLUSIVE, _TEMPORARY, _EINTR, FERRY_GIVE_BACK */
    unsigned
        mode; /* at creation, less the umask if it is named; 0 means 0600.  Who may write may use it */
    uint32_t value; /* at creation: units to begin with */
    uint32_t
        most; /* at creation: how many there may be; 1: a binary one.  0: FERRY_SEMAPHORE_MOST */
    uint32_t
        count; /* at creation: a set of so many, up to 256, all with the same value and most; 0: one by itself */
    const uid_t *trusted_owners; /* whose objects to accept besides one's own and root's */
    size_t trusted_owner_count;
};

#define FERRY_SEMAPHORE(...)                                                                       \
    (&(struct ferry_semaphore_options){.options_bytes = sizeof(struct ferry_semaphore_options),    \
                                       __VA_ARGS__})

/* One of several things that happen as one: so many units more, or fewer; or, with 0, wait until there is none. */
struct ferry_semaphore_step {
    uint32_t which; /* of the set, from 0 on */
    int32_t change;
    unsigned flags; /* FERRY_GIVE_BACK */
};

/* Opens, or with FERRY_CREATE makes, the semaphore called name; NULL makes an anonymous one.  options may be NULL.  Fails as
 * ferry_segment_open() does, and with -EINVAL for a value above the most. */
FERRY_API int ferry_semaphore_open(ferry_semaphore **ret_semaphore, const char *name,
                                   const struct ferry_semaphore_options *options);

/* Leaves the object and frees the handle.  NULL is allowed.  Returns NULL. */
FERRY_API ferry_semaphore *ferry_semaphore_close(ferry_semaphore *semaphore);

/* Takes a unit, and waits for one (P).
 * -EAGAIN     FERRY_NOW, and there is none
 * -ETIMEDOUT  the time is up
 * -EINTR      only with FERRY_EINTR */
FERRY_API int ferry_semaphore_wait(ferry_semaphore *semaphore, int64_t timeout_ns);

/* Gives a unit, and wakes one who waits (V).
 * -EOVERFLOW  there are as many as there may be
 * -ETIMEDOUT  for two seconds, a member that was stopped in the middle of posting was in the way */
FERRY_API int ferry_semaphore_post(ferry_semaphore *semaphore);

/* How many units there are now, and how many members sleep for one.  Both are of the past when this returns. */
FERRY_API int ferry_semaphore_value(ferry_semaphore *semaphore, uint32_t *ret_value);
FERRY_API int ferry_semaphore_waiters(ferry_semaphore *semaphore, uint32_t *ret_count);

/* Several steps at once, on a set, or on one that was made with FERRY_GIVE_BACK: in order, and all of them or none.  Waits until all can be
 * done.
 * -EAGAIN     FERRY_NOW, and not all of it can be done
 * -ETIMEDOUT  the time is up; or as with ferry_semaphore_post()
 * -EINTR      only with FERRY_EINTR
 * -EOVERFLOW  a step would give one more units than it may have
 * -ERANGE     more would have to be given back than can be counted
 * -EINVAL     no such semaphore, no steps or more than 256, an unknown flag
 * -EOPNOTSUPP the semaphore is one by itself, made without FERRY_GIVE_BACK */
FERRY_API int ferry_semaphore_operate(ferry_semaphore *semaphore,
                                      const struct ferry_semaphore_step *steps, size_t count,
                                      int64_t timeout_ns);

/* The units of the first ones of a set; how many there are in all. */
FERRY_API int ferry_semaphore_values(ferry_semaphore *semaphore, uint32_t *ret_values,
                                     size_t count);

/* Sets one of a set, for good: nobody owes it anything any more. */
FERRY_API int ferry_semaphore_set_value(ferry_semaphore *semaphore, uint32_t which, uint32_t value);

/* A descriptor for the caller's own poll or epoll loop: readable while there is a unit.  Call ferry_semaphore_wait() with FERRY_NOW
 * when it is; after -EAGAIN, which others may have been faster to cause, it is quiet again.  It belongs to the handle: only poll it. */
FERRY_API int ferry_semaphore_descriptor(ferry_semaphore *semaphore);

/* Hands the semaphore to another process, and redeems that: see ferry_segment_hand_over() and ferry_segment_take(). */
FERRY_API int ferry_semaphore_hand_over(ferry_semaphore *semaphore, int *ret_descriptor);
FERRY_API int ferry_semaphore_take(ferry_semaphore **ret_semaphore, int descriptor);

FERRY_END

#endif
