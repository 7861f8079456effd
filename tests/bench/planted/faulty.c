/* A plug-in whose sides go wrong in different ways, and one that does not.  Each carries messages
 * through two pipes, and leaves a mark where PLANTED_MARKS says, as long as it has something made, and
 * another one once it hangs. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

#include "bench/messages.h"

static int ends[2][2]; /* to near, to far; inherited by both */

static void mark_path(const struct bench_lap *lap, const char *what, char *path, size_t size)
{
    const char *marks = getenv("PLANTED_MARKS");
    if (marks == NULL)
        bench_fail((struct bench_lap *)(uintptr_t)lap, "PLANTED_MARKS is not set");
    snprintf(path, size, "%s/%s.%s", marks, lap->name, what);
}

static void leave_mark(struct bench_lap *lap, const char *what)
{
    char path[512];
    mark_path(lap, what, path, sizeof(path));
    if (close(open(path, O_CREAT | O_EXCL | O_WRONLY, 0600)) < 0)
        bench_fail(lap, "no mark");
}

static void take_mark(const struct bench_lap *lap, const char *what)
{
    char path[512];
    mark_path(lap, what, path, sizeof(path));
    unlink(path);
}

static void faulty_make(struct bench_lap *lap)
{
    leave_mark(lap, "made");
    for (int role = 0; role < 2; role++)
        if (pipe(ends[role]) < 0)
            bench_fail(lap, "no pipe");
}

static void faulty_unmake(struct bench_lap *lap)
{
    take_mark(lap, "made");
    take_mark(lap, "hangs");
}

static bool is_far_later(const struct bench_lap *lap)
{
    return lap->role == BENCH_FAR && lap->sequence > 2;
}

static void sound_send(struct bench_lap *lap)
{
    int end = ends[lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR][1];
    if (write(end, lap->buffer, lap->size_bytes) != (ssize_t)lap->size_bytes)
        bench_fail(lap, "a short write");
}

static unsigned char *sound_receive(struct bench_lap *lap)
{
    if (read(ends[lap->role][0], lap->buffer, lap->size_bytes) != (ssize_t)lap->size_bytes)
        bench_fail(lap, "a short read");
    return lap->buffer;
}

static void crashing_send(struct bench_lap *lap)
{
    if (is_far_later(lap))
        raise(SIGSEGV);
    sound_send(lap);
}

static void hanging_send(struct bench_lap *lap)
{
    if (is_far_later(lap)) {
        leave_mark(lap, "hangs");
        for (;;)
            pause();
    }
    sound_send(lap);
}

static unsigned char *lying_receive(struct bench_lap *lap)
{
    sound_receive(lap)[0] ^= is_far_later(lap);
    return lap->buffer;
}

static void refusing_join(struct bench_lap *lap)
{
    bench_unavailable(lap, "this machine has none");
}

#define crashing_receive sound_receive
#define hanging_receive  sound_receive
#define lying_send       sound_send
#define refusing_send    sound_send
#define refusing_receive sound_receive

BENCH_MESSAGE_LOOPS(sound)
BENCH_MESSAGE_LOOPS(crashing)
BENCH_MESSAGE_LOOPS(hanging)
BENCH_MESSAGE_LOOPS(lying)
BENCH_MESSAGE_LOOPS(refusing)

/* Says that it spins, too, for the sake of the experiment that has one placement alone. */
#define PLANTED(side, ...)                                                                         \
    static const struct bench_side side##_side = {                                                 \
        .name = "planted " #side,                                                                  \
        .how = "two pipes",                                                                        \
        .family = BENCH_PEER,                                                                      \
        .waits = BENCH_SPIN | BENCH_BLOCK,                                                         \
        .most_bytes = 64,                                                                          \
        .make = faulty_make,                                                                       \
        .unmake = faulty_unmake,                                                                   \
        __VA_ARGS__ BENCH_ROUND_TRIPS(side),                                                       \
    };

PLANTED(sound, )
PLANTED(crashing, )
PLANTED(hanging, )
PLANTED(lying, )
PLANTED(refusing, .join = refusing_join, )

static const struct bench_side *const sides[] = {
    &crashing_side, &hanging_side, &lying_side, &refusing_side, &sound_side, NULL,
};

__attribute__((visibility("default"))) const struct bench_plugin ferry_bench_plugin = {
    .version = BENCH_PLUGIN_VERSION,
    .side_bytes = sizeof(struct bench_side),
    .name = "planted",
    .sides = sides,
};
