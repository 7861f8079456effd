/* The three kinds of trial, and the loops over all points.
 *
 * Each trial: a fresh world and object, in recovery a first victim killed; a victim brought to
 * instruction k; the deed; the survivor's check; teardown.  A sleep that no victim has been killed
 * in yet is a point of its own, and k is tried again with a victim that is woken from it. */
#include "harness.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include "patience.h"
#include "run.h"
#include "sampling.h"
#include "summary.h"
#include "test.h"

enum {
    SHORT = 2000,          /* an operation of so many instructions is tried at each of them … */
    LIMIT = 1000,          /* … and of a longer one, in a default run, about so many */
    LIMIT_PER_WRECK = 250, /* in recovery, for each state left by a first victim: at most … */
    LIMIT_PER_WRECK_LOW = 25, /* … and at least, however many states there are */
    FIRST_STEPPED = 64,
    STRAYS_BETWEEN_RUNS = 16,
    BOUND_MS = 5000, /* unless the case says otherwise */
};

/* What is done again and again. */
struct trial {
    struct run run;
    struct course first; /* recovery: whose victim dies before; without a case otherwise */
    struct course course;
    size_t wreck; /* recovery: the first victim's instruction; 0 while its path is noted */
    bool paused;
};

/* ---- One trial ---- */

/* Kills a first victim at its instruction. */
static enum reach leave_wreck(struct trial *trial)
{
    struct victim victim;
    run_start(&trial->run, &trial->first, &victim);
    enum reach reach = run_reach(&trial->run, &victim, trial->wreck);
    tracee_kill(&victim.tracee);
    return reach;
}

/* Prepares the scene for a victim.  Returns where the first one got, if there was one. */
static enum reach begin(struct trial *trial)
{
    const struct kill_case *first = trial->first.kill_case;
    trial->run.progress->wreck = trial->wreck;
    run_setup(&trial->run, first ? first : trial->course.kill_case);
    return trial->wreck ? leave_wreck(trial) : REACH_THERE;
}

/* The survivor does a whole operation while the victim stands or sleeps; then the victim comes to
 * its own end. */
static void pause_victim(struct trial *trial, struct victim *victim, enum reach reach)
{
    struct run *run = &trial->run;
    struct kill_point *point = &run->progress->point;
    bool stands = reach == REACH_THERE;

    if (stands && patience_begin(&victim->tracee) < 0)
        run_fail(run, "no timer for the survivor's patience");
    run_note(run, "between()");
    trial->course.kill_case->between(run->world);
    point->let_go = stands && patience_end();
    run_note(run, "operation()");
    if (!point->returned)
        point->returned = run_conclude(run, victim, point->let_go || !stands) == REACH_END;
}

static void check(struct trial *trial)
{
    struct run *run = &trial->run;
    const struct kill_case *kill_case = trial->course.kill_case;
    run_note(run, "check()");
    if (kill_case->check)
        kill_case->check(run->world, &run->progress->point);
}

static void count(struct kill_report *totals, const struct kill_point *point)
{
    totals->tried++;
    totals->asleep += point->asleep;
    totals->let_go += point->let_go;
}

/* The deed, what the survivor says to it, and the end. */
static void finish(struct trial *trial, struct victim *victim, enum reach reach)
{
    run_locate(&trial->run, victim, reach);
    if (trial->paused)
        pause_victim(trial, victim, reach);
    else
        tracee_kill(&victim->tracee);
    check(trial);
    tracee_kill(&victim->tracee);
    run_teardown(&trial->run, trial->course.kill_case);
}

static enum reach try_point(struct trial *trial, size_t k)
{
    struct run *run = &trial->run;
    struct victim victim;
    begin(trial);
    run_start(run, &trial->course, &victim);
    enum reach reach = run_reach(run, &victim, k);
    finish(trial, &victim, reach);
    if (reach != REACH_LOST)
        count(&run->progress->report, &run->progress->point);
    return reach;
}

/* Notes the path of the trial's victims.  Returns where the first one got, if there was one. */
static enum reach record(struct trial *trial)
{
    struct run *run = &trial->run;
    struct victim victim;
    run->progress->deed = "last seen";
    run->progress->report.instructions = 0;

    enum reach first = begin(trial);
    run_start(run, &trial->course, &victim);
    enum reach reach = run_record(run, &victim, sampling_needs_alterations());
    run->progress->deed = trial->paused ? "paused" : "killed";
    run->progress->report.instructions = trial->course.path.count;
    finish(trial, &victim, reach);
    return first;
}

/* Notes the path of the first victims of a recovery. */
static void record_first(struct trial *trial)
{
    struct run *run = &trial->run;
    struct victim victim;
    run->progress->deed = "last seen";
    begin(trial);
    run_start(run, &trial->first, &victim);
    run_record(run, &victim, true);
    tracee_kill(&victim.tracee);
    run_teardown(run, trial->course.kill_case);
}

/* ---- All points ---- */

/* Running takes victims elsewhere from somewhere on: then they are stepped from there at once, but for one in so many, which
 * may find that it was for a while. */
static size_t steps_at_first(const struct course *course, size_t k)
{
    return course->strays % STRAYS_BETWEEN_RUNS == 0 ? 0 : k - course->firm;
}

/* The last one did not come by where it was to stop, so it has taken another path; mostly just before, so that it is enough to
 * step a little earlier. */
static size_t more_steps(const struct course *course, size_t k)
{
    size_t stepped = course->stepped;
    if (stepped == 0)
        return FIRST_STEPPED;
    return k > course->firm + stepped ? k - course->firm : 8 * stepped;
}

