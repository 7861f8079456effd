/* See handle.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ipc/handle.h"

static int begin(const struct handle_kind *kind, struct object *handle)
{
    int r = kind->init(handle);
    if (r < 0) {
        region_release(&handle->region);
        return r;
    }
    r = object_follow(handle, &kind->hooks);
    if (r < 0)
        kind->deinit(handle);
    return r;
}

int handle_new(const struct handle_kind *kind, struct object *object, void *ret_handle)
{
    struct object *handle = calloc(1, kind->bytes);
    if (handle == NULL) {
        region_release(&object->region);
        return fail(-ENOMEM, "no memory for a handle");
    }
    *handle = *object;
    int r = begin(kind, handle);
    if (r < 0) {
        free(handle);
        return r;
    }
    memcpy(ret_handle, &handle, sizeof(handle)); /* whatever type of pointer is there */
    return 0;
}

void *handle_close(const struct handle_kind *kind, void *handle)
{
    struct object *object = handle;
    if (object == NULL)
        return NULL;
    fork_hold();
    object_leave(object);
    kind->deinit(object);
    region_release(&object->region);
    fork_unhold();
    free(object);
    return NULL;
}
