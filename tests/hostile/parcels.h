/* Sound parcels, taken apart and put together otherwise. */
#ifndef HOSTILE_PARCELS_H
#define HOSTILE_PARCELS_H

#include <stddef.h>
#include <stdint.h>

#include <ferry/ferry.h>

enum {
    PARTS_DESCRIPTORS = 4,
    PARTS_MOST = 250,
    PARTS_LOCK = 0,
    PARTS_CONTROL,
    PARTS_DATA,
    PARTS_BELL
};

/* What ferry_segment_hand_over() puts into a parcel. */
struct parts {
    ferry_segment *segment; /* the giver's */
    char bytes[512];
    size_t count;
    int descriptors[PARTS_DESCRIPTORS];
};

/* Where in the bytes. */
enum { PARTS_KIND_AT = 8, PARTS_SLOT_AT = 12, PARTS_NAME_AT = 16 };

/* Of a new segment of that name; NULL: without one. */
void parts_make(struct parts *ret_parts, const char *name);
void parts_drop(struct parts *parts);

/* A parcel with so many bytes and these descriptors; the sending end goes to *ret_sender, or is closed
 * if that is NULL. */
int parcel_send(int type, const void *bytes, size_t count, const int *descriptors,
                size_t descriptor_count, int *ret_sender);

/* The same with what the parts are now. */
int parts_send(const struct parts *parts);

/* Takes it, which may fail but has to be done at once, and uses what was taken.  Closes the parcel.
 * Returns what taking it returned. */
int parcel_try(int parcel);

#endif
