/* See doctor_graph.h.
 *
 * Objects are looked at one after the other while everything goes on, so what was seen need never have been so at once.  Whoever
 * concludes something takes two graphs and believes what is in both of them unchanged. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor_graph.h"
#include "cli/output.h"

/* ---- Growing arrays --------------------------------------------------------------------------- */

/* Room for one more of `bytes`, where there are `count`. */
static void *grow(void *items, size_t count, size_t bytes)
{
    bool full = (count & (count - 1)) == 0; /* 0, 1, 2, 4, 8 … */
    return full ? expect_memory(realloc(items, (count ? count * 2 : 1) * bytes)) : items;
}

static void add_wait(struct graph *graph, struct wait wait)
{
    graph->waits = grow(graph->waits, graph->wait_count, sizeof(wait));
    graph->waits[graph->wait_count++] = wait;
}

/* ---- Processes -------------------------------------------------------------------------------- */

/* The command may hold spaces and parentheses: what is behind the last one counts. */
static bool parse_stat(char *line, struct process *process)
{
    char *begin = strchr(line, '('), *end = strrchr(line, ')');
    int parent;
    if (begin == NULL || end == NULL || sscanf(end + 1, " %c %d", &process->state, &parent) != 2)
        return false;
    *end = '\0';
    process->parent = parent;
    snprintf(process->command, sizeof(process->command), "%s", begin + 1);
    return true;
}

static bool read_process(const char *name, struct process *ret_process)
{
    char path[64], line[512];
    snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    *ret_process = (struct process){.pid = atoi(name)};
    bool read = fgets(line, sizeof(line), file) != NULL && parse_stat(line, ret_process);
    fclose(file);
    return read;
}

static int by_pid(const void *a, const void *b)
{
    pid_t first = ((const struct process *)a)->pid, second = ((const struct process *)b)->pid;
    return (first > second) - (first < second);
}

/* Without /proc there are none, and what can be said without it is said. */
static void take_processes(struct graph *graph)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        struct process process;
        if (!isdigit((unsigned char)entry->d_name[0]) || !read_process(entry->d_name, &process))
            continue;
        graph->processes = grow(graph->processes, graph->process_count, sizeof(process));
        graph->processes[graph->process_count++] = process;
    }
    if (directory != NULL)
        closedir(directory);
    if (graph->process_count > 0)
        qsort(graph->processes, graph->process_count, sizeof(struct process), by_pid);
}

const struct process *graph_process(const struct graph *graph, pid_t pid)
{
    const struct process wanted = {.pid = pid};
    return graph->process_count == 0 ? NULL
                                     : bsearch(&wanted, graph->processes, graph->process_count,
                                               sizeof(struct process), by_pid);
}

static bool is_descendant(const struct graph *graph, pid_t pid, pid_t ancestor)
{
    const struct process *process = graph_process(graph, pid);
    for (size_t i = 0; process != NULL && i < graph->process_count; i++) {
        if (process->parent == ancestor)
            return true;
        process = graph_process(graph, process->parent);
    }
    return false;
}

/* ---- Objects and their members ---------------------------------------------------------------- */

static bool is_lock(const struct ferry_object *object)
{
    return !object->damaged &&
           (object->kind == FERRY_KIND_SEGMENT || object->kind == FERRY_KIND_MUTEX ||
            object->kind == FERRY_KIND_RWLOCK);
}

/* Does the one wait until the other has let go of the object? */
static bool waits_for(const struct ferry_member *waiter, const struct ferry_member *holder)
{
    if (!waiter->wants_lock)
        return false;
    /* Who has it and wants it is a writer that waits for readers. */
    return waiter->holds_lock ? holder->read_holds > 0 : holder->holds_lock;
}

static bool is_known(const struct ferry_member *member)
{
    return member->alive && member->same_pid_namespace;
}

static void add_waits(struct graph *graph, const struct ferry_object *object,
                      const struct ferry_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            if (is_known(&members[i]) && is_known(&members[k]) &&
                waits_for(&members[i], &members[k]))
                add_wait(graph, (struct wait){.waiter = members[i].pid,
                                              .holder = members[k].pid,
                                              .waiting_thread = members[i].thread,
                                              .holding_thread =
                                                  members[k].holds_lock ? object->lock_thread : 0,
                                              .object = object});
}

/* A copy of the members, or NULL if there are none, or none that may be looked at. */
static struct ferry_member *take_members(const struct ferry_object *object, size_t *ret_count)
{
    size_t room = object->attached + object->dead + 16;
    struct ferry_member *members = expect_memory(calloc(room, sizeof(*members)));
    int count = ferry_look_members(object->name, members, room);
    *ret_count = count < 0 ? 0 : (size_t)count < room ? (size_t)count : room;
    return members;
}

struct holders {
    pid_t *pids; /* that have locked something for their children */
    size_t count;
};

static void note_holders(struct holders *holders, const struct ferry_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool holds = members[i].holds_lock || members[i].read_holds > 0;
        if (!is_known(&members[i]) || !members[i].for_children || !holds)
            continue;
        holders->pids = grow(holders->pids, holders->count, sizeof(pid_t));
        holders->pids[holders->count++] = members[i].pid;
    }
}

