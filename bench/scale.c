/* See scale.h. */
#include <math.h>
#include <stdio.h>

#include "bench/scale.h"

/* Values further apart than this cannot be told from zero on a linear axis. */
#define LINEAR_SPAN 20

/* More labels than this do not fit on a telephone. */
#define MOST_TICKS 6

bool scale_is_rate(enum bench_measure measure)
{
    return measure == MEASURE_RATE || measure == MEASURE_FLOW;
}

double scale_value(const struct series *series, double cost)
{
    if (!scale_is_rate(series->measure))
        return cost;
    if (cost <= 0)
        return 0;
    return (series->measure == MEASURE_FLOW ? (double)series->size_bytes : 1) * 1e9 / cost;
}

/* The 1, 2 or 5 times a power of ten that is just below a value, or above it. */
static double round_down(double value)
{
    double power = pow(10, floor(log10(value) + 1e-9)), digit = value / power * (1 + 1e-9);
    return power * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
}

static double round_up(double value)
{
    double power = pow(10, floor(log10(value) + 1e-9)), digit = value / power * (1 - 1e-9);
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

static void set_linear(struct scale *scale, double most)
{
    double step = round_up(most / (MOST_TICKS - 1));
    size_t steps = (size_t)ceil(most / step * (1 - 1e-9));
    scale->high = (double)steps * step;
    for (size_t i = 0; i <= steps && i < SCALE_TICKS; i++)
        scale->ticks[scale->tick_count++] = (double)i * step;
}

/* How many powers of ten, of which one in `stride` is labelled, lie on the axis. */
static void set_powers(struct scale *scale)
{
    int first = (int)ceil(log10(scale->low) - 1e-9), last = (int)floor(log10(scale->high) + 1e-9);
    int stride = 1 + (last - first) / MOST_TICKS;
    for (int power = first; power <= last && scale->tick_count < SCALE_TICKS; power += stride)
        scale->ticks[scale->tick_count++] = pow(10, power);
}

/* The shortest bar is not of length nothing, hence the room below the least. */
static void set_logarithmic(struct scale *scale, double least, double most)
{
    scale->logarithmic = true;
    scale->low = round_down(least / 1.5);
    scale->high = round_up(most);
    size_t count = 0;
    for (double tick = scale->low; tick <= scale->high * 1.001; tick = round_up(tick * 1.5))
        count++;
    if (count > MOST_TICKS) {
        set_powers(scale);
        return;
    }
    for (double tick = scale->low; tick <= scale->high * 1.001; tick = round_up(tick * 1.5))
        scale->ticks[scale->tick_count++] = tick;
}

struct scale scale_of(enum bench_measure measure, double least, double most)
{
    struct scale scale = {.measure = measure};
    if (!isfinite(most) || most <= 0)
        most = 1;
    if (isfinite(least) && least > 0 && most > least * LINEAR_SPAN)
        set_logarithmic(&scale, least, most);
    else
        set_linear(&scale, most);
    return scale;
}

double scale_place(const struct scale *scale, double value)
{
    double place = 100 * value / scale->high;
    if (scale->logarithmic)
        place = value > 0 ? 100 * log(value / scale->low) / log(scale->high / scale->low) : 0;
    return !isfinite(place) || place < 0 ? 0 : place > 100 ? 100 : place;
}

struct words scale_words(const struct scale *scale, double value)
{
    static const char *const units[][4] = {
        [MEASURE_TIME] = {" ns", " µs", " ms", " s"},
        [MEASURE_RATE] = {"/s", " k/s", " M/s", " G/s"},
        [MEASURE_FLOW] = {" B/s", " kB/s", " MB/s", " GB/s"},
        [MEASURE_COUNT] = {"", " k", " M", " G"},
    };
    struct words words = {"0"};
    double unit_of = scale->logarithmic ? value : scale->high, step = 1;
    size_t unit = 0;
    for (; unit_of >= step * 999.5 && unit < 3; unit++)
        step *= 1000;
    if (value > 0)
        snprintf(words.text, sizeof(words.text), "%.3g%s", value / step,
                 units[scale->measure][unit]);
    return words;
}
