/* Ferry's pipes, one for each direction. */
#include <errno.h>
#include <ferry/ferry.h>

#include "bench/messages.h"

#define LARGEST_PIPE (1 << 20) /* as the kernel's have it */

struct pipes {
    ferry_pipe *ends[2][2]; /* to near, to far; reading, writing */
};

static void ferry_pipe_make(struct bench_lap *lap)
{
    static struct pipes pipes;
    for (int role = 0; role < 2; role++)
        if (ferry_pipe_pair(pipes.ends[role], FERRY_PIPE(.capacity = LARGEST_PIPE)) < 0)
            bench_fail(lap, "%s", ferry_explain());
    lap->own = &pipes;
}

static int64_t timeout_of(const struct bench_lap *lap)
{
    return lap->waiting == BENCH_SPIN ? FERRY_NOW : FERRY_FOREVER;
}

BENCH_INLINE void ferry_pipe_send(struct bench_lap *lap)
{
    const struct pipes *pipes = (const struct pipes *)lap->own;
    ferry_pipe *end = pipes->ends[lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR][1];
    size_t size = lap->size_bytes ? lap->size_bytes : 1;
    for (size_t sent = 0; sent < size;) {
        ssize_t n = ferry_pipe_write(end, lap->buffer + sent, size - sent, timeout_of(lap));
        if (n >= 0)
            sent += (size_t)n;
        else if (n != -EAGAIN)
            bench_fail(lap, "%s", ferry_explain());
    }
}

BENCH_INLINE unsigned char *ferry_pipe_receive(struct bench_lap *lap)
{
    const struct pipes *pipes = (const struct pipes *)lap->own;
    ferry_pipe *end = pipes->ends[lap->role][0];
    size_t size = lap->size_bytes ? lap->size_bytes : 1;
    for (size_t got = 0; got < size;) {
        ssize_t n = ferry_pipe_read(end, lap->buffer + got, size - got, timeout_of(lap));
        if (n > 0)
            got += (size_t)n;
        else if (n != -EAGAIN)
            bench_fail(lap, "%s", n == 0 ? "the other end is gone" : ferry_explain());
    }
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(ferry_pipe)

const struct bench_side bench_ferry_pipe = {
    .name = "ferry pipe",
    .how = "ferry_pipe_write, ferry_pipe_read; two pipes of 1 MiB",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = ferry_pipe_make,
    BENCH_MESSAGES(ferry_pipe),
};
