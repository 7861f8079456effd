/* How costs are told to people, in tables and reports alike. */
#ifndef FERRY_BENCH_WORDS_H
#define FERRY_BENCH_WORDS_H

#include "bench/result.h"

struct words {
    char text[48];
};

/* A cost as its series tells it: "66.1 µs", "34.1 M/s", "12.4 GB/s", "0". */
struct words words_cost(const struct series *series, double cost);

/* A time with its unit, three digits; words_number() is any number so. */
struct words words_time(double ns);
struct words words_number(double value);

/* "1.46"; "" for 0, which is a ratio that was not measured. */
struct words words_ratio(double ratio);

/* "2%": see figures_spread(). */
struct words words_spread(const struct figures *figures);

/* "segment lock takes 1.46 times as long as two bare swaps; the bar is 1.5" and the like. */
struct words_long {
    char text[240];
} words_verdict(const struct series *series, const struct verdict *verdict);

#endif
