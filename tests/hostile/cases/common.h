/* What is tried on a segment, for the sound library and for those with planted faults. */
#ifndef HOSTILE_CASES_COMMON_H
#define HOSTILE_CASES_COMMON_H

#include <ferry/ferry.h>

#include "../harness.h"
#include "test.h"

#define NAME "hostile"

struct world {
    ferry_segment *segment; /* the peer's, and as inherited by it the victim's */
    ferry_segment *other;   /* opened by an operation */
    int parcel;
};

/* The peer's part, the same in all cases. */
void world_make(void *memory);
void world_drop(void *memory);
void world_rescue(void *memory, struct layout *control);

/* Operations by what they are about; each list ends with one that has no name. */
extern const struct hostile_operation lock_operations[];
extern const struct hostile_operation notice_operations[];
extern const struct hostile_operation member_operations[];
extern const struct hostile_operation look_operations[];

/* A case of the segment with these operations. */
struct hostile_case segment_case(const char *name, const struct hostile_operation *operations);

#endif
