/* The mutex that lends its owner the priority of who waits for it (contract E5, E7; docs/design/mutex.md).
 *
 * The kernel does it, with the calling thread's number in a word of its own (futex(2), "Priority-inheritance futexes"), and it hands
 * the lock over: to the waiter with the highest priority, and at once when the owner dies.  What it does not know is who of the object's members an
 * owner is, and whether the data are whole; that is in words beside.
 *
 * Thread numbers mean something within one pid namespace only, so all members have to be in the creator's. */
#ifndef FERRY_INHERIT_H
#define FERRY_INHERIT_H

#include "shared/mutex.h"

/* In the state: an owner died, and nobody has said yet that the data are whole; they are given up. */
enum { INHERIT_UNREPAIRED = 1, INHERIT_CONDEMNED = 2 };

/* One handle's view, beside its struct mutex: of that, everything but the word is used. */
struct inherit {
    struct layout_inherit *shared;
    struct mutex *mutex;
    bool is_foreign; /* this process is in another pid namespace */
};

void inherit_init(struct inherit *inherit, struct mutex *mutex);
void inherit_after_fork(struct inherit *inherit);

/* As mutex_lock(), and -EDEADLK for longer circles, -EOPNOTSUPP.  Never -EINTR. */
int inherit_lock(struct inherit *inherit, int64_t timeout_ns);

/* As mutex_unlock(), mutex_repaired(), mutex_abandon(). */
int inherit_unlock(struct inherit *inherit);
int inherit_repaired(struct inherit *inherit);
void inherit_abandon(struct inherit *inherit);

#endif
