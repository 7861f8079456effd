/* Is a process asleep in a system call, and since when?  The kernel's answer, from /proc.
 *
 * A nap is named by the number of times the process has gone to sleep so far, so that two looks
 * can tell one long nap from two short ones. */
#ifndef KILL_NAP_H
#define KILL_NAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct nap {
    bool asleep;          /* interruptibly: waiting for somebody, not for a disk */
    unsigned long number; /* how often it has given up the processor of its own accord */
};

/* Looks once.  A process that cannot be looked at is not asleep. */
struct nap nap_look(pid_t pid);

/* The user-space address at which a sleeping process will go on; 0 if that cannot be told. */
uintptr_t nap_address(pid_t pid);

#endif
