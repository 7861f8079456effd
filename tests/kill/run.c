/* Every wait for a victim ends in a sign of life for the supervisor, or in none, and then the
 * supervisor ends the wait. */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "footprint.h"
#include "nap.h"

void run_init(struct run *run)
{
    if (run->world_bytes == 0)
        run->world_bytes = 1;
    run->world =
        mmap(NULL, run->world_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->world == MAP_FAILED)
        run_fail(run, "no memory for the world");
}

static void beat(struct run *run)
{
    /* Relaxed: a sign of life, ordered with nothing. */
    atomic_fetch_add_explicit(&run->progress->beats, 1, memory_order_relaxed);
}

void run_note(struct run *run, const char *doing)
{
    run->progress->doing = doing;
    beat(run);
}

void run_fail(struct run *run, const char *reason)
{
    snprintf(run->progress->reason, sizeof(run->progress->reason), "%s", reason);
    fflush(NULL);
    _exit(EXIT_FAILURE);
}

void run_setup(struct run *run, const struct kill_case *kill_case)
{
    memset(run->world, 0, run->world_bytes);
    run->progress->point = (struct kill_point){0};
    run_note(run, "setup()");
    if (kill_case->setup)
        kill_case->setup(run->world);
}

void run_teardown(struct run *run, const struct kill_case *kill_case)
{
    run_note(run, "teardown()");
    if (kill_case->teardown)
        kill_case->teardown(run->world);
}

void run_start(struct run *run, struct course *course, struct victim *ret_victim)
{
    const struct kill_case *kill_case = course->kill_case;
    *ret_victim = (struct victim){.course = course};
    run_note(run, "prepare()");
    int r = tracee_start(&ret_victim->tracee, kill_case->prepare, kill_case->operation, run->world);
    if (r == -ECHILD)
        run_fail(run, "the victim ended before its operation");
    if (r == -EPERM)
        run_fail(run, "the victim may not be traced: ptrace(2) is forbidden, or in use");
    if (r < 0)
        run_fail(run, strerror(-r));
    run_note(run, "operation()");
}

static _Noreturn void fail_gone(struct run *run, const struct victim *victim)
{
    char reason[64];
    int status = victim->tracee.status;
    if (WIFSIGNALED(status))
        snprintf(reason, sizeof(reason), "operation() died of signal %d", WTERMSIG(status));
    else
        snprintf(reason, sizeof(reason), "operation() exited with status %d", WEXITSTATUS(status));
    run_fail(run, reason);
}

static void wake(struct run *run, struct victim *victim)
{
    victim->naps++;
    run_note(run, "unblock()");
    victim->course->kill_case->unblock(run->world);
    run_note(run, "operation()");
}

/* Carries a victim over the sleeps on its way, up to `most` of them. */
static enum trace_event pass_naps(struct run *run, struct victim *victim, enum trace_event event,
                                  size_t most)
{
    while (event == TRACE_ASLEEP && victim->course->kill_case->unblock && victim->naps < most) {
        wake(run, victim);
        event = tracee_await(&victim->tracee);
    }
    beat(run);
    run->progress->report.stops++;
    if (event == TRACE_GONE)
        fail_gone(run, victim);
    return event;
}

static enum trace_event step(struct run *run, struct victim *victim, size_t most)
{
    run->progress->address = victim->tracee.address;
    run->progress->point.instruction = victim->executed;
    enum trace_event event = pass_naps(run, victim, tracee_step(&victim->tracee), most);
    if (event != TRACE_ASLEEP)
        victim->executed++;
    return event;
}

static enum reach reach_by(enum trace_event event)
{
    if (event == TRACE_RETURNED)
        return REACH_END;
    return event == TRACE_ASLEEP ? REACH_ASLEEP : REACH_THERE;
}

static void append(struct run *run, struct victim *victim, bool alters)
{
    int r = path_append(&victim->course->path, victim->tracee.address, alters);
    if (r < 0)
        run_fail(run, r == -E2BIG ? "the operation does not come to an end" : strerror(-r));
}

