/* Near and far, as the keeper starts them, and what they and it see of one another. */
#ifndef FERRY_BENCH_RUNNER_H
#define FERRY_BENCH_RUNNER_H

#include "bench/lap.h"

/* In memory that all of a lap's processes share.  Near writes what is to be done before a barrier,
 * each of them its own outcome between two, and near the result behind the last. */
struct control {
    uint32_t arrived; /* at the barrier */
    uint32_t passed;  /* how often both have */
    uint32_t stop;    /* a contest is over */
    bool whole;
    bool sample;
    bool counting;               /* the keeper counts system calls in this batch */
    uint64_t count;              /* of the batch; 0: there is no further one */
    uint32_t traced[2];          /* near, far: the keeper has them on its leash, if it wants to */
    uint64_t calls;              /* that the keeper has counted */
    struct bench_outcome keeper; /* only its error counts */
    struct bench_outcome runner[2];
    struct lap_result result;
};

/* One process's view. */
struct runner {
    struct bench_lap lap;
    const struct lap_request *request;
    struct control *control;
};

/* How many operations the last batch was. */
double runner_operations(const struct control *control);

/* All of one process. */
__attribute__((noreturn)) void runner_run(struct runner *runner, enum bench_role role);

#endif
