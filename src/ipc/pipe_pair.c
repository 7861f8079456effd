/* Pipes without a name: both ends at once, for relatives. */
#include <string.h>

#include "base/error.h"
#include "ipc/pipe.h"
#include "shared/members.h"

/* What is passed through object_open(). */
struct opening {
    ferry_pipe *ends[2];
    unsigned flags;
};

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

/* Between fork_hold() and fork_unhold().  On failure ends[0] may be there, and is the caller's. */
static int make_pair(ferry_pipe *ends[2], const struct region_request *request, unsigned flags)
{
    struct object reading, writing;
    int r = object_attach(&reading, request);
    if (r < 0)
        return r;
    r = split(&writing, &reading);
    if (r < 0) {
        region_release(&reading.region);
        return r;
    }
    r = pipe_new(&ends[0], &reading, flags);
    if (r < 0) {
        region_release(&writing.region);
        return r;
    }
    return pipe_new(&ends[1], &writing, flags);
}

static int open_pair(const struct region_request *request, void *context)
{
    struct opening *opening = context;
    opening->ends[0] = opening->ends[1] = NULL;
    fork_hold();
    int r = make_pair(opening->ends, request, opening->flags);
    fork_unhold();
    if (r < 0)
        ferry_pipe_close(opening->ends[0]);
    return r;
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
    struct opening opening = {.flags = options->flags};
    r = object_open(&request, open_pair, &opening);
    if (r == 0)
        memcpy(ret_ends, opening.ends, sizeof(opening.ends));
    return r;
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
