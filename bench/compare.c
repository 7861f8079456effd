/* See compare.h.
 *
 * A machine has moods that last for seconds or minutes: a neighbour on the same core, a frequency.  In
 * one of them a lock costs 1.05 times the floor, in the other 1.6; a run may be spent in one, the next
 * run in the other, and no number of rounds tells that from a change.  Its neighbours do.  In each
 * series the others (the kernel's mechanisms, the C library's, other libraries, further floors) are
 * the controls: their code is the same in both runs, so what moved them was the machine.
 *
 * A side of Ferry's has become slower or faster if all three hold, in times the floor's cost:
 *
 * - Its median and both quartiles went the same way.  How far the laggard of the three went, in
 *   logarithms, is the side's shift.
 * - The shift is large: LEAST_CHANGE at least, and MARGIN times what moved the most restless control,
 *   on average over median and quartiles; both the more, the fewer controls there are, since the
 *   largest of a few says little about what one more would have done.
 * - Noise from round to round would not do it: the rank test says one time in a thousand at most, for
 *   all the comparisons of two runs together (Holm's steps).
 *
 * The laggard for the side and the average for its controls, because moods mix.  If half of the rounds
 * are spent in each of two, the median is in one of them by chance, while one of the quartiles stays
 * where it was; that is no change, but it is a warning.
 *
 * Five rounds cannot tell: even if all of one run lie above all of the other's, that happens by itself
 * once in 126 comparisons, and a whole run has more than a dozen.  Those are counted, and not guessed
 * at. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare.h"
#include "bench/rank.h"

#define LEVEL        0.001
#define LEAST_CHANGE 0.05 /* in logarithms, like all shifts */
#define MARGIN       1.25
#define FEW          6 /* a side without controls must go 1 + FEW times as far */

/* How a side's quartiles differ between the runs, in logarithms. */
struct shift {
    double least; /* 0 if they did not all go the same way; below it if down */
    double mean;  /* whichever way they went */
};

/* The sides of a series whose code is the same in both runs. */
struct controls {
    size_t count;
    double moved; /* the mean shift of the most restless one */
};

