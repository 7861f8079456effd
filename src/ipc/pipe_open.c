/* Making, opening and closing pipes.
 *
 * Who opens a name becomes a member, then opens its end of the FIFO, and then, if it has but one end,
 * waits for the other side: a writer until the kernel gives it the write end, a reader until it sees a
 * member that writes, or that one has come and gone.  Each arrival is a notice.  Whoever dies between
 * its arrival and the notice is not there, so nobody misses it. */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "ipc/pipe.h"
#include "shared/members.h"

enum { DEFAULT_CAPACITY = 65536, RENEWALS = 64 };

/* A pipe can grow to this, or to what it was made with if that is more. */
enum { ROOM_TO_GROW_EXPONENT = 24 };

static const unsigned KNOWN_FLAGS = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_READ |
                                    FERRY_WRITE | FERRY_EINTR | FERRY_SIGPIPE | FERRY_RECORDS |
                                    FERRY_TAP;

/* ---- The handle ------------------------------------------------------------------------------- */

static ferry_pipe *of_object(struct object *object)
{
    return (ferry_pipe *)(void *)((char *)object - offsetof(ferry_pipe, object));
}

static void hold(struct object *object)
{
    ferry_pipe *pipe = of_object(object);
    pthread_mutex_lock(&pipe->tap_guard);
    pthread_mutex_lock(&pipe->stream.guard);
}

static void let_go(struct object *object)
{
    ferry_pipe *pipe = of_object(object);
    pthread_mutex_unlock(&pipe->stream.guard);
    pthread_mutex_unlock(&pipe->tap_guard);
}

static void after_fork(struct object *object)
{
    ferry_pipe *pipe = of_object(object);
    pipe->reserved = pipe->peeked = 0; /* the parent's */
    notice_after_fork(&pipe->arrivals);
    stream_after_fork(&pipe->stream);
}

static const struct object_hooks hooks = {.hold = hold, .let_go = let_go, .after_fork = after_fork};

int pipe_new(struct object *object, void *ret_pipe)
{
    ferry_pipe *pipe = calloc(1, sizeof(*pipe));
    if (pipe == NULL) {
        region_release(&object->region);
        return fail(-ENOMEM, "no memory for a handle");
    }
    pipe->object = *object;
    pthread_mutex_init(&pipe->tap_guard, NULL);
    notice_init(&pipe->arrivals, &pipe->object.slots, -1);
    stream_init(&pipe->stream, &pipe->object.region, &pipe->object.slots, &pipe->arrivals,
                object_is_interruptible(object));
    pipe->keeps_records = (object->region.identity.flags & LAYOUT_RECORDS) != 0;
    pipe->raises_sigpipe = (object->flags & FERRY_SIGPIPE) != 0;
    pipe->taps = (object->flags & FERRY_TAP) != 0;
    int r = object_follow(&pipe->object, &hooks);
    if (r < 0) {
        free(pipe);
        return r;
    }
    *(ferry_pipe **)ret_pipe = pipe;
    return 0;
}

ferry_pipe *ferry_pipe_close(ferry_pipe *pipe)
{
    if (pipe == NULL)
        return NULL;
    fork_hold();
    if (object_is_ours(&pipe->object)) {
        if (pipe->taps)
            stream_tap_end(&pipe->stream);
        if (pipe->object.slots.tag != 0) /* nobody is to take us for one who is there */
            members_change_role(&pipe->object.slots, 0);
        stream_depart(&pipe->stream, &pipe->object.region.read_end);
        stream_depart(&pipe->stream, &pipe->object.region.write_end);
    }
    object_leave(&pipe->object);
    stream_deinit(&pipe->stream);
    pthread_mutex_destroy(&pipe->tap_guard);
    notice_deinit(&pipe->arrivals);
    region_release(&pipe->object.region);
    fork_unhold();
    free(pipe);
    return NULL;
}

