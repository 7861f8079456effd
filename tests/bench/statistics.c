/* Quartiles, the histogram's buckets, and the rank test. */
#include <math.h>

#include "bench/rank.h"
#include "bench/side.h"
#include "bench/statistics.h"
#include "test.h"

#define CHECK_REAL(actual, expected) CHECK(fabs((actual) - (double)(expected)) <= 1e-9)

TEST(quartiles_lie_between_the_values) // statistics.h
{
    const double one[] = {7}, two[] = {4, 2}, five[] = {5, 1, 4, 2, 3};
    struct figures figures = figures_of(NULL, 0);
    CHECK_REAL(figures.median, 0);
    figures = figures_of(one, 1);
    CHECK(figures.low >= 7 && figures.high <= 7);
    figures = figures_of(two, 2);
    CHECK_REAL(figures.low, 2.5);
    CHECK_REAL(figures.median, 3);
    CHECK_REAL(figures.high, 3.5);
    figures = figures_of(five, 5);
    CHECK_REAL(figures.low, 2);
    CHECK_REAL(figures.median, 3);
    CHECK_REAL(figures.high, 4);
    CHECK_REAL(figures_spread(&figures), 1.0 / 3);
}

TEST(rounds_without_a_base_have_no_ratio) // statistics.h
{
    const double values[] = {2, 9, 6}, bases[] = {1, 0, 3};
    struct figures figures = figures_of_ratios(values, bases, 3);
    CHECK_REAL(figures.median, 2);
}

static void check_bucket(uint64_t ns)
{
    unsigned bucket = bench_bucket(ns);
    CHECK(bucket < BENCH_BUCKETS);
    CHECK(bench_bucket_start(bucket) <= ns);
    if (bucket + 1 < BENCH_BUCKETS)
        CHECK(bench_bucket_start(bucket + 1) > ns);
}

TEST(every_time_lands_in_a_bucket_that_contains_it) // side.h
{
    for (uint64_t ns = 0; ns < 1 << 17; ns++)
        check_bucket(ns);
    for (unsigned power = 7; power < 64; power++)
        for (int64_t off = -300; off <= 300; off++)
            check_bucket((UINT64_C(1) << power) + (uint64_t)off);
    for (unsigned bucket = 0; bucket < BENCH_BUCKETS; bucket++)
        CHECK_EQ(bench_bucket(bench_bucket_start(bucket)), bucket);
    check_bucket(UINT64_MAX);
}

TEST(a_quantile_of_a_histogram_is_within_its_bucket) // statistics.h
{
    static uint32_t histogram[BENCH_BUCKETS];
    CHECK_REAL(histogram_quantile(histogram, 0.5), 0);
    for (uint64_t ns = 1000; ns < 3000; ns++)
        histogram[bench_bucket(ns)]++;
    for (double share = 0; share <= 1; share += 0.01) {
        double expected = 1000 + 2000 * share;
        CHECK(fabs(histogram_quantile(histogram, share) - expected) <= expected / BENCH_STEPS + 1);
    }
}

TEST(the_rank_test_is_exact_for_few_values) // rank.h
{
    const double low[] = {1, 2, 3}, high[] = {4, 5, 6}, mixed[] = {1, 3, 5}, rest[] = {2, 4, 6};
    CHECK_REAL(rank_probability(low, 3, high, 3), 0.1);
    CHECK_REAL(rank_probability(high, 3, low, 3), 0.1);
    CHECK_REAL(rank_probability(mixed, 3, rest, 3), 0.7);
    CHECK_REAL(rank_probability(low, 3, low, 3), 1);
    CHECK_REAL(rank_probability(low, 0, low, 3), 1);
    CHECK_REAL(rank_least_probability(3, 3), 0.1);
    CHECK_EQ(rank_values_for(0.1), 3);
    CHECK_EQ(rank_values_for(0.001), 7);
}

TEST(equal_values_share_their_ranks) // rank.h
{
    const double a[] = {1, 1, 1}, b[] = {1, 1, 2}, c[] = {2, 2, 2};
    CHECK_REAL(rank_probability(a, 3, a, 3), 1);
    CHECK_REAL(rank_probability(a, 3, b, 3), 1);
    CHECK_REAL(rank_probability(a, 3, c, 3), 0.1);
}

TEST(many_values_come_to_the_same_by_the_normal_curve) // rank.h
{
    double a[30], b[30];
    for (int i = 0; i < 30; i++) {
        a[i] = i;
        b[i] = i + 8.5;
    }
    double few = rank_probability(a, 20, b, 20), many = rank_probability(a, 21, b, 21);
    CHECK(many > few / 3 && many < few * 3);
    CHECK(rank_probability(a, 30, a, 30) > 0.99);
}
