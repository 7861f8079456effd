/* The processes of a sequence: each does what it is told, step by step, and says what came of it. */
#ifndef FERRY_CONFORMANCE_ACTORS_H
#define FERRY_CONFORMANCE_ACTORS_H

#include "sequence.h"

/* Instead of an answer. */
enum { NO_ANSWER = -1000000, WRONG_BYTES, WOKE_UP_EARLY };

struct trace {
    int64_t answers[STEPS], woken_answers[STEPS];
    int count; /* fewer than steps if somebody did not answer */
};

/* Plays a sequence with the pipes of a back end. */
void actors_play(const struct sequence *sequence, const struct back_end *back_end,
                 struct trace *ret_trace);

#endif
