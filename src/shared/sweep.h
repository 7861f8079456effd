/* Taking names away, and cleaning up what the killed left in the root. */
#ifndef FERRY_SWEEP_H
#define FERRY_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

/* Removes what goes by that name; see ferry_remove(). */
int sweep_remove(const char *name);

/* Removes a temporary object if it has no members left; control_fd is open for reading and writing.
 * 1 if its name is gone, 0 if somebody is there, -errno. */
int sweep_if_abandoned(int control_fd, const char *name, uint64_t id);

/* The same by name, for callers that hold off forks: 1 if such an object was there and is gone, 0,
 * -errno if it was and may not be removed. */
int sweep_name(const char *name);

/* Unlinks a part that is known to be a leftover and is in the way; 1 if it is gone. */
int sweep_leftover(int root, const char *file);

/* Cleans up the whole root; returns how many leftovers it removed, or -errno. */
int sweep_root(void);

/* The same in passing: at most once a second in a process. */
void sweep_sometimes(void);

#endif
