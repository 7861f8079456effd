/* What `ferry bench` prints for people. */
#include <stdio.h>

#include "bench/words.h"
#include "cli/bench_show.h"
#include "cli/output.h"
#include "cli/table.h"

/* One column or another, depending on what the series holds. */
static bool has_tail(const struct series *series)
{
    for (size_t i = 0; i < series->row_count; i++)
        if (series->rows[i].tail_ns[TAIL_MOST] > 0)
            return true;
    return false;
}

static void print_heading(const struct series *series)
{
    printf("\n%s", output_has_colour() ? "\033[1m" : "");
    printf("%s · %s", series->title, series->placement);
    printf("%s  [%s]\n", output_has_colour() ? "\033[0m" : "", series->name);
}

static void add_row(struct table *table, const struct series *series, const struct row *row,
                    bool tail)
{
    table_cell(table, "  %s", row->name);
    table_cell(table, "%s", words_cost(series, row->cost.median).text);
    table_cell(table, "± %s", words_spread(&row->cost).text);
    table_cell(table, "%s", words_ratio(row->to_floor.median).text);
    table_cell(table, "%s", words_ratio(row->to_kernel.median).text);
    if (tail) {
        table_cell(table, "%s", words_time(row->tail_ns[TAIL_50]).text);
        table_cell(table, "%s", words_time(row->tail_ns[TAIL_99]).text);
        table_cell(table, "%s", words_time(row->tail_ns[TAIL_999]).text);
    }
    table_cell(table, "%s", words_time(row->cpu_ns).text);
    table_cell(table, "%s", words_number(row->sleeps).text);
    table_cell(table, "%s", row->calls_known ? words_number(row->calls).text : "");
}

static void print_series(const struct series *series)
{
    static const char *const plain[] = {"  ",   ">MEDIAN", "SPREAD", ">×FLOOR", ">×KERNEL",
                                        ">CPU", ">SLEEPS", ">CALLS", NULL};
    static const char *const tailed[] = {"  ",   ">MEDIAN", "SPREAD", ">×FLOOR", ">×KERNEL", ">50%",
                                         ">99%", ">99.9%",  ">CPU",   ">SLEEPS", ">CALLS",   NULL};
    bool tail = has_tail(series);
    struct table table = table_start(tail ? tailed : plain);
    print_heading(series);
    for (size_t i = 0; i < series->row_count; i++)
        if (series->rows[i].rounds > 0)
            add_row(&table, series, &series->rows[i], tail);
    table_print(&table, stdout);
    for (size_t i = 0; i < series->row_count; i++)
        if (series->rows[i].trouble)
            output_line("  %s %s: %s", series->rows[i].name,
                        series->rows[i].unavailable ? "is not to be had here" : "failed",
                        series->rows[i].trouble);
    for (size_t i = 0; i < series->verdict_count; i++)
        output_line("  bar: %s", words_verdict(series, &series->verdicts[i]).text);
}

static void print_lines(const char *title, char *const *lines, size_t count)
{
    if (count > 0)
        printf("\n%s\n", title);
    for (size_t i = 0; i < count; i++)
        output_line("  %s", lines[i]);
}

void bench_print_table(const struct report *report)
{
    const struct machine *machine = &report->machine;
    output_line("Ferry %s, %s: %s, %s, processors %d and %d of %d", report->version, report->when,
                machine->processor, machine->system, machine->cpu[0], machine->cpu[1],
                machine->cpus);
    output_line("%s; the median of %zu rounds%s, ± half of the middle half", machine->note,
                report->rounds, report->quick ? " (quick: a rough look)" : "");
    for (size_t i = 0; i < report->series_count; i++)
        print_series(&report->series[i]);
    print_lines("Not measured here", report->missing, report->missing_count);
    print_lines("Noisy: do not trust these figures too far", report->warnings,
                report->warning_count);
}
