/* Ferry's pipes, one for each direction: read and written, and used where the bytes lie. */
#include <errno.h>
#include <ferry/ferry.h>

#include "bench/writers.h"

#define LARGEST_PIPE (1 << 20) /* as the kernel's have it */

struct pipes {
    ferry_pipe *ends[2][2]; /* to near, to far; reading, writing */
    size_t open_bytes;      /* peeked at, and not consumed yet */
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
BENCH_WRITER_LOOPS(ferry_pipe)

const struct bench_side bench_ferry_pipe = {
    .name = "ferry pipe",
    .how = "ferry_pipe_write, ferry_pipe_read; two pipes of 1 MiB",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = ferry_pipe_make,
    BENCH_MESSAGES(ferry_pipe),
    BENCH_WRITERS(ferry_pipe),
};

/* ---- In place --------------------------------------------------------------------------------- */

/* The message is made in the pipe itself: the one copy stands for that. */
BENCH_INLINE void in_place_send(struct bench_lap *lap)
{
    const struct pipes *pipes = (const struct pipes *)lap->own;
    ferry_pipe *end = pipes->ends[lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR][1];
    size_t size = lap->size_bytes ? lap->size_bytes : 1;
    void *room;
    ssize_t n;
    while ((n = ferry_pipe_reserve(end, &room, size, timeout_of(lap))) < 0)
        if (n != -EAGAIN)
            bench_fail(lap, "%s", ferry_explain());
    memcpy(room, lap->buffer, size);
    if (ferry_pipe_commit(end, size) < 0)
        bench_fail(lap, "%s", ferry_explain());
}

/* A message is committed as a whole, and so is never there in part.  It stays where it is until the next
 * is asked for. */
BENCH_INLINE unsigned char *in_place_receive(struct bench_lap *lap)
{
    struct pipes *pipes = (struct pipes *)lap->own;
    ferry_pipe *end = pipes->ends[lap->role][0];
    if (pipes->open_bytes > 0 && ferry_pipe_consume(end, pipes->open_bytes) < 0)
        bench_fail(lap, "%s", ferry_explain());
    const void *bytes;
    ssize_t n;
    while ((n = ferry_pipe_peek(end, &bytes, timeout_of(lap))) <= 0)
        if (n != -EAGAIN)
            bench_fail(lap, "%s", n == 0 ? "the other end is gone" : ferry_explain());
    pipes->open_bytes = lap->size_bytes ? lap->size_bytes : 1;
    return (unsigned char *)(uintptr_t)bytes;
}

BENCH_MESSAGE_LOOPS(in_place)

const struct bench_side bench_ferry_pipe_in_place = {
    .name = "ferry pipe, in place",
    .how = "reserve and commit, peek and consume: received bytes are looked at where they lie; two "
           "pipes of 1 MiB",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .most_bytes = LARGEST_PIPE,
    .make = ferry_pipe_make,
    BENCH_MESSAGES(in_place),
};
