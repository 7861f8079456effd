/* Recording a path and finding the shortest way along it.
 *
 * The way to k over instruction j costs hits[j] + (k - j) stops.  For a given k only hits[j] - j
 * matters, so the best j is a running minimum over the path. */
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
    free(path->hits);
    free(path->best);
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

/* A repeated string instruction stops once per round when it is stepped, but only once when it is
 * run to. */
static bool is_repetition(const struct path *path, size_t k)
{
    return k > 0 && path->addresses[k] == path->addresses[k - 1];
}

static int count_hits(struct path *path)
{
    struct visit *visits = calloc(path->count + 1, sizeof(*visits));
    if (!visits)
        return -ENOMEM;
    for (size_t k = 0; k <= path->count; k++)
        visits[k] = (struct visit){.address = path->addresses[k], .instruction = (uint32_t)k};
    qsort(visits, path->count + 1, sizeof(*visits), compare_visits);

    uint32_t hits = 0;
    for (size_t i = 0; i <= path->count; i++) {
        if (i == 0 || visits[i].address != visits[i - 1].address)
            hits = 0;
        if (!is_repetition(path, visits[i].instruction))
            hits++;
        path->hits[visits[i].instruction] = hits;
    }
    free(visits);
    return 0;
}

static void find_best(struct path *path)
{
    int64_t least = 0; /* stepping from the start: no hits, nothing saved */
    uint32_t best = 0;
    for (size_t k = 1; k <= path->count; k++) {
        int64_t cost = (int64_t)path->hits[k] - (int64_t)k;
        if (cost < least && !is_repetition(path, k)) {
            least = cost;
            best = (uint32_t)k;
        }
        path->best[k] = best;
    }
}

int path_finish(struct path *path)
{
    path->hits = calloc(path->count + 1, sizeof(*path->hits));
    path->best = calloc(path->count + 1, sizeof(*path->best));
    if (!path->hits || !path->best)
        return -ENOMEM;

    int r = count_hits(path);
    if (r < 0)
        return r;
    find_best(path);
    return 0;
}

struct path_way path_way_to(const struct path *path, size_t k)
{
    uint32_t best = path->best[k < path->count ? k : path->count];
    if (best == 0)
        return (struct path_way){0};
    return (struct path_way){
        .address = path->addresses[best], .hits = path->hits[best], .reached = best};
}
