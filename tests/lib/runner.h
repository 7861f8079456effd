/* Runs one case and judges it. */
#ifndef FERRY_TEST_RUNNER_H
#define FERRY_TEST_RUNNER_H

#include "test.h"

enum verdict { PASSED, FAILED, SKIPPED };

/* Once, before the first case. */
void runner_init(void);

/* Runs the case from its fork to the removal of its root.  What it said is in the report. */
enum verdict runner_run(const struct test_case *test);

#endif
