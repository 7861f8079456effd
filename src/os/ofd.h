/* Open-file-description byte locks: the kernel's word on who is alive (DESIGN, law 2).
 *
 * A lock belongs to an open file description and vanishes with its last descriptor, however the
 * process ends.  A description that carries a lock is never mapped, never duplicated, never sent,
 * but for a hand-over, where the lock is meant to travel. */
#ifndef FERRY_OFD_H
#define FERRY_OFD_H

#include <sys/types.h>

/* Takes bytes [at, at + count) for this description; count 0 reaches to the end of all files.
 * -EAGAIN if another description holds any of them. */
int ofd_lock(int fd, off_t at, off_t count);

/* Lets go of them. */
int ofd_unlock(int fd, off_t at, off_t count);

/* Does another description hold any of these bytes?  1, 0, or -errno. */
int ofd_is_locked(int fd, off_t at, off_t count);

/* How many bytes the lock that another description has on this byte covers; 0 if there is none, or
 * -errno. */
off_t ofd_extent(int fd, off_t at);

#endif
