/* See expect_failure.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect_failure.h"
#include "test.h"

struct run {
    int status;
    char text[65536];
};

/* The programs with the planted faults are beside each other. */
static void run_planted(struct run *run, const char *program, const char *test)
{
    char command[1024];
    const char *folder = getenv("FERRY_CONFORMANCE_PLANTED");
    if (folder == NULL)
        SKIP("FERRY_CONFORMANCE_PLANTED does not name the folder with the planted faults");
    snprintf(command, sizeof command, "exec '%s/conformance-planted-%s' --only %s 2>/dev/null",
             folder, program, test);
    fflush(NULL);
    FILE *output = popen(command, "re");
    CHECK(output != NULL);
    size_t length = fread(run->text, 1, sizeof run->text - 1, output);
    run->text[length] = '\0';
    run->status = pclose(output);
    CHECK(WIFEXITED(run->status));
}

void expect_failure(const char *program, const char *test)
{
    static struct run run;
    run_planted(&run, program, test);
    if (!strstr(run.text, "not ok 1 - ") || WEXITSTATUS(run.status) != 1)
        test_fail(__FILE__, __LINE__, "%s should have failed: %s", test, run.text);
    if (strstr(run.text, "# not done after"))
        test_fail(__FILE__, __LINE__, "%s ran out of time: %s", test, run.text);
}
