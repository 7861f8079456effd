/* All sides there are: those that are built in, and those of plug-ins. */
#ifndef FERRY_BENCH_SIDES_H
#define FERRY_BENCH_SIDES_H

#include "bench/result.h"
#include "bench/side.h"

/* The sides that are built in; ends with NULL. */
extern const struct bench_side *const built_in_sides[];

/* Built-in sides and those of the plug-ins found, family by family.  Ends with NULL.  Plug-ins are
 * loaded by the first call, which names those that are not there or do not fit in its report. */
const struct bench_side *const *sides_all(struct report *report);

#endif
