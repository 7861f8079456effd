/* Gates: what mutexes and what stands on them have in common.  Objects without data, for who may write, with a few flags that they were
 * made with, and with a lobby to wait in. */
#ifndef FERRY_IPC_GATE_H
#define FERRY_IPC_GATE_H

#include <ferry/base.h>

#include "ipc/handle.h"

struct gate_request {
    struct object_options options; /* those that all kinds have */
    enum ferry_kind kind;
    const struct handle_kind *handle;
    object_adopt *adopt; /* makes one of these */
    unsigned kept_flags; /* which of the flags the object keeps */
    uint32_t count;      /* kept, too */
    const void *first;   /* of the kind's own part, so many bytes; the rest is zero */
    size_t first_bytes;
    const uid_t *trusted_owners;
    size_t trusted_owner_count;
};

/* Opens as ferry_segment_open() does.  -EMEDIUMTYPE, too, if it was there and was made without a kept flag that is asked for. */
int gate_open(void *ret_handle, const struct gate_request *request);

/* The flags that it keeps. */
unsigned gate_flags(const struct object *object);

#endif
