/* See rank.h.
 *
 * Ranks are counted twice, so that those of equal values, which share the middle of theirs, are whole
 * numbers.  Few values: the exact share of all divisions into two groups, ties included.  Many: the
 * normal curve that it comes to. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench/rank.h"

/* Beyond so many values together the normal curve will do. */
#define EXACT_MOST 40

struct ranked {
    double value;
    unsigned rank; /* twice */
    bool in_a;
};

static int compare(const void *left, const void *right)
{
    double x = ((const struct ranked *)left)->value, y = ((const struct ranked *)right)->value;
    return (x > y) - (x < y);
}

static struct ranked *rank(const double *a, size_t a_count, const double *b, size_t b_count)
{
    size_t count = a_count + b_count;
    struct ranked *all = calloc(count, sizeof(*all));
    if (all == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        all[i] = (struct ranked){.value = i < a_count ? a[i] : b[i - a_count], .in_a = i < a_count};
    qsort(all, count, sizeof(*all), compare);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && all[to].value <= all[from].value; to++)
            ;
        for (size_t i = from; i < to; i++)
            all[i].rank = (unsigned)(from + to + 1);
    }
    return all;
}

/* Twice the sum of the first group's ranks; for groups of one kind, a_count * (count + 1) on
 * average. */
static double rank_sum(const struct ranked *all, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (all[i].in_a)
            sum += all[i].rank;
    return sum;
}

/* ways[chosen * sums + sum]: in how many ways that many of the values, as far as they have been gone
 * through, have that sum of ranks. */
static double exact(const struct ranked *all, size_t count, size_t a_count, double distance)
{
    size_t sums = count * (count + 1) + 1;
    double *ways = calloc((a_count + 1) * sums, sizeof(*ways));
    if (ways == NULL)
        return 1;
    ways[0] = 1;
    for (size_t i = 0; i < count; i++)
        for (size_t chosen = a_count; chosen > 0; chosen--)
            for (size_t sum = all[i].rank; sum < sums; sum++)
                ways[chosen * sums + sum] += ways[(chosen - 1) * sums + sum - all[i].rank];
    double middle = (double)(a_count * (count + 1)), as_far = 0, total = 0;
    for (size_t sum = 0; sum < sums; sum++) {
        total += ways[a_count * sums + sum];
        if (fabs((double)sum - middle) >= distance)
            as_far += ways[a_count * sums + sum];
    }
    free(ways);
    return as_far / total;
}

/* The variance of ranks, ties taken into account, is that of a sample without putting back. */
static double normal(const struct ranked *all, size_t count, size_t a_count, double distance)
{
    double squares = 0, n = (double)count, a = (double)a_count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)all[i].rank - (n + 1)) * ((double)all[i].rank - (n + 1));
    double deviation = sqrt(a * (n - a) / n * squares / (n - 1));
    double beyond = distance > 1 ? distance - 1 : 0; /* half a rank, twice */
    return deviation > 0 ? erfc(beyond / deviation / sqrt(2)) : 1;
}

double rank_probability(const double *a, size_t a_count, const double *b, size_t b_count)
{
    size_t count = a_count + b_count;
    struct ranked *all = a_count && b_count ? rank(a, a_count, b, b_count) : NULL;
    if (all == NULL)
        return 1;
    double distance = fabs(rank_sum(all, count) - (double)(a_count * (count + 1)));
    double probability = count <= EXACT_MOST ? exact(all, count, a_count, distance)
                                             : normal(all, count, a_count, distance);
    free(all);
    return probability;
}

double rank_least_probability(size_t a_count, size_t b_count)
{
    double least = 2;
    for (size_t i = 1; i <= b_count; i++)
        least *= (double)i / (double)(a_count + i);
    return least < 1 ? least : 1;
}

size_t rank_values_for(double level)
{
    size_t count = 1;
    while (rank_least_probability(count, count) > level && count < 1000)
        count++;
    return count;
}
