/* What peer, victim and attacker share in a run. */
#ifndef HOSTILE_RUN_H
#define HOSTILE_RUN_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness.h"
#include "words.h"

enum phase { PHASE_PREPARE, PHASE_RUN, PHASE_FINISH, PHASE_RESCUE };

/* In memory shared by all three. */
struct progress {
    _Atomic uint32_t phase;      /* of the trial; RUN and RESCUE change by compare-and-swap */
    _Atomic uint32_t ready;      /* the victim of a race has noted what is good */
    _Atomic uint32_t stop;       /* and is to end */
    _Atomic uint32_t peace;      /* no attacks until the end of this operation: it was rescued */
    _Atomic uint32_t attacking;  /* the attacker may be about to write */
    _Atomic int64_t phase_ns;    /* when the phase began */
    _Atomic uint32_t operation;  /* its index */
    _Atomic uint32_t background; /* and what else is tried */
    _Atomic uint64_t value;
    _Atomic uint32_t offset, width;
    _Atomic uint32_t rescues;
    size_t trials, errors;
    int64_t longest_ns;
    char complaint[512];           /* the victim's own, before it exits with 1 */
    char image[WORDS_IMAGE_BYTES]; /* the memory as it is to be after the trial */
    char older[WORDS_IMAGE_BYTES]; /* as it was some time before */
};

struct run {
    const struct hostile_case *hostile_case;
    const char *mode;
    struct progress *progress;
    struct words *words;
    size_t pairs;
    void *world;
    struct layout *control; /* the attacker's mapping */
    uint64_t seed;
    int64_t started_ns, rescued_ns; /* of the trial that is being rescued */
    int64_t rescued_phase_ns;
    int64_t looked_ns,
        excused_ns; /* when, last; for how long nobody was let run, since the phase began */
    int64_t excused_phase_ns;
    pid_t victim, attacker;
    const char *only; /* FERRY_HOSTILE_AT, or NULL */
    bool racing;
    const struct word *besieged; /* the only word that is attacked in this round, or NULL */
    char failure[1024];
};

/* The victim's life; both end the process.  See victim.c. */
_Noreturn void victim_try_all(struct run *run, const struct hostile_operation *operation,
                              unsigned background);
_Noreturn void victim_race(struct run *run);

/* Overwrites words until it is killed.  See attacker.c. */
_Noreturn void attacker_live(struct run *run);

/* Puts the image back into the control memory. */
void run_restore(struct run *run, const char *image);

int64_t run_now_ns(void);

#endif
