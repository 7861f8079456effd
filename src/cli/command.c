/* See command.h.
 *
 * Signals that end a process or are for programs to use are blocked here and passed on, unless the kernel sent them: what the
 * terminal sends goes to the whole group, the command included. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"

static const int passed_on[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};

static void fill(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGCHLD);
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
        sigaddset(signals, passed_on[i]);
}

/* In the child, which has the parent's memory and no more than this to do with it: says why it could not become the command. */
static _Noreturn void become(char *const *argv, const sigset_t *mask, pid_t parent,
                             volatile int *ret_error)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before it could be asked for that */
        raise(SIGKILL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(argv[0], argv);
    *ret_error = errno;
    _exit(STATUS_NOT_FOUND);
}

static int complain_unfit(const char *command, int error)
{
    complain("%s: %s", command, error == ENOENT ? "there is no such command" : strerror(error));
    return error == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
}

static int status_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_SIGNAL + WTERMSIG(status);
}

static int await_end(pid_t child, const sigset_t *signals)
{
    for (;;) {
        siginfo_t cause;
        int status, signal_number = sigwaitinfo(signals, &cause);
        if (waitpid(child, &status, WNOHANG) == child)
            return status_of(status);
        if (signal_number > 0 && signal_number != SIGCHLD && cause.si_code <= 0)
            kill(child, signal_number);
    }
}

/* vfork: the child is no member of what we have open, not even for a moment. */
static int start(char *const *argv, const sigset_t *mask, volatile int *ret_error)
{
    pid_t parent = getpid(), child = vfork();
    if (child == 0)
        become(argv, mask, parent, ret_error);
    return child < 0 ? -errno : child;
}

int command_run(char *const *argv)
{
    sigset_t signals, before;
    volatile int error = 0;
    fill(&signals);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would not come, nor would the status */
    sigprocmask(SIG_BLOCK, &signals, &before);
    output_flush();
    int child = start(argv, &before, &error);
    if (child < 0) {
        complain("%s cannot be run: %s", argv[0], strerror(-child));
        return STATUS_OWN_FAILURE;
    }
    int status = await_end(child, &signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? status : complain_unfit(argv[0], error);
}
