/* `ferry bench --json`. */
#include "cli/bench_show.h"
#include "cli/json.h"

static void text_or_null(struct json *json, const char *key, const char *text)
{
    if (text)
        json_text(json, key, text);
    else
        json_null(json, key);
}

static void print_figures(struct json *json, const char *key, const struct figures *figures)
{
    if (figures->median <= 0 && figures->high <= 0) {
        json_null(json, key);
        return;
    }
    json_open(json, key, '{');
    json_real(json, "low", figures->low);
    json_real(json, "median", figures->median);
    json_real(json, "high", figures->high);
    json_close(json, '}');
}

static void print_tail(struct json *json, const struct row *row)
{
    if (row->tail_ns[TAIL_MOST] <= 0)
        return;
    json_open(json, "percentiles_ns", '{');
    for (size_t i = 0; i < TAILS; i++)
        json_real(json, result_tail_words[i], row->tail_ns[i]);
    json_close(json, '}');
}

static void print_costs(struct json *json, const struct row *row)
{
    json_real(json, "cost", row->cost.median);
    json_real(json, "low", row->cost.low);
    json_real(json, "high", row->cost.high);
    print_figures(json, "to_floor", &row->to_floor);
    print_figures(json, "to_kernel", &row->to_kernel);
    print_tail(json, row);
    json_real(json, "cpu_ns", row->cpu_ns);
    json_real(json, "sleeps", row->sleeps);
    if (row->calls_known)
        json_real(json, "calls", row->calls);
    json_open(json, "rounds", '[');
    for (size_t i = 0; i < row->rounds; i++)
        json_real(json, NULL, row->costs[i]);
    json_close(json, ']');
}

static void print_row(struct json *json, const struct row *row)
{
    json_open(json, NULL, '{');
    json_text(json, "side", row->name);
    json_text(json, "family", result_family_words[row->family]);
    text_or_null(json, "how", row->how);
    if (row->trouble) {
        json_bool(json, "unavailable", row->unavailable);
        json_text(json, "trouble", row->trouble);
    } else {
        print_costs(json, row);
    }
    json_close(json, '}');
}

static void print_verdict(struct json *json, const struct verdict *verdict)
{
    json_open(json, NULL, '{');
    json_text(json, "side", verdict->side);
    text_or_null(json, "than", verdict->than);
    json_real(json, "at_most", verdict->at_most);
    json_real(json, "found", verdict->found);
    json_bool(json, "met", verdict->met);
    json_close(json, '}');
}

static void print_series(struct json *json, const struct series *series)
{
    json_open(json, NULL, '{');
    json_text(json, "name", series->name);
    json_text(json, "title", series->title);
    json_text(json, "about", series->about);
    json_text(json, "placement", series->placement);
    json_text(json, "measure", result_measure_words[series->measure]);
    json_number(json, "size_bytes", series->size_bytes);
    text_or_null(json, "floor", series->floor);
    text_or_null(json, "kernel", series->kernel);
    json_real(json, "others", series->disturbance.others);
    json_real(json, "stolen", series->disturbance.stolen);
    json_open(json, "rows", '[');
    for (size_t i = 0; i < series->row_count; i++)
        print_row(json, &series->rows[i]);
    json_close(json, ']');
    json_open(json, "bars", '[');
    for (size_t i = 0; i < series->verdict_count; i++)
        print_verdict(json, &series->verdicts[i]);
    json_close(json, ']');
    json_close(json, '}');
}

static void print_lines(struct json *json, const char *key, char *const *lines, size_t count)
{
    json_open(json, key, '[');
    for (size_t i = 0; i < count; i++)
        json_text(json, NULL, lines[i]);
    json_close(json, ']');
}

static void print_machine(struct json *json, const struct machine *machine)
{
    json_open(json, "machine", '{');
    json_text(json, "processor", machine->processor);
    json_text(json, "system", machine->system);
    json_text(json, "note", machine->note);
    json_number(json, "cpus", (uint64_t)machine->cpus);
    json_bool(json, "siblings", machine->siblings);
    json_bool(json, "can_keep_awake", machine->can_keep_awake);
    json_open(json, "used", '[');
    json_number(json, NULL, (uint64_t)machine->cpu[0]);
    json_number(json, NULL, (uint64_t)machine->cpu[1]);
    json_close(json, ']');
    json_close(json, '}');
}

void bench_print_json(const struct report *report, const struct comparison *comparison)
{
    struct json json = {0};
    json_open(&json, NULL, '{');
    json_number(&json, "format", BENCH_FORMAT);
    json_text(&json, "ferry", report->version);
    json_text(&json, "when", report->when);
    print_machine(&json, &report->machine);
    json_bool(&json, "quick", report->quick);
    json_number(&json, "rounds", report->rounds);
    json_open(&json, "series", '[');
    for (size_t i = 0; i < report->series_count; i++)
        print_series(&json, &report->series[i]);
    json_close(&json, ']');
    print_lines(&json, "missing", report->missing, report->missing_count);
    print_lines(&json, "warnings", report->warnings, report->warning_count);
    if (comparison)
        bench_print_changes_json(&json, comparison);
    json_close(&json, '}');
}
