/* Sides of other libraries, each library's in a shared object of its own, so that the command needs
 * none of them.
 *
 * They are looked for in the directory that FERRY_BENCH_PLUGINS names; without it, beside the build
 * that the command comes from, or where both have been installed.  As root, nothing is loaded that
 * another user could have put there. */
#ifndef FERRY_BENCH_PLUGINS_H
#define FERRY_BENCH_PLUGINS_H

#include "bench/result.h"
#include "bench/side.h"

/* Writes the plug-ins' sides, in the order of the files' names and ended by NULL, into an array of
 * `room` elements.  What was not loaded is named in the report, with what would help. */
void plugins_load(const struct bench_side **sides, size_t room, struct report *report);

#endif
