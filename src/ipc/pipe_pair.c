/* Pipes without a name: both ends at once, for relatives. */
#include <string.h>

#include "base/error.h"
#include "ipc/pipe.h"
#include "shared/members.h"

/* A second membership of an object without a name, with one of its ends. */
static int split(struct object *ret_twin, struct object *object)
{
    int r = object_twin(ret_twin, object, FERRY_WRITE);
    if (r < 0)
        return r;
    ret_twin->region.write_end = object->region.write_end;
    object->region.write_end = -1;
    object->region.role = FERRY_READ;
    members_change_role(&object->slots, FERRY_READ | LAYOUT_HAS_END);
    members_change_role(&ret_twin->slots, FERRY_WRITE | LAYOUT_HAS_END);
    return 0;
}

/* Two handles in place of one: ret_ends is an array of two ferry_pipe *.  On failure the first may be there, and is
 * the caller's. */
static int adopt_both(struct object *reading, void *ret_ends)
{
    ferry_pipe **ends = ret_ends;
    struct object writing;
    int r = split(&writing, reading);
    if (r < 0) {
        region_release(&reading->region);
        return r;
    }
    r = pipe_new(reading, &ends[0]);
    if (r < 0) {
        region_release(&writing.region);
        return r;
    }
    return pipe_new(&writing, &ends[1]);
}

int ferry_pipe_pair(ferry_pipe *ret_ends[2], const struct ferry_pipe_options *options)
{
    const struct ferry_pipe_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    int r = pipe_check_options(NULL, options, FERRY_EINTR | FERRY_SIGPIPE | FERRY_RECORDS);
    if (r < 0)
        return r;
    const struct region_request request = pipe_request(NULL, options);
    ferry_pipe *ends[2] = {NULL, NULL};
    r = object_open(&request, adopt_both, ends);
    if (r < 0) {
        ferry_pipe_close(ends[0]);
        return r;
    }
    memcpy(ret_ends, ends, sizeof(ends));
    return 0;
}

int ferry_pipe_duplex(struct ferry_pipe_duplex ret_sides[2],
                      const struct ferry_pipe_options *options)
{
    ferry_pipe *there[2], *back[2];
    int r = ferry_pipe_pair(there, options);
    if (r < 0)
        return r;
    r = ferry_pipe_pair(back, options);
    if (r < 0) {
        ferry_pipe_close(there[0]);
        ferry_pipe_close(there[1]);
        return r;
    }
    ret_sides[0] = (struct ferry_pipe_duplex){.in = back[0], .out = there[1]};
    ret_sides[1] = (struct ferry_pipe_duplex){.in = there[0], .out = back[1]};
    return 0;
}