static void look_at_members(struct graph *graph, struct holders *holders)
{
    for (size_t i = 0; i < graph->objects.count; i++) {
        const struct ferry_object *object = &graph->objects.objects[i];
        size_t count;
        if (!is_lock(object))
            continue;
        struct ferry_member *members = take_members(object, &count);
        add_waits(graph, object, members, count);
        note_holders(holders, members, count);
        free(members);
    }
}

/* Who holds something for its command waits for those of its descendants that wait for something. */
static void add_waits_for_children(struct graph *graph, const struct holders *holders)
{
    size_t own = graph->wait_count;
    for (size_t i = 0; i < holders->count; i++)
        for (size_t k = 0; k < own; k++)
            if (is_descendant(graph, graph->waits[k].waiter, holders->pids[i]))
                add_wait(graph, (struct wait){.waiter = holders->pids[i],
                                              .holder = graph->waits[k].waiter});
}

int graph_take(struct graph *ret_graph)
{
    struct graph graph = {0};
    struct holders holders = {0};
    int status = listing_take(&graph.objects, 0);
    if (status)
        return status;
    look_at_members(&graph, &holders);
    take_processes(&graph);
    add_waits_for_children(&graph, &holders);
    free(holders.pids);
    *ret_graph = graph;
    return 0;
}

void graph_free(struct graph *graph)
{
    listing_free(&graph->objects);
    free(graph->waits);
    free(graph->processes);
    *graph = (struct graph){0};
}

/* ---- Circles ---------------------------------------------------------------------------------- */

/* Is the one that is waited for stuck by this next wait?  Not if another of its threads has what is wanted. */
static bool leads_to(const struct wait *wait, const struct wait *next)
{
    bool same_thread = wait->holding_thread == 0 || next->waiting_thread == 0 ||
                       wait->holding_thread == next->waiting_thread;
    return wait->holder == next->waiter && same_thread;
}

static const size_t NOWHERE = (size_t)-1;

/* The shortest way from a wait to itself; `before` says of each wait which one it was reached from. */
static bool find_way(const struct graph *graph, size_t start, size_t *before, size_t *queue)
{
    size_t head = 0, tail = 0;
    for (size_t i = 0; i < graph->wait_count; i++)
        before[i] = NOWHERE;
    queue[tail++] = start;
    while (head < tail) {
        size_t here = queue[head++];
        for (size_t next = 0; next < graph->wait_count; next++) {
            if (before[next] != NOWHERE || !leads_to(&graph->waits[here], &graph->waits[next]))
                continue;
            before[next] = here;
            if (next == start)
                return true;
            queue[tail++] = next;
        }
    }
    return false;
}

static struct circle follow_back(size_t start, const size_t *before)
{
    struct circle circle = {0};
    size_t here = start;
    do {
        circle.count++;
        here = before[here];
    } while (here != start);
    circle.waits = expect_memory(calloc(circle.count, sizeof(size_t)));
    for (size_t i = circle.count; i-- > 0; here = before[here])
        circle.waits[i] = before[here];
    return circle;
}

static bool is_new(const struct circle *circle, const bool *used)
{
    for (size_t i = 0; i < circle->count; i++)
        if (used[circle->waits[i]])
            return false;
    return true;
}

size_t graph_circles(const struct graph *graph, struct circle **ret_circles)
{
    size_t waits = graph->wait_count, count = 0;
    size_t *before = expect_memory(calloc(waits + 1, sizeof(size_t)));
    size_t *queue = expect_memory(calloc(waits + 1, sizeof(size_t)));
    bool *used = expect_memory(calloc(waits + 1, sizeof(bool)));
    struct circle *circles = NULL;
    for (size_t start = 0; start < waits; start++) {
        if (used[start] || !find_way(graph, start, before, queue))
            continue;
        struct circle circle = follow_back(start, before);
        if (!is_new(&circle, used)) {
            free(circle.waits);
            continue;
        }
        for (size_t i = 0; i < circle.count; i++)
            used[circle.waits[i]] = true;
        circles = grow(circles, count, sizeof(circle));
        circles[count++] = circle;
    }
    free(before);
    free(queue);
    free(used);
    *ret_circles = circles;
    return count;
}

void circles_free(struct circle *circles, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(circles[i].waits);
    free(circles);
}

static bool is_same(const struct wait *a, const struct wait *b)
{
    if (a->waiter != b->waiter || a->holder != b->holder || !a->object != !b->object)
        return false;
    return a->object == NULL || (strcmp(a->object->name, b->object->name) == 0 &&
                                 a->object->lock_count == b->object->lock_count);
}

bool graph_confirms(const struct graph *later, const struct graph *graph,
                    const struct circle *circle)
{
    for (size_t i = 0; i < circle->count; i++) {
        bool found = false;
        for (size_t k = 0; k < later->wait_count && !found; k++)
            found = is_same(&graph->waits[circle->waits[i]], &later->waits[k]);
        if (!found)
            return false;
    }
    return true;
}
