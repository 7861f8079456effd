/* The environment variables are explained in harness.h. */
#include "sampling.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test.h"

enum {
    FIRST_ROUNDS = 4,
    OTHER_ROUNDS_SHARE = 8, /* of the limit, one part in so many */
    BEYOND = 2,             /* no path is so many times as long as another */
};

static size_t number(const char *text, size_t fallback)
{
    size_t number = text ? strtoul(text, NULL, 10) : 0;
    return number ? number : fallback;
}

/* FERRY_KILL_AT is "57" or "12,57"; a lone number is the second victim's. */
static size_t asked_for(bool first)
{
    const char *text = getenv("FERRY_KILL_AT");
    const char *comma = text ? strchr(text, ',') : NULL;
    if (!text || (first && !comma))
        return 0;
    return strtoul(comma && !first ? comma + 1 : text, NULL, 10);
}

static size_t seed_from_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (size_t)now.tv_nsec;
}

static size_t count_first_rounds(const struct path *path)
{
    size_t count = 0;
    for (size_t k = 1; k <= path->count; k++)
        count += path->rounds[k] <= FIRST_ROUNDS;
    return count;
}

static size_t divide_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

bool sampling_needs_alterations(void)
{
    return !test_thorough() && !getenv("FERRY_KILL_STRIDE") && !asked_for(false);
}

struct sampling sampling_for(const struct path *path, size_t limit)
{
    struct sampling sampling = {.only = asked_for(false), .stride = 1};
    const char *stride = getenv("FERRY_KILL_STRIDE");
    if (stride) {
        sampling.stride = number(stride, 1);
    } else if (limit && path->count > limit) {
        bool circles = count_first_rounds(path) <= limit;
        sampling.alterations = true;
        sampling.rounds = circles ? FIRST_ROUNDS : 0;
        sampling.stride = divide_up(path->count, circles ? limit / OTHER_ROUNDS_SHARE : limit);
    }
    sampling.start = 1 + number(getenv("FERRY_KILL_SEED"), seed_from_clock()) % sampling.stride;
    return sampling;
}

struct sampling sampling_for_first(void)
{
    return (struct sampling){.only = asked_for(true), .alterations = true};
}

/* Beyond its noted end, a path is gone along only as far as there is something to be had: the first
 * victim's end is wanted once. */
static bool wants_beyond(const struct sampling *sampling, const struct path *path, size_t k)
{
    if (sampling->stride == 0)
        return k == BEYOND * path->count;
    return (k - path->count) % sampling->stride == 0;
}

bool sampling_wants(const struct sampling *sampling, const struct path *path, size_t k)
{
    if (k >= path->count)
        return wants_beyond(sampling, path, k);
    if (sampling->stride == 0)
        return k == 1 || path->alters[k];
    if (sampling->alterations && (path->alters[k] || path->alters[k + 1]))
        return true;
    if (path->rounds[k] <= sampling->rounds)
        return true;
    return k >= sampling->start && (k - sampling->start) % sampling->stride == 0;
}
