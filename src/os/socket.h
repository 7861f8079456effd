/* Parcels: one descriptor that holds others and a few bytes, until somebody opens it.
 *
 * A parcel is the receiving end of a unix socket pair with one message in it.  Descriptors in it
 * stay open, locks and all, while the parcel does, wherever it is passed or inherited. */
#ifndef FERRY_SOCKET_H
#define FERRY_SOCKET_H

#include <stddef.h>

enum { PARCEL_DESCRIPTORS = 4 };

/* Packs; returns the parcel (close-on-exec), or -errno.  The caller keeps its own descriptors. */
int socket_pack(const void *bytes, size_t count, const int *descriptors, size_t descriptor_count);

/* Unpacks exactly `count` bytes and descriptor_count descriptors (close-on-exec) and empties the
 * parcel.  -EBADMSG if it holds anything else, or nothing. */
int socket_unpack(int parcel, void *ret_bytes, size_t count, int *ret_descriptors,
                  size_t descriptor_count);

#endif
