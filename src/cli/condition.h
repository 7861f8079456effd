/* What the verbs do with a condition: see wait.c and post.c.  Each returns an exit status, after a complaint if need be. */
#ifndef FERRY_CLI_CONDITION_H
#define FERRY_CLI_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

/* Waits, with its mutex as one does, until somebody tells. */
int wait_for_condition(const char *name, int64_t timeout_ns);

/* Tells one who waits, or all. */
int tell_condition(const char *name, bool all);

#endif
