/* Processes that a case left running.  The runner is their subreaper: whoever loses its parent
 * becomes the runner's child, so nobody escapes by leaving the process group. */
#ifndef FERRY_TEST_STRAYS_H
#define FERRY_TEST_STRAYS_H

#include <stdint.h>
#include <sys/types.h>

/* Makes this process the one that inherits orphans. */
void strays_init(void);

/* Reaps what ends by itself within grace_ns, and reports as a failure whatever does not. */
void strays_check(int64_t grace_ns);

/* Says what each process of the group is doing; for a case that hangs. */
void strays_describe(pid_t group);

/* Kills and reaps every child and, as they become our children, theirs. */
void strays_kill(void);

#endif