int ferry_pipe_close_end(ferry_pipe *pipe, unsigned role)
{
    int r = object_usable(&pipe->object);
    if (r < 0)
        return r;
    struct region *region = &pipe->object.region;
    if (role != FERRY_READ && role != FERRY_WRITE)
        return fail(-EINVAL, "one end is closed at a time: FERRY_READ or FERRY_WRITE");
    if (region->read_end < 0 || region->write_end < 0)
        return fail(-EBADF, "this handle has not both ends; to close its only one, use "
                            "ferry_pipe_close()");
    if (role == FERRY_READ ? pipe->peeked > 0 : pipe->reserved > 0)
        return fail(-EBUSY, "this handle has room or bytes open; commit or consume them first");
    fork_hold();
    region->role &= ~role;
    members_change_role(&pipe->object.slots, region->role | LAYOUT_HAS_END);
    stream_depart(&pipe->stream, role == FERRY_READ ? &region->read_end : &region->write_end);
    fork_unhold();
    return 0;
}

/* ---- Meeting the other side ------------------------------------------------------------------- */

void pipe_arrive(ferry_pipe *pipe, bool writes)
{
    stream_arrive(&pipe->stream, writes);
    notice_step(&pipe->arrivals);
}

/* Tries to open one end.  -EAGAIN: a write end, and nobody reads yet. */
static int open_end(ferry_pipe *pipe, bool write_end)
{
    int r = region_open_end(&pipe->object.region, write_end);
    if (r < 0)
        return r == -ENXIO ? -EAGAIN : r;
    if (write_end || (pipe->object.slots.role & FERRY_WRITE) == 0) { /* the last one */
        r = members_gain_end(&pipe->object.slots);
        if (r < 0)
            return r;
    }
    pipe_arrive(pipe, write_end);
    return 0;
}

static int open_writing(ferry_pipe *pipe, uint32_t arrivals)
{
    (void)arrivals;
    return open_end(pipe, true);
}

static int find_writer(ferry_pipe *pipe, uint32_t arrivals)
{
    bool met = stream_arrivals(&pipe->stream) != arrivals || stream_has_writer(&pipe->stream);
    return met ? 0 : -EAGAIN;
}

static int explain_wait(int error, bool writes)
{
    const char *side = writes ? "reader" : "writer";
    if (error == -EINTR)
        return fail(error, "a signal handler ran while no %s was there", side);
    return error == -ETIMEDOUT ? fail(error, "no %s came in time", side) : error;
}

/* Tries again with each arrival. */
static int meet(ferry_pipe *pipe, bool writes, int64_t patience_ns, uint32_t arrivals,
                int (*try)(ferry_pipe *pipe, uint32_t arrivals))
{
    deadline end = clock_deadline(patience_ns == 0 ? FERRY_FOREVER : patience_ns);
    for (;;) {
        uint32_t version = notice_version(&pipe->arrivals);
        int r = try(pipe, arrivals);
        if (r != -EAGAIN)
            return r;
        int64_t left = clock_left_ns(end);
        if (left == 0)
            return explain_wait(-ETIMEDOUT, writes);
        r = notice_wait(&pipe->arrivals, &version, left == INT64_MAX ? FERRY_FOREVER : left,
                        object_is_interruptible(&pipe->object));
        if (r < 0)
            return explain_wait(r, writes);
    }
}

/* Opens the ends that the role asks for.  Reading first: a handle with both is its own partner. */
static int open_ends(ferry_pipe *pipe, int64_t patience_ns)
{
    unsigned role = pipe->object.region.role;
    if (pipe->taps)
        return pipe_begin_tap(pipe);
    /* Before: a writer may come and be gone again as soon as there is a reader. */
    uint32_t arrivals = stream_arrivals(&pipe->stream);
    int r = (role & FERRY_READ) != 0 ? open_end(pipe, false) : 0;
    if (r < 0 || role == (FERRY_READ | FERRY_WRITE))
        return r < 0 ? r : open_end(pipe, true);
    if (patience_ns != FERRY_NO_WAIT)
        return meet(pipe, role == FERRY_WRITE, patience_ns, arrivals,
                    role == FERRY_WRITE ? open_writing : find_writer);
    if (role == FERRY_READ)
        return 0;
    r = open_end(pipe, true);
    return r == -EAGAIN ? -ENXIO : r; /* explained already */
}

