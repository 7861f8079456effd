/* The path that one undisturbed operation took: its instructions' addresses, in order.
 *
 * Stepping a victim to instruction k from the start costs k stops, and doing that for every k costs
 * n squared of them.  The path shows a shorter way: from where it stands the victim runs to the h-th
 * time that it comes to a certain address, from there to another one, and steps only what is left.
 * A hit costs what a step costs: two processes take turns. */
#ifndef KILL_PATH_H
#define KILL_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The last leg of the best way to an instruction: it is run to, from instruction `from`, where the
 * hits-th meeting with its address is; or, with no hits, reached by steps. */
struct path_leg {
    uint32_t from;
    uint32_t hits;
};

struct path {
    uintptr_t *addresses;  /* addresses[k]: where the victim stands after k instructions */
    bool *alters;          /* alters[k]: a victim killed there leaves other things than at k - 1 */
    uint32_t *rounds;      /* rounds[k]: how often it has come to that address by then */
    struct path_leg *legs; /* legs[k]: how to get to k; legs[0] leads nowhere */
    size_t count;          /* instructions from call to return */
    size_t capacity;
};

/* Frees what a path holds and leaves it empty. */
void path_deinit(struct path *path);

/* Notes where the victim stands: first at its start, then after each instruction, and whether that
 * one altered what it leaves behind.  -ENOMEM, or -E2BIG for a path too long to be walked. */
int path_append(struct path *path, uintptr_t address, bool alters);

/* Works out rounds and legs, once the whole path has been noted.  -ENOMEM. */
int path_finish(struct path *path);

#endif
