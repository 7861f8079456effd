/* Looking at what goes through a pipe, without an end of it. */
#include <errno.h>

#include "base/error.h"
#include "ipc/pipe.h"
#include "shared/members.h"

/* Have all gone who wrote?  Some may have come and gone while we did not look. */
static bool is_over(ferry_pipe *pipe)
{
    uint32_t arrivals = stream_arrivals(&pipe->stream);
    bool has_writer = stream_has_writer(&pipe->stream);
    bool over = !has_writer && (pipe->tap_met_writer || arrivals != pipe->tap_arrivals);
    pipe->tap_met_writer = has_writer;
    if (!has_writer)
        pipe->tap_arrivals = arrivals;
    return over;
}

int pipe_begin_tap(ferry_pipe *pipe)
{
    int r = region_check_reader(&pipe->object.region);
    if (r == 0)
        r = stream_tap_begin(&pipe->stream, &pipe->tap);
    if (r < 0)
        return r;
    pipe->tap.whole = pipe->keeps_records;
    is_over(pipe);
    members_change_role(&pipe->object.slots, 0);
    return 0;
}

static int explain(int error)
{
    return error == -ETIMEDOUT ? fail_often(error, "nothing came through the pipe in time")
           : error == -EINTR   ? fail_often(error, "a signal handler ran during the wait")
                               : error;
}

static ssize_t look_guarded(ferry_pipe *pipe, void *bytes, size_t count)
{
    ssize_t n = stream_tap_look(&pipe->stream, &pipe->tap, bytes, count);
    if (n != -EAGAIN || (!pipe->tap_is_over && !is_over(pipe)))
        return n;
    /* What the last writer wrote came before it went. */
    pipe->tap_is_over = true;
    n = stream_tap_look(&pipe->stream, &pipe->tap, bytes, count);
    if (n != -EAGAIN)
        return n;
    pipe->tap_is_over = false;
    return 0;
}

/* -EAGAIN: nothing to see, and it has not been waited for. */
static ssize_t look(ferry_pipe *pipe, void *bytes, size_t count, uint64_t *ret_missed)
{
    pthread_mutex_lock(&pipe->tap_guard);
    ssize_t n = look_guarded(pipe, bytes, count);
    if (n >= 0)
        *ret_missed = pipe->tap.missed;
    pthread_mutex_unlock(&pipe->tap_guard);
    return n;
}

static ssize_t await_bytes(ferry_pipe *pipe, void *bytes, size_t count, uint64_t *ret_missed,
                           deadline end)
{
    for (;;) {
        uint32_t version = notice_version(&pipe->arrivals);
        ssize_t n = look(pipe, bytes, count, ret_missed);
        int64_t left = clock_left_ns(end);
        if (n != -EAGAIN)
            return n;
        if (left == 0)
            return -ETIMEDOUT;
        int r = notice_wait(&pipe->arrivals, &version, left == INT64_MAX ? FERRY_FOREVER : left,
                            object_is_interruptible(&pipe->object));
        if (r < 0 && r != -ETIMEDOUT)
            return r;
    }
}

ssize_t ferry_pipe_tap(ferry_pipe *pipe, void *ret_bytes, size_t count, uint64_t *ret_missed,
                       int64_t timeout_ns)
{
    int r = object_usable(&pipe->object);
    if (r < 0)
        return r;
    if (!pipe->taps)
        return fail(-EBADF,
                    "this handle has an end of the pipe; open one with FERRY_TAP to look on");
    if (count == 0)
        return fail(-EINVAL, "no room was given for what is to be seen");
    ssize_t n = timeout_ns == FERRY_NOW
                    ? look(pipe, ret_bytes, count, ret_missed)
                    : await_bytes(pipe, ret_bytes, count, ret_missed, clock_deadline(timeout_ns));
    if (n == -EAGAIN)
        return fail_often(-EAGAIN, "nothing goes through the pipe now; wait with a timeout");
    return n < 0 ? explain((int)n) : n;
}
