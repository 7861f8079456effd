/* Is this still the process that opened the handles?
 *
 * fork() is seen coming (pthread_atfork), a bare clone() is not: a page that the kernel wipes in
 * every new address space tells.  One load a call. */
#ifndef FERRY_PROCESS_H
#define FERRY_PROCESS_H

#include <stdint.h>

/* Prepares the page and has the three functions called around every fork.  Once; later calls
 * return the first result.  0 or -errno. */
int process_watch_forks(void (*before)(void), void (*in_parent)(void), void (*in_child)(void));

/* A number for this process: 0 in a child that was made behind our back, until that begins to use
 * Ferry itself; then another one than its parent's.  fork's own children keep their parent's. */
uint32_t process_number(void);

/* Makes an unknown process a known one, with a number of its own. */
void process_begin(void);

/* Declares a fork child that has been taken care of to be known. */
void process_set_known(void);

#endif