/* ---- Opening ---------------------------------------------------------------------------------- */

int pipe_check_options(const char *name, const struct ferry_pipe_options *options,
                       unsigned known_flags)
{
    const struct object_options common = {.options_bytes = options->options_bytes,
                                          .options_known = sizeof(*options),
                                          .macro = "FERRY_PIPE",
                                          .name = name,
                                          .flags = options->flags,
                                          .known_flags = known_flags,
                                          .mode = options->mode};
    int r = object_check_options(&common);
    if (r < 0)
        return r;
    if (options->capacity > UINT64_C(1) << STREAM_MOST_EXPONENT)
        return fail(-EINVAL, "a pipe holds at most %llu bytes", 1ULL << STREAM_MOST_EXPONENT);
    if ((options->flags & FERRY_TAP) != 0 && (options->flags & ~(FERRY_TAP | FERRY_EINTR)) != 0)
        return fail(-EINVAL, "who taps a pipe has no end of it and makes none: FERRY_TAP goes with "
                             "FERRY_EINTR alone");
    if (options->patience_ns < FERRY_NO_WAIT)
        return fail(-EINVAL, "patience_ns is a time, 0 for as long as it takes, or FERRY_NO_WAIT");
    return 0;
}

struct region_request pipe_request(const char *name, const struct ferry_pipe_options *options)
{
    uint32_t exponent = stream_exponent(options->capacity ? options->capacity : DEFAULT_CAPACITY);
    uint32_t most = exponent > ROOM_TO_GROW_EXPONENT ? exponent : ROOM_TO_GROW_EXPONENT;
    return (struct region_request){.name = name,
                                   .kind = FERRY_KIND_PIPE,
                                   .flags = object_flags(options->flags),
                                   .mode = options->mode ? options->mode : 0600,
                                   .size_bytes = UINT64_C(2) << most,
                                   .exponent = exponent,
                                   .keeps_records = (options->flags & FERRY_RECORDS) != 0,
                                   .trusted_owners = options->trusted_owners,
                                   .trusted_owner_count = options->trusted_owner_count};
}

/* The pipe decides about records; but whoever asks for them is not to write without. */
static int check_records(const ferry_pipe *pipe, unsigned flags)
{
    if ((flags & FERRY_RECORDS) == 0 || pipe->keeps_records)
        return 0;
    return fail(-EMEDIUMTYPE,
                "\"%s\" is there already, as a stream without records; remove it and make it anew, "
                "or open it without FERRY_RECORDS",
                pipe->object.region.name);
}

/* -ESTALE: the name was removed between the joining and the opening of an end. */
static int open_once(ferry_pipe **ret_pipe, const struct region_request *request,
                     const struct ferry_pipe_options *options)
{
    ferry_pipe *pipe;
    int r = object_open(request, pipe_new, &pipe);
    if (r < 0)
        return r;
    r = check_records(pipe, options->flags);
    if (r == 0)
        r = open_ends(pipe, options->patience_ns);
    if (r < 0) {
        ferry_pipe_close(pipe);
        return r;
    }
    *ret_pipe = pipe;
    return 0;
}

int ferry_pipe_open(ferry_pipe **ret_pipe, const char *name,
                    const struct ferry_pipe_options *options)
{
    const struct ferry_pipe_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    if (name == NULL)
        return fail(-EINVAL, "a pipe without a name has two ends; use ferry_pipe_pair()");
    int r = pipe_check_options(name, options, KNOWN_FLAGS);
    if (r < 0)
        return r;
    const struct region_request request = pipe_request(name, options);
    for (int i = 0; i < RENEWALS; i++) {
        r = open_once(ret_pipe, &request, options);
        if (r != -ESTALE)
            return r;
    }
    return fail(-EBUSY, "\"%s\" is made and removed all the time; try again", name);
}
