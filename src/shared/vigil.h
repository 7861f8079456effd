/* The vigil: sleeping on descriptors, for what no futex word tells (DESIGN, law 4).
 *
 * Who keeps one is woken by a ring of the object's bell, by the end of a process that it watches, and, if the vigil is deep, when
 * any member closes its description of the control file, as one does that execs or dies.  Each of these only means: look again.
 * The kernel says "closed" just before it drops the locks; so after a sign of an end that is not confirmed the vigil is
 * in doubt, and wakes by itself: after 0.1 ms, 0.2 ms and so on, until that is longer than anybody takes from the one to the other.
 *
 * Dying leaves nothing: all of it is the process's own. */
#ifndef FERRY_VIGIL_H
#define FERRY_VIGIL_H

#include <stdbool.h>
#include <stdint.h>

struct vigil {
    int bell, lock_fd;
    _Atomic int
        *kept; /* the handle's: a watch for closes that a long vigil has left for the next, or -1 */
    int latch; /* set when the bell rings, or -1: no descriptors are left */
    int closing;      /* readable when a member closes its description; or -1 */
    int64_t doubt_ns; /* how long to sleep at most after an unconfirmed sign, or 0 */
};

/* In place of an owner's descriptor: any member's end is to be heard. */
#define VIGIL_ANYBODY (-4096)

struct vigil vigil_begin(int bell, int lock_fd, _Atomic int *kept);
void vigil_end(struct vigil *vigil);

/* Listens for closes as well.  Not from the start where an owner is watched: closing an inotify descriptor takes the kernel some
 * 15 ms, so it is kept for the next long vigil through the handle. */
void vigil_deepen(struct vigil *vigil);

/* Forgets what was heard so far: before one announces oneself, and looks. */
void vigil_hush(struct vigil *vigil);

/* Puts it in doubt: somebody may have died of whom nothing more will be heard. */
void vigil_distrust(struct vigil *vigil);

/* In doubt, an owner's pidfd is not listened to: it may be readable for as long as the doubt lasts. */
static inline bool vigil_doubts(const struct vigil *vigil)
{
    return vigil->doubt_ns > 0;
}

/* Sleeps until something is heard, or left_ns are over; and from time to time where not everything can be heard.  owner_fd: a pidfd,
 * or why there is none; or VIGIL_ANYBODY.  0, or -EINTR. */
int vigil_sleep(struct vigil *vigil, int owner_fd, int64_t left_ns);

#endif
