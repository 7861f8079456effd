/* The loops of sides that make, find and remove objects by name.
 *
 *     create   makes lap->fresh_name, lap->size_bytes large, and holds it
 *     destroy  lets go of it and removes the name
 *     attach   opens lap->name, which the keeper's make has created, so that its memory can be used
 *     detach   lets go of it again
 *
 *     BENCH_OBJECT_LOOPS(shm)
 *
 *     const struct bench_side bench_shm = {.name = "shm_open", …, BENCH_OBJECTS(shm)};
 *
 * Each operation is timed by itself; what undoes it is not counted. */
#ifndef FERRY_BENCH_OBJECTS_H
#define FERRY_BENCH_OBJECTS_H

#include "bench/messages.h"

typedef void bench_deed(struct bench_lap *lap);

/* Times `first` or, if it is the second that counts, `second`. */
BENCH_INLINE void bench_do(struct bench_lap *lap, uint64_t count, bench_deed *first,
                           bench_deed *second, bool second_counts)
{
    for (uint64_t i = 0; i < count; i++) {
        int64_t begin_ns = bench_now_ns();
        first(lap);
        int64_t middle_ns = bench_now_ns();
        second(lap);
        bench_note(lap, second_counts ? bench_now_ns() - middle_ns : middle_ns - begin_ns);
    }
}

#define BENCH_OBJECT_LOOPS(side)                                                                   \
    static void side##_creating(struct bench_lap *lap, uint64_t count)                             \
    {                                                                                              \
        bench_do(lap, count, side##_create, side##_destroy, false);                                \
    }                                                                                              \
    static void side##_attaching(struct bench_lap *lap, uint64_t count)                            \
    {                                                                                              \
        bench_do(lap, count, side##_attach, side##_detach, false);                                 \
    }                                                                                              \
    static void side##_detaching(struct bench_lap *lap, uint64_t count)                            \
    {                                                                                              \
        bench_do(lap, count, side##_attach, side##_detach, true);                                  \
    }                                                                                              \
    static void side##_destroying(struct bench_lap *lap, uint64_t count)                           \
    {                                                                                              \
        bench_do(lap, count, side##_create, side##_destroy, true);                                 \
    }

#define BENCH_OBJECTS(side)                                                                        \
    .create = {side##_creating, NULL, NULL}, .attach = {side##_attaching, NULL, NULL},             \
    .detach = {side##_detaching, NULL, NULL}, .destroy = {side##_destroying, NULL, NULL}

#endif
