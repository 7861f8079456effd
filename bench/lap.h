/* One lap: a side's processes are made, do their operations once, and are gone. */
#ifndef FERRY_BENCH_LAP_H
#define FERRY_BENCH_LAP_H

#include "bench/side.h"

#define LAP_BATCHES 15

struct lap_request {
    const struct bench_side *side;
    const struct bench_play *play;
    unsigned waiting;
    size_t size_bytes;
    int cpu[2];
    uint64_t count;    /* operations in a batch; 0: as many as fit into target_ns */
    int64_t target_ns; /* how long a batch is to last */
    size_t batches;    /* at most LAP_BATCHES; their lower quartile is the lap's cost */
    int64_t hold_ns;
    bool count_calls; /* do nothing but count system calls; `count` is given */
    bool bare;        /* no warm-up: an operation lasts hold_ns */
    bool sample;      /* a further batch whose operations are timed one by one */
};

struct lap_result {
    bool unavailable; /* `error` says what the machine lacks */
    char error[300];  /* empty if all went well */
    uint64_t count;
    double cost_ns; /* of one operation: the batches' lower quartile */
    double cpu_ns;  /* of all threads of both processes, for one operation */
    double sleeps;
    double calls; /* system calls, of all threads of both; only if they were counted */
    uint32_t histogram[BENCH_BUCKETS]; /* of operations timed one by one, if there were any */
};

/* Runs it and waits for its end, which comes whatever the side does: after half a minute, or as many
 * seconds as FERRY_BENCH_PATIENCE says, it is killed. */
void lap_run(const struct lap_request *request, struct lap_result *ret_result);

/* The same for many sides at once, for what takes long and no time of any processor. */
void lap_run_together(const struct lap_request *requests, size_t count,
                      struct lap_result *ret_results);

#endif
