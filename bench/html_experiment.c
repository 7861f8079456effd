/* One experiment in the report: a chart for each placement, all on the same scale, so that they can
 * be compared with each other. */
#include <string.h>

#include "bench/html_parts.h"
#include "bench/markup.h"
#include "bench/svg.h"

/* What a chart says in a sentence. */
struct summary {
    char text[400];
};

const struct series *html_next_placement(const struct report *report, const char *name,
                                         const struct series *previous)
{
    const struct series *series = previous ? previous + 1 : report->series;
    for (; series < report->series + report->series_count; series++)
        if (strcmp(series->name, name) == 0)
            return series;
    return NULL;
}

bool html_begins_experiment(const struct report *report, const struct series *series)
{
    return html_next_placement(report, series->name, NULL) == series;
}

size_t html_experiment_number(const struct report *report, const struct series *series)
{
    return (size_t)(html_next_placement(report, series->name, NULL) - report->series);
}

const struct row *html_best_of_ferry(const struct series *series)
{
    const struct row *row = NULL;
    while ((row = rank_next(series, row)) && row->family != BENCH_FERRY)
        continue;
    return row;
}

/* " 1.46 × the floor (bare futex)", or nothing. */
static void add_ratio(struct summary *summary, double ratio, const char *what, const char *than)
{
    size_t length = strlen(summary->text);
    if (ratio > 0 && than)
        snprintf(summary->text + length, sizeof(summary->text) - length, ", %s × the %s (%.60s)",
                 words_ratio(ratio).text, what, than);
}

static struct summary summarize(const struct series *series)
{
    struct summary summary = {"No side could be measured here."};
    const struct row *ferry = html_best_of_ferry(series);
    const struct row *row = ferry ? ferry : rank_next(series, NULL);
    if (row == NULL)
        return summary;
    snprintf(summary.text, sizeof(summary.text), "%s %.60s: %s", ferry ? "Ferry’s" : "Cheapest is",
             row->name, words_cost(series, row->cost.median).text);
    add_ratio(&summary, row->to_floor.median, "floor", series->floor);
    add_ratio(&summary, row->to_kernel.median, "kernel", series->kernel);
    return summary;
}

/* ---- Scales ------------------------------------------------------------------------------------- */

struct range {
    double least, most;
};

static void stretch(struct range *range, double value)
{
    if (value < range->least)
        range->least = value;
    if (value > range->most)
        range->most = value;
}

static struct scale scale_of_costs(const struct report *report, const struct series *first)
{
    struct range range = {1e300, 0};
    const struct series *series = NULL;
    while ((series = html_next_placement(report, first->name, series)))
        for (const struct row *row = NULL; (row = rank_next(series, row));) {
            stretch(&range, scale_value(series, row->cost.low));
            stretch(&range, scale_value(series, row->cost.high));
        }
    return scale_of(first->measure, range.least, range.most);
}

static struct scale scale_of_tails(const struct report *report, const struct series *first)
{
    struct range range = {1e300, 0};
    const struct series *series = NULL;
    while ((series = html_next_placement(report, first->name, series)))
        for (const struct row *row = NULL; (row = rank_next(series, row));)
            if (row->tail_ns[TAIL_MOST] > 0) {
                stretch(&range, row->tail_ns[TAIL_50]);
                stretch(&range, row->tail_ns[TAIL_999]);
            }
    return scale_of(MEASURE_TIME, range.least, range.most);
}

/* ---- One placement ------------------------------------------------------------------------------ */

static void put_floor(FILE *out, const struct series *series)
{
    const struct row *floor = series_find_row(series, series->floor);
    if (floor && rank_has(floor))
        markup(out,
               "<p class=\"note\"><span class=\"dash\" aria-hidden=\"true\"></span> the floor, %s: "
               "%s</p>\n",
               floor->name, words_cost(series, floor->cost.median).text);
}

