/* What `ferry bench` prints. */
#ifndef FERRY_CLI_BENCH_SHOW_H
#define FERRY_CLI_BENCH_SHOW_H

#include "bench/compare.h"
#include "cli/json.h"

/* For people: a table for each series, then the bars, what is missing, and warnings. */
void bench_print_table(const struct report *report);

/* For programs: everything, each round included; bench/read.h reads it again.  The comparison may
 * be NULL. */
void bench_print_json(const struct report *report, const struct comparison *comparison);

/* A saved run; "-" is standard input.  STATUS_DONE, or STATUS_FAILED after a complaint. */
int bench_read(const char *path, struct report *ret_report);

/* What changed since the run that was compared with; for programs, as members of the open object. */
void bench_print_changes(const struct comparison *comparison);
void bench_print_changes_json(struct json *json, const struct comparison *comparison);

/* For showing: a page with charts; a file is replaced as a whole or not at all.  "-" is standard
 * output.  Checking says beforehand what can be known then, since measuring takes minutes.
 * STATUS_DONE, or STATUS_FAILED after a complaint. */
int bench_check_html(const char *path);
int bench_write_html(const struct report *report, const char *path);

#endif
