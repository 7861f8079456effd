/* The children of a case. */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t test_child(void (*body)(void *), void *context)
{
    fflush(NULL);
    pid_t pid = fork();
    CHECK_ERRNO(pid);
    if (pid == 0) {
        body(context);
        fflush(NULL);
        _exit(0);
    }
    return pid;
}

static int reap(const char *file, int line, pid_t pid)
{
    int status;
    pid_t reaped;
    do
        reaped = waitpid(pid, &status, 0);
    while (reaped < 0 && errno == EINTR);
    if (reaped != pid)
        test_fail(file, line, "waiting for child %d: %s", (int)pid, strerror(errno));
    return status;
}

void test_wait_ok_at(const char *file, int line, pid_t pid)
{
    int status = reap(file, line, pid);
    if (WIFSIGNALED(status))
        test_fail(file, line, "child %d died of signal %d, %s", (int)pid, WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == TEST_EXIT_CHECK_FAILED)
        _exit(TEST_EXIT_CHECK_FAILED); /* it has told the runner why */
    if (WEXITSTATUS(status) != 0)
        test_fail(file, line, "child %d exited with %d", (int)pid, WEXITSTATUS(status));
}

void test_kill_at(const char *file, int line, pid_t pid)
{
    /* kill(0) and kill(-1) would take the whole case, or the whole machine, with them. */
    if (pid <= 0)
        test_fail(file, line, "cannot kill process %d", (int)pid);
    kill(pid, SIGKILL);
    reap(file, line, pid);
}
