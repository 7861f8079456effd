/* Random sequences of what processes do with a queue, and what each step has to answer.
 *
 * A seed makes a sequence for what both sides have in common.  A list with the sleepers beside it is the model: it says
 * who is asleep, who wakes up because of a step, and with what, so that steps come one after the other and their
 * answers are the same in each run.  A message that would suit two sleepers is left out: who gets it is nobody's
 * business. */
#ifndef FERRY_CONFORMANCE_QUEUE_SEQUENCE_H
#define FERRY_CONFORMANCE_QUEUE_SEQUENCE_H

#include "queue.h"

enum { ACTORS = 6, STEPS = 40, SLEEPERS = 4 };

enum kind {
    STEP_SEND,
    STEP_RECEIVE,
    STEP_WAIT_TO_SEND,    /* finds no room, and sleeps */
    STEP_WAIT_TO_RECEIVE, /* finds nothing that suits, and sleeps */
    STEP_KILL,
    STEP_REMOVE, /* the last one */
    KINDS,
};

struct answer {
    int64_t result; /* of the call */
    uint64_t sum;   /* of what was received */
};

struct step {
    enum kind kind;
    int actor;
    struct item item; /* to send */
    struct ferry_choice choice;
    uint32_t room; /* to receive into */
    struct answer answer;
    int woken_count; /* who goes on because of it */
    int woken[SLEEPERS + 1];
    struct answer woken_answers[SLEEPERS + 1];
};

struct sequence {
    uint32_t seed;
    struct bounds bounds;
    int count;
    struct step steps[STEPS];
};

/* features: what may be asked for. */
void sequence_make(struct sequence *ret_sequence, uint32_t seed, unsigned features);

/* "actor 3 receives type 5 into 80 bytes" */
void sequence_describe(const struct step *step, char *ret_text, size_t size_bytes);

/* Of a message, or as much of it as was received. */
uint64_t sum_of_message(const unsigned char *bytes, uint64_t size, uint64_t type,
                        uint32_t priority);

#endif
