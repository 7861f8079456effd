/* See runner.h.
 *
 * Near leads: it writes the size of a batch and what kind it is, both meet at a barrier, run it, and
 * meet again.  A batch of 0 ends the lap. */
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "bench/messages.h"
#include "bench/runner.h"
#include "bench/statistics.h"

/* Some tenths of a millisecond. */
#define BARRIER_LOOKS 10000

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

/* ---- A batch ---------------------------------------------------------------------------------------- */

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
    outcome->helper_cpu_ns = 0;
    outcome->helper_sleeps = 0;
    outcome->done = control->count;
    int64_t cpu_ns = cpu_time_ns();
    uint64_t sleeps = bench_sleeps();
    outcome->start_ns = bench_now_ns();
    outcome->counting = control->counting;
    play(lap, control->count);
    outcome->counting = false;
    outcome->end_ns = bench_now_ns();
    outcome->sleeps = bench_sleeps() - sleeps + outcome->helper_sleeps;
    outcome->cpu_ns = cpu_time_ns() - cpu_ns + outcome->helper_cpu_ns;
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

/* Whether a batch is as long as that, or was only held up: the quickest of three. */
static int64_t time_batch(struct runner *near, uint64_t count, int64_t enough_ns)
{
    int64_t quickest_ns = lead_batch(near, count);
    for (int i = 1; i < 3 && quickest_ns >= enough_ns; i++) {
        int64_t took_ns = lead_batch(near, count);
        quickest_ns = took_ns < quickest_ns ? took_ns : quickest_ns;
    }
    return quickest_ns;
}

/* Larger and larger batches, until one is long enough to tell how many operations fit. */
static uint64_t find_count(struct runner *near)
{
    int64_t target_ns = near->request->target_ns, took_ns;
    uint64_t count = 1;
    while ((took_ns = time_batch(near, count, target_ns / 4)) < target_ns / 4 &&
           count < UINT64_MAX / 4)
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

double runner_operations(const struct control *control)
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
    return (double)took_ns / runner_operations(control);
}

/* The measured batches.  They are short and several, since whatever else the machine has to do comes
 * in long pieces and only ever adds time: the limit of the quicker quarter is sound as long as it
 * spoils fewer than three in four. */
static void measure(struct runner *near, uint64_t count)
{
    struct control *control = near->control;
    const struct bench_outcome *runners = control->runner;
    struct lap_result *result = &control->result;
    double costs[LAP_BATCHES], done = 0;
    control->counting = near->request->count_calls;
    for (size_t i = 0; i < near->request->batches; i++) {
        costs[i] = batch_cost(control, lead_batch(near, count));
        done += runner_operations(control);
        result->cpu_ns += (double)(runners[BENCH_NEAR].cpu_ns + runners[BENCH_FAR].cpu_ns);
        result->sleeps += (double)(runners[BENCH_NEAR].sleeps + runners[BENCH_FAR].sleeps);
        if (runners[BENCH_NEAR].noted + runners[BENCH_FAR].noted > 0)
            add_histograms(control);
    }
    result->count = count;
    result->cost_ns = figures_of(costs, near->request->batches).low;
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

/* Where system calls are counted, not before the keeper sees them. */
static void await_tracer(struct runner *runner, enum bench_role role)
{
    while (runner->request->count_calls &&
           !__atomic_load_n(&runner->control->traced[role], __ATOMIC_ACQUIRE))
        sched_yield();
}

void runner_run(struct runner *runner, enum bench_role role)
{
    struct bench_lap *lap = &runner->lap;
    lap->role = role;
    lap->outcome = &runner->control->runner[role];
    memset(lap->outcome->histogram, 0, sizeof(lap->outcome->histogram)); /* no first touch later */
    await_tracer(runner, role);
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
