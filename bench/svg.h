/* Charts in SVG, as parts of the report's page, whose style they take their colours from.
 *
 * Lengths along the axis are percentages and all others are pixels: a chart fills whatever width
 * there is, and its text keeps its size.  Labels lie above their bars for the same reason. */
#ifndef FERRY_BENCH_SVG_H
#define FERRY_BENCH_SVG_H

#include <stdio.h>

#include "bench/result.h"
#include "bench/scale.h"

/* The family's name in the page's style, and for people. */
const char *family_class(enum bench_family family);
const char *family_word(enum bench_family family);

/* Marks and hatchings that the charts refer to: once in a page, before them. */
void svg_define(FILE *out);

/* A family's mark, to stand in a line of text. */
void svg_key(FILE *out, enum bench_family family);

/* One of the percentiles' marks, likewise. */
void svg_tail_key(FILE *out, size_t tail);

/* Has the side figures?  And the rows that have, from the cheapest to the dearest: NULL begins, NULL ends. */
bool rank_has(const struct row *row);
const struct row *rank_next(const struct series *series, const struct row *previous);

/* A bar for each side; `summary` is for those who cannot see it. */
void svg_costs(FILE *out, const struct series *series, const struct scale *scale,
               const char *summary);

/* How long single operations took: three percentiles for each side. */
void svg_tails(FILE *out, const struct series *series, const struct scale *scale,
               const char *summary);

#endif
