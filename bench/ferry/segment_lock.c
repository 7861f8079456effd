/* The lock that every segment carries. */
#include <errno.h>

#include <ferry/ferry.h>

#include "bench/locks.h"

static void segment_lock_make(struct bench_lap *lap)
{
    ferry_segment *segment;
    if (ferry_segment_open(&segment, NULL, FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64)) <
        0)
        bench_fail(lap, "%s", ferry_explain());
    lap->own = segment;
}

BENCH_INLINE void segment_lock_lock(struct bench_lap *lap)
{
    ferry_segment *segment = (ferry_segment *)lap->own;
    int r = ferry_segment_lock(segment, FERRY_FOREVER);
    if (r == -EOWNERDEAD)
        r = ferry_segment_repaired(segment);
    if (r < 0)
        bench_fail(lap, "%s", ferry_explain());
}

BENCH_INLINE void segment_lock_unlock(struct bench_lap *lap)
{
    if (ferry_segment_unlock((ferry_segment *)lap->own) < 0)
        bench_fail(lap, "%s", ferry_explain());
}

BENCH_LOCK_LOOPS(segment_lock)

const struct bench_side bench_segment_lock = {
    .name = "segment lock",
    .how = "ferry_segment_lock, ferry_segment_unlock",
    .family = BENCH_FERRY,
    .make = segment_lock_make,
    BENCH_ROBUST_LOCKS(segment_lock),
};
