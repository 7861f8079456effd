/* A snapshot of an object, for inspect.c and list.c. */
#ifndef FERRY_IPC_LOOK_H
#define FERRY_IPC_LOOK_H

#include <ferry/inspect.h>

#include "shared/layout.h"

/* What was read of one object.  `control` is a copy: nothing in it moves, and nothing in it is
 * believed beyond what it is. */
struct look {
    int fd; /* of the control file; asks the kernel who is alive */
    struct layout *control;
    uint32_t high; /* entries in the copy */
    struct ferry_object object;
};

void look_release(struct look *look);

/* Opens what `name` means (a name or held:PID:FD) and reads it.  0 also for a damaged object, whose
 * `control` is then NULL; -ENOENT, -EACCES, -EINVAL. */
int look_open(struct look *ret_look, const char *name);

/* The same for a control file that is open already; takes fd.  label NULL: as noted in the file. */
int look_at(struct look *ret_look, const char *name, const char *label, int fd);

#endif
