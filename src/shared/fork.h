/* Handles survive fork: the child goes on with all of them, as a member of its own (contract G11).
 *
 * Each open handle is on a list.  Before a fork, every handle takes a second membership, so that
 * there is no moment in which the child does not count; behind it, the parent forgets that and the
 * child forgets the first. */
#ifndef FERRY_FORK_H
#define FERRY_FORK_H

struct fork_handle {
    struct fork_handle *next, *previous;
    void (*before)(struct fork_handle *handle);
    void (*in_parent)(struct fork_handle *handle);
    void (*in_child)(struct fork_handle *handle);
};

/* Has the three called around every fork until the handle is dropped.  0, or -errno if forks cannot
 * be watched. */
int fork_follow(struct fork_handle *handle);
void fork_drop(struct fork_handle *handle);

/* No fork happens between these two.  Around every piece of code that has a description with a lock
 * on it which no handle on the list answers for: a child that inherited it would keep it alive. */
void fork_hold(void);
void fork_unhold(void);

#endif
