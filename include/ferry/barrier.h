/* Barriers: so many participants wait for each other, round after round, and those left hear it when one of them dies.
 *
 *     ferry_barrier *line;
 *     int r = ferry_barrier_open(&line, "line", FERRY_BARRIER(.flags = FERRY_CREATE, .count = 4));
 *     for (;;) {
 *         …one's part…
 *         r = ferry_barrier_wait(line, FERRY_FOREVER);
 *         if (r == -EOWNERDEAD) { …one of them is dead: replace it, or ferry_barrier_set_count(), and begin the round anew… }
 *         if (r == 1) { …what one of them does for all… }
 *     }
 *
 * What each did before it waited is seen by all behind the wait.
 *
 * Threads: a handle may be used from several threads at once, each of which is a participant; only open and close belong to one.
 * fork: the child uses the handles it inherited, as a member of its own; it has not come to the round that its parent waits in.
 * exec: closes them, unless handed over (ferry_barrier_hand_over).
 * Death: a member may be killed at any instruction.  Every member's death is told in one round, to all who wait in it, or if nobody does to
 *   the first who would: that round is broken, -EOWNERDEAD, and the next one begins with nobody there.  Several deaths may be told as one.
 *   A round that was complete before a death was known stays so.  A member has died, too, that execs or exits and has not closed its
 *   handle: so a forked child that takes no part closes it first.
 * Descriptors: an open handle costs two, an anonymous one three; of several that wait, one has up to two more.
 *
 * Any call may return -EBADMSG: another member wrote nonsense into the object's control memory. */
#ifndef FERRY_BARRIER_H
#define FERRY_BARRIER_H

#include <sys/types.h>

#include <ferry/base.h>

FERRY_BEGIN

typedef struct ferry_barrier ferry_barrier;

/* The most participants. */
#define FERRY_BARRIER_MOST 4096u

struct ferry_barrier_options {
    size_t options_bytes; /* sizeof(struct ferry_barrier_options) */
    unsigned flags;       /* FERRY_CREATE, _EXCLUSIVE, _TEMPORARY, _EINTR */
    unsigned
        mode; /* at creation, less the umask if it is named; 0 means 0600.  Who may write may use it */
    const uid_t *trusted_owners; /* whose objects to accept besides one's own and root's */
    size_t trusted_owner_count;
    uint32_t count; /* how many a round takes, 1 to FERRY_BARRIER_MOST.  0: as it is there */
};

#define FERRY_BARRIER(...)                                                                         \
    (&(struct ferry_barrier_options){.options_bytes = sizeof(struct ferry_barrier_options),        \
                                     __VA_ARGS__})

/* Opens, or with FERRY_CREATE makes, the barrier called name; NULL makes an anonymous one.  options may be NULL.  Fails as
 * ferry_segment_open() does; with -EINVAL if it may have to be made and there is no count; and with -EMEDIUMTYPE if it is there already and
 * was made for another count. */
FERRY_API int ferry_barrier_open(ferry_barrier **ret_barrier, const char *name,
                                 const struct ferry_barrier_options *options);

/* Leaves the object and frees the handle.  NULL is allowed.  That is no death: the others wait on.  Returns NULL. */
FERRY_API ferry_barrier *ferry_barrier_close(ferry_barrier *barrier);

/* Waits until as many have come as the barrier is for.
 * 0            they have
 * 1            they have, and this is the last one: one of each complete round is told so, if not ferry_barrier_set_count()
 * -EOWNERDEAD  a member died: this round is broken, and all who had come to it have to come again
 * -EAGAIN      FERRY_NOW, and this is not the last one; as if it had not come
 * -ETIMEDOUT   the time is up; as if it had not come: the others wait on
 * -EINTR       only with FERRY_EINTR; likewise
 * Whose round was complete by then is told 0 in place of the last three.  Where a peer was stopped in the middle of coming or
 * going, -ETIMEDOUT may take a second longer, or come before its time. */
FERRY_API int ferry_barrier_wait(ferry_barrier *barrier, int64_t timeout_ns);

/* From now on it is for that many, this round included; 1: and so many had come, so the round is complete by this call, and 1 is told
 * to nobody else.  A death that nobody was told of yet breaks the round all the same.  -EINVAL; -ETIMEDOUT: for a second, a stopped
 * peer was in the way. */
FERRY_API int ferry_barrier_set_count(ferry_barrier *barrier, uint32_t count);

/* How many it is for, and how many have come to this round.  Either may be NULL.  -ETIMEDOUT as above. */
FERRY_API int ferry_barrier_count(ferry_barrier *barrier, uint32_t *ret_count,
                                  uint32_t *ret_arrived);

/* Hands the barrier to another process, and redeems that: see ferry_segment_hand_over() and ferry_segment_take(). */
FERRY_API int ferry_barrier_hand_over(ferry_barrier *barrier, int *ret_descriptor);
FERRY_API int ferry_barrier_take(ferry_barrier **ret_barrier, int descriptor);

FERRY_END

#endif
