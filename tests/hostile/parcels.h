/* Sound parcels, taken apart and put together otherwise. */
#ifndef HOSTILE_PARCELS_H
#define HOSTILE_PARCELS_H

#include <stddef.h>
#include <stdint.h>

#include <ferry/ferry.h>

enum {
    PARTS_DESCRIPTORS = 4, /* of a segment */
    PARTS_ROOM = 5,        /* of a pipe with both ends */
    PARTS_MOST = 250,
    PARTS_LOCK = 0,
    PARTS_CONTROL,
    PARTS_DATA,
    PARTS_BELL,
    PARTS_END = PARTS_BELL,
    PARTS_OTHER_END
};

/* What is in a parcel. */
struct parts {
    ferry_segment *segment; /* the giver's, */
    ferry_pipe
        *ends[2]; /* or, of a pipe, the giver's handles; [0] has both ends if it has a name */
    char bytes[512];
    size_t count;
    int descriptors[PARTS_ROOM];
    size_t descriptor_count;
};

/* Where in the bytes. */
enum { PARTS_KIND_AT = 8, PARTS_SLOT_AT = 12, PARTS_NAME_AT = 16 };

/* Of a new segment of that name; NULL: without one. */
void parts_make(struct parts *ret_parts, const char *name);
void parts_drop(struct parts *parts);

/* Of a new pipe, with one end or, if it has a name, any. */
void parts_make_pipe(struct parts *ret_parts, const char *name, unsigned role);

/* A parcel with so many bytes and these descriptors; the sending end goes to *ret_sender, or is closed
 * if that is NULL. */
int parcel_send(int type, const void *bytes, size_t count, const int *descriptors,
                size_t descriptor_count, int *ret_sender);

/* The same with what the parts are now. */
int parts_send(const struct parts *parts);

/* Takes it, which may fail but has to be done at once, and uses what was taken.  Closes the parcel.
 * Returns what taking it returned. */
int parcel_try(int parcel);
int parcel_try_pipe(int parcel);

#endif
