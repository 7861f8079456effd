/* What `ferry bench` prints. */
#ifndef FERRY_CLI_BENCH_SHOW_H
#define FERRY_CLI_BENCH_SHOW_H

#include "bench/result.h"

/* For people: a table for each series, then the bars, what is missing, and warnings. */
void bench_print_table(const struct report *report);

/* For programs: everything, each round included; bench/read.h reads it again. */
void bench_print_json(const struct report *report);

#endif
