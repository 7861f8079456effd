/* Who waits for whom, across all objects and processes: what `ferry doctor` draws its conclusions from. */
#ifndef FERRY_CLI_DOCTOR_GRAPH_H
#define FERRY_CLI_DOCTOR_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/object.h"

/* One process waits for another one: for what it has locked; or, having locked something for its command, for that. */
struct wait {
    pid_t waiter, holder;
    uint32_t waiting_thread, holding_thread; /* 0: it is not known, or makes no difference */
    const struct ferry_object *object;       /* NULL: for its command, or what that has started */
};

struct process {
    pid_t pid, parent;
    char state; /* as ps(1) has it: T is stopped */
    char command[64];
};

struct graph {
    struct listing objects;
    struct wait *waits;
    size_t wait_count;
    struct process *processes; /* by pid */
    size_t process_count;
};

/* Looks at all objects that can be looked at, and all processes.  0, or an exit status after a complaint. */
int graph_take(struct graph *ret_graph);
void graph_free(struct graph *graph);

/* The process of that pid, or NULL if it is gone. */
const struct process *graph_process(const struct graph *graph, pid_t pid);

/* A circle: each waits for the next one, and the last one for the first.  Indexes of graph->waits. */
struct circle {
    size_t *waits;
    size_t count;
};

/* The circles in the graph; each wait is in one at most.  The caller frees them with circles_free(). */
size_t graph_circles(const struct graph *graph, struct circle **ret_circles);
void circles_free(struct circle *circles, size_t count);

/* Is the circle in this later graph as well, and has none of its locks changed hands in between?  Then all of it was so at once. */
bool graph_confirms(const struct graph *later, const struct graph *graph,
                    const struct circle *circle);

#endif
