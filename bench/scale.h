/* The axis of a chart: which values it spans, where they lie on it, and what is written at it. */
#ifndef FERRY_BENCH_SCALE_H
#define FERRY_BENCH_SCALE_H

#include "bench/words.h"

#define SCALE_TICKS 8

struct scale {
    enum bench_measure measure;
    bool logarithmic; /* equal steps are equal factors */
    double low;       /* at the left end; 0 unless logarithmic */
    double high;      /* at the right end */
    double ticks[SCALE_TICKS];
    size_t tick_count;
};

/* What is shown of a cost: ns, or a count, or operations or bytes in a second. */
double scale_value(const struct series *series, double cost);

/* Is more of it better? */
bool scale_is_rate(enum bench_measure measure);

/* An axis for values between these; logarithmic if it has to be. */
struct scale scale_of(enum bench_measure measure, double least, double most);

/* Where a value lies, from 0 to 100. */
double scale_place(const struct scale *scale, double value);

/* "20 µs": a round value at the axis. */
struct words scale_words(const struct scale *scale, double value);

#endif
