/* Making and ending handles: the same for every kind that says what its handle is made of. */
#ifndef FERRY_IPC_HANDLE_H
#define FERRY_IPC_HANDLE_H

#include <stddef.h>

#include "ipc/object.h"

/* A kind's handle begins with a struct object. */
struct handle_kind {
    size_t bytes;
    int (*init)(
        struct object
            *object); /* the object is in its place.  0, or -errno with nothing left behind */
    void (*deinit)(struct object *object);
    struct object_hooks hooks;
};

/* What an object_adopt does: a handle around an object that was joined. */
int handle_new(const struct handle_kind *kind, struct object *object, void *ret_handle);

/* Leaves and frees.  NULL is allowed.  Returns NULL. */
void *handle_close(const struct handle_kind *kind, void *handle);

#endif
