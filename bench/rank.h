/* Mann and Whitney's rank test: could two groups of values be of one kind?  It asks only which value
 * is larger than which, so that no shape of noise misleads it. */
#ifndef FERRY_BENCH_RANK_H
#define FERRY_BENCH_RANK_H

#include <stddef.h>

/* How probable it is that two groups of one kind differ as much as these, or more, either way round.
 * 1 if one of them is empty. */
double rank_probability(const double *a, size_t a_count, const double *b, size_t b_count);

/* What the test can come to at the least with that many values: every one of the one group below
 * every one of the other. */
double rank_least_probability(size_t a_count, size_t b_count);

/* How many values of each group it takes for that to be at most `level`. */
size_t rank_values_for(double level);

#endif
