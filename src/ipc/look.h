/* A snapshot of an object, for inspect.c and list.c. */
#ifndef FERRY_IPC_LOOK_H
#define FERRY_IPC_LOOK_H

#include <stdbool.h>

#include <ferry/inspect.h>

#include "shared/layout.h"

/* What was read of one object.  `control` is a copy: nothing in it moves, and nothing in it is
 * believed beyond what it is. */
struct look {
    int fd;            /* of the control file; asks the kernel who is alive */
    bool is_lent;      /* fd stays its owner's … */
    uint32_t own_slot; /* … who has this slot: the kernel does not tell it of its own lock */
    struct layout *control;
    uint32_t high;  /* entries in the copy */
    uint64_t inode; /* of the control file: the ID of its parts */
    struct ferry_object object;
};

/* A field of the copy. */
#define RELAXED(field) atomic_load_explicit(&(field), memory_order_relaxed)

void look_release(struct look *look);

/* Opens what `name` means (a name or held:PID:FD) and reads it.  0 also for a damaged object, whose
 * `control` is then NULL; -ENOENT, -EACCES, -EINVAL. */
int look_open(struct look *ret_look, const char *name);

/* The same for a control file that is open already; takes fd.  label NULL: as noted in the file. */
int look_at(struct look *ret_look, const char *name, const char *label, int fd);

/* The same for a member, which lends its lock_fd: it may have no right to open the file again. */
int look_as_member(struct look *ret_look, const char *name, int lock_fd, uint32_t slot);

/* Describes what is a queue (look_queue.c), once all else has been. */
void look_at_queue(struct look *look);

/* The same for a semaphore (look_semaphore.c). */
void look_at_semaphore(struct look *look);

/* The same for a lock, and for a member of what is or has one (look_lock.c). */
static inline bool look_has_lock(const struct ferry_object *object)
{
    return object->kind == FERRY_KIND_SEGMENT || object->kind == FERRY_KIND_MUTEX ||
           object->kind == FERRY_KIND_RWLOCK;
}
void look_at_lock(struct look *look);
void look_at_condition(struct look *look);
void look_at_lock_member(const struct look *look, struct ferry_member *member);

/* The same for a barrier, and for a member of one (look_barrier.c). */
void look_at_barrier(struct look *look);
void look_at_barrier_member(const struct look *look, struct ferry_member *member);

/* Is the member in that slot alive? */
bool look_is_alive(const struct look *look, uint32_t slot);

#endif
