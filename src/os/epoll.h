/* A private latch on a shared descriptor: becomes readable when the other one is written to, and
 * stays so until this latch is cleared, whoever else listens to the same descriptor. */
#ifndef FERRY_EPOLL_H
#define FERRY_EPOLL_H

/* A new latch on fd, or -errno.  It is a descriptor that poll() and epoll understand. */
int epoll_latch(int fd);

/* Sets it, if fd has ever been written to. */
void epoll_latch_set(int latch, int fd);

/* Clears the latch.  1 if it was set, 0 if not, -errno. */
int epoll_latch_clear(int latch);

#endif
