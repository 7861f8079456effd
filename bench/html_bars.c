/* The bars that the project has set itself, and what came of them. */
#include "bench/html_parts.h"
#include "bench/markup.h"
#include "bench/scale.h"

/* The most of a cost is the least of a rate. */
static void put_limit(FILE *out, const struct series *series, const struct verdict *verdict)
{
    bool is_rate = scale_is_rate(series->measure);
    if (verdict->than)
        markup(out, "at %s %s × %s", is_rate ? "least" : "most",
               words_number(is_rate ? 1 / verdict->at_most : verdict->at_most).text, verdict->than);
    else if (verdict->at_most > 0)
        markup(out, "at %s %s", is_rate ? "least" : "most",
               words_cost(series, verdict->at_most).text);
    else
        markup(out, "none");
}

void html_bar(FILE *out, const struct series *series, const struct verdict *verdict)
{
    double ratio = scale_is_rate(series->measure) ? 1 / verdict->found : verdict->found;
    struct words found = verdict->than ? words_ratio(ratio) : words_cost(series, verdict->found);
    markup(out, "<span class=\"outcome\">%s</span> <span class=\"figure\">%s%s</span> ",
           verdict->met ? "✓ met" : "✗ not met", found.text, verdict->than ? " ×" : "");
    markup(out, "<span class=\"wanted\"><b>%s</b>: ", verdict->side);
    put_limit(out, series, verdict);
    markup(out, "</span>");
}

static void put_line(FILE *out, const struct report *report, const struct series *series,
                     const struct verdict *verdict)
{
    markup(out, "<li class=\"%s\">", verdict->met ? "met" : "missed");
    html_bar(out, series, verdict);
    markup(out, " <span class=\"where\"><a href=\"#e%zu\">%s</a>, %s</span></li>\n",
           html_experiment_number(report, series), series->title, series->placement);
}

/* Those that were not met come first. */
static void put_lines(FILE *out, const struct report *report, bool met)
{
    for (size_t i = 0; i < report->series_count; i++) {
        const struct series *series = &report->series[i];
        for (size_t j = 0; j < series->verdict_count; j++)
            if (series->verdicts[j].met == met)
                put_line(out, report, series, &series->verdicts[j]);
    }
}

void html_bars(FILE *out, const struct report *report)
{
    size_t count = 0, met = 0;
    for (size_t i = 0; i < report->series_count; i++)
        for (size_t j = 0; j < report->series[i].verdict_count; j++, count++)
            met += report->series[i].verdicts[j].met;
    markup(out, "<section aria-labelledby=\"bars\"><h2 id=\"bars\">The bars</h2>\n");
    if (count == 0) {
        markup(out, "<p>None was set for what was measured here.</p></section>\n");
        return;
    }
    markup(out,
           "<p><strong class=\"score\">%zu of %zu met.</strong> A bar is a cost that Ferry has "
           "promised itself not to exceed, here and in this run.</p>\n<ul class=\"bars\">\n",
           met, count);
    put_lines(out, report, false);
    put_lines(out, report, true);
    markup(out, "</ul></section>\n");
}
