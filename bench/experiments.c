/* See experiments.h. */
#include "bench/experiments.h"

#define SECOND INT64_C(1000000000)
#define BOTH   (PLACE_TWO_CORES | PLACE_ONE_CORE)

/* A bar is about costs: so many times a rate is so small a part of the cost. */
#define TIMES_THE_RATE(times) (1 / (double)(times))

static const struct experiment table[] = {
    {
        .name = "wake",
        .title = "wake up there and back",
        .about = "Each process wakes the other and waits for it, as it does by itself.  Nothing is "
                 "carried.",
        .shape = SHAPE_ROUND_TRIP,
        .measure = MEASURE_TIME,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH | PLACE_AWAKE,
        .floor = "bare futex",
        .kernel = "eventfd",
        .bars = {{"segment notice", "bare futex", 1.1, BOTH | PLACE_AWAKE}},
    },
    {
        .name = "tell",
        .title = "tell, with nobody waiting",
        .about = "One process says that something has happened, and nobody is there to hear it.",
        .shape = SHAPE_SIGNAL_ALONE,
        .measure = MEASURE_TIME,
        .waiting = BENCH_DEFAULT,
        .placements = PLACE_ALONE,
        .floor = "bare futex",
        .kernel = "eventfd",
        .bars = {{"segment notice", "bare futex", 1, PLACE_ALONE}},
    },
    {
        .name = "idle",
        .title = "wake-ups of an idle waiter",
        .about = "How often a process that waits for something wakes up while nothing happens.",
        .shape = SHAPE_IDLE,
        .measure = MEASURE_COUNT,
        .waiting = BENCH_DEFAULT,
        .placements = PLACE_TWO_CORES,
        .count = 1,
        .hold_ns = 10 * SECOND,
        .bars = {{"segment notice", NULL, 0, PLACE_TWO_CORES},
                 {"ferry pipe", NULL, 0, PLACE_TWO_CORES},
                 {"ferry queue", NULL, 0, PLACE_TWO_CORES},
                 {"ferry queue typed", NULL, 0, PLACE_TWO_CORES}},
    },
    {
        .name = "message-48-spin",
        .title = "48-byte message there and back, spinning",
        .about = "Both look all the time and never sleep.  Message and signal fit in one cache "
                 "line.",
        .shape = SHAPE_ROUND_TRIP,
        .measure = MEASURE_TIME,
        .waiting = BENCH_SPIN,
        .placements = PLACE_TWO_CORES,
        .size_bytes = 48,
        .floor = "one line",
        .kernel = "pipe",
        .bars = {{"ferry pipe", "one line", 1.3, PLACE_TWO_CORES},
                 {"ferry queue", "one line", 1.3, PLACE_TWO_CORES}},
    },
    {
        .name = "message-64-spin",
        .title = "64-byte message there and back, spinning",
        .about = "Both look all the time and never sleep.",
        .shape = SHAPE_ROUND_TRIP,
        .measure = MEASURE_TIME,
        .waiting = BENCH_SPIN,
        .placements = PLACE_TWO_CORES,
        .size_bytes = 64,
        .floor = "two lines",
        .kernel = "pipe",
        .bars = {{"ferry pipe", "two lines", 1.3, PLACE_TWO_CORES},
                 {"ferry queue", "two lines", 1.3, PLACE_TWO_CORES}},
    },
    {
        .name = "message-64",
        .title = "64-byte message there and back",
        .about = "Each waits as it does by itself: most sleep until the answer is there.",
        .shape = SHAPE_ROUND_TRIP,
        .measure = MEASURE_TIME,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH | PLACE_AWAKE,
        .size_bytes = 64,
        .floor = "bare futex",
        .kernel = "pipe",
        .bars = {{"ferry pipe", "pipe", 1, BOTH | PLACE_AWAKE},
                 {"ferry queue", "pipe", 1, BOTH | PLACE_AWAKE},
                 {"ferry queue", "bare futex", 1.1, BOTH},
                 {"ferry queue by loan, 1 MiB", "ferry queue by loan, 64 B of 1 MiB", 1.1, BOTH},
                 {"ferry queue by loan, 1 MiB", "ferry queue", 1, BOTH}},
    },
    {
        .name = "one-way-64",
        .title = "64-byte messages one way",
        .about = "One process sends as many as go through, the other receives and checks them.",
        .shape = SHAPE_ONE_WAY,
        .measure = MEASURE_RATE,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH,
        .size_bytes = 64,
        .floor = "reference ring",
        .kernel = "System V queue",
        .bars = {{"ferry pipe", "reference ring", 1, PLACE_TWO_CORES},
                 {"ferry pipe", "pipe", TIMES_THE_RATE(10), PLACE_TWO_CORES},
                 {"ferry pipe", "pipe", 1, PLACE_ONE_CORE},
                 {"ferry queue", "reference ring", 1, PLACE_TWO_CORES},
                 {"ferry queue", "System V queue", TIMES_THE_RATE(20), PLACE_TWO_CORES},
                 {"ferry queue", "System V queue", 1, PLACE_ONE_CORE}},
    },
    {
        .name = "two-writers",
        .title = "64-byte messages of two writers",
        .about = "Two processes send into one channel, and a third receives and checks them.  On "
                 "two cores it has one to itself.",
        .shape = SHAPE_TWO_WRITERS,
        .measure = MEASURE_RATE,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH,
        .size_bytes = 64,
        .long_batches = true,
        .kernel = "pipe",
        .bars = {{"ferry pipe", "pipe", 1, BOTH}},
    },
    {
        .name = "two-writers-apart",
        .title = "64-byte messages of two writers with a core each",
        .about = "Two processes send into one channel at the same time, each from a core of its "
                 "own.  The third, which receives, shares one of them.",
        .shape = SHAPE_TWO_WRITERS_APART,
        .measure = MEASURE_RATE,
        .waiting = BENCH_DEFAULT,
        .placements = PLACE_TWO_CORES,
        .size_bytes = 64,
        .long_batches = true,
        .kernel = "pipe",
        .bars = {{"ferry pipe", "pipe", 1, PLACE_TWO_CORES}},
    },
    {
        .name = "four-senders",
        .title = "64-byte messages of four senders",
        .about =
            "Four processes send into one queue, and a fifth receives and checks them.  On two "
            "cores it has one to itself.",
        .shape = SHAPE_FOUR_SENDERS,
        .measure = MEASURE_RATE,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH,
        .size_bytes = 64,
        .long_batches = true,
        .kernel = "System V queue",
        .bars = {{"ferry queue", "ferry queue, one sender", 1, BOTH}},
    },
    {
        .name = "many-to-many",
        .title = "64-byte messages of four senders to four receivers",
        .about = "Four processes send into one queue, and four others receive a quarter each.  On "
                 "two cores senders have one, receivers the other.",
        .shape = SHAPE_MANY_TO_MANY,
        .measure = MEASURE_RATE,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH,
        .size_bytes = 64,
        .long_batches = true,
        .kernel = "System V queue",
        .bars = {{"ferry queue", "System V queue", TIMES_THE_RATE(8), BOTH},
                 {"ferry queue", "POSIX queue", TIMES_THE_RATE(8), BOTH}},
    },
    {
        .name = "typed-64",
        .title = "64-byte messages one way, chosen by type",
        .about = "One process sends messages of eight types in turn, the other asks for them by "
                 "type, of each eight the last first.",
        .shape = SHAPE_TYPED,
        .measure = MEASURE_RATE,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH,
        .size_bytes = 64,
        .kernel = "System V queue",
        .bars = {{"ferry queue typed", "System V queue", TIMES_THE_RATE(3), BOTH}},
    },
    {
        .name = "priority-64",
        .title = "64-byte messages one way, by priority",
        .about = "One process sends messages of eight priorities in turn, the other receives the "
                 "highest first.",
        .shape = SHAPE_PRIORITISED,
        .measure = MEASURE_RATE,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH,
        .size_bytes = 64,
        .kernel = "System V queue",
        .bars = {{"ferry queue priority", "System V queue", TIMES_THE_RATE(3), BOTH},
                 {"ferry queue priority", "POSIX queue", TIMES_THE_RATE(3), BOTH}},
    },
    {
        .name = "by-type",
        .title = "receive by type from many that wait, and send again",
        .about = "One process receives ten types in turn, each of which lies behind all other "
                 "messages, and sends it again.  Each message there has a type of its own.",
        .shape = SHAPE_AMONG_MANY,
        .measure = MEASURE_TIME,
        .waiting = BENCH_DEFAULT,
        .placements = PLACE_ALONE,
        .size_bytes = 64,
        .kernel = "System V queue, 10 waiting",
        .bars = {{"ferry queue typed, 100,000 waiting", "ferry queue typed, 10 waiting", 1.1,
                  PLACE_ALONE}},
    },
    {
        .name = "stream-4k",
        .title = "4 KiB pieces one way",
        .about = "Bytes from one process's memory into the other's.",
        .shape = SHAPE_ONE_WAY,
        .measure = MEASURE_FLOW,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH,
        .size_bytes = 4 << 10,
        .floor = "reference ring",
        .kernel = "pipe",
        .bars = {{"ferry pipe", "pipe", 1, PLACE_ONE_CORE}},
    },
    {
        .name = "stream-64k",
        .title = "64 KiB pieces one way",
        .about = "Bytes from one process's memory into the other's.",
        .shape = SHAPE_ONE_WAY,
        .measure = MEASURE_FLOW,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH,
        .size_bytes = 64 << 10,
        .floor = "reference ring",
        .kernel = "pipe",
        .bars = {{"ferry pipe", "reference ring", TIMES_THE_RATE(0.9), PLACE_TWO_CORES},
                 {"ferry pipe", "pipe", TIMES_THE_RATE(8), PLACE_TWO_CORES},
                 {"ferry pipe", "pipe", 1, PLACE_ONE_CORE}},
    },
    {
        .name = "stream-1m",
        .title = "1 MiB pieces one way",
        .about = "Bytes from one process's memory into the other's.",
        .shape = SHAPE_ONE_WAY,
        .measure = MEASURE_FLOW,
        .waiting = BENCH_DEFAULT,
        .placements = BOTH,
        .size_bytes = 1 << 20,
        .floor = "reference ring",
        .kernel = "pipe",
        .bars = {{"ferry pipe", "reference ring", TIMES_THE_RATE(0.9), PLACE_TWO_CORES},
                 {"ferry pipe", "pipe", 1, PLACE_ONE_CORE}},
    },
    {
        .name = "lock-pair",
        .title = "lock and unlock, alone",
        .about = "One process takes a lock and lets go of it; nobody else wants it.",
        .shape = SHAPE_LOCK_PAIR,
        .measure = MEASURE_TIME,
        .placements = PLACE_ALONE,
        .floor = "two bare swaps",
        .kernel = "System V semaphore",
        .bars = {{"segment lock", "two bare swaps", 1.5, PLACE_ALONE},
                 {"segment lock", "sem_t", 1, PLACE_ALONE},
                 {"segment lock", "robust pthread mutex", 1, PLACE_ALONE},
                 {"ferry mutex", "two bare swaps", 1.5, PLACE_ALONE},
                 {"ferry mutex", "robust pthread mutex", 1, PLACE_ALONE},
                 {"ferry semaphore", "two bare swaps", 1.5, PLACE_ALONE},
                 {"ferry semaphore", "sem_t", 1, PLACE_ALONE},
                 {"ferry semaphore", "System V semaphore", 0.1, PLACE_ALONE}},
    },
    {
        .name = "lock-contest",
        .title = "lock and unlock, two at once",
        .about = "Both processes want the lock all the time; the cost is that of one turn.",
        .shape = SHAPE_LOCK_CONTEST,
        .measure = MEASURE_TIME,
        .placements = BOTH,
        .long_batches = true,
        .floor = "bare futex mutex",
        .kernel = "System V semaphore",
        .bars = {{"segment lock", "robust pthread mutex", 1, BOTH},
                 {"ferry mutex", "robust pthread mutex", 1, BOTH},
                 {"ferry mutex", "pthread mutex", 1, BOTH},
                 {"ferry semaphore", "sem_t", 1, BOTH}},
    },
    {
        .name = "take-over",
        .title = "take over from a killed owner",
        .about =
            "From the owner's kill -9 to the return of the next one's lock, which slept for it.",
        .shape = SHAPE_TAKE_OVER,
        .measure = MEASURE_TIME,
        .placements = BOTH,
        .count = 10,
        .floor = "pidfd",
        .kernel = "System V semaphore",
        .bars = {{"segment lock", NULL, 5e6, BOTH}, {"ferry mutex", NULL, 5e6, BOTH}},
    },
    {
        .name = "create",
        .title = "create 64 KiB of shared memory by name",
        .about =
            "Until its memory can be used, the pages not touched yet.  Only the floor and Ferry "
            "reserve them, so that a full /dev/shm is an error here and no SIGBUS later.",
        .shape = SHAPE_CREATE,
        .measure = MEASURE_TIME,
        .placements = PLACE_ALONE,
        .size_bytes = 64 << 10,
        .floor = "file in /dev/shm",
        .kernel = "System V segment",
    },
    {
        .name = "attach",
        .title = "attach to it",
        .about = "Open what another process has made, by its name, until its memory can be used.",
        .shape = SHAPE_ATTACH,
        .measure = MEASURE_TIME,
        .placements = PLACE_ALONE,
        .size_bytes = 64 << 10,
        .floor = "file in /dev/shm",
        .kernel = "System V segment",
        .bars = {{"segment", NULL, 50e3, PLACE_ALONE}},
    },
    {
        .name = "detach",
        .title = "detach from it",
        .about = "Unmap and close, while another process goes on using it.",
        .shape = SHAPE_DETACH,
        .measure = MEASURE_TIME,
        .placements = PLACE_ALONE,
        .size_bytes = 64 << 10,
        .floor = "file in /dev/shm",
        .kernel = "System V segment",
    },
    {
        .name = "remove",
        .title = "remove it",
        .about = "Remove the name, and let go as its last user.",
        .shape = SHAPE_DESTROY,
        .measure = MEASURE_TIME,
        .placements = PLACE_ALONE,
        .size_bytes = 64 << 10,
        .floor = "file in /dev/shm",
        .kernel = "System V segment",
    },
};

