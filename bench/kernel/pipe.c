/* The kernel's pipes, one for each direction, as large as an ordinary user may have them; and its
 * FIFOs, which are pipes that were opened by name. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "bench/kernel/bytes.h"
#include "bench/writers.h"

#define LARGEST_PIPE (1 << 20) /* /proc/sys/fs/pipe-max-size, unless somebody changed it */

struct pipes {
    int ends[2][2]; /* to near, to far; read end, write end */
};

/* Opens an end without waiting for the other one, and has it block afterwards unless it spins. */
static int open_end(struct bench_lap *lap, const char *path, int access)
{
    int end = open(path, access | O_NONBLOCK | O_CLOEXEC);
    if (end < 0 || (lap->waiting != BENCH_SPIN && fcntl(end, F_SETFL, 0) < 0))
        bench_fail(lap, "open: %s", strerror(errno));
    return end;
}

/* The name is needed until both ends are open. */
static void open_fifo(struct bench_lap *lap, int role, int ends[2])
{
    char path[80];
    snprintf(path, sizeof(path), "%s/%s-%d", P_tmpdir, lap->name, role);
    if (mkfifo(path, 0600) < 0)
        bench_unavailable(lap, "mkfifo: %s", strerror(errno));
    ends[0] = open_end(lap, path, O_RDONLY);
    ends[1] = open_end(lap, path, O_WRONLY);
    unlink(path);
}

static void open_pipe(struct bench_lap *lap, int ends[2])
{
    int flags = O_CLOEXEC | (lap->waiting == BENCH_SPIN ? O_NONBLOCK : 0);
    if (pipe2(ends, flags) < 0)
        bench_fail(lap, "pipe2: %s", strerror(errno));
}

static void make(struct bench_lap *lap, bool by_name)
{
    struct pipes *pipes = lap->own = malloc(sizeof(*pipes));
    for (int role = 0; role < 2; role++) {
        if (by_name)
            open_fifo(lap, role, pipes->ends[role]);
        else
            open_pipe(lap, pipes->ends[role]);
        fcntl(pipes->ends[role][1], F_SETPIPE_SZ, LARGEST_PIPE);
    }
}

static void pipe_make(struct bench_lap *lap)
{
    make(lap, false);
}

static void fifo_make(struct bench_lap *lap)
{
    make(lap, true);
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
BENCH_WRITER_LOOPS(pipe)

const struct bench_side bench_pipe = {
    .name = "pipe",
    .how = "two pipes of 1 MiB, the largest that an ordinary user may have",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = BENCH_ANY,
    .make = pipe_make,
    BENCH_MESSAGES(pipe),
    BENCH_WRITERS(pipe),
};

const struct bench_side bench_fifo = {
    .name = "FIFO",
    .how = "two FIFOs of 1 MiB, opened by name",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = BENCH_ANY,
    .make = fifo_make,
    BENCH_MESSAGES(pipe),
    BENCH_WRITERS(pipe),
};
