/* The kernel's pipes, one for each direction, as large as an ordinary user may have them. */
#include <fcntl.h>
#include <stdlib.h>

#include "bench/kernel/bytes.h"

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

BENCH_INLINE void pipe_send(struct bench_lap *lap)
{
    const struct pipes *pipes = (const struct pipes *)lap->own;
    bytes_send(lap, pipes->ends[lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR][1]);
}

BENCH_INLINE unsigned char *pipe_receive(struct bench_lap *lap)
{
    const struct pipes *pipes = (const struct pipes *)lap->own;
    return bytes_receive(lap, pipes->ends[lap->role][0]);
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
