/* See svg.h. */
#include <math.h>

#include "bench/markup.h"
#include "bench/svg.h"

enum {
    BAR_PITCH = 33, /* from one side to the next */
    BAR_TOP = 18,   /* below its label */
    BAR_HEIGHT = 9,
    TAIL_PITCH = 31,
    TAIL_MIDDLE = 22,
    AXIS_HEIGHT = 20,
    NAME_MOST = 30, /* characters that leave room for the value on a telephone */
};

static const struct {
    const char *class;
    const char *word;
    const char *mark; /* a path around 0, 0 */
} families[] = {
    [BENCH_FLOOR] = {"floor", "floor", "M-5 2H5V5H-5Z"},
    [BENCH_KERNEL] = {"kernel", "kernel", "M-4 -4H4V4H-4Z"},
    [BENCH_LIBC] = {"libc", "C library", "M0 -5L5 4H-5Z"},
    [BENCH_PEER] = {"peer", "peer", "M0 -5L5 0L0 5L-5 0Z"},
    [BENCH_FERRY] = {"ferry", "Ferry", "M-5 0A5 5 0 0 1 5 0A5 5 0 0 1 -5 0Z"},
};

#define FAMILIES (sizeof(families) / sizeof(families[0]))

const char *family_class(enum bench_family family)
{
    return (size_t)family < FAMILIES ? families[family].class : "peer";
}

const char *family_word(enum bench_family family)
{
    return (size_t)family < FAMILIES ? families[family].word : "other";
}

void svg_define(FILE *out)
{
    markup(out, "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n"
                "<pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
                "patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 0V5\"/></pattern>\n");
    for (size_t i = 0; i < FAMILIES; i++)
        markup(out, "<path id=\"key-%s\" d=\"%s\"/>\n", families[i].class, families[i].mark);
    markup(out,
           "<circle id=\"tail-%d\" class=\"tail-50\" r=\"4\"/>\n"
           "<path id=\"tail-%d\" class=\"tail-99\" d=\"M0 -5L5 0L0 5L-5 0Z\"/>\n"
           "<path id=\"tail-%d\" class=\"tail-999\" d=\"M0 -6V6\"/>\n</defs></svg>\n",
           TAIL_50, TAIL_99, TAIL_999);
}

void svg_key(FILE *out, enum bench_family family)
{
    markup(out,
           "<svg class=\"key %s\" width=\"12\" height=\"12\" viewBox=\"-6 -6 12 12\" "
           "aria-hidden=\"true\"><use href=\"#key-%s\"/></svg>",
           family_class(family), family_class(family));
}

void svg_tail_key(FILE *out, size_t tail)
{
    markup(out,
           "<svg class=\"key mark\" width=\"12\" height=\"14\" viewBox=\"-6 -7 12 14\" "
           "aria-hidden=\"true\"><use href=\"#tail-%zu\"/></svg>",
           tail);
}

/* ---- The rows, the axis and the frame ----------------------------------------------------------- */

bool rank_has(const struct row *row)
{
    return row->rounds > 0 && !row->trouble && isfinite(row->cost.median);
}

const struct row *rank_next(const struct series *series, const struct row *previous)
{
    const struct row *best = NULL;
    for (const struct row *row = series->rows; row < series->rows + series->row_count; row++) {
        if (!rank_has(row))
            continue;
        bool later = !previous || row->cost.median > previous->cost.median ||
                     (!(row->cost.median < previous->cost.median) && row > previous);
        if (later && (!best || row->cost.median < best->cost.median))
            best = row;
    }
    return best;
}

static int count_rows(const struct series *series)
{
    int count = 0;
    for (const struct row *row = NULL; (row = rank_next(series, row));)
        count++;
    return count;
}

static void open_chart(FILE *out, const char *class, int height, const char *summary)
{
    markup(out,
           "<svg class=\"chart %s\" width=\"100%%\" height=\"%d\" role=\"img\" "
           "aria-label=\"%s\">\n",
           class, height + AXIS_HEIGHT, summary);
}

/* Labels at the ends stay inside. */
static void draw_axis(FILE *out, const struct scale *scale, int height)
{
    for (size_t i = 0; i < scale->tick_count; i++) {
        double place = scale_place(scale, scale->ticks[i]);
        markup(out,
               "<line class=\"grid\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"%d\"/>"
               "<text class=\"tick %s\" x=\"%.2f%%\" y=\"%d\">%s</text>\n",
               place, place, height + 3,
               place < 4    ? "first"
               : place > 96 ? "last"
                            : "",
               place, height + 16, scale_words(scale, scale->ticks[i]).text);
    }
}

