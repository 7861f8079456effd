/* See html.h.
 *
 * From the top: what was measured where, what to beware of, the bars, everything at a glance, which
 * is also the table of contents, how to read the charts, and the experiments. */
#include <errno.h>
#include <string.h>

#include "bench/html.h"
#include "bench/html_parts.h"
#include "bench/markup.h"
#include "bench/svg.h"

/* Of a long list of warnings, as many are shown at once. */
#define WARNINGS_SHOWN 4

/* ---- The top ------------------------------------------------------------------------------------ */

static void put_head(FILE *out, const struct report *report)
{
    markup(out,
           "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
           "<title>Ferry %s, measured %s</title>\n<style>\n",
           report->version, report->when);
    for (const char *const *piece = html_style; *piece; piece++)
        fputs(*piece, out);
    markup(out, "</style>\n</head>\n<body>\n");
    svg_define(out);
}

static void put_fact(FILE *out, const char *name, const char *value)
{
    markup(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", name, value);
}

static void put_facts(FILE *out, const struct report *report)
{
    const struct machine *machine = &report->machine;
    markup(out, "<dl class=\"facts\">\n");
    put_fact(out, "Processor", machine->processor);
    put_fact(out, "System", machine->system);
    markup(out, "<div><dt>Measured on</dt><dd>processors %d and %d of %d</dd></div>\n",
           machine->cpu[0], machine->cpu[1], machine->cpus);
    put_fact(out, "State", machine->note);
    put_fact(out, "When", report->when);
    markup(out, "<div><dt>Rounds</dt><dd>%zu%s</dd></div>\n</dl>\n", report->rounds,
           report->quick ? ", quick: a rough look" : "");
}

static void put_header(FILE *out, const struct report *report)
{
    markup(
        out,
        "<header><h1>Ferry %s, measured</h1>\n<p class=\"lede\">What Ferry costs on this machine, "
        "beside the least that the machine itself takes, the kernel’s mechanisms, the C library’s "
        "and other libraries, all in turn in one run.</p>\n",
        report->version);
    put_facts(out, report);
    markup(out, "</header>\n");
}

/* ---- What to beware of -------------------------------------------------------------------------- */

static void put_items(FILE *out, char *const *items, size_t count)
{
    markup(out, "<ul>\n");
    for (size_t i = 0; i < count; i++)
        markup(out, "<li>%s</li>\n", items[i]);
    markup(out, "</ul>\n");
}

static void put_warnings(FILE *out, const struct report *report)
{
    size_t count = report->warning_count;
    size_t shown = count > WARNINGS_SHOWN + 1 ? WARNINGS_SHOWN : count;
    if (count == 0)
        return;
    markup(out, "<section class=\"notice warning\" aria-labelledby=\"noisy\">"
                "<h2 id=\"noisy\">Noisy: do not trust these figures too far</h2>\n");
    put_items(out, report->warnings, shown);
    if (count > shown) {
        markup(out, "<details><summary>%zu more warnings</summary>\n", count - shown);
        put_items(out, report->warnings + shown, count - shown);
        markup(out, "</details>\n");
    }
    markup(out, "</section>\n");
}

static bool is_same_trouble(const struct row *a, const struct row *b)
{
    return b->trouble && strcmp(a->name, b->name) == 0 && strcmp(a->trouble, b->trouble) == 0;
}

/* A side that fails in many experiments for one reason is told of once. */
static bool is_told(const struct report *report, const struct row *row)
{
    for (size_t i = 0; i < report->series_count; i++) {
        const struct series *series = &report->series[i];
        for (size_t j = 0; j < series->row_count; j++) {
            if (&series->rows[j] == row)
                return false;
            if (is_same_trouble(row, &series->rows[j]))
                return true;
        }
    }
    return false;
}

static void put_troubles(FILE *out, const struct report *report, const struct series *series)
{
    for (size_t i = 0; i < series->row_count; i++) {
        const struct row *row = &series->rows[i];
        if (row->trouble && !is_told(report, row))
            markup(out, "<li>%s %s: %s</li>\n", row->name,
                   row->unavailable ? "is not to be had here" : "failed", row->trouble);
    }
}

static bool has_trouble(const struct report *report)
{
    for (size_t i = 0; i < report->series_count; i++)
        for (size_t j = 0; j < report->series[i].row_count; j++)
            if (report->series[i].rows[j].trouble)
                return true;
    return false;
}

static void put_missing(FILE *out, const struct report *report)
{
    if (report->missing_count == 0 && !has_trouble(report))
        return;
    markup(out, "<section class=\"notice\" aria-labelledby=\"missing\">"
                "<h2 id=\"missing\">Not measured here</h2>\n<ul>\n");
    for (size_t i = 0; i < report->missing_count; i++)
        markup(out, "<li>%s</li>\n", report->missing[i]);
    for (size_t i = 0; i < report->series_count; i++)
        put_troubles(out, report, &report->series[i]);
    markup(out, "</ul></section>\n");
}

/* ---- At a glance -------------------------------------------------------------------------------- */

static void put_glance_figures(FILE *out, const struct series *series)
{
    const struct row *row = html_best_of_ferry(series);
    if (row == NULL) {
        markup(out, "<td class=\"none\" colspan=\"3\">nothing of Ferry’s</td></tr>\n");
        return;
    }
    markup(out, "<td><span class=\"kind\">%s</span> <b>%s</b></td><td>%s</td><td>%s</td></tr>\n",
           row->name, words_cost(series, row->cost.median).text,
           words_ratio(row->to_floor.median).text, words_ratio(row->to_kernel.median).text);
}

static void put_glance(FILE *out, const struct report *report, const struct series *first)
{
    size_t placements = 0;
    const struct series *series = NULL;
    while ((series = html_next_placement(report, first->name, series)))
        placements++;
    markup(out, "<tbody>\n");
    while ((series = html_next_placement(report, first->name, series))) {
        markup(out, "<tr>");
        if (series == first)
            markup(out, "<th scope=\"rowgroup\" rowspan=\"%zu\"><a href=\"#e%zu\">%s</a></th>",
                   placements, html_experiment_number(report, first), first->title);
        markup(out, "<th scope=\"row\">%s</th>", series->placement);
        put_glance_figures(out, series);
    }
    markup(out, "</tbody>\n");
}

static void put_contents(FILE *out, const struct report *report)
{
    markup(out, "<nav aria-labelledby=\"glance\"><h2 id=\"glance\">At a glance</h2>\n"
                "<p>The best of Ferry’s sides in each experiment, and how many times the cost of "
                "the floor and of the kernel’s mechanism that is: below 1, Ferry is cheaper.</p>\n"
                "<table class=\"glance\"><thead><tr><th scope=\"col\">Experiment</th>"
                "<th scope=\"col\">Where</th><th scope=\"col\">Ferry</th>"
                "<th scope=\"col\">× floor</th><th scope=\"col\">× kernel</th></tr></thead>\n");
    for (size_t i = 0; i < report->series_count; i++)
        if (html_begins_experiment(report, &report->series[i]))
            put_glance(out, report, &report->series[i]);
    markup(out, "</table></nav>\n");
}

static void put_key(FILE *out)
{
    static const char *const meanings[] = {
        [BENCH_FLOOR] = "the least that the machine itself takes",
        [BENCH_KERNEL] = "the kernel’s own mechanism",
        [BENCH_LIBC] = "the C library’s, shared between processes",
        [BENCH_PEER] = "another library",
        [BENCH_FERRY] = "this one",
    };
    markup(out, "<section aria-labelledby=\"key\"><h2 id=\"key\">How to read the charts</h2>\n"
                "<ul class=\"legend\">\n");
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        markup(out, "<li>");
        svg_key(out, (enum bench_family)i);
        markup(out, " <b>%s</b> %s</li>\n", family_word((enum bench_family)i), meanings[i]);
    }
    markup(out,
           "</ul>\n<p>A bar is the median of all rounds, the cheapest side on top. The whisker "
           "spans the middle half of the rounds. The dashed line is the floor. All placements "
           "of an experiment share one scale.</p></section>\n");
}

/* ---- The page ----------------------------------------------------------------------------------- */

int html_write(const struct report *report, FILE *out)
{
    errno = 0;
    put_head(out, report);
    put_header(out, report);
    markup(out, "<main>\n");
    put_warnings(out, report);
    put_missing(out, report);
    html_bars(out, report);
    put_contents(out, report);
    put_key(out);
    for (size_t i = 0; i < report->series_count; i++)
        if (html_begins_experiment(report, &report->series[i]))
            html_experiment(out, report, &report->series[i]);
    markup(out, "</main>\n<footer>Written by <code>ferry bench --html</code>. Each round’s figures "
                "are in <code>ferry bench --json</code>.</footer>\n</body>\n</html>\n");
    if (fflush(out) == 0 && !ferror(out))
        return 0;
    return errno > 0 ? -errno : -EIO;
}
