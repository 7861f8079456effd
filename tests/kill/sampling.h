/* Which instructions of a path are tried: all; or the one that was asked for; or one in so many.
 *
 * A path too long to be tried as a whole is most often one that runs in circles: somebody spins.
 * Then the first rounds are tried as a whole, and the others are thinned out. */
#ifndef KILL_SAMPLING_H
#define KILL_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path.h"

struct sampling {
    size_t only;     /* this one alone; 0: no */
    size_t start;    /* from here on … */
    size_t stride;   /* … every stride-th, … */
    uint32_t rounds; /* … and all that have not been passed more often than this */
};

/* Of a path, about `limit` instructions are to be tried (0: all), unless the environment has it
 * otherwise. */
struct sampling sampling_for(const struct path *path, size_t limit);

/* In recovery: of the first victim's path, all that alter what it leaves behind. */
struct sampling sampling_for_first(void);

/* Is instruction k to be tried?  The path's end always is. */
bool sampling_wants(const struct sampling *sampling, const struct path *path, size_t k);

#endif
