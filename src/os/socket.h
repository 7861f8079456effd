/* Parcels: one descriptor that holds others and a few bytes, until somebody opens it.
 *
 * A parcel is the receiving end of a unix socket pair with one message in it.  Descriptors in it
 * stay open, locks and all, while the parcel does, wherever it is passed or inherited. */
#ifndef FERRY_SOCKET_H
#define FERRY_SOCKET_H

#include <stddef.h>

enum { PARCEL_DESCRIPTORS = 5, PARCEL_BYTES = 512 };

/* Packs; returns the parcel (close-on-exec), or -errno.  The caller keeps its own descriptors. */
int socket_pack(const void *bytes, size_t count, const int *descriptors, size_t descriptor_count);

/* Looks at the bytes, of which there are to be `count`, and leaves the parcel as it is.  0, or -EBADMSG. */
int socket_look(int parcel, void *ret_bytes, size_t count);

/* Unpacks exactly `count` bytes and whatever descriptors are there (close-on-exec; the rest of the
 * array becomes -1), and empties the parcel.  -EBADMSG if it holds anything else, or nothing;
 * -EMFILE if there are no descriptors to be had: the parcel is as it was then. */
int socket_unpack(int parcel, void *ret_bytes, size_t count,
                  int ret_descriptors[PARCEL_DESCRIPTORS]);

#endif
