/* Random sequences of what processes do with a pipe, and what each step has to answer.
 *
 * A seed makes a sequence.  A model of the pipe says which steps are possible, who is asleep, and what is
 * answered, so that steps come one after the other and their answers are the same in each run.  Where the answer
 * depends on how the kernel packs bytes into pages, the step is left out: no program should know that. */
#ifndef FERRY_CONFORMANCE_SEQUENCE_H
#define FERRY_CONFORMANCE_SEQUENCE_H

#include "back_end.h"

enum { ACTORS = 10, STEPS = 40 };

enum kind {
    STEP_WRITE,
    STEP_READ,
    STEP_WAIT_TO_WRITE, /* finds the pipe full, and sleeps */
    STEP_WAIT_TO_READ,  /* finds it empty */
    STEP_CLOSE,
    STEP_FORK,
    STEP_EXIT,
    STEP_KILL,
    STEP_EXEC,
    KINDS,
};

struct step {
    enum kind kind;
    int actor;         /* the first is number 0, and has both ends */
    int child;         /* of a fork */
    unsigned roles;    /* what a fork's child keeps, or what is closed: FERRY_READ, FERRY_WRITE */
    uint32_t count;    /* bytes to write, or to read at most */
    uint64_t position; /* of these in the stream */
    bool after_death;  /* the answer may be late, see back_end.h */
    int64_t answer;    /* a count, or -errno */
    int woken;         /* who goes on because of it, or -1, and with what answer */
    int64_t woken_answer;
};

struct sequence {
    uint32_t seed;
    int count;
    struct step steps[STEPS];
};

void sequence_make(struct sequence *ret_sequence, uint32_t seed);

/* "actor 3 writes 300 bytes: 300; actor 1 wakes up with 7" */
void sequence_describe(const struct step *step, char *ret_text, size_t size_bytes);

#endif
