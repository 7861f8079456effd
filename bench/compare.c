/* See compare.h.
 *
 * A side has become slower or faster if both hold:
 *
 * - The rank test says that noise alone would not do it: one time in a thousand at most, for all the
 *   comparisons of two runs together (Holm's steps).  Of all the rounds of both runs, the upper half
 *   counts as equal.  What disturbs a round makes it longer, sometimes twice as long; the lower half
 *   is where a side's own cost shows, and a busy machine leaves that half alone longest.
 * - Both the median and the quartile below it went the same way, by at least LEAST_CHANGE, and by at
 *   least as much as they lie apart.
 *
 * The second is what the rank test cannot know.  It takes the rounds of a run for independent, but
 * machines have moods that last for seconds: a neighbour on the same core, a frequency.  A side that
 * costs 1.1 or 1.6 depending on the mood has another median in each run and the same two costs.  Two
 * places that must both move seldom mistake another mix of moods for another cost, unless a whole run
 * was spent in one of them: then only a run with more rounds helps.
 *
 * Five rounds cannot tell: even if all of one run lie above all of the other's, that happens by itself
 * once in 126 comparisons, and a whole run has hundreds.  Those are counted, and not guessed at. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare.h"
#include "bench/rank.h"

#define LEVEL        0.001
#define LEAST_CHANGE 0.05

/* A side that both runs have figures of. */
struct pair {
    struct change change;
    bool moved;   /* median and lower quartile have, both */
    double least; /* probability that so many rounds could come to */
};

struct pairs {
    struct pair *list;
    size_t count;
};

/* ---- Lists ------------------------------------------------------------------------------------------ */

static void *grow(void *array, size_t *count, size_t element_bytes)
{
    char *grown = result_array(*count + 1, element_bytes);
    if (*count > 0)
        memcpy(grown, array, *count * element_bytes);
    free(array);
    ++*count;
    return grown;
}

static void add_change(struct comparison *comparison, const struct change *change)
{
    comparison->changes =
        grow(comparison->changes, &comparison->change_count, sizeof(*comparison->changes));
    comparison->changes[comparison->change_count - 1] = *change;
}

__attribute__((format(printf, 2, 3))) static void add_caveat(struct comparison *comparison,
                                                             const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    comparison->caveats =
        grow(comparison->caveats, &comparison->caveat_count, sizeof(*comparison->caveats));
    comparison->caveats[comparison->caveat_count - 1] = result_copy(text);
}

/* ---- One side --------------------------------------------------------------------------------------- */

/* What one run says of a side, round by round. */
struct sample {
    double *values;
    size_t count;
    struct figures figures;
};

static const struct row *floor_of(const struct series *series, const struct row *row)
{
    const struct row *floor = series_find_row(series, series->floor);
    return floor && floor != row && floor->rounds == row->rounds ? floor : NULL;
}

static struct sample sample_take(const struct row *row, const struct row *floor)
{
    struct sample sample = {.values = result_array(row->rounds, sizeof(*sample.values))};
    for (size_t i = 0; i < row->rounds; i++)
        if (floor == NULL)
            sample.values[sample.count++] = row->costs[i];
        else if (floor->costs[i] > 0)
            sample.values[sample.count++] = row->costs[i] / floor->costs[i];
    sample.figures = figures_of(sample.values, sample.count);
    return sample;
}

static bool is_above(double more, double less, double least)
{
    return more > less && more >= less * (1 + least);
}

/* How far the lower quartile lies below the median. */
static double depth(const struct figures *figures)
{
    return figures->median > 0 ? 1 - figures->low / figures->median : 0;
}

/* Have the median and the lower quartile of one moved above the other's? */
static bool lies_above(const struct figures *more, const struct figures *less)
{
    double noise = hypot(depth(more), depth(less)) / sqrt(2);
    double least = noise > LEAST_CHANGE ? noise : LEAST_CHANGE;
    return is_above(more->low, less->low, least) && is_above(more->median, less->median, least);
}

static void cap(struct sample *sample, double most)
{
    for (size_t i = 0; i < sample->count; i++)
        sample->values[i] = sample->values[i] < most ? sample->values[i] : most;
}

/* The rank test with the upper half of all values made equal.  That treats both runs alike, so the
 * test stays as exact as it is. */
