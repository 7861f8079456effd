/* All figures of a series in a table, the dearest last, and behind them who has none and why. */
#include "bench/html_parts.h"
#include "bench/markup.h"
#include "bench/svg.h"

static bool has_tails(const struct series *series)
{
    for (size_t i = 0; i < series->row_count; i++)
        if (series->rows[i].tail_ns[TAIL_MOST] > 0)
            return true;
    return false;
}

static void put_heads(FILE *out, bool tails)
{
    static const char *const plain[] = {"Median", "Middle half", "±", "× floor", "× kernel", NULL};
    static const char *const tail[] = {"50 %", "90 %", "99 %", "99.9 %", "Longest", NULL};
    static const char *const rest[] = {"Processor", "Sleeps", "Calls", "Rounds", NULL};
    const char *const *const groups[] = {plain, tails ? tail : NULL, rest};
    markup(out, "<thead><tr><th scope=\"col\">Side</th>");
    for (size_t i = 0; i < 3; i++)
        for (const char *const *head = groups[i]; head && *head; head++)
            markup(out, "<th scope=\"col\">%s</th>", *head);
    markup(out, "</tr></thead>\n");
}

static void put_side(FILE *out, const struct row *row)
{
    markup(out, "<tr class=\"%s\"><th scope=\"row\">", family_class(row->family));
    svg_key(out, row->family);
    markup(out, " %s <span class=\"kind\">%s%s%s</span></th>", row->name, family_word(row->family),
           row->how ? ", " : "", row->how ? row->how : "");
}

/* Of a rate, the cheapest round is the highest. */
static void put_costs(FILE *out, const struct series *series, const struct row *row)
{
    bool rate = scale_is_rate(series->measure);
    struct words low = words_cost(series, row->cost.low), high = words_cost(series, row->cost.high);
    markup(out, "<td>%s</td><td>%s – %s</td><td>%s</td><td>%s</td><td>%s</td>",
           words_cost(series, row->cost.median).text, rate ? high.text : low.text,
           rate ? low.text : high.text, words_spread(&row->cost).text,
           words_ratio(row->to_floor.median).text, words_ratio(row->to_kernel.median).text);
}

static void put_row(FILE *out, const struct series *series, const struct row *row, bool tails)
{
    put_side(out, row);
    put_costs(out, series, row);
    for (size_t i = 0; tails && i < TAILS; i++)
        markup(out, "<td>%s</td>",
               row->tail_ns[TAIL_MOST] > 0 ? words_time(row->tail_ns[i]).text : "");
    markup(out, "<td>%s</td><td>%s</td><td>%s</td><td>%zu</td></tr>\n",
           words_time(row->cpu_ns).text, words_number(row->sleeps).text,
           row->calls_known ? words_number(row->calls).text : "", row->rounds);
}

static void put_trouble(FILE *out, const struct row *row, bool tails)
{
    put_side(out, row);
    markup(out, "<td class=\"none\" colspan=\"%d\">%s%s%s</td></tr>\n", tails ? 9 + TAILS : 9,
           row->unavailable ? "not to be had here" : "failed", row->trouble ? ": " : "",
           row->trouble ? row->trouble : "");
}

void html_table(FILE *out, const struct series *series)
{
    bool tails = has_tails(series);
    markup(
        out,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"All figures: %s, %s\">"
        "<table><caption>%s <span class=\"kind\">meanwhile others used %.1f %% of a processor, "
        "the hypervisor took %.1f %%</span></caption>\n",
        series->title, series->placement, series->placement, 100 * series->disturbance.others,
        100 * series->disturbance.stolen);
    put_heads(out, tails);
    markup(out, "<tbody>\n");
    for (const struct row *row = NULL; (row = rank_next(series, row));)
        put_row(out, series, row, tails);
    for (size_t i = 0; i < series->row_count; i++)
        if (!rank_has(&series->rows[i]))
            put_trouble(out, &series->rows[i], tails);
    markup(out, "</tbody></table></div>\n");
}