/* Has an instruction altered what the victim leaves behind? */
static bool alters(struct run *run, struct footprint *footprint, bool called_kernel)
{
    bool changed = footprint_changed(footprint);
    if (called_kernel && footprint_renew(footprint) < 0)
        run_fail(run, "no footprint");
    return changed || called_kernel;
}

enum reach run_record(struct run *run, struct victim *victim, bool footprints)
{
    struct tracee *tracee = &victim->tracee;
    struct footprint footprint = {0};
    enum trace_event event = TRACE_STANDS;

    append(run, victim, false);
    if (footprints && footprint_init(&footprint, tracee->pid, run->progress) < 0)
        run_fail(run, "no footprint");
    while (event == TRACE_STANDS) {
        bool calls_kernel = footprints && tracee_calls_kernel(tracee);
        event = step(run, victim, SIZE_MAX);
        if (event != TRACE_ASLEEP)
            append(run, victim, footprints && alters(run, &footprint, calls_kernel));
    }
    footprint_deinit(&footprint);
    if (path_finish(&victim->course->path) < 0)
        run_fail(run, "no memory for the path");
    return reach_by(event);
}

/* Runs to the hits-th meeting with the address of instruction k. */
static enum trace_event run_to(struct run *run, struct victim *victim, size_t k, uint32_t hits)
{
    enum trace_event event = TRACE_STANDS;
    run->progress->address = victim->tracee.address;
    tracee_set_breakpoint(&victim->tracee, victim->course->path.addresses[k]);
    for (uint32_t hit = 0; hit < hits && event == TRACE_STANDS; hit++)
        event = pass_naps(run, victim, tracee_run(&victim->tracee), victim->course->naps_tried);
    if (event == TRACE_STANDS)
        tracee_set_breakpoint(&victim->tracee, 0);
    victim->executed = k;
    return event;
}

static enum trace_event step_to(struct run *run, struct victim *victim, size_t k)
{
    enum trace_event event = TRACE_STANDS;
    while (event == TRACE_STANDS && victim->executed < k)
        event = step(run, victim, victim->course->naps_tried);
    return event;
}

/* Goes the best way to instruction k of the noted path. */
static enum trace_event go_to(struct run *run, struct victim *victim, size_t k)
{
    if (k == 0)
        return TRACE_STANDS;
    struct path_leg leg = victim->course->path.legs[k];
    enum trace_event event = go_to(run, victim, leg.from);
    if (event != TRACE_STANDS)
        return event;
    return leg.hits ? run_to(run, victim, k, leg.hits) : step_to(run, victim, k);
}

enum reach run_reach(struct run *run, struct victim *victim, size_t k)
{
    const struct course *course = victim->course;
    size_t count = course->path.count, stepped = course->stepped, start = k < count ? k : count;
    if (course->kill_case->step_only || tracee_set_breakpoint(&victim->tracee, 0) < 0)
        stepped = k;

    start -= stepped < start ? stepped : start;
    enum trace_event event = go_to(run, victim, start);
    if (event == TRACE_RETURNED && start < count)
        return REACH_LOST;
    if (event == TRACE_STANDS)
        event = step_to(run, victim, k);
    return reach_by(event);
}

enum reach run_conclude(struct run *run, struct victim *victim, bool going)
{
    struct tracee *tracee = &victim->tracee;
    tracee->last_nap = 0; /* if it is still in that one, it has to be woken after all */
    enum trace_event event = going ? tracee_await(tracee) : TRACE_STANDS;
    event = pass_naps(run, victim, event, SIZE_MAX);
    while (event == TRACE_STANDS)
        event = pass_naps(run, victim, tracee_run(tracee), SIZE_MAX);
    return reach_by(event);
}

void run_locate(struct run *run, const struct victim *victim, enum reach reach)
{
    const struct tracee *tracee = &victim->tracee;
    bool asleep = reach == REACH_ASLEEP;
    run->progress->address = asleep ? nap_address(tracee->pid) : tracee->address;
    run->progress->point = (struct kill_point){
        .instruction = victim->executed,
        .returned = reach == REACH_END || reach == REACH_LOST,
        .asleep = asleep,
        .victim = tracee->pid,
    };
}
