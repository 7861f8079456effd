/* See gate.h. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "ipc/gate.h"
#include "os/file.h"

/* What lies at the gate in a new object. */
static int begin(int control_fd, const struct region_request *request)
{
    const struct layout_gate *gate = request->context;
    return file_write_at(control_fd, gate, offsetof(struct layout_gate, waiters),
                         offsetof(struct layout, gate));
}

unsigned gate_flags(const struct object *object)
{
    /* Relaxed: written before the object had a name. */
    return atomic_load_explicit(&object->slots.control->gate.flags, memory_order_relaxed);
}

/* Of one that was there. */
static int check_flags(const struct object *object, unsigned wanted)
{
    if ((wanted & ~gate_flags(object)) == 0)
        return 0;
    return fail(-EMEDIUMTYPE,
                "\"%s\" is there already, and was made without a flag that is asked for (0x%x); "
                "remove it and make it anew, or open it without that",
                object->region.name, wanted & ~gate_flags(object));
}

static int open_checked(void *ret_handle, const struct region_request *region,
                        const struct gate_request *request, unsigned kept)
{
    struct object *object = NULL;
    int r = object_open(region, request->adopt, &object);
    if (r == 0)
        r = check_flags(object, kept);
    if (r < 0) {
        handle_close(request->handle, object);
        return r;
    }
    memcpy(ret_handle, &object, sizeof(object));
    return 0;
}

int gate_open(void *ret_handle, const struct gate_request *request)
{
    const struct object_options *options = &request->options;
    int r = object_check_options(options);
    if (r < 0)
        return r;
    unsigned kept = options->flags & request->kept_flags;
    struct layout_gate gate = {.flags = kept, .count = request->count};
    if (request->first_bytes > 0)
        memcpy(&gate.apart, request->first, request->first_bytes);
    const struct region_request region = {.name = options->name,
                                          .kind = request->kind,
                                          .flags = options->flags,
                                          .mode = options->mode ? options->mode : 0600,
                                          .begin = begin,
                                          .context = &gate,
                                          .trusted_owners = request->trusted_owners,
                                          .trusted_owner_count = request->trusted_owner_count};
    return open_checked(ret_handle, &region, request, kept);
}
