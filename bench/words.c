/* See words.h. */
#include <stdio.h>

#include "bench/scale.h"
#include "bench/words.h"

/* Three digits, whatever the size. */
static int digits_behind(double value)
{
    return value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
}

struct words words_number(double value)
{
    struct words words;
    snprintf(words.text, sizeof(words.text), "%.*f", value == 0 ? 0 : digits_behind(value), value);
    return words;
}

static struct words with_unit(double value, double step, const char *const *units, size_t count)
{
    struct words words;
    size_t unit = 0;
    while (value >= step * 0.9995 && unit + 1 < count) {
        value /= step;
        unit++;
    }
    snprintf(words.text, sizeof(words.text), "%.*f %s", digits_behind(value), value, units[unit]);
    return words;
}

struct words words_time(double ns)
{
    static const char *const units[] = {"ns", "µs", "ms", "s"};
    return with_unit(ns, 1000, units, 4);
}

static struct words words_rate(double per_second)
{
    static const char *const units[] = {"/s", "k/s", "M/s", "G/s"};
    return with_unit(per_second, 1000, units, 4);
}

static struct words words_flow(double bytes_per_second)
{
    static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s"};
    return with_unit(bytes_per_second, 1000, units, 4);
}

struct words words_cost(const struct series *series, double cost)
{
    if (series->measure == MEASURE_COUNT)
        return words_number(cost);
    if (series->measure == MEASURE_TIME || cost <= 0)
        return words_time(cost);
    if (series->measure == MEASURE_RATE)
        return words_rate(1e9 / cost);
    return words_flow((double)series->size_bytes * 1e9 / cost);
}

struct words words_ratio(double ratio)
{
    struct words words = {""};
    if (ratio >= 0.095)
        snprintf(words.text, sizeof(words.text), "%.*f", digits_behind(ratio), ratio);
    else if (ratio >= 0.001)
        snprintf(words.text, sizeof(words.text), "%.1g", ratio);
    else if (ratio > 0)
        snprintf(words.text, sizeof(words.text), "<0.001");
    return words;
}

struct words words_spread(const struct figures *figures)
{
    struct words words;
    snprintf(words.text, sizeof(words.text), "%.0f%%", 100 * figures_spread(figures));
    return words;
}

/* Of what is told as a rate, a bar on the cost is told as one on the rate, too. */
static struct words_long verdict_on_rate(const struct verdict *verdict, const char *outcome)
{
    struct words_long words;
    snprintf(words.text, sizeof(words.text), "%s: at least %s × %s: %s (%s)", verdict->side,
             words_number(1 / verdict->at_most).text, verdict->than, outcome,
             words_ratio(1 / verdict->found).text);
    return words;
}

struct words_long words_verdict(const struct series *series, const struct verdict *verdict)
{
    struct words_long words;
    const char *outcome = verdict->met ? "met" : "NOT met";
    if (verdict->than && scale_is_rate(series->measure))
        return verdict_on_rate(verdict, outcome);
    if (verdict->than)
        snprintf(words.text, sizeof(words.text), "%s: at most %s × %s: %s (%s)", verdict->side,
                 words_number(verdict->at_most).text, verdict->than, outcome,
                 words_ratio(verdict->found).text);
    else
        snprintf(words.text, sizeof(words.text), "%s: at most %s: %s (%s)", verdict->side,
                 words_cost(series, verdict->at_most).text, outcome,
                 words_cost(series, verdict->found).text);
    return words;
}
