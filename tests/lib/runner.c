/* One case from start to end: root, fork, alarm, judgement, clean-up.
 *
 * All signals that matter are blocked in the runner and taken with sigtimedwait(), so that there is
 * no handler and no race: SIGCHLD says that the case may have ended, SIGINT and SIGTERM that the
 * run is called off and must clean up behind itself. */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leftovers.h"
#include "report.h"
#include "root.h"
#include "settings.h"
#include "strays.h"

static const int64_t slice_ns = 50000000;  /* between two looks at the report */
static const int64_t grace_ns = 500000000; /* for processes that are about to end by themselves */

static sigset_t awaited, original;

void runner_init(void)
{
    report_init();
    strays_init();
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGHUP);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGTERM);
    sigprocmask(SIG_BLOCK, &awaited, &original);
}

/* ---- In the case's process ---- */

/* The same surroundings for every case, whoever started the run. */
static void prepare_process(pid_t runner)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != runner)
        _exit(1);
    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &original, NULL);
    umask(022);

    /* Crashes are expected here, and a core dump would only keep their locks alive longer. */
    struct rlimit core;
    if (getrlimit(RLIMIT_CORE, &core) == 0) {
        core.rlim_cur = 0;
        setrlimit(RLIMIT_CORE, &core);
    }

    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    close(nothing);
    dup2(STDERR_FILENO, STDOUT_FILENO);
}

__attribute__((noreturn)) static void run_body(const struct test_case *test, pid_t runner)
{
    prepare_process(runner);
    leftovers_before();
    test->body();
    leftovers_check();
    fflush(NULL);
    _exit(0);
}

/* ---- In the runner ---- */

__attribute__((noreturn)) static void call_off(int signal_number)
{
    strays_kill();
    root_remove();
    printf("Bail out! stopped by signal %d\n", signal_number);
    fflush(stdout);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal_number);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    _exit(1);
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* Until the case has ended, or one of its processes has reported a failure, or time is up. */
static void await_end(pid_t pid, double limit_s)
{
    const struct timespec slice = {.tv_nsec = slice_ns};
    int64_t deadline_ns = test_now_ns() + (int64_t)(limit_s * 1e9);
    while (!has_ended(pid) && !atomic_load(&report->failed)) {
        if (test_now_ns() > deadline_ns) {
            report_fail("not done after %.3g s", limit_s);
            strays_describe(pid);
            return;
        }
        int signal_number = sigtimedwait(&awaited, NULL, &slice);
        if (signal_number > 0 && signal_number != SIGCHLD)
            call_off(signal_number);
    }
}

static void judge_end(int status)
{
    if (atomic_load(&report->failed))
        return;
    if (WIFSIGNALED(status))
        report_fail("died of signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        report_fail("exited with %d", WEXITSTATUS(status));
}

static void await_and_judge(pid_t pid, double limit_s)
{
    await_end(pid, limit_s);
    if (!has_ended(pid))
        kill(-pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    judge_end(status);
    if (!atomic_load(&report->failed))
        strays_check(grace_ns);
    strays_kill();
}

enum verdict runner_run(const struct test_case *test)
{
    report_reset();
    root_make();
    fflush(NULL);
    pid_t runner = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run_body(test, runner);
    if (pid < 0) {
        report_fail("fork: %s", strerror(errno));
    } else {
        setpgid(pid, pid); /* here as well, so that it holds before anyone is killed */
        await_and_judge(pid, test->limit_s * settings.time_factor);
    }
    root_remove();
    if (atomic_load(&report->failed))
        return FAILED;
    return atomic_load(&report->skipped) ? SKIPPED : PASSED;
}
