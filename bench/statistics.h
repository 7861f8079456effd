/* Middle values and spreads: what is true of most rounds, whatever disturbed a few. */
#ifndef FERRY_BENCH_STATISTICS_H
#define FERRY_BENCH_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/* Half of the values lie between low and high. */
struct figures {
    double low;
    double median;
    double high;
};

/* Of `count` values in any order; all 0 if there are none. */
struct figures figures_of(const double *values, size_t count);

/* Of the quotients of two series, round by round. */
struct figures figures_of_ratios(const double *values, const double *bases, size_t count);

/* Half of the middle half's width, relative to the median: 0.02 is "± 2%". */
double figures_spread(const struct figures *figures);

/* The value below which that share of a histogram's operations lies; see side.h. */
double histogram_quantile(const uint32_t *histogram, double share);

#endif
