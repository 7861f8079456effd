/* What a run of the bench found: a report of series (one experiment in one placement) of rows (one
 * side each).  Everything that is shown, saved or compared is in here. */
#ifndef FERRY_BENCH_RESULT_H
#define FERRY_BENCH_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/experiments.h"
#include "bench/machine.h"
#include "bench/statistics.h"

/* Percentiles of single operations. */
enum { TAIL_50, TAIL_90, TAIL_99, TAIL_999, TAIL_MOST, TAILS };

struct row {
    char *name;
    char *how;
    enum bench_family family;
    bool unavailable; /* the trouble is the machine's */
    char *trouble;    /* why there are no figures; NULL if there are */
    size_t rounds;
    double *costs;           /* of one operation, round by round, in ns or a count */
    struct figures cost;     /* of these */
    struct figures to_floor; /* how many times the floor's cost; all 0 if that was not measured */
    struct figures to_kernel;
    double tail_ns[TAILS]; /* all 0 where operations were not timed one by one */
    double cpu_ns;         /* processor time of one operation, both processes together */
    double sleeps;
    double calls; /* system calls of an operation, both processes together */
    bool calls_known;
};

/* How a bar was met. */
struct verdict {
    char *side;
    char *than; /* NULL: the bar is the cost itself */
    double at_most;
    double found; /* a cost or a ratio */
    bool met;
};

struct series {
    char *name; /* "message-64" */
    char *title;
    char *about;
    char *placement; /* "two cores" */
    enum bench_measure measure;
    size_t size_bytes;
    char *floor;  /* NULL: none */
    char *kernel; /* NULL: none */
    struct disturbance disturbance;
    struct row *rows;
    size_t row_count;
    struct verdict *verdicts;
    size_t verdict_count;
};

/* Of what is saved as JSON; another number is another form. */
#define BENCH_FORMAT 1

struct report {
    char *version; /* of Ferry */
    char *when;    /* "2026-11-21 14:02:11 UTC" */
    struct machine machine;
    bool quick;
    size_t rounds;
    struct series *series;
    size_t series_count;
    char **missing; /* what could not be measured here, and what would help */
    size_t missing_count;
    char **warnings; /* what makes the figures doubtful */
    size_t warning_count;
};

/* Each grows its array by one zeroed element and returns it.  Memory that runs out ends the
 * process. */
struct series *report_add_series(struct report *report);
struct row *series_add_row(struct series *series);
struct verdict *series_add_verdict(struct series *series);
__attribute__((format(printf, 2, 3))) void report_add_missing(struct report *report,
                                                              const char *format, ...);
__attribute__((format(printf, 2, 3))) void report_add_warning(struct report *report,
                                                              const char *format, ...);

/* How it is called where it is saved, in the order of the enumerations. */
#define RESULT_FAMILIES 5
#define RESULT_MEASURES 4
extern const char *const result_family_words[RESULT_FAMILIES];  /* "ferry" */
extern const char *const result_measure_words[RESULT_MEASURES]; /* "time" */
extern const char *const result_tail_words[TAILS];              /* "99.9" */

/* NULL if there is none. */
struct row *series_find_row(const struct series *series, const char *name);
struct series *report_find_series(const struct report *report, const char *name,
                                  const char *placement);

/* Copies of strings; NULL stays NULL. */
char *result_copy(const char *text);

/* A zeroed array for `count` elements. */
void *result_array(size_t count, size_t element_bytes);

void report_deinit(struct report *report);

#endif
