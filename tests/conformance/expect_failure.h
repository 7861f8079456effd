/* Does a test notice a planted fault: by a check of its own, and not by a time limit? */
#ifndef FERRY_CONFORMANCE_EXPECT_FAILURE_H
#define FERRY_CONFORMANCE_EXPECT_FAILURE_H

/* Runs the first test whose name has `test` in it, of the program conformance-planted-PROGRAM in the folder
 * $FERRY_CONFORMANCE_PLANTED, and fails if that does not. */
void expect_failure(const char *program, const char *test);

#endif
