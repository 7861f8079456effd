/* The runner under test: each planted fault must be caught, and named. */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

struct run {
    int status;
    char text[8192];
};

static const char *planted(void)
{
    const char *program = getenv("FERRY_TEST_PLANTED");
    if (!program)
        SKIP("FERRY_TEST_PLANTED does not name the program with the planted faults");
    return program;
}

/* Starts it with one of its standard streams on a pipe. */
static pid_t start_planted(const char *name, int stream, int *ret_output)
{
    const char *program = planted();
    int ends[2];
    CHECK_ERRNO(pipe(ends));
    pid_t pid = fork();
    CHECK_ERRNO(pid);
    if (pid == 0) {
        dup2(ends[1], stream);
        close(ends[0]);
        close(ends[1]);
        execl(program, program, "--only", name, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *ret_output = ends[0];
    return pid;
}

static void run_planted(struct run *run, const char *name)
{
    int output;
    pid_t pid = start_planted(name, STDOUT_FILENO, &output);
    size_t length = 0;
    for (ssize_t bytes;
         (bytes = read(output, run->text + length, sizeof run->text - 1 - length)) > 0;)
        length += (size_t)bytes;
    run->text[length] = '\0';
    close(output);
    CHECK_EQ(waitpid(pid, &run->status, 0), pid);
    CHECK(WIFEXITED(run->status));
}

/* The run of exactly this case fails, and says this. */
static void expect_failure(const char *name, const char *diagnosis)
{
    struct run run;
    run_planted(&run, name);
    CHECK_CONTAINS(run.text, "TAP version 13\n1..1\n");
    CHECK_CONTAINS(run.text, "not ok 1 - ");
    CHECK_CONTAINS(run.text, name);
    CHECK_CONTAINS(run.text, diagnosis);
    CHECK_EQ(WEXITSTATUS(run.status), 1);
}

static void expect_success(const char *name)
{
    struct run run;
    run_planted(&run, name);
    CHECK_CONTAINS(run.text, "1..1\nok 1 - ");
    CHECK_EQ(WEXITSTATUS(run.status), 0);
}

TEST(sound_cases_pass)
{
    expect_success("sound_case");
    expect_success("object_left_on_purpose");
    expect_success("grandchild_that_ends_by_itself");
    expect_success("children_and_gates");
}

TEST(noise_on_standard_output_does_not_reach_tap)
{
    struct run run;
    run_planted(&run, "sound_case");
    CHECK(!strstr(run.text, "noise"));
}

TEST(skip_gives_its_reason)
{
    struct run run;
    run_planted(&run, "skipped_case");
    CHECK_CONTAINS(run.text, "ok 1 - skipped_case # SKIP there is no elephant here\n");
    CHECK_EQ(WEXITSTATUS(run.status), 0);
}

TEST(failing_checks_are_caught_and_say_what_was_found)
{
    expect_failure("plain_failing_check", "planted.c:");
    expect_failure("unequal_numbers", "it is 18446744073709551615, not -1");
    expect_failure("unequal_strings", "it is \"left\", not \"right\"");
    expect_failure("missing_words", "no \"needle\" in \"a haystack\"");
    expect_failure("failed_call", "No such file or directory");
    expect_failure("wrong_error", "not -17, File exists");
    expect_failure("unexpected_success", "it succeeded with 0");
}

TEST(failing_check_in_a_child_or_thread_fails_the_case)
{
    expect_failure("parent_that_waits_for_a_failed_child", "i_am_the_parent");
    expect_failure("failing_check_in_a_child", "i_am_the_parent");
    expect_failure("failing_check_in_a_thread", "i_am_the_parent");
    expect_failure("crashing_child", "died of signal 6");
}

TEST(crashes_and_early_exits_are_caught)
{
    expect_failure("sudden_death", "died of signal 6");
    expect_failure("early_exit", "exited with 3");
}

TEST(leaks_are_caught)
{
    expect_failure("leaked_descriptor", "left over: descriptor 3, /dev/null");
    expect_failure("leaked_object", "left over: object in the root");
    expect_failure("leaked_mapping", "/object");
    expect_failure("leaked_anonymous_mapping", "/memfd:ferry-segment");
}

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
TEST(leaked_memory_is_caught)
{
    expect_failure("leaked_memory", "left over: memory");
}
#endif

/* One that the inner runner missed would become the outer runner's child and fail this case. */
TEST(leftover_processes_are_caught_and_killed)
{
    expect_failure("leftover_process", "left over: process ");
    expect_failure("leftover_daemon", "left over: process ");
}

TEST(hanging_cases_are_ended)
{
    expect_failure("hanging_case", "not done after 1 s");
    expect_failure("stubborn_case", "not done after 1 s");
}

TEST(waits_are_bounded_and_name_what_they_wait_for)
{
    CHECK_ERRNO(setenv("FERRY_TEST_TIMEOUT", "0.05", 1));
    expect_failure("condition_that_never_comes", "in vain for: answer == 42");
    expect_failure("gate_that_never_opens", "in vain for the gate never");
    expect_failure("child_that_never_sleeps", "in vain for: the process is asleep");
}

TEST(interrupted_run_cleans_up_behind_itself)
{
    int output, status;
    char root[128];
    pid_t pid = start_planted("hanging_case", STDERR_FILENO, &output);
    FILE *lines = fdopen(output, "r");
    CHECK(fgets(root, sizeof root, lines));
    root[strcspn(root, "\n")] = '\0';
    CHECK_ERRNO(access(root, F_OK));

    CHECK_ERRNO(kill(pid, SIGTERM));
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK(access(root, F_OK) < 0 && errno == ENOENT);
    fclose(lines);
}
