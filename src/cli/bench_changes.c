/* `ferry bench --compare`: what changed since a saved run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/read.h"
#include "bench/words.h"
#include "cli/bench_show.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/verb.h"

/* ---- Reading ---------------------------------------------------------------------------------------- */

int bench_read(const char *path, struct report *ret_report)
{
    struct read_problem problem;
    bool piped = strcmp(path, "-") == 0;
    FILE *in = piped ? stdin : fopen(path, "re");
    if (in == NULL) {
        complain("%s: %s; `ferry bench --json >FILE` saves a run", path, strerror(errno));
        return STATUS_FAILED;
    }
    int r = report_read(in, ret_report, &problem);
    if (!piped)
        fclose(in);
    if (r == -EBADMSG)
        complain("%s is no saved run: %s; `ferry bench --json >FILE` saves one", path,
                 problem.text);
    else if (r == -EFBIG)
        complain("%s is larger than any saved run; `ferry bench --json >FILE` saves one", path);
    else if (r < 0)
        complain("%s cannot be read: %s", path, strerror(-r));
    return r < 0 ? STATUS_FAILED : STATUS_DONE;
}

/* ---- For people ------------------------------------------------------------------------------------- */

/* "1.52 × floor" or "9.31 ns"; nothing where nothing was measured. */
static void add_value(struct table *table, const struct change *change, double value)
{
    if (change->kind != CHANGE_SLOWER && change->kind != CHANGE_FASTER)
        table_cell(table, "%s", "");
    else if (change->to_floor)
        table_cell(table, "%s × floor", words_ratio(value).text);
    else
        table_cell(table, "%s", words_cost(change->series, value).text);
}

/* How much more of the time it takes, or less. */
static struct words words_by(const struct change *change)
{
    struct words words = {""};
    if (change->before > 0)
        snprintf(words.text, sizeof(words.text), "%+.0f%%",
                 100 * (change->after / change->before - 1));
    return words;
}

static void add_change(struct table *table, const struct change *change)
{
    table_cell(table, "  %s", change_word(change->kind));
    table_cell(table, "%s", change->side);
    table_cell(table, "%s · %s", change->series->name, change->series->placement);
    add_value(table, change, change->before);
    add_value(table, change, change->after);
    table_cell(table, "%s", words_by(change).text);
    table_cell(table, "%s", change->trouble ? change->trouble : "");
}

static void print_counts(const struct comparison *comparison)
{
    output_line("  %zu of Ferry's changed in time; %zu the same, as far as noise and the machine's "
                "moods let tell",
                comparison_count(comparison, CHANGE_SLOWER) +
                    comparison_count(comparison, CHANGE_FASTER),
                comparison->same);
    if (comparison->untold > 0)
        output_line("  %zu cannot be told from so few rounds: both runs need --rounds %zu",
                    comparison->untold, comparison->enough_rounds);
    if (comparison->once > 0)
        output_line("  %zu not compared: watched only once", comparison->once);
}

void bench_print_changes(const struct comparison *comparison)
{
    static const char *const headings[] = {"  ", "", "", ">BEFORE", ">NOW", ">TIME", "", NULL};
    struct table table = table_start(headings);
    const struct report *before = comparison->before;
    fputs(output_has_colour() ? "\n\033[1m" : "\n", stdout);
    output_line("Changes since Ferry %s, %s", before->version, before->when);
    fputs(output_has_colour() ? "\033[0m" : "", stdout);
    for (size_t i = 0; i < comparison->change_count; i++)
        add_change(&table, &comparison->changes[i]);
    table_print(&table, stdout);
    print_counts(comparison);
    for (size_t i = 0; i < comparison->caveat_count; i++)
        output_line("  mind: %s", comparison->caveats[i]);
}

/* ---- For programs ----------------------------------------------------------------------------------- */

static void print_change(struct json *json, const struct change *change)
{
    json_open(json, NULL, '{');
    json_text(json, "change", change_word(change->kind));
    json_text(json, "side", change->side);
    json_text(json, "series", change->series->name);
    json_text(json, "placement", change->series->placement);
    if (change->trouble)
        json_text(json, "trouble", change->trouble);
    if (change->kind == CHANGE_SLOWER || change->kind == CHANGE_FASTER) {
        json_text(json, "of", change->to_floor ? "to_floor" : "cost");
        json_real(json, "before", change->before);
        json_real(json, "after", change->after);
        json_real(json, "probability", change->probability);
    }
    json_close(json, '}');
}

void bench_print_changes_json(struct json *json, const struct comparison *comparison)
{
    json_open(json, "changes", '[');
    for (size_t i = 0; i < comparison->change_count; i++)
        print_change(json, &comparison->changes[i]);
    json_close(json, ']');
    json_open(json, "compared", '{');
    json_text(json, "ferry", comparison->before->version);
    json_text(json, "when", comparison->before->when);
    json_number(json, "same", comparison->same);
    json_number(json, "untold", comparison->untold);
    json_number(json, "once", comparison->once);
    json_number(json, "enough_rounds", comparison->enough_rounds);
    json_open(json, "caveats", '[');
    for (size_t i = 0; i < comparison->caveat_count; i++)
        json_text(json, NULL, comparison->caveats[i]);
    json_close(json, ']');
    json_close(json, '}');
}