static void put_bars(FILE *out, const struct series *series)
{
    if (series->verdict_count == 0)
        return;
    markup(out, "<ul class=\"bars\">\n");
    for (size_t i = 0; i < series->verdict_count; i++) {
        markup(out, "<li class=\"%s\">", series->verdicts[i].met ? "met" : "missed");
        html_bar(out, series, &series->verdicts[i]);
        markup(out, "</li>\n");
    }
    markup(out, "</ul>\n");
}

static void put_troubles(FILE *out, const struct series *series)
{
    for (size_t i = 0; i < series->row_count; i++)
        if (series->rows[i].trouble)
            markup(out, "<p class=\"note\"><b>%s</b> %s: %s</p>\n", series->rows[i].name,
                   series->rows[i].unavailable ? "is not to be had here" : "failed",
                   series->rows[i].trouble);
}

static void put_costs(FILE *out, const struct series *series, const struct scale *scale)
{
    struct summary summary = summarize(series);
    markup(out, "<figure><figcaption><h3>%s</h3><p>%s</p></figcaption>\n", series->placement,
           summary.text);
    if (rank_next(series, NULL)) {
        svg_costs(out, series, scale, summary.text);
        put_floor(out, series);
    }
    put_bars(out, series);
    put_troubles(out, series);
    markup(out, "</figure>\n");
}

static void put_tails(FILE *out, const struct series *series, const struct scale *scale)
{
    bool any = false;
    for (const struct row *row = NULL; (row = rank_next(series, row));)
        any = any || row->tail_ns[TAIL_MOST] > 0;
    if (!any)
        return;
    markup(out, "<figure><figcaption><h3>%s: single operations</h3><p>", series->placement);
    for (size_t i = 0; i < 3; i++) {
        static const size_t marks[] = {TAIL_50, TAIL_99, TAIL_999};
        static const char *const shares[] = {"50 %", "99 %", "99.9 %"};
        svg_tail_key(out, marks[i]);
        markup(out, " %s%s", shares[i],
               i < 2 ? " " : " took no longer; the figure is that of 99 %");
    }
    markup(out, "%s.</p></figcaption>\n", scale->logarithmic ? "; logarithmic scale" : "");
    svg_tails(out, series, scale, "Percentiles of single operations; the table holds the figures.");
    markup(out, "</figure>\n");
}

/* ---- The experiment ----------------------------------------------------------------------------- */

static const char *direction(enum bench_measure measure)
{
    switch (measure) {
    case MEASURE_TIME:
        return "Time of one operation: shorter is better.";
    case MEASURE_RATE:
        return "Operations in a second: longer is better.";
    case MEASURE_FLOW:
        return "Bytes in a second: longer is better.";
    case MEASURE_COUNT:
        return "How many there were: fewer is better.";
    }
    return "";
}

static void put_heading(FILE *out, const struct report *report, const struct series *first,
                        const struct scale *scale)
{
    size_t number = html_experiment_number(report, first);
    markup(out,
           "<section class=\"experiment\" aria-labelledby=\"e%zu\">"
           "<h2 id=\"e%zu\">%s <code>%s</code></h2>\n<p>%s</p>\n<p class=\"direction\">%s%s</p>\n",
           number, number, first->title, first->name, first->about, direction(first->measure),
           scale->logarithmic ? " Logarithmic scale: each step along it is a factor." : "");
}

static void put_tables(FILE *out, const struct report *report, const struct series *first)
{
    markup(out, "<details><summary>All figures</summary>\n");
    const struct series *series = NULL;
    while ((series = html_next_placement(report, first->name, series)))
        html_table(out, series);
    markup(out, "</details></section>\n");
}

void html_experiment(FILE *out, const struct report *report, const struct series *first)
{
    struct scale costs = scale_of_costs(report, first), tails = scale_of_tails(report, first);
    put_heading(out, report, first, &costs);
    markup(out, "<div class=\"placements\">\n");
    const struct series *series = NULL;
    while ((series = html_next_placement(report, first->name, series))) {
        markup(out, "<div>");
        put_costs(out, series, &costs);
        put_tails(out, series, &tails);
        markup(out, "</div>\n");
    }
    markup(out, "</div>\n");
    put_tables(out, report, first);
}
