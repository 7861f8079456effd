/* Tokens: packets of one byte in a kernel pipe that has room for two of them, so that the pipe itself
 * shows three states: no token (it can be written to), one (written to and read from), two (read
 * from).  And the kernel counts its ends: who reads hears that no writer is left, who writes that no
 * reader is.
 *
 * Ends may be shared by processes that forked, so each is non-blocking or blocking for good: write
 * ends are the one, read ends the other, since sleeping for a token is the wait that has to be
 * cheap.  No call here raises SIGPIPE. */
#ifndef FERRY_TOKENS_H
#define FERRY_TOKENS_H

#include <stdbool.h>
#include <sys/types.h>

#include "os/clock.h"

/* A pipe for tokens: its read end and its write end. */
int tokens_make(int *ret_read_end, int *ret_write_end);

/* The FIFO of that name in a directory, at one end.  Never waits.  -ENXIO: the write end of a FIFO that
 * nobody reads. */
int tokens_open_read_end(int directory, const char *file);
int tokens_open_write_end(int directory, const char *file);

/* Is this descriptor, which came from somebody else, such an end? */
bool tokens_is_end(int fd, bool write_end);

/* Another description of the other end of a pipe of which one end is open. */
int tokens_open_other_end(int end);

/* The same end through a description of its own, which nobody else can make block: by the FIFO's name, if
 * there is one, or through /proc.  -errno if the kernel does not let us; -EAGAIN if a new description
 * would not say that all writers are gone, as this one does. */
int tokens_reopen(int end, int directory, const char *file);

/* This process shares a write end's description with others: it gives tokens with more care from now on. */
void tokens_accept_shared(void);

/* Adds a token: 1; 0 if there are two already; -EPIPE if nobody reads. */
int tokens_give(int write_end);

/* How many there are, for one system call. */
int tokens_count(int end);

/* Takes one: 1; 0 if there is none; -EPIPE if there is none and nobody writes. */
int tokens_take(int read_end);

/* Sleeps until it can take a token.  0; -EPIPE: nobody writes any more; -ETIMEDOUT; -EINTR, if
 * interruptible and a signal handler ran. */
int tokens_await(int read_end, deadline end, bool interruptible);

/* The same, but leaves the token where it is. */
int tokens_await_sight(int read_end, deadline end, bool interruptible);

/* Sleeps until a token could be added.  0; -EPIPE: nobody reads; -ETIMEDOUT; -EINTR. */
int tokens_await_room(int write_end, deadline end, bool interruptible);

/* Does anybody hold a read end?  For one system call. */
bool tokens_has_reader(int write_end);

/* Does anybody hold a write end? */
bool tokens_has_writer(int read_end);

#endif
