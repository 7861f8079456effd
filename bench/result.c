/* See result.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/result.h"

const char *const result_family_words[] = {"floor", "kernel", "libc", "peer", "ferry"};
const char *const result_measure_words[] = {"time", "rate", "flow", "count"};
const char *const result_tail_words[] = {"50", "90", "99", "99.9", "100"};

static void *expect(void *memory)
{
    if (memory == NULL) {
        fputs("ferry: no memory left for the bench's results\n", stderr);
        exit(1);
    }
    return memory;
}

/* One zeroed element more, at the end. */
static void *grow(void *array, size_t *count, size_t element_bytes)
{
    char *grown = expect(reallocarray(array, *count + 1, element_bytes));
    memset(grown + *count * element_bytes, 0, element_bytes);
    ++*count;
    return grown;
}

struct series *report_add_series(struct report *report)
{
    report->series = grow(report->series, &report->series_count, sizeof(*report->series));
    return &report->series[report->series_count - 1];
}

struct row *series_add_row(struct series *series)
{
    series->rows = grow(series->rows, &series->row_count, sizeof(*series->rows));
    return &series->rows[series->row_count - 1];
}

struct verdict *series_add_verdict(struct series *series)
{
    series->verdicts = grow(series->verdicts, &series->verdict_count, sizeof(*series->verdicts));
    return &series->verdicts[series->verdict_count - 1];
}

__attribute__((format(printf, 3, 0))) static void add_line(char ***lines, size_t *count,
                                                           const char *format, va_list arguments)
{
    char *line;
    if (vasprintf(&line, format, arguments) < 0)
        line = expect(NULL);
    *lines = grow(*lines, count, sizeof(char *));
    (*lines)[*count - 1] = line;
}

void report_add_missing(struct report *report, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_line(&report->missing, &report->missing_count, format, arguments);
    va_end(arguments);
}

void report_add_warning(struct report *report, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_line(&report->warnings, &report->warning_count, format, arguments);
    va_end(arguments);
}

struct row *series_find_row(const struct series *series, const char *name)
{
    for (size_t i = 0; name && i < series->row_count; i++)
        if (strcmp(series->rows[i].name, name) == 0)
            return &series->rows[i];
    return NULL;
}

struct series *report_find_series(const struct report *report, const char *name,
                                  const char *placement)
{
    for (size_t i = 0; i < report->series_count; i++)
        if (strcmp(report->series[i].name, name) == 0 &&
            strcmp(report->series[i].placement, placement) == 0)
            return &report->series[i];
    return NULL;
}

char *result_copy(const char *text)
{
    return text ? expect(strdup(text)) : NULL;
}

void *result_array(size_t count, size_t element_bytes)
{
    return expect(calloc(count, element_bytes));
}

static void row_deinit(struct row *row)
{
    free(row->name);
    free(row->how);
    free(row->trouble);
    free(row->costs);
}

static void series_deinit(struct series *series)
{
    for (size_t i = 0; i < series->row_count; i++)
        row_deinit(&series->rows[i]);
    for (size_t i = 0; i < series->verdict_count; i++) {
        free(series->verdicts[i].side);
        free(series->verdicts[i].than);
    }
    free(series->rows);
    free(series->verdicts);
    free(series->name);
    free(series->title);
    free(series->about);
    free(series->placement);
    free(series->floor);
    free(series->kernel);
}

static void free_lines(char **lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(lines[i]);
    free(lines);
}

void report_deinit(struct report *report)
{
    for (size_t i = 0; i < report->series_count; i++)
        series_deinit(&report->series[i]);
    free(report->series);
    free_lines(report->missing, report->missing_count);
    free_lines(report->warnings, report->warning_count);
    free(report->version);
    free(report->when);
    memset(report, 0, sizeof(*report));
}
