/* The path that one undisturbed operation took: its instructions' addresses, in order.
 *
 * Stepping a victim to instruction k from the start costs k stops, and doing that for every k costs
 * n squared of them.  The path shows a shorter way: let the victim run to the h-th time that it
 * meets a certain address, and step only the rest.  A hit costs about what a step costs, so the
 * best address to run to is the one with the least sum of both. */
#ifndef KILL_PATH_H
#define KILL_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct path {
    uintptr_t *addresses; /* addresses[k]: where the victim stands after k instructions */
    bool *alters;         /* alters[k]: a victim killed there leaves other things than at k - 1 */
    uint32_t *hits;       /* hits[k]: how often it has come to that address by then */
    uint32_t *best;       /* best[k]: the instruction to run to on the way to k; 0 to step only */
    size_t count;         /* instructions from call to return */
    size_t capacity;
};

/* A way to instruction k: run to the hits-th meeting with address, then step from `reached` to k.
 * hits == 0 means not to run at all. */
struct path_way {
    uintptr_t address;
    uint32_t hits;
    size_t reached;
};

/* Frees what a path holds and leaves it empty. */
void path_deinit(struct path *path);

/* Notes where the victim stands: first at its start, then after each instruction, and whether that
 * one altered what it leaves behind.  -ENOMEM, or -E2BIG for a path too long to be walked. */
int path_append(struct path *path, uintptr_t address, bool alters);

/* Works out the ways, once the whole path has been noted.  -ENOMEM. */
int path_finish(struct path *path);

/* The best way to instruction k.  Beyond the end of the path: the best way to its end. */
struct path_way path_way_to(const struct path *path, size_t k);

#endif
