/* Descriptors that stand for a process: readable once it is dead, never for a reused pid. */
#ifndef FERRY_PIDFD_H
#define FERRY_PIDFD_H

#include <sys/types.h>

/* A close-on-exec descriptor, or -errno (-ESRCH: no such process here). */
int pidfd_of(pid_t pid);

#endif
