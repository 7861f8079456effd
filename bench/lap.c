/* See lap.h.
 *
 * The conductor forks a keeper.  The keeper makes the side's objects, forks near and far, and waits
 * for both; if one of them fails, or both together take too long, it kills what is left.  Then it
 * unmakes the objects.  Signals that end a command reach near and far, while the keeper and the
 * conductor hold them back until everything has been unmade.
 *
 * Near leads: it writes the size of a batch and what kind it is, both meet at a barrier, run it, and
 * meet again.  A batch of 0 ends the lap. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "bench/lap.h"
#include "bench/messages.h"
#include "bench/statistics.h"

/* Beyond what a lap should take: for starting, and for machines with other things to do. */
#define PATIENCE_S 30

/* Some tenths of a millisecond. */
#define BARRIER_LOOKS 10000

struct control {
    uint32_t arrived; /* at the barrier */
    uint32_t passed;  /* how often both have */
    uint32_t stop;
    bool whole;
    bool sample;
    uint64_t count;              /* of the next batch */
    uint64_t measured;           /* how many operations the result is of */
    struct bench_outcome keeper; /* only its error counts */
    struct bench_outcome runner[2];
    struct lap_result result;
};

/* A process's view of the lap. */
struct runner {
    struct bench_lap lap;
    const struct lap_request *request;
    struct control *control;
};

/* ---- The barrier ------------------------------------------------------------------------------------ */

/* Looks for a while where the other may be running on a core of its own: whoever sleeps wakes up
 * late, and would begin the batch late. */
static void await_passage(struct runner *runner, uint32_t passed)
{
    uint32_t *word = &runner->control->passed;
    bool apart = runner->lap.cpu[BENCH_NEAR] != runner->lap.cpu[BENCH_FAR];
    for (int i = 0; apart && i < BARRIER_LOOKS; i++) {
        if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != passed)
            return;
        bench_relax();
    }
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == passed)
        syscall(SYS_futex, word, FUTEX_WAIT, passed, NULL, NULL, 0);
}

