/* Reads a run again that `ferry bench --json` has written. */
#ifndef FERRY_BENCH_READ_H
#define FERRY_BENCH_READ_H

#include <stdio.h>

#include "bench/result.h"

struct read_problem {
    char text[240]; /* "series 3, row 2: \"rounds\" is not a list of numbers" */
};

/* Everything that was saved, as it was saved: nothing is computed anew.  What it does not know it
 * passes over.  0; -EBADMSG with *ret_problem for what is not a run, or of another format; -EFBIG for
 * what is far too much for one; or the error of reading. */
int report_read(FILE *in, struct report *ret_report, struct read_problem *ret_problem);

#endif