/* A side of Ferry's that both runs have figures of. */
struct pair {
    struct change change;
    bool moved;   /* further than its controls let expect */
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

/* A count may be 0. */
static double move(double before, double after)
{
    if (before > 0 && after > 0)
        return log(after / before);
    return before > 0 ? -HUGE_VAL : after > 0 ? HUGE_VAL : 0;
}

static struct shift shift_between(const struct figures *before, const struct figures *after)
{
    double low = move(before->low, after->low), median = move(before->median, after->median),
           high = move(before->high, after->high);
    double up = fmin(fmin(low, median), high), down = fmax(fmax(low, median), high);
    return (struct shift){.least = up > 0 ? up : fmin(down, 0),
                          .mean = (fabs(low) + fabs(median) + fabs(high)) / 3};
}

/* A side in both runs. */
struct twins {
    const struct series *series;
    const char *side;
    struct sample before, after;
    bool to_floor;
    struct shift shift;
};

static struct twins twins_take(const struct series *old_series, const struct row *old_row,
                               const struct series *new_series, const struct row *new_row)
{
    const struct row *old_floor = floor_of(old_series, old_row);
    const struct row *new_floor = floor_of(new_series, new_row);
    struct twins twins = {
        .series = new_series, .side = new_row->name, .to_floor = old_floor && new_floor};
    twins.before = sample_take(old_row, twins.to_floor ? old_floor : NULL);
    twins.after = sample_take(new_row, twins.to_floor ? new_floor : NULL);
    twins.shift = shift_between(&twins.before.figures, &twins.after.figures);
    return twins;
}

static void twins_deinit(struct twins *twins)
{
    free(twins->before.values);
    free(twins->after.values);
}

static double times_as_long(const struct twins *twins)
{
    return twins->after.figures.median / twins->before.figures.median;
}

/* ---- All sides -------------------------------------------------------------------------------------- */

static void compare_floor(const struct twins *twins, struct comparison *comparison)
{
    if (fabs(twins->shift.least) >= LEAST_CHANGE)
        add_caveat(comparison,
                   "%s, %s: the floor itself, %s, took %.2f times as long as before; what is "
                   "compared is the ratio to it",
                   twins->series->name, twins->series->placement, twins->side,
                   times_as_long(twins));
}

/* How far a side must have gone, on a machine that moved the controls by so much; see above. */
static double distance_beyond(const struct controls *controls, double moved)
{
    double caution = 1 + FEW / ((double)controls->count + 1);
    return caution * fmax(LEAST_CHANGE, MARGIN * moved);
}

static void compare_side(const struct twins *twins, const struct controls *controls,
                         struct comparison *comparison, struct pairs *pairs)
{
    const struct sample *before = &twins->before, *after = &twins->after;
    double went = fabs(twins->shift.least);
    bool moved = went >= distance_beyond(controls, controls->moved);
    pairs->list = grow(pairs->list, &pairs->count, sizeof(*pairs->list));
    pairs->list[pairs->count - 1] = (struct pair){
        .change = {.kind = twins->shift.least > 0 ? CHANGE_SLOWER : CHANGE_FASTER,
                   .series = twins->series,
                   .side = twins->side,
                   .to_floor = twins->to_floor,
                   .before = before->figures.median,
                   .after = after->figures.median,
                   .probability = rank_probability(before->values, before->count, after->values,
                                                   after->count)},
        .moved = moved,
        .least = rank_least_probability(before->count, after->count),
    };
    if (!moved && went >= distance_beyond(controls, 0))
        add_caveat(comparison,
                   "%s, %s: %s took %.2f times as long as before, but the others, which have not "
                   "changed, moved by up to %.0f%% as well",
                   twins->series->name, twins->series->placement, twins->side, times_as_long(twins),
                   100 * expm1(controls->moved));
}

static bool is_floor(const struct series *series, const struct row *row)
{
    return series->floor && strcmp(row->name, series->floor) == 0;
}

/* The old run's row of a side that both have figures of. */
static const struct row *twin_of(const struct series *before, const struct row *row)
{
    const struct row *old_row = series_find_row(before, row->name);
    return old_row && old_row->rounds > 0 && row->rounds > 0 ? old_row : NULL;
}

static struct controls watch_others(const struct series *before, const struct series *after,
                                    struct comparison *comparison)
{
    struct controls controls = {.count = 0};
    for (size_t i = 0; i < after->row_count; i++) {
        const struct row *row = &after->rows[i], *old_row = twin_of(before, row);
        if (old_row == NULL || row->family == BENCH_FERRY)
            continue;
        struct twins twins = twins_take(before, old_row, after, row);
        if (is_floor(after, row)) {
            compare_floor(&twins, comparison);
        } else {
            controls.moved = fmax(controls.moved, twins.shift.mean);
            controls.count++;
        }
        twins_deinit(&twins);
    }
    return controls;
}

static void compare_sides(const struct series *before, const struct series *after,
                          const struct controls *controls, struct comparison *comparison,
                          struct pairs *pairs)
{
    for (size_t i = 0; i < after->row_count; i++) {
        const struct row *row = &after->rows[i], *old_row = twin_of(before, row);
        if (old_row == NULL || row->family != BENCH_FERRY)
            continue;
        if (old_row->rounds == 1 && row->rounds == 1) {
            comparison->once++;
            continue;
        }
        struct twins twins = twins_take(before, old_row, after, row);
        compare_side(&twins, controls, comparison, pairs);
        twins_deinit(&twins);
    }
}

/* Sides that have figures in one run only, and said why in the other. */
static void compare_troubles(const struct series *before, const struct series *after,
                             struct comparison *comparison)
{
    for (size_t i = 0; i < after->row_count; i++) {
        const struct row *row = &after->rows[i], *old_row = series_find_row(before, row->name);
        if (old_row == NULL || (old_row->rounds > 0) == (row->rounds > 0))
            continue;
        bool works = row->rounds > 0;
        struct change change = {.kind = works ? CHANGE_WORKS : CHANGE_FAILS,
                                .series = after,
                                .side = row->name,
                                .trouble = works ? old_row->trouble : row->trouble};
        add_change(comparison, &change);
    }
}

static void compare_series(const struct series *before, const struct series *after,
                           struct comparison *comparison, struct pairs *pairs)
{
    struct controls controls = watch_others(before, after, comparison);
    compare_sides(before, after, &controls, comparison, pairs);
    compare_troubles(before, after, comparison);
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

/* What only one run has measured, since the other was asked for less or could do less: the first by
 * name, the others as a number. */
static void note_lone(const struct report *of, const struct report *other, const char *which,
                      struct comparison *comparison)
{
    const struct series *first = NULL;
    const char *side = NULL;
    size_t lone = 0;
    for (size_t i = 0; i < of->series_count; i++) {
        const struct series *series = &of->series[i];
        const struct series *twin = report_find_series(other, series->name, series->placement);
        for (size_t j = 0; j < series->row_count; j++) {
            if (twin && series_find_row(twin, series->rows[j].name))
                continue;
            if (lone++ == 0) {
                first = series;
                side = series->rows[j].name;
            }
        }
    }
    if (lone == 1)
        add_caveat(comparison, "only in the %s run: %s, %s: %s", which, first->name,
                   first->placement, side);
    else if (lone > 1)
        add_caveat(comparison, "only in the %s run: %s, %s: %s, and %zu more", which, first->name,
                   first->placement, side, lone - 1);
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
    static const char *const words[CHANGE_KINDS] = {"slower", "faster", "fails", "works"};
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
