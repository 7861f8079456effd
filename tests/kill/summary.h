/* What a run has to say in the end. */
#ifndef KILL_SUMMARY_H
#define KILL_SUMMARY_H

#include <stdbool.h>

#include "supervise.h"

/* Adds to the test's report: what was tried and, if something failed, what, where, and how to have
 * it again. */
void summary_say(const struct progress *progress, const char *name, bool paused);

#endif
