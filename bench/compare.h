/* What changed of Ferry's between two runs of the bench, beyond the noise of both, and beyond what the
 * machine did to everything else.
 *
 * Absolute costs drift from run to run, while what is measured in the same round drifts together.
 * Therefore what is compared is how many times the floor's cost a side takes, round by round.  Only
 * where a run has no floor it is the cost itself, and the floor is never more than a caveat. */
#ifndef FERRY_BENCH_COMPARE_H
#define FERRY_BENCH_COMPARE_H

#include "bench/result.h"

enum change_kind {
    CHANGE_SLOWER,
    CHANGE_FASTER,
    CHANGE_FAILS, /* has no figures any more */
    CHANGE_WORKS, /* has figures now */
};

#define CHANGE_KINDS 4

struct change {
    enum change_kind kind;
    const struct series *series; /* of the new run */
    const char *side;
    const char *trouble; /* where it fails, or did */
    bool to_floor;       /* before and after are times the floor's cost; otherwise costs */
    double before;       /* the median; 0 for those that are not slower or faster */
    double after;
    double probability; /* that noise alone did it, in this one comparison */
};

/* Points into both reports. */
struct comparison {
    const struct report *before;
    struct change *changes; /* in the order of the kinds, then of the new run */
    size_t change_count;
    size_t same;          /* of Ferry's sides, as far as noise and moods let tell */
    size_t untold;        /* too few rounds to tell */
    size_t once;          /* watched only once, by their nature */
    size_t enough_rounds; /* to tell all of them, in both runs */
    char **caveats;       /* what makes the comparison doubtful */
    size_t caveat_count;
};

void compare_reports(const struct report *before, const struct report *after,
                     struct comparison *ret_comparison);

size_t comparison_count(const struct comparison *comparison, enum change_kind kind);

/* "slower", "faster" …; also for JSON. */
const char *change_word(enum change_kind kind);

void comparison_deinit(struct comparison *comparison);

#endif