static double probability_of_lower_halves(struct sample *a, struct sample *b)
{
    size_t count = a->count + b->count;
    double *all = result_array(count + 1, sizeof(*all));
    for (size_t i = 0; i < count; i++)
        all[i] = i < a->count ? a->values[i] : b->values[i - a->count];
    double middle = figures_of(all, count).median;
    free(all);
    cap(a, middle);
    cap(b, middle);
    return rank_probability(a->values, a->count, b->values, b->count);
}

static struct pair pair_of(const struct series *old_series, const struct row *old_row,
                           const struct series *new_series, const struct row *new_row)
{
    const struct row *old_floor = floor_of(old_series, old_row);
    const struct row *new_floor = floor_of(new_series, new_row);
    bool to_floor = old_floor && new_floor;
    struct sample before = sample_take(old_row, to_floor ? old_floor : NULL);
    struct sample after = sample_take(new_row, to_floor ? new_floor : NULL);
    bool slower = lies_above(&after.figures, &before.figures);
    struct pair pair = {
        .change = {.kind = slower ? CHANGE_SLOWER : CHANGE_FASTER,
                   .series = new_series,
                   .side = new_row->name,
                   .to_floor = to_floor,
                   .before = before.figures.median,
                   .after = after.figures.median,
                   .probability = probability_of_lower_halves(&before, &after)},
        .moved = slower || lies_above(&before.figures, &after.figures),
        .least = rank_least_probability(before.count, after.count),
    };
    free(before.values);
    free(after.values);
    return pair;
}

/* ---- All sides -------------------------------------------------------------------------------------- */

static void note_floor(struct comparison *comparison, const struct pair *pair)
{
    if (pair->moved)
        add_caveat(comparison,
                   "%s, %s: the floor itself, %s, took %.2f times as long as before; what is "
                   "compared is the ratio to it",
                   pair->change.series->name, pair->change.series->placement, pair->change.side,
                   pair->change.after / pair->change.before);
}

static bool is_floor(const struct series *series, const struct row *row)
{
    return series->floor && strcmp(row->name, series->floor) == 0;
}

/* The same side in both. */
static void compare_rows(const struct series *old_series, const struct row *old_row,
                         const struct series *new_series, const struct row *new_row,
                         struct comparison *comparison, struct pairs *pairs)
{
    if (old_row->rounds == 0 && new_row->rounds == 0)
        return;
    if (old_row->rounds == 0 || new_row->rounds == 0) {
        bool works = new_row->rounds > 0;
        struct change change = {.kind = works ? CHANGE_WORKS : CHANGE_FAILS,
                                .series = new_series,
                                .side = new_row->name,
                                .trouble = works ? old_row->trouble : new_row->trouble};
        add_change(comparison, &change);
        return;
    }
    struct pair pair = pair_of(old_series, old_row, new_series, new_row);
    if (is_floor(new_series, new_row)) {
        note_floor(comparison, &pair);
    } else if (old_row->rounds == 1 && new_row->rounds == 1) {
        comparison->once++;
    } else {
        pairs->list = grow(pairs->list, &pairs->count, sizeof(*pairs->list));
        pairs->list[pairs->count - 1] = pair;
    }
}

/* Sides of a series that only one of the runs has. */
static void note_rows(const struct series *of, const struct series *other, enum change_kind kind,
                      struct comparison *comparison)
{
    for (size_t i = 0; i < of->row_count; i++) {
        struct change change = {.kind = kind, .series = of, .side = of->rows[i].name};
        if (series_find_row(other, change.side) == NULL)
            add_change(comparison, &change);
    }
}

static void compare_series(const struct series *before, const struct series *after,
                           struct comparison *comparison, struct pairs *pairs)
{
    for (size_t i = 0; i < after->row_count; i++) {
        const struct row *old_row = series_find_row(before, after->rows[i].name);
        if (old_row)
            compare_rows(before, old_row, after, &after->rows[i], comparison, pairs);
    }
    note_rows(after, before, CHANGE_NEW, comparison);
    note_rows(before, after, CHANGE_GONE, comparison);
    if (before->size_bytes != after->size_bytes || before->measure != after->measure)
        add_caveat(comparison, "%s, %s: it was another experiment under the same name", after->name,
                   after->placement);
}

/* ---- What is beyond noise --------------------------------------------------------------------------- */

static int by_probability(const void *left, const void *right)
{
    double x = ((const struct pair *)left)->change.probability,
           y = ((const struct pair *)right)->change.probability;
    return (x > y) - (x < y);
}

