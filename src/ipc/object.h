/* What handles of every kind have in common: a region, a membership of it, and that it follows forks.
 *
 * A kind's handle begins with a struct object.  Its hooks are called around a fork, with the handle
 * quiet: hold() and let_go() take and release what guards the handle's threads from each other. */
#ifndef FERRY_IPC_OBJECT_H
#define FERRY_IPC_OBJECT_H

#include <stdbool.h>

#include <ferry/base.h>

#include "os/process.h"
#include "shared/fork.h"
#include "shared/region.h"
#include "shared/slots.h"

struct object;

struct object_hooks {
    void (*hold)(struct object *object);
    void (*let_go)(struct object *object);
    void (*after_fork)(struct object *object); /* in the child, as a member of its own by then */
    void (*leaving)(struct object *object);    /* still a member; or NULL */
};

struct object {
    struct region region;
    struct slots slots;
    struct slots child; /* the membership of a child that is about to be forked */
    struct fork_handle fork;
    const struct object_hooks *hooks;
    uint32_t process; /* that it belongs to, see os/process.h */
    unsigned flags;   /* that it was opened with; 0 if it was handed over */
};

/* The options that all kinds have.  0, or -EINVAL: which of them is wrong. */
struct object_options {
    size_t options_bytes, options_known;
    const char *macro; /* that fills them in */
    const char *name;
    unsigned flags, known_flags, mode;
};
int object_check_options(const struct object_options *options);

/* A kind's own: puts a handle around an object that was joined, and has it follow forks; between fork_hold()
 * and fork_unhold().  Takes *object over in any case.  What ret_handle points to is the kind's business. */
typedef int object_adopt(struct object *object, void *ret_handle);

/* Opens as every kind does: finds or makes what is asked for, joins it, and has a handle put around it.  Old
 * temporary names are swept now and then, and once more if there is no room; what was looked for on the way
 * and not found is no failure.  What a kind adds to the object's files is the region's business.  Returns
 * as ferry_segment_open() does. */
int object_open(const struct region_request *request, object_adopt *adopt, void *ret_handle);

/* The flags of a request for who may look on (FERRY_TAP), for which it is enough to read. */
static inline unsigned object_flags(unsigned flags)
{
    return (flags & FERRY_TAP) != 0 ? flags | FERRY_READ : flags;
}

/* The same object once more, for another handle of this process with that role: a membership and
 * mappings of its own, no ends. */
int object_twin(struct object *ret_twin, const struct object *object, unsigned role);

/* From here on the object follows forks.  On failure the membership is gone with the region. */
int object_follow(struct object *object, const struct object_hooks *hooks);

/* Leaves: the object is nobody's then, and its region still mapped. */
void object_leave(struct object *object);

/* Why object_usable() says no: -ESTALE, explained. */
int object_explain_stale(const struct object *object);

/* Does a signal handler end its waits? */
static inline bool object_is_interruptible(const struct object *object)
{
    return (object->flags & FERRY_EINTR) != 0;
}

/* Not in a child that a bare clone() made. */
static inline bool object_is_ours(const struct object *object)
{
    return object->process == process_number();
}

static inline bool object_is_usable(const struct object *object)
{
    return object_is_ours(object) && object->slots.tag != 0;
}

/* 0, or -ESTALE in a process that the handle does not belong to. */
static inline int object_usable(const struct object *object)
{
    if (object_is_usable(object))
        return 0;
    return object_explain_stale(object);
}

#endif