static void draw_label(FILE *out, const struct row *row, int top, const char *value)
{
    markup(
        out,
        "<use class=\"sign\" href=\"#key-%s\" x=\"6\" y=\"%d\"/>"
        "<text class=\"side\" x=\"17\" y=\"%d\">%s<tspan class=\"kind\" dx=\"6\">%s</tspan></text>"
        "<text class=\"value\" x=\"100%%\" y=\"%d\">%s</text>",
        family_class(row->family), top + 8, top + 12, markup_shorten(row->name, NAME_MOST).text,
        family_word(row->family), top + 12, value);
}

/* ---- Costs -------------------------------------------------------------------------------------- */

/* From low to high, with caps, above a lighter edge that keeps it apart from the bar. */
static void draw_whisker(FILE *out, const struct series *series, const struct scale *scale,
                         const struct row *row, int middle)
{
    double a = scale_place(scale, scale_value(series, row->cost.low));
    double b = scale_place(scale, scale_value(series, row->cost.high));
    for (int layer = 0; layer < 2; layer++)
        markup(out,
               "<g class=\"%s\"><line x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>"
               "<line x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>"
               "<line x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/></g>",
               layer ? "whisker" : "halo", a, b, middle, middle, a, a, middle - 3, middle + 3, b, b,
               middle - 3, middle + 3);
}

static void draw_bar(FILE *out, const struct series *series, const struct scale *scale,
                     const struct row *row, int top)
{
    struct words cost = words_cost(series, row->cost.median);
    markup(out, "<g class=\"%s\"><title>%s%s%s: %s, half of the rounds from %s to %s</title>",
           family_class(row->family), row->name, row->how ? ", " : "", row->how ? row->how : "",
           cost.text, words_cost(series, row->cost.low).text,
           words_cost(series, row->cost.high).text);
    draw_label(out, row, top, cost.text);
    markup(out, "<rect class=\"bar\" x=\"0\" y=\"%d\" width=\"%.2f%%\" height=\"%d\"/>",
           top + BAR_TOP, scale_place(scale, scale_value(series, row->cost.median)), BAR_HEIGHT);
    draw_whisker(out, series, scale, row, top + BAR_TOP + BAR_HEIGHT / 2);
    markup(out, "</g>\n");
}

static void draw_floor(FILE *out, const struct series *series, const struct scale *scale,
                       int height)
{
    const struct row *floor = series_find_row(series, series->floor);
    if (floor == NULL || !rank_has(floor))
        return;
    double place = scale_place(scale, scale_value(series, floor->cost.median));
    markup(out, "<line class=\"reference\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"%d\"/>\n",
           place, place, height);
}

void svg_costs(FILE *out, const struct series *series, const struct scale *scale,
               const char *summary)
{
    int height = count_rows(series) * BAR_PITCH, top = 0;
    open_chart(out, "costs", height, summary);
    draw_axis(out, scale, height);
    draw_floor(out, series, scale, height);
    for (const struct row *row = NULL; (row = rank_next(series, row)); top += BAR_PITCH)
        draw_bar(out, series, scale, row, top);
    markup(out, "</svg>\n");
}

/* ---- Percentiles -------------------------------------------------------------------------------- */

static void draw_tail(FILE *out, const struct scale *scale, const struct row *row, int top)
{
    static const size_t shown[] = {TAIL_999, TAIL_99, TAIL_50};
    int middle = top + TAIL_MIDDLE;
    markup(out, "<g class=\"%s\"><title>%s: 50 %% %s, 99 %% %s, 99.9 %% %s, longest %s</title>",
           family_class(row->family), row->name, words_time(row->tail_ns[TAIL_50]).text,
           words_time(row->tail_ns[TAIL_99]).text, words_time(row->tail_ns[TAIL_999]).text,
           words_time(row->tail_ns[TAIL_MOST]).text);
    draw_label(out, row, top, words_time(row->tail_ns[TAIL_99]).text);
    markup(out, "<line class=\"reach\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>",
           scale_place(scale, row->tail_ns[TAIL_50]), scale_place(scale, row->tail_ns[TAIL_999]),
           middle, middle);
    for (size_t i = 0; i < 3; i++)
        markup(out, "<use class=\"mark\" href=\"#tail-%zu\" x=\"%.2f%%\" y=\"%d\"/>", shown[i],
               scale_place(scale, row->tail_ns[shown[i]]), middle);
    markup(out, "</g>\n");
}

void svg_tails(FILE *out, const struct series *series, const struct scale *scale,
               const char *summary)
{
    int height = 0, top = 0;
    for (const struct row *row = NULL; (row = rank_next(series, row));)
        height += row->tail_ns[TAIL_MOST] > 0 ? TAIL_PITCH : 0;
    open_chart(out, "tails", height, summary);
    draw_axis(out, scale, height);
    for (const struct row *row = NULL; (row = rank_next(series, row));) {
        if (row->tail_ns[TAIL_MOST] <= 0)
            continue;
        draw_tail(out, scale, row, top);
        top += TAIL_PITCH;
    }
    markup(out, "</svg>\n");
}
