/* Which instructions of a path are tried: all; or the one that was asked for; or a selection.
 *
 * Of a path too long to be tried as a whole, those instructions are taken that stand before or after
 * an alteration of what the victim leaves behind (to be killed between two of them is the same
 * everywhere), and one in so many of all.  If it is long because it runs in circles, because somebody
 * spins, its first rounds are taken as a whole, too. */
#ifndef KILL_SAMPLING_H
#define KILL_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path.h"

struct sampling {
    size_t only;      /* this one alone; 0: no */
    size_t start;     /* from here on … */
    size_t stride;    /* … every stride-th (0: none), … */
    uint32_t rounds;  /* … all whose address has not been met more often than this, … */
    bool alterations; /* … and all next to an alteration */
};

/* Does what is tried depend on which instructions alter something?  Finding that out takes a look at all of a victim's memory
 * behind each of them. */
bool sampling_needs_alterations(void);

/* Of a path, about `limit` instructions are to be tried besides the alterations (0: all), unless the
 * environment has it otherwise. */
struct sampling sampling_for(const struct path *path, size_t limit);

/* In recovery: of the first victim's path, only what alters something, the first and the last. */
struct sampling sampling_for_first(void);

/* Is instruction k to be tried?  The path's end always is. */
bool sampling_wants(const struct sampling *sampling, const struct path *path, size_t k);

#endif
