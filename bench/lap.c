/* See lap.h.
 *
 * The conductor forks a keeper.  The keeper makes the side's objects, forks near and far, and waits
 * for both; if one of them fails, or both together take too long, it kills what is left.  Then it
 * unmakes the objects.  Signals that end a command reach near and far, while the keeper and the
 * conductor hold them back until everything has been unmade. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bench/calls.h"
#include "bench/runner.h"

/* Beyond what a lap should take: for starting, and for machines with other things to do. */
#define PATIENCE_S 30

/* ---- The keeper ------------------------------------------------------------------------------------- */

/* Signals that end a command, and the one that tells of a child's end. */
static void signals_to_hold(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGHUP);
    sigaddset(ret_set, SIGQUIT);
    sigaddset(ret_set, SIGPIPE);
    sigaddset(ret_set, SIGCHLD);
}

static pid_t start(struct runner *runner, enum bench_role role, const sigset_t *before)
{
    pid_t keeper = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGCHLD, SIG_DFL);
        sigprocmask(SIG_SETMASK, before, NULL);
        if (getppid() != keeper)
            _exit(1);
        runner_run(runner, role);
    }
    return pid;
}

static const char *const role_names[] = {"near", "far"};

/* What a process's end means, said once: the first trouble is the cause. */
static void judge(struct control *control, enum bench_role role, int status)
{
    struct lap_result *result = &control->result;
    const struct bench_outcome *outcome = &control->runner[role];
    if (status == 0 || result->error[0])
        return;
    result->unavailable = outcome->unavailable;
    if (outcome->error[0])
        snprintf(result->error, sizeof(result->error), "%s", outcome->error);
    else if (WIFSIGNALED(status))
        snprintf(result->error, sizeof(result->error), "its %s process was ended by %s",
                 role_names[role], strsignal(WTERMSIG(status)));
    else
        snprintf(result->error, sizeof(result->error), "its %s process ended with %d",
                 role_names[role], WEXITSTATUS(status));
}

/* Which of the two it is. */
static void bury(struct control *control, pid_t pids[2], pid_t pid, int status)
{
    for (int role = 0; role < 2; role++)
        if (pids[role] == pid) {
            pids[role] = 0;
            judge(control, (enum bench_role)role, status);
        }
}

static void kill_rest(const pid_t pids[2])
{
    for (int role = 0; role < 2; role++)
        if (pids[role] > 0)
            kill(pids[role], SIGKILL);
}

static int64_t patience_ns(void)
{
    const char *text = getenv("FERRY_BENCH_PATIENCE");
    double seconds = text ? strtod(text, NULL) : 0;
    bool usable = seconds > 0 && seconds < 1e6;
    return (int64_t)((usable ? seconds : PATIENCE_S) * 1e9);
}

/* A traced one has stopped: notes what for, and lets it go on. */
static void step(struct control *control, const pid_t pids[2], struct calls *calls, pid_t thread,
                 int status)
{
    for (int role = 0; role < 2; role++)
        if (pids[role] == thread)
            __atomic_store_n(&control->traced[role], 1, __ATOMIC_RELEASE);
    pid_t entering = calls_step(calls, thread, status);
    for (int role = 0; role < 2; role++)
        if (entering > 0 && pids[role] == entering && control->runner[role].counting)
            control->calls++;
}

/* Returns when both are gone. */
static void await_both(struct control *control, pid_t pids[2], int64_t allowed_ns,
                       const sigset_t *held)
{
    struct calls calls = {.count = 0};
    int64_t end_ns = bench_now_ns() + allowed_ns;
    while (pids[0] > 0 || pids[1] > 0) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
        if (pid > 0 && WIFSTOPPED(status)) {
            step(control, pids, &calls, pid, status);
            continue;
        }
        if (pid > 0) {
            bury(control, pids, pid, status);
            if (control->result.error[0])
                kill_rest(pids);
            continue;
        }
        int64_t left_ns = end_ns - bench_now_ns();
        struct timespec left = {left_ns / 1000000000, (long)(left_ns % 1000000000)};
        int heard = left_ns > 0 ? sigtimedwait(held, NULL, &left) : -1;
        if (heard == SIGCHLD || (heard < 0 && left_ns > 0))
            continue;
        if (control->result.error[0] == '\0')
            snprintf(control->result.error, sizeof(control->result.error), "%s",
                     heard < 0 ? "it did not come to an end" : "interrupted");
        kill_rest(pids);
        end_ns = INT64_MAX;
    }
}

/* Helpers of the two die with them, by and by, and are ours then: they are not to outlive the lap. */
static void bury_helpers(void)
{
    enum { MOST_MS = 2000 };
    int status;
    for (int ms = 0; ms < MOST_MS;) {
        pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
        if (pid < 0)
            return;
        if (pid == 0) {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            ms++;
        }
    }
}

