/* A segment's lock, as a library that changes from one version to the next would have it: built as it
 * is, and once more with so much in the operation itself that it takes about ten times as long.  That is
 * seen whatever the machine does meanwhile; how fine a change can be told is no matter for a test. */
#include <ferry/ferry.h>

#include "bench/locks.h"

#ifndef PLANTED_STEPS
#define PLANTED_STEPS 0
#endif

static void planted_make(struct bench_lap *lap)
{
    ferry_segment *segment;
    if (ferry_segment_open(&segment, NULL, FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64)) <
        0)
        bench_fail(lap, "%s", ferry_explain());
    lap->own = segment;
}

BENCH_INLINE void planted_lock(struct bench_lap *lap)
{
    if (ferry_segment_lock((ferry_segment *)lap->own, FERRY_FOREVER) < 0)
        bench_fail(lap, "%s", ferry_explain());
    for (int i = 0; i < PLANTED_STEPS; i++)
        __atomic_fetch_add((uint32_t *)lap->shared, 1, __ATOMIC_SEQ_CST);
}

BENCH_INLINE void planted_unlock(struct bench_lap *lap)
{
    if (ferry_segment_unlock((ferry_segment *)lap->own) < 0)
        bench_fail(lap, "%s", ferry_explain());
}

BENCH_LOCK_LOOPS(planted)

static const struct bench_side planted = {
    .name = "planted",
    .how = "ferry_segment_lock, ferry_segment_unlock",
    .family = BENCH_FERRY,
    .make = planted_make,
    BENCH_LOCKS(planted),
};

static const struct bench_side *const sides[] = {&planted, NULL};

__attribute__((visibility("default"))) const struct bench_plugin ferry_bench_plugin = {
    .version = BENCH_PLUGIN_VERSION,
    .side_bytes = sizeof(struct bench_side),
    .name = "planted",
    .sides = sides,
};