/* Tries one point, and before it those where a victim falls asleep on the way. */
static enum reach try_until_met(struct trial *trial, struct course *course, size_t k,
                                enum reach (*try)(struct trial *trial, size_t k))
{
    course->stepped = steps_at_first(course, k);
    enum reach reach = try(trial, k);
    while (reach == REACH_LOST || (reach == REACH_ASLEEP && course->kill_case->unblock)) {
        if (reach == REACH_LOST)
            course->stepped = more_steps(course, k);
        else
            course->naps_tried++;
        reach = try(trial, k);
    }
    if (course->stepped <= FIRST_STEPPED) {
        course->firm = k > course->stepped ? k - course->stepped : 0;
        course->strays = 0;
    } else {
        course->strays++;
    }
    course->stepped = 0;
    return reach;
}

/* Tries the points of a course until its operation has come to its end.  The noted path only says
 * when that may be expected: other victims may take a longer one. */
static void try_all(struct trial *trial, struct course *course, const struct sampling *sampling,
                    enum reach (*try)(struct trial *trial, size_t k))
{
    struct run *run = &trial->run;
    size_t expected = course->path.count;
    if (sampling->only) {
        try_until_met(trial, course, sampling->only, try);
        return;
    }
    for (size_t k = 1;; k++) {
        if (!sampling_wants(sampling, &course->path, k))
            continue;
        bool ended = try_until_met(trial, course, k, try) != REACH_THERE;
        if (ended && k >= expected)
            return;
        run->progress->report.missed += ended;
        if (k > 3 * expected + LIMIT)
            run_fail(run, "the operation takes ever longer");
    }
}

/* Kills or pauses victims at the points of the course whose path has been noted. */
static void try_points(struct trial *trial, size_t limit)
{
    struct sampling sampling = sampling_for(&trial->course.path, test_thorough() ? 0 : limit);
    trial->run.progress->sampling = sampling;
    try_all(trial, &trial->course, &sampling, try_point);
}

static void body_of_run(struct trial *trial)
{
    record(trial);
    try_points(trial, trial->course.path.count <= SHORT ? 0 : LIMIT);
}

/* ---- All points of a recovery, for all that it may have to recover from ---- */

/* So many points for each wreck that they come to about LIMIT. */
static size_t limit_per_wreck(const struct path *first)
{
    size_t wrecks = 2; /* the first instruction and the last */
    for (size_t k = 1; k <= first->count; k++)
        wrecks += first->alters[k];
    size_t limit = LIMIT / wrecks;
    if (limit > LIMIT_PER_WRECK)
        return LIMIT_PER_WRECK;
    return limit < LIMIT_PER_WRECK_LOW ? LIMIT_PER_WRECK_LOW : limit;
}

/* Kills first victims at instruction k, and second ones everywhere. */
static enum reach try_wreck(struct trial *trial, size_t k)
{
    path_deinit(&trial->course.path);
    trial->course.naps_tried = trial->course.firm = trial->course.strays = 0;
    trial->wreck = k;
    enum reach reach = record(trial);
    if (reach != REACH_LOST) {
        trial->run.progress->report.wrecks++;
        try_points(trial, limit_per_wreck(&trial->first.path));
    }
    return reach;
}

static void body_of_recovery(struct trial *trial)
{
    record_first(trial);
    struct sampling sampling = sampling_for_first();
    try_all(trial, &trial->first, &sampling, try_wreck);
}

/* ---- Runs ---- */

/* Victim and survivor take turns, so one processor serves them best. */
static void stay_on_one_processor(void)
{
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    sched_setaffinity(0, sizeof(here), &here);
}

/* The runner's main function. */
static void conduct(void *context)
{
    struct trial *trial = context;
    stay_on_one_processor();
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    run_init(&trial->run);
    if (trial->first.kill_case)
        body_of_recovery(trial);
    else
        body_of_run(trial);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int supervise_trial(struct trial *trial, struct kill_report *ret_report)
{
    const struct kill_case *kill_case = trial->course.kill_case;
    struct progress *progress = progress_new();
    if (!progress)
        return -ENOMEM;
    trial->run.progress = progress;

    unsigned bound_ms = kill_case->bound_ms ? kill_case->bound_ms : BOUND_MS;
    double start_s = now_s();
    int r = supervise(progress, conduct, trial, bound_ms);
    progress->report.seconds = now_s() - start_s;
    summary_say(progress, kill_case->name, trial->paused);
    if (ret_report)
        *ret_report = progress->report;
    progress_free(progress);
    return r;
}

int kill_run(const struct kill_case *kill_case, struct kill_report *ret_report)
{
    struct trial trial = {.course.kill_case = kill_case, .run.world_bytes = kill_case->world_bytes};
    return supervise_trial(&trial, ret_report);
}

int kill_run_paused(const struct kill_case *kill_case, struct kill_report *ret_report)
{
    struct trial trial = {
        .course.kill_case = kill_case, .run.world_bytes = kill_case->world_bytes, .paused = true};
    return supervise_trial(&trial, ret_report);
}

int kill_run_recovery(const struct kill_case *first, const struct kill_case *second,
                      struct kill_report *ret_report)
{
    size_t world_bytes =
        first->world_bytes > second->world_bytes ? first->world_bytes : second->world_bytes;
    struct trial trial = {
        .first.kill_case = first, .course.kill_case = second, .run.world_bytes = world_bytes};
    return supervise_trial(&trial, ret_report);
}
