/* See statistics.h. */
#include <stdlib.h>
#include <string.h>

#include "bench/side.h"
#include "bench/statistics.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between two values, as far as the share lies between them. */
static double quantile(const double *sorted, size_t count, double share)
{
    double place = share * (double)(count - 1);
    size_t below = (size_t)place;
    size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

struct figures figures_of(const double *values, size_t count)
{
    struct figures figures = {0, 0, 0};
    double *sorted = count > 0 ? malloc(count * sizeof(*sorted)) : NULL;
    if (sorted == NULL)
        return figures;
    memcpy(sorted, values, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare);
    figures.low = quantile(sorted, count, 0.25);
    figures.median = quantile(sorted, count, 0.5);
    figures.high = quantile(sorted, count, 0.75);
    free(sorted);
    return figures;
}

struct figures figures_of_ratios(const double *values, const double *bases, size_t count)
{
    struct figures figures = {0, 0, 0};
    double *ratios = count > 0 ? malloc(count * sizeof(*ratios)) : NULL;
    size_t sound = 0;
    for (size_t i = 0; ratios && i < count; i++)
        if (bases[i] > 0)
            ratios[sound++] = values[i] / bases[i];
    if (ratios)
        figures = figures_of(ratios, sound);
    free(ratios);
    return figures;
}

double figures_spread(const struct figures *figures)
{
    return figures->median > 0 ? (figures->high - figures->low) / 2 / figures->median : 0;
}

double histogram_quantile(const uint32_t *histogram, double share)
{
    uint64_t total = 0, below = 0;
    for (size_t i = 0; i < BENCH_BUCKETS; i++)
        total += histogram[i];
    double place = share * (double)total;
    for (unsigned i = 0; i < BENCH_BUCKETS; i++) {
        if (histogram[i] > 0 && (double)(below + histogram[i]) >= place) {
            double start = (double)bench_bucket_start(i), end = (double)bench_bucket_start(i + 1);
            double inside = (place - (double)below) / (double)histogram[i];
            return end - start > 1 && inside > 0 ? start + (end - start) * inside : start;
        }
        below += histogram[i];
    }
    return 0;
}