const struct experiment *const experiments = table;
const size_t experiment_count = sizeof(table) / sizeof(table[0]);

const char *placement_name(enum bench_placement placement)
{
    switch (placement) {
    case PLACE_TWO_CORES:
        return "two cores";
    case PLACE_ONE_CORE:
        return "one core";
    case PLACE_AWAKE:
        return "two cores kept awake";
    case PLACE_ALONE:
        return "one process";
    }
    return "?";
}

const struct bench_play *experiment_play(const struct experiment *experiment,
                                         const struct bench_side *side)
{
    const struct bench_play *const plays[] = {
        [SHAPE_ROUND_TRIP] = &side->round_trip,
        [SHAPE_ONE_WAY] = &side->one_way,
        [SHAPE_TWO_WRITERS] = &side->two_writers,
        [SHAPE_TWO_WRITERS_APART] = &side->two_writers_apart,
        [SHAPE_MANY_TO_MANY] = &side->many_to_many,
        [SHAPE_FOUR_SENDERS] = &side->four_senders,
        [SHAPE_TYPED] = &side->typed,
        [SHAPE_PRIORITISED] = &side->prioritised,
        [SHAPE_AMONG_MANY] = &side->among_many,
        [SHAPE_IDLE] = &side->idle,
        [SHAPE_LOCK_PAIR] = &side->lock_pair,
        [SHAPE_LOCK_CONTEST] = &side->lock_contest,
        [SHAPE_TAKE_OVER] = &side->take_over,
        [SHAPE_SIGNAL_ALONE] = &side->signal_alone,
        [SHAPE_CREATE] = &side->create,
        [SHAPE_ATTACH] = &side->attach,
        [SHAPE_DETACH] = &side->detach,
        [SHAPE_DESTROY] = &side->destroy,
    };
    const struct bench_play *play = plays[experiment->shape];
    return play->near ? play : NULL;
}

unsigned experiment_waiting(const struct experiment *experiment, const struct bench_side *side,
                            enum bench_placement placement)
{
    unsigned waiting = side->waits & experiment->waiting;
    if (experiment->waiting == BENCH_DEFAULT && !waiting)
        waiting = side->waits & BENCH_BLOCK ? BENCH_BLOCK : side->waits & BENCH_SPIN;
    return waiting == BENCH_SPIN && placement == PLACE_ONE_CORE ? 0 : waiting;
}

/* Only messages have a size that a side may not be up to. */
static bool carries(const struct experiment *experiment, const struct bench_side *side)
{
    bool messages = experiment->waiting != 0;
    return !messages || (experiment->size_bytes >= side->least_bytes &&
                         experiment->size_bytes <= side->most_bytes);
}

bool experiment_has(const struct experiment *experiment, const struct bench_side *side,
                    enum bench_placement placement)
{
    if (!experiment_play(experiment, side) || !carries(experiment, side))
        return false;
    return experiment->waiting == 0 || experiment_waiting(experiment, side, placement) != 0;
}
