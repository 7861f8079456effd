/* See sides.h. */
#include "bench/sides.h"

#define SIDES(X)                                                                                   \
    X(bench_futex) X(bench_pipe) X(bench_segment_notice) X(bench_segment_lock) X(bench_segment)

#define DECLARE(side) extern const struct bench_side side;
#define LIST(side)    &side,

SIDES(DECLARE)

const struct bench_side *const built_in_sides[] = {SIDES(LIST) NULL};

const struct bench_side *const *sides_all(struct report *report)
{
    (void)report;
    return built_in_sides;
}
