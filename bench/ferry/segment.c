/* A named segment: made, attached to, left, removed. */
#include <ferry/ferry.h>

#include "bench/objects.h"

static ferry_segment *opened; /* by this process */

static void segment_open(struct bench_lap *lap, const char *name, unsigned flags)
{
    if (ferry_segment_open(&opened, name,
                           FERRY_SEGMENT(.flags = flags, .size_bytes = lap->size_bytes)) < 0)
        bench_fail(lap, "%s", ferry_explain());
}

static void segment_make(struct bench_lap *lap)
{
    segment_open(lap, lap->name, FERRY_CREATE | FERRY_EXCLUSIVE);
}

static void segment_create(struct bench_lap *lap)
{
    segment_open(lap, lap->fresh_name, FERRY_CREATE | FERRY_EXCLUSIVE);
}

static void segment_attach(struct bench_lap *lap)
{
    segment_open(lap, lap->name, 0);
}

static void segment_detach(struct bench_lap *lap)
{
    (void)lap;
    ferry_segment_close(opened);
}

static void segment_destroy(struct bench_lap *lap)
{
    ferry_remove(lap->fresh_name);
    ferry_segment_close(opened);
}

static void segment_unmake(struct bench_lap *lap)
{
    ferry_remove(lap->name);
    ferry_remove(lap->fresh_name);
}

BENCH_OBJECT_LOOPS(segment)

const struct bench_side bench_segment = {
    .name = "segment",
    .how = "ferry_segment_open, ferry_segment_close, ferry_remove",
    .family = BENCH_FERRY,
    .make = segment_make,
    .unmake = segment_unmake,
    BENCH_OBJECTS(segment),
};