static void barrier(struct runner *runner)
{
    struct control *control = runner->control;
    if (runner->request->play->far == NULL)
        return;
    uint32_t passed = __atomic_load_n(&control->passed, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&control->arrived, 1, __ATOMIC_ACQ_REL) == 2) {
        __atomic_store_n(&control->arrived, 0, __ATOMIC_RELAXED);
        __atomic_add_fetch(&control->passed, 1, __ATOMIC_RELEASE);
        syscall(SYS_futex, &control->passed, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    await_passage(runner, passed);
}

/* ---- Near and far ----------------------------------------------------------------------------------- */

static int64_t cpu_time_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* What both do between two barriers. */
static void run_batch(struct runner *runner)
{
    struct bench_lap *lap = &runner->lap;
    struct bench_outcome *outcome = lap->outcome;
    const struct control *control = runner->control;
    void (*play)(struct bench_lap *, uint64_t) =
        lap->role == BENCH_NEAR ? runner->request->play->near : runner->request->play->far;
    lap->whole = control->whole;
    lap->sample = control->sample;
    if (outcome->noted > 0)
        memset(outcome->histogram, 0, sizeof(outcome->histogram));
    outcome->noted = 0;
    outcome->done = control->count;
    int64_t cpu_ns = cpu_time_ns();
    uint64_t sleeps = bench_sleeps();
    outcome->start_ns = bench_now_ns();
    play(lap, control->count);
    outcome->end_ns = bench_now_ns();
    outcome->sleeps = bench_sleeps() - sleeps;
    outcome->cpu_ns = cpu_time_ns() - cpu_ns;
}

/* From the first one's beginning to the last one's end. */
static int64_t elapsed_ns(const struct runner *near)
{
    const struct bench_outcome *runners = near->control->runner;
    int64_t start_ns = runners[BENCH_NEAR].start_ns, end_ns = runners[BENCH_NEAR].end_ns;
    if (near->request->play->far && runners[BENCH_FAR].start_ns < start_ns)
        start_ns = runners[BENCH_FAR].start_ns;
    if (near->request->play->far && runners[BENCH_FAR].end_ns > end_ns)
        end_ns = runners[BENCH_FAR].end_ns;
    return end_ns - start_ns;
}

/* Near has both do a batch, and returns how long it took. */
static int64_t lead_batch(struct runner *near, uint64_t count)
{
    struct control *control = near->control;
    control->count = count;
    control->stop = 0;
    barrier(near);
    run_batch(near);
    barrier(near);
    if (near->request->play->settle)
        near->request->play->settle(&near->lap);
    return elapsed_ns(near);
}

/* Larger and larger batches, until one is long enough to tell how many operations fit. */
static uint64_t find_count(struct runner *near)
{
    int64_t target_ns = near->request->target_ns, took_ns;
    uint64_t count = 1;
    while ((took_ns = lead_batch(near, count)) < target_ns / 4 && count < UINT64_MAX / 4)
        count *= took_ns < target_ns / 64 ? 4 : 2;
    double fits = (double)count * (double)target_ns / (double)took_ns;
    return fits < 1 ? 1 : (uint64_t)fits;
}

static void warm_up(struct runner *near, uint64_t count)
{
    near->control->whole = true;
    lead_batch(near, count / 16 + 1);
    near->control->whole = false;
}

static void add_histograms(struct control *control)
{
    for (size_t i = 0; i < BENCH_BUCKETS; i++)
        control->result.histogram[i] +=
            control->runner[BENCH_NEAR].histogram[i] + control->runner[BENCH_FAR].histogram[i];
}

/* How many operations a batch was. */
static double operations(const struct control *control)
{
    /* In a contest each does its own; in all else the two do the same ones together. */
    uint64_t far = control->stop ? control->runner[BENCH_FAR].done : 0;
    return (double)(control->runner[BENCH_NEAR].done + far);
}

/* The cost of an operation in the batch that has just ended. */
static double batch_cost(struct control *control, int64_t took_ns)
{
    const struct bench_outcome *runners = control->runner;
    for (int role = 0; role < 2; role++)
        if (runners[role].noted > 0)
            return histogram_quantile(runners[role].histogram, 0.5);
    return (double)took_ns / operations(control);
}

/* The measured batches.  They are short and several, since whatever else the machine has to do comes
 * in long pieces: it spoils few of them, and the middle one is sound. */
static void measure(struct runner *near, uint64_t count)
{
    struct control *control = near->control;
    const struct bench_outcome *runners = control->runner;
    struct lap_result *result = &control->result;
    double costs[LAP_BATCHES], done = 0;
    for (size_t i = 0; i < near->request->batches; i++) {
        costs[i] = batch_cost(control, lead_batch(near, count));
        done += operations(control);
        result->cpu_ns += (double)(runners[BENCH_NEAR].cpu_ns + runners[BENCH_FAR].cpu_ns);
        result->sleeps += (double)(runners[BENCH_NEAR].sleeps + runners[BENCH_FAR].sleeps);
        if (runners[BENCH_NEAR].noted + runners[BENCH_FAR].noted > 0)
            add_histograms(control);
    }
    result->count = count;
    result->cost_ns = figures_of(costs, near->request->batches).median;
    result->cpu_ns /= done;
    result->sleeps /= done;
}

/* Operations timed one by one, for what is rare; they cost a little more so. */
static void sample(struct runner *near, uint64_t count)
{
    near->control->sample = true;
    for (size_t i = 0; i < near->request->batches; i++) {
        lead_batch(near, count);
        add_histograms(near->control);
    }
}

static void lead(struct runner *near)
{
    const struct lap_request *request = near->request;
    uint64_t count = request->count;
    if (!request->bare)
        warm_up(near, count);
    if (count == 0)
        count = find_count(near);
    measure(near, count);
    if (request->sample)
        sample(near, count);
    near->control->count = 0;
    barrier(near);
}

static void follow(struct runner *far)
{
    for (;;) {
        barrier(far);
        if (far->control->count == 0)
            return;
        run_batch(far);
        barrier(far);
    }
}

static void pin(int cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    sched_setaffinity(0, sizeof(one), &one);
}

static unsigned char *make_touched(struct bench_lap *lap, size_t size)
{
    void *memory;
    size = (size + BENCH_PAGE) / BENCH_PAGE * BENCH_PAGE;
    if (posix_memalign(&memory, BENCH_PAGE, size) != 0)
        bench_fail(lap, "no memory for messages");
    memset(memory, 1, size);
    return memory;
}

static void make_messages(struct bench_lap *lap)
{
    lap->buffer = lap->room = make_touched(lap, lap->size_bytes);
    if (lap->size_bytes > BENCH_SMALL)
        return;
    lap->ready = make_touched(lap, lap->size_bytes * BENCH_READY);
    for (uint64_t number = 0; number < BENCH_READY; number++)
        for (size_t at = 0; at < lap->size_bytes; at += sizeof(uint64_t))
            bench_put(lap->ready + number * lap->size_bytes + at,
                      bench_word(lap->role, number, at));
}

/* All of one process. */
__attribute__((noreturn)) static void run(struct runner *runner, enum bench_role role)
{
    struct bench_lap *lap = &runner->lap;
    lap->role = role;
    lap->outcome = &runner->control->runner[role];
    memset(lap->outcome->histogram, 0, sizeof(lap->outcome->histogram)); /* no first touch later */
    pin(lap->cpu[role]);
    make_messages(lap);
    if (lap->side->join)
        lap->side->join(lap);
    if (role == BENCH_NEAR)
        lead(runner);
    else
        follow(runner);
    if (lap->side->leave)
        lap->side->leave(lap);
    _exit(0);
}

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
        run(runner, role);
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

/* Returns when both are gone. */
static void await_both(struct control *control, pid_t pids[2], int64_t allowed_ns,
                       const sigset_t *held)
{
    int64_t end_ns = bench_now_ns() + allowed_ns;
    while (pids[0] > 0 || pids[1] > 0) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0) {
            bury(control, pids, pid, status);
            if (status != 0)
                kill_rest(pids);
            continue;
        }
        int64_t left_ns = end_ns - bench_now_ns();
        struct timespec left = {left_ns / 1000000000, left_ns % 1000000000};
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

/* The keeper's make may fail as near and far may: in a process of its own, it would make nothing. */
__attribute__((noreturn)) static void keep(const struct lap_request *request,
                                           struct control *control, const sigset_t *held,
                                           const sigset_t *before)
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
    if (lap->side->make)
        lap->side->make(lap);
    pid_t pids[2] = {start(&runner, BENCH_NEAR, before), 0};
    if (request->play->far)
        pids[BENCH_FAR] = start(&runner, BENCH_FAR, before);
    if (pids[0] < 0 || pids[1] < 0) {
        snprintf(control->keeper.error, sizeof(control->keeper.error), "no process: %s",
                 strerror(errno));
        kill_rest(pids);
    }
    await_both(control, pids, patience_ns() + request->hold_ns, held);
    if (lap->side->unmake)
        lap->side->unmake(lap);
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
