/* The kernel's pipes, one for each direction, as large as an ordinary user may have them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "bench/messages.h"

#define LARGEST_PIPE (1 << 20) /* /proc/sys/fs/pipe-max-size, unless somebody changed it */

struct pipes {
    int ends[2][2]; /* to near, to far; read end, write end */
};

static void pipe_make(struct bench_lap *lap)
{
    struct pipes *pipes = lap->own = malloc(sizeof(*pipes));
    int flags = O_CLOEXEC | (lap->waiting == BENCH_SPIN ? O_NONBLOCK : 0);
    for (int role = 0; role < 2; role++) {
        if (pipe2(pipes->ends[role], flags) < 0)
            bench_fail(lap, "pipe2: %s", strerror(errno));
        fcntl(pipes->ends[role][1], F_SETPIPE_SZ, LARGEST_PIPE);
    }
}

/* A message of no bytes is one byte here. */
static size_t wire_size(const struct bench_lap *lap)
{
    return lap->size_bytes ? lap->size_bytes : 1;
}

/* Interrupted by nothing but an empty or full pipe, which is looked at again. */
static void expect_busy(struct bench_lap *lap, const char *call)
{
    if (errno != EAGAIN)
        bench_fail(lap, "%s: %s", call, strerror(errno));
    bench_relax();
}

BENCH_INLINE void pipe_send(struct bench_lap *lap)
{
    const struct pipes *pipes = (const struct pipes *)lap->own;
    int end = pipes->ends[lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR][1];
    for (size_t sent = 0, size = wire_size(lap); sent < size;) {
        ssize_t n = write(end, lap->buffer + sent, size - sent);
        if (n >= 0)
            sent += (size_t)n;
        else
            expect_busy(lap, "write");
    }
}

BENCH_INLINE unsigned char *pipe_receive(struct bench_lap *lap)
{
    const struct pipes *pipes = (const struct pipes *)lap->own;
    int end = pipes->ends[lap->role][0];
    for (size_t got = 0, size = wire_size(lap); got < size;) {
        ssize_t n = read(end, lap->buffer + got, size - got);
        if (n > 0)
            got += (size_t)n;
        else if (n == 0)
            bench_fail(lap, "the other end is gone");
        else
            expect_busy(lap, "read");
    }
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(pipe)

const struct bench_side bench_pipe = {
    .name = "pipe",
    .how = "two pipes of 1 MiB",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = BENCH_ANY,
    .make = pipe_make,
    BENCH_MESSAGES(pipe),
};
