/* The report as one HTML file: text, tables and charts.  It needs no script, no network and nothing
 * beside it, and is well-formed XML whatever the report's strings hold. */
#ifndef FERRY_BENCH_HTML_H
#define FERRY_BENCH_HTML_H

#include <stdio.h>

#include "bench/result.h"

/* 0, or -errno if it could not all be written. */
int html_write(const struct report *report, FILE *out);

#endif
