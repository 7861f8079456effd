/* Parcels: a membership of an object of any kind, on its way to another process as one descriptor.
 *
 * In it are a description of the control file that holds the lock on a slot, and all that its next member
 * needs to use the object: no name, no permission, no /proc.  If it is lost, the kernel closes what is
 * in it, and the slot is free again. */
#ifndef FERRY_IPC_PARCEL_H
#define FERRY_IPC_PARCEL_H

#include "ipc/object.h"

/* Both are called between fork_hold() and fork_unhold(). */

/* Packs a membership with that role, which the object itself has.  Returns the parcel, or -errno. */
int parcel_pack(const struct object *object, unsigned role);

/* Becomes the member that is in the parcel; object_follow() must come next.  The descriptor stays the
 * caller's.  -EMEDIUMTYPE: another kind, and -EMFILE: the parcel is as it was; -EBADMSG, -EPERM,
 * -ETIMEDOUT. */
int parcel_open(struct object *ret_object, enum ferry_kind kind, int descriptor);

#endif
