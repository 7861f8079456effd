/* The bell: turns "something changed" into a descriptor that poll() understands (DESIGN, law 7).
 *
 * One for all members of an object: a FIFO beside a named one, a pipe of an anonymous one, made
 * with the object and opened by every member as it joins, so that it can be rung when no descriptor
 * is to be had any more and when its name is gone.  Ringing is one write.  The bytes are never read
 * for their content, and the bell is never emptied: each listener has a latch of its own
 * (os/epoll.h), which a ring sets and only that listener clears.  So no listener can take another's
 * ring away, and it does not matter which of them dies.
 *
 * A bell is a plain descriptor, of a description that no other process shares. */
#ifndef FERRY_BELL_H
#define FERRY_BELL_H

#include <sys/types.h>

/* Makes a FIFO with exactly this mode, for an object that has no name yet; and opens it. */
int bell_make(int root, const char *file, mode_t mode);

/* Opens the FIFO of an object that belongs to `owner`; -ENOENT without an explanation. */
int bell_open(int root, const char *file, uid_t owner);

/* A bell without a name. */
int bell_make_anonymous(void);

/* Another description of a bell. */
int bell_reopen(int bell);

/* Is this descriptor, which came from somebody else, a bell? */
int bell_check(int bell);

/* From here on this process rings by calls that cannot block: it has a bell whose description is
 * another one's as well, and so are its flags. */
void bell_accept_lent(void);

void bell_ring(int bell);

/* A new latch that is set by every ring, and set to begin with: who makes one clears it and then
 * looks whether there is something to do.  A descriptor of the caller's, or -errno. */
int bell_latch(int bell);

#endif
