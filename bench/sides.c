/* See sides.h. */
#include "bench/sides.h"

/* In the order of the report. */
#define FLOORS(X)                                                                                  \
    X(bench_futex)                                                                                 \
    X(bench_one_line)                                                                              \
    X(bench_two_lines)                                                                             \
    X(bench_ring)                                                                                  \
    X(bench_copy)                                                                                  \
    X(bench_swap)                                                                                  \
    X(bench_futex_mutex)                                                                           \
    X(bench_death)                                                                                 \
    X(bench_file)
#define KERNEL(X) X(bench_pipe)
#define FERRY(X)                                                                                   \
    X(bench_segment_notice)                                                                        \
    X(bench_segment_lock)                                                                          \
    X(bench_segment)
#define SIDES(X) FLOORS(X) KERNEL(X) FERRY(X)

#define DECLARE(side) extern const struct bench_side side;
#define LIST(side)    &side,

SIDES(DECLARE)

const struct bench_side *const built_in_sides[] = {SIDES(LIST) NULL};

const struct bench_side *const *sides_all(struct report *report)
{
    (void)report;
    return built_in_sides;
}
