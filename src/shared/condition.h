/* The condition: those who wait until somebody tells them to look (contract E6; docs/design/condition.md).
 *
 * A sequence word steps with each telling, by the system call that wakes (DESIGN, law 4).  Who waits reads it while it still has the
 * mutex, so whoever changes something under that mutex later, and tells, steps it beyond what was read. */
#ifndef FERRY_SHARED_CONDITION_H
#define FERRY_SHARED_CONDITION_H

#include <stdbool.h>

#include "shared/lobby.h"

/* One handle's view. */
struct condition {
    struct layout_condition *shared;
    bool interruptible;
    struct lobby lobby;
};

void condition_init(struct condition *condition, struct slots *slots, int bell);
void condition_deinit(struct condition *condition);

/* With the mutex: announces this thread.  Then, without it, sleeps until told; then ends it.
 * 0 told; 1 look without having been told; -ETIMEDOUT; -EINTR. */
struct condition_wait {
    struct lobby_stay stay;
    uint32_t seen;
};
struct condition_wait condition_begin(struct condition *condition);
int condition_sleep(struct condition *condition, struct condition_wait *wait, int64_t timeout_ns);

/* Wakes one, or all. */
void condition_tell(struct condition *condition, bool all);

#endif
