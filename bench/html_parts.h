/* What the report's page is made of; for html.c alone. */
#ifndef FERRY_BENCH_HTML_PARTS_H
#define FERRY_BENCH_HTML_PARTS_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/result.h"

/* The style sheet, piece by piece; ends with NULL. */
extern const char *const html_style[];

/* Series of the same name are placements of one experiment, and are shown together. */
bool html_begins_experiment(const struct report *report, const struct series *series);

/* The next placement of the same experiment; `previous` is NULL at first. */
const struct series *html_next_placement(const struct report *report, const char *name,
                                         const struct series *previous);

/* Its place in the page is called "e" and this number. */
size_t html_experiment_number(const struct report *report, const struct series *series);

/* The cheapest of Ferry's sides; NULL if there is none with figures. */
const struct row *html_best_of_ferry(const struct series *series);

/* An experiment with all its placements: charts, bars, what failed, and the tables. */
void html_experiment(FILE *out, const struct report *report, const struct series *first);

/* All figures of a series in a table. */
void html_table(FILE *out, const struct series *series);

/* What the bars came to. */
void html_bars(FILE *out, const struct report *report);
void html_bar(FILE *out, const struct series *series, const struct verdict *verdict);

#endif
