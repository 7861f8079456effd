/* The processes of a sequence: each does what it is told, step by step, and says what came of it. */
#ifndef FERRY_CONFORMANCE_QUEUE_ACTORS_H
#define FERRY_CONFORMANCE_QUEUE_ACTORS_H

#include "queue_sequence.h"

/* Instead of a result. */
enum { NO_ANSWER = -1000000, WOKE_UP_EARLY };

struct trace {
    struct answer answers[STEPS], woken_answers[STEPS][SLEEPERS + 1];
    int count; /* fewer than steps if somebody did not answer */
};

/* Plays a sequence with a queue of a back end.  Actors stay for the next one; the case ends them. */
void actors_play(const struct sequence *sequence, const struct queue_back_end *back_end,
                 struct trace *ret_trace);
void actors_end(void);

#endif
