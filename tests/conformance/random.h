/* Random things of which it is said how to have them again. */
#ifndef FERRY_CONFORMANCE_RANDOM_H
#define FERRY_CONFORMANCE_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

/* A number to begin random things with: $FERRY_CONFORMANCE_SEED or another one in each run.  Prints
 * it, and how to be there again. */
static inline uint32_t seed_for(const char *back_end, const char *test)
{
    const char *given = getenv("FERRY_CONFORMANCE_SEED");
    uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 0) : (uint32_t)(test_now_ns() / 1000);
    seed += seed == 0; /* next_random() would stay there */
    fprintf(stderr, "again: FERRY_CONFORMANCE_SEED=%u --only %s.%s\n", seed, back_end, test);
    return seed;
}

static inline uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* 0 to bound - 1. */
static inline uint32_t random_below(uint32_t *state, uint32_t bound)
{
    return next_random(state) % bound;
}

#endif
