/* Runs experiments: all sides in turn, round after round, so that whatever the machine does besides
 * falls on all of them alike. */
#ifndef FERRY_BENCH_CONDUCTOR_H
#define FERRY_BENCH_CONDUCTOR_H

#include "bench/result.h"

struct conductor_options {
    bool quick;
    size_t rounds;            /* 0: as many as quick, or its opposite, usually takes */
    int cpu[2];               /* {-1, -1} leaves it to the bench */
    const char *const *names; /* of experiments to run; "lock" is all that begin so, unless one is
                                      called just that */
    size_t name_count;        /* 0: all */
    const char *const *side_names; /* only these sides, and the floor and the kernel's */
    size_t side_count;             /* 0: all */
    unsigned placements;           /* enum bench_placement; 0: all */
    void (*progress)(const char *what, const char *where, size_t round, size_t rounds);
};

/* 0, or -EINVAL for a processor that may not be used. */
int conductor_run(const struct conductor_options *options, struct report *ret_report);

/* Is the experiment asked for by one of the names? */
bool conductor_wants(const struct conductor_options *options, const struct experiment *experiment);

/* Computes medians, ratios and verdicts of a series from its rows' costs. */
void conductor_judge(struct series *series, const struct experiment *experiment,
                     enum bench_placement placement);

#endif
