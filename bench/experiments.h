/* What is measured: each experiment is one thing that all sides do which can, in the same manner. */
#ifndef FERRY_BENCH_EXPERIMENTS_H
#define FERRY_BENCH_EXPERIMENTS_H

#include "bench/side.h"

/* Which of a side's plays it is about. */
enum bench_shape {
    SHAPE_ROUND_TRIP,
    SHAPE_ONE_WAY,
    SHAPE_TWO_WRITERS,
    SHAPE_TWO_WRITERS_APART,
    SHAPE_MANY_TO_MANY,
    SHAPE_FOUR_SENDERS,
    SHAPE_TYPED,
    SHAPE_PRIORITISED,
    SHAPE_AMONG_MANY,
    SHAPE_IDLE,
    SHAPE_LOCK_PAIR,
    SHAPE_LOCK_CONTEST,
    SHAPE_TAKE_OVER,
    SHAPE_SIGNAL_ALONE,
    SHAPE_CREATE,
    SHAPE_ATTACH,
    SHAPE_DETACH,
    SHAPE_DESTROY,
};

/* How the cost of an operation is told. */
enum bench_measure {
    MEASURE_TIME,  /* "66.1 µs" */
    MEASURE_RATE,  /* operations: "34.1 M/s" */
    MEASURE_FLOW,  /* bytes: "12.4 GB/s" */
    MEASURE_COUNT, /* what was counted is no time: "0" */
};

/* Where the processes run; each is measured by itself. */
enum bench_placement {
    PLACE_TWO_CORES = 1,
    PLACE_ONE_CORE = 2,
    PLACE_AWAKE = 4, /* two cores that are kept from halting */
    PLACE_ALONE = 8, /* there is only near */
};

/* What the project has set itself: so many times another side's cost, or so much. */
struct bench_bar {
    const char *side;
    const char *than; /* another side; NULL: `at_most` is the cost itself, in ns or a count */
    double at_most;
    unsigned placements;
};

#define BENCH_BARS 8

struct experiment {
    const char *name;  /* for the command line: "message-64" */
    const char *title; /* "64-byte message there and back" */
    const char *about; /* a sentence for the report */
    enum bench_shape shape;
    enum bench_measure measure;
    unsigned
        waiting; /* what is asked of a side: BENCH_SPIN, BENCH_BLOCK, BENCH_DEFAULT; 0: nothing */
    unsigned placements;
    size_t size_bytes;
    uint64_t count;     /* operations in a lap; 0: as many as fit */
    int64_t hold_ns;    /* how long an operation lasts, where that is what is watched */
    bool long_batches;  /* so that both get their turns where they share a core */
    const char *floor;  /* the side that others are compared with; NULL: none */
    const char *kernel; /* the same, of the kernel's own */
    struct bench_bar bars[BENCH_BARS]; /* ends with a side of NULL, if there are fewer */
};

extern const struct experiment *const experiments;
extern const size_t experiment_count;

/* How it is called where it runs: "two cores". */
const char *placement_name(enum bench_placement placement);

/* A side's part in it; NULL if it has none. */
const struct bench_play *experiment_play(const struct experiment *experiment,
                                         const struct bench_side *side);

/* How the side will wait: 0 if it cannot in the way that is asked for, or only by spinning where
 * both share a core. */
unsigned experiment_waiting(const struct experiment *experiment, const struct bench_side *side,
                            enum bench_placement placement);

/* Does the side take part there? */
bool experiment_has(const struct experiment *experiment, const struct bench_side *side,
                    enum bench_placement placement);

#endif