static void trace_both(struct control *control, const pid_t pids[2])
{
    for (int role = 0; role < 2; role++) {
        int r = pids[role] > 0 ? calls_trace(pids[role]) : 0;
        if (r < 0 && control->result.error[0] == '\0') {
            snprintf(control->result.error, sizeof(control->result.error),
                     "it cannot be traced: %s", strerror(-r));
            kill_rest(pids);
        }
    }
}

static struct runner runner_for(const struct lap_request *request, struct control *control)
{
    struct runner runner = {
        .lap = {.side = request->side,
                .waiting = request->waiting,
                .size_bytes = request->size_bytes,
                .hold_ns = request->hold_ns,
                .cpu = {request->cpu[0], request->cpu[1]},
                .stop = &control->stop,
                .outcome = &control->keeper},
        .request = request,
        .control = control,
    };
    struct bench_lap *lap = &runner.lap;
    snprintf(lap->name, sizeof(lap->name), "ferry-bench-%d", getpid());
    snprintf(lap->fresh_name, sizeof(lap->fresh_name), "ferry-bench-%d-new", getpid());
    lap->shared =
        mmap(NULL, BENCH_SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (lap->shared == MAP_FAILED)
        bench_fail(lap, "no shared memory: %s", strerror(errno));
    return runner;
}

static void start_both(struct runner *runner, pid_t ret_pids[2], const sigset_t *before)
{
    struct control *control = runner->control;
    ret_pids[BENCH_NEAR] = start(runner, BENCH_NEAR, before);
    ret_pids[BENCH_FAR] = runner->request->play->far ? start(runner, BENCH_FAR, before) : 0;
    if (ret_pids[BENCH_NEAR] < 0 || ret_pids[BENCH_FAR] < 0) {
        snprintf(control->keeper.error, sizeof(control->keeper.error), "no process: %s",
                 strerror(errno));
        kill_rest(ret_pids);
    }
    if (runner->request->count_calls)
        trace_both(control, ret_pids);
}

/* The keeper's make may fail as near and far may: in a process of its own, it would make nothing. */
__attribute__((noreturn)) static void keep(const struct lap_request *request,
                                           struct control *control, const sigset_t *held,
                                           const sigset_t *before)
{
    struct runner runner = runner_for(request, control);
    struct bench_lap *lap = &runner.lap;
    pid_t pids[2];
    if (lap->side->make)
        lap->side->make(lap);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    start_both(&runner, pids, before);
    await_both(control, pids, patience_ns() + request->hold_ns, held);
    if (request->count_calls)
        control->result.calls = (double)control->calls / runner_operations(control);
    if (lap->side->unmake)
        lap->side->unmake(lap);
    bury_helpers();
    _exit(control->keeper.error[0] ? 1 : 0);
}

/* ---- The conductor's side --------------------------------------------------------------------------- */

static struct control *control_new(void)
{
    struct control *control =
        mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return control == MAP_FAILED ? NULL : control;
}

static pid_t start_keeper(const struct lap_request *request, struct control *control,
                          const sigset_t *held, const sigset_t *before)
{
    pid_t conductor = getpid(), pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != conductor)
            _exit(1);
        keep(request, control, held, before);
    }
    return pid;
}

static void finish(pid_t keeper, struct control *control, struct lap_result *ret_result)
{
    int status = 0;
    if (keeper > 0)
        waitpid(keeper, &status, 0);
    *ret_result = control->result;
    if (keeper > 0 && status == 0)
        return;
    ret_result->unavailable = control->keeper.unavailable;
    if (control->keeper.error[0])
        snprintf(ret_result->error, sizeof(ret_result->error), "%s", control->keeper.error);
    else
        snprintf(ret_result->error, sizeof(ret_result->error), "%s",
                 keeper > 0 ? "the process that set it up died" : "no process could be made");
}

void lap_run_together(const struct lap_request *requests, size_t count,
                      struct lap_result *ret_results)
{
    sigset_t held, before;
    signals_to_hold(&held);
    sigprocmask(SIG_BLOCK, &held, &before);
    struct control **controls = calloc(count, sizeof(struct control *));
    pid_t *keepers = calloc(count, sizeof(pid_t));
    for (size_t i = 0; controls && keepers && i < count; i++) {
        controls[i] = control_new();
        keepers[i] = controls[i] ? start_keeper(&requests[i], controls[i], &held, &before) : -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (controls == NULL || keepers == NULL || controls[i] == NULL) {
            memset(&ret_results[i], 0, sizeof(ret_results[i]));
            snprintf(ret_results[i].error, sizeof(ret_results[i].error), "no memory");
            continue;
        }
        finish(keepers[i], controls[i], &ret_results[i]);
        munmap(controls[i], sizeof(*controls[i]));
    }
    free(controls);
    free(keepers);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void lap_run(const struct lap_request *request, struct lap_result *ret_result)
{
    lap_run_together(request, 1, ret_result);
}
