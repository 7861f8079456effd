/* A plug-in with a queue for many that is a pipe: as it should be; sending one message twice and the next not at
 * all; and deaf to types and priorities. */
#include "bench/crowds.h"
#include "bench/kinds.h"

static int ends[2]; /* to near; inherited by all */

static void crowd_make(struct bench_lap *lap)
{
    if (pipe(ends) < 0)
        bench_fail(lap, "no pipe");
}

/* What is shorter than PIPE_BUF is written, and here read, as a whole. */
static void sound_send(struct bench_lap *lap)
{
    if (write(ends[1], lap->buffer, lap->size_bytes) != (ssize_t)lap->size_bytes)
        bench_fail(lap, "a short write");
}

static unsigned char *sound_receive(struct bench_lap *lap)
{
    if (read(ends[0], lap->buffer, lap->size_bytes) != (ssize_t)lap->size_bytes)
        bench_fail(lap, "a short read");
    return lap->buffer;
}

static void twice_send(struct bench_lap *lap)
{
    if (lap->sequence == 2)
        lap->buffer -= lap->size_bytes;
    sound_send(lap);
}

static void deaf_send_as(struct bench_lap *lap, unsigned kind)
{
    (void)kind;
    sound_send(lap);
}

static unsigned char *deaf_receive_of(struct bench_lap *lap, unsigned kind)
{
    (void)kind;
    return sound_receive(lap);
}

static unsigned char *deaf_receive_first(struct bench_lap *lap, unsigned *ret_kind)
{
    *ret_kind = 0;
    return sound_receive(lap);
}

#define twice_receive sound_receive

BENCH_CROWD_LOOPS(sound)
BENCH_CROWD_LOOPS(twice)
BENCH_TYPE_LOOPS(deaf)
BENCH_PRIORITY_LOOPS(deaf)

#define PLANTED(side, ...)                                                                         \
    static const struct bench_side side##_side = {                                                 \
        .name = "planted " #side,                                                                  \
        .how = "a pipe",                                                                           \
        .family = BENCH_PEER,                                                                      \
        .waits = BENCH_BLOCK,                                                                      \
        .least_bytes = 8,                                                                          \
        .most_bytes = 64,                                                                          \
        .make = crowd_make,                                                                        \
        __VA_ARGS__,                                                                               \
    };

PLANTED(sound, BENCH_CROWDS(sound))
PLANTED(twice, BENCH_CROWDS(twice))
PLANTED(deaf, BENCH_TYPES(deaf), BENCH_PRIORITIES(deaf))

static const struct bench_side *const sides[] = {&sound_side, &twice_side, &deaf_side, NULL};

__attribute__((visibility("default"))) const struct bench_plugin ferry_bench_plugin = {
    .version = BENCH_PLUGIN_VERSION,
    .side_bytes = sizeof(struct bench_side),
    .name = "planted crowd",
    .sides = sides,
};