/* Holm: the most certain of n must be certain to a share of 1/n, the next to 1/(n - 1), and so on up
 * to the first that is not. */
static void decide(struct pairs *pairs, struct comparison *comparison)
{
    bool certain = true;
    if (pairs->count == 0)
        return;
    qsort(pairs->list, pairs->count, sizeof(*pairs->list), by_probability);
    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->list[i];
        certain = certain && pair->change.probability <= LEVEL / (double)(pairs->count - i);
        if (certain && pair->moved)
            add_change(comparison, &pair->change);
        else if (pair->least > LEVEL / (double)pairs->count)
            comparison->untold++;
        else
            comparison->same++;
    }
    comparison->enough_rounds = rank_values_for(LEVEL / (double)pairs->count);
}

/* Series lie one behind the other as their run has them. */
static int by_kind(const void *left, const void *right)
{
    const struct change *a = left, *b = right;
    if (a->kind != b->kind)
        return (a->kind > b->kind) - (a->kind < b->kind);
    if (a->series != b->series)
        return ((uintptr_t)a->series > (uintptr_t)b->series) -
               ((uintptr_t)a->series < (uintptr_t)b->series);
    return strcmp(a->side, b->side);
}

/* ---- The two runs ----------------------------------------------------------------------------------- */

static void compare_texts(struct comparison *comparison, const char *what, const char *before,
                          const char *after)
{
    if (strcmp(before, after) != 0)
        add_caveat(comparison, "another %s: %s before, %s now", what, before, after);
}

static void compare_machines(const struct report *before, const struct report *after,
                             struct comparison *comparison)
{
    const struct machine *old = &before->machine, *new = &after->machine;
    compare_texts(comparison, "processor", old->processor, new->processor);
    compare_texts(comparison, "system", old->system, new->system);
    compare_texts(comparison, "setting of the machine", old->note, new->note);
    if (old->cpu[0] != new->cpu[0] || old->cpu[1] != new->cpu[1] || old->cpus != new->cpus)
        add_caveat(comparison, "other processors: %d and %d of %d before, %d and %d of %d now",
                   old->cpu[0], old->cpu[1], old->cpus, new->cpu[0], new->cpu[1], new->cpus);
    if (before->quick != after->quick)
        add_caveat(comparison, "one of the runs was a quick one, with shorter laps");
}

/* What only one run has measured: the first by name, the others as a number. */
static void note_lone(const struct report *of, const struct report *other, const char *which,
                      struct comparison *comparison)
{
    const struct series *first = NULL;
    size_t lone = 0;
    for (size_t i = 0; i < of->series_count; i++) {
        const struct series *series = &of->series[i];
        if (report_find_series(other, series->name, series->placement))
            continue;
        first = first ? first : series;
        lone++;
    }
    if (lone == 1)
        add_caveat(comparison, "only in the %s run: %s, %s", which, first->name, first->placement);
    else if (lone > 1)
        add_caveat(comparison, "only in the %s run: %s, %s, and %zu more", which, first->name,
                   first->placement, lone - 1);
}

void compare_reports(const struct report *before, const struct report *after,
                     struct comparison *ret_comparison)
{
    struct comparison comparison = {.before = before};
    struct pairs pairs = {.list = NULL};
    compare_machines(before, after, &comparison);
    note_lone(before, after, "old", &comparison);
    note_lone(after, before, "new", &comparison);
    for (size_t i = 0; i < after->series_count; i++) {
        const struct series *series = &after->series[i];
        const struct series *old = report_find_series(before, series->name, series->placement);
        if (old)
            compare_series(old, series, &comparison, &pairs);
    }
    decide(&pairs, &comparison);
    free(pairs.list);
    if (comparison.change_count > 1)
        qsort(comparison.changes, comparison.change_count, sizeof(*comparison.changes), by_kind);
    *ret_comparison = comparison;
}

size_t comparison_count(const struct comparison *comparison, enum change_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < comparison->change_count; i++)
        count += comparison->changes[i].kind == kind;
    return count;
}

const char *change_word(enum change_kind kind)
{
    static const char *const words[CHANGE_KINDS] = {"slower", "faster", "fails",
                                                    "works",  "new",    "gone"};
    return words[kind];
}

void comparison_deinit(struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->caveat_count; i++)
        free(comparison->caveats[i]);
    free(comparison->caveats);
    free(comparison->changes);
    memset(comparison, 0, sizeof(*comparison));
}
