/* Recording a path, and finding the shortest ways along it.
 *
 * cost[k], the stops on the best way to k, is worked out from the start of the path to its end.  The
 * last leg is either a step from k - 1, or a run from some instruction j between the last two meetings
 * with the address of k; or it goes on with the run that leads to the meeting before.  The cheapest j
 * is found on a stack of those that no later one is cheaper than. */
#include "path.h"

#include <errno.h>
#include <stdlib.h>

enum {
    PATH_FIRST_CAPACITY = 4096,
    PATH_LONGEST = 4 * 1000 * 1000,
};

/* One instruction of the path, to be sorted by address. */
struct visit {
    uintptr_t address;
    uint32_t instruction;
};

void path_deinit(struct path *path)
{
    free(path->addresses);
    free(path->alters);
    free(path->rounds);
    free(path->legs);
    *path = (struct path){0};
}

static int grow(struct path *path)
{
    size_t capacity = path->capacity ? 2 * path->capacity : PATH_FIRST_CAPACITY;
    uintptr_t *addresses = realloc(path->addresses, capacity * sizeof(*addresses));
    if (!addresses)
        return -ENOMEM;
    path->addresses = addresses;
    bool *alters = realloc(path->alters, capacity * sizeof(*alters));
    if (!alters)
        return -ENOMEM;
    path->alters = alters;
    path->capacity = capacity;
    return 0;
}

int path_append(struct path *path, uintptr_t address, bool alters)
{
    size_t used = path->capacity ? path->count + 1 : 0;
    if (used > PATH_LONGEST)
        return -E2BIG;
    int r = used == path->capacity ? grow(path) : 0;
    if (r < 0)
        return r;
    path->addresses[used] = address;
    path->alters[used] = alters;
    path->count = used;
    return 0;
}

static int compare_visits(const void *left, const void *right)
{
    const struct visit *a = left, *b = right;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return a->instruction < b->instruction ? -1 : 1;
}

/* Numbers the addresses: those of two instructions are equal if their places are. */
static size_t find_places(const struct path *path, uint32_t *places)
{
    size_t count = 0;
    struct visit *visits = calloc(path->count + 1, sizeof(*visits));
    if (!visits)
        return 0;
    for (size_t k = 0; k <= path->count; k++)
        visits[k] = (struct visit){.address = path->addresses[k], .instruction = (uint32_t)k};
    qsort(visits, path->count + 1, sizeof(*visits), compare_visits);
    for (size_t i = 0; i <= path->count; i++) {
        count += i == 0 || visits[i].address != visits[i - 1].address;
        places[visits[i].instruction] = (uint32_t)count - 1;
    }
    free(visits);
    return count;
}

/* A repeated string instruction stops once per round when it is stepped, but only once when it is
 * run to. */
static bool is_repetition(const struct path *path, size_t k)
{
    return k > 0 && path->addresses[k] == path->addresses[k - 1];
}

/* What has been seen of an address, up to the instruction under consideration. */
struct meetings {
    uint32_t last;       /* one more than the last instruction there; 0: none yet */
    uint32_t rounds;     /* meetings, repetitions not counted */
    uint32_t cost;       /* stops before the last meeting is run to, … */
    struct path_leg leg; /* … and the run that leads there */
};

/* Instructions to run from; each costs more than all that lie deeper … */
struct stack {
    uint32_t *instructions;
    size_t count;
};

static void push(struct stack *stack, const uint32_t *cost, uint32_t k)
{
    while (stack->count > 0 && cost[stack->instructions[stack->count - 1]] >= cost[k])
        stack->count--;
    stack->instructions[stack->count++] = k;
}

/* … so that the deepest of those from `first` on is the cheapest. */
static uint32_t cheapest_from(const struct stack *stack, uint32_t first)
{
    size_t low = 0, high = stack->count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (stack->instructions[middle] >= first)
            high = middle;
        else
            low = middle + 1;
    }
    return stack->instructions[low];
}

/* The cheapest run to instruction k, whose address has been met as told. */
static void meet(struct meetings *meetings, const struct stack *stack, const uint32_t *cost,
                 uint32_t k)
{
    uint32_t start = cheapest_from(stack, meetings->last);
    if (meetings->rounds == 0 || cost[start] < meetings->cost + meetings->leg.hits) {
        meetings->cost = cost[start];
        meetings->leg = (struct path_leg){.from = start};
    }
    meetings->leg.hits++;
    meetings->rounds++;
    meetings->last = k + 1;
}

static void find_legs(struct path *path, const uint32_t *places, struct meetings *all,
                      uint32_t *cost, struct stack *stack)
{
    for (uint32_t k = 0; k <= path->count; k++) {
        struct meetings *meetings = &all[places[k]];
        bool repeats = is_repetition(path, k);
        if (k > 0) {
            const struct path_leg *before = &path->legs[k - 1];
            cost[k] = cost[k - 1] + 1;
            path->legs[k] = (struct path_leg){.from = before->hits ? k - 1 : before->from};
        }
        if (k > 0 && !repeats) {
            meet(meetings, stack, cost, k);
            if (meetings->cost + meetings->leg.hits < cost[k]) {
                cost[k] = meetings->cost + meetings->leg.hits;
                path->legs[k] = meetings->leg;
            }
        }
        meetings->last = k + 1;
        path->rounds[k] = meetings->rounds;
        push(stack, cost, k);
    }
}

int path_finish(struct path *path)
{
    size_t size = path->count + 1;
    path->rounds = calloc(size, sizeof(*path->rounds));
    path->legs = calloc(size, sizeof(*path->legs));
    uint32_t *places = calloc(size, sizeof(*places));
    uint32_t *cost = calloc(size, sizeof(*cost));
    struct meetings *all = calloc(size, sizeof(*all));
    struct stack stack = {.instructions = calloc(size, sizeof(*stack.instructions))};

    bool done = path->rounds && path->legs && places && cost && all && stack.instructions &&
                find_places(path, places) > 0;
    if (done)
        find_legs(path, places, all, cost, &stack);
    free(stack.instructions);
    free(all);
    free(cost);
    free(places);
    return done ? 0 : -ENOMEM;
}
