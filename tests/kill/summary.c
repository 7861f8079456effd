/* Lines for the report that all processes of a test share. */
#include "summary.h"

#include <stdio.h>

#include "report.h"
#include "where.h"

/* The failure, the setting of FERRY_KILL_AT that repeats it, and what addr2line knows.  Said one by
 * one, the slowest last: after a failed check the case's time is nearly up. */
static void say_failure(const struct progress *progress)
{
    char first[32] = "", source[256];
    const struct kill_point *point = &progress->point;
    if (progress->wreck)
        snprintf(first, sizeof(first), "%zu,", progress->wreck);
    report_say("  %s", progress->report.failure);
    if (progress->report.instructions)
        report_say("  again: FERRY_KILL_AT=%s%zu", first, point->instruction + point->asleep);
    where_look_up(progress->address, source, sizeof(source));
    if (source[0])
        report_say("  that is %s", source);
}

void summary_say(const struct progress *progress, const char *name, bool paused)
{
    const struct kill_report *totals = &progress->report;
    char wrecks[32] = "", let_go[32] = "", thinned[96] = "";
    if (totals->wrecks)
        snprintf(wrecks, sizeof(wrecks), "%zu wrecks, ", totals->wrecks);
    if (paused)
        snprintf(let_go, sizeof(let_go), "%zu let go, ", totals->let_go);
    if (progress->sampling.stride > 1)
        snprintf(thinned, sizeof(thinned), " (FERRY_KILL_STRIDE=%zu FERRY_KILL_SEED=%zu)",
                 progress->sampling.stride, progress->sampling.start - 1);
    report_say("%s: %s%zu instructions, %zu %s, %zu asleep, %s%zu missed, %.1f s%s", name, wrecks,
               totals->instructions, totals->tried, paused ? "pauses" : "kills", totals->asleep,
               let_go, totals->missed, totals->seconds, thinned);
    if (totals->failure[0])
        say_failure(progress);
}
