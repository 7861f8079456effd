/* Ferry's queues, first in, first out: shared by all; of one sender and one receiver who have declared it; and
 * sixteen messages at a time. */
#include "bench/crowds.h"
#include "bench/ferry/queues.h"

static void plain_make(struct bench_lap *lap)
{
    struct ferry_queue_options options = queue_options(lap, 0);
    queues_make(lap, &options);
}

BENCH_INLINE void plain_send(struct bench_lap *lap)
{
    ferry_queue *queue = queue_to(lap, bench_other(lap));
    int64_t timeout_ns = queue_timeout(lap);
    while (queue_again(lap, ferry_queue_send(queue, lap->buffer, lap->size_bytes, timeout_ns)))
        ;
}

BENCH_INLINE unsigned char *plain_receive(struct bench_lap *lap)
{
    ferry_queue *queue = queue_to(lap, lap->role);
    int64_t timeout_ns = queue_timeout(lap);
    ssize_t size;
    do
        size = ferry_queue_receive(queue, lap->buffer, lap->size_bytes, timeout_ns);
    while (queue_again(lap, size));
    queue_expect_size(lap, size);
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(plain)
BENCH_WRITER_LOOPS(plain)
BENCH_CROWD_LOOPS(plain)

const struct bench_side bench_ferry_queue = {
    .name = "ferry queue",
    .how = "ferry_queue_send, ferry_queue_receive; two queues of 1,024 messages and 1 MiB",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = plain_make,
    BENCH_MESSAGES(plain),
    BENCH_WRITERS(plain),
    BENCH_CROWDS(plain),
};

const struct bench_side bench_ferry_queue_one_sender = {
    .name = "ferry queue, one sender",
    .how = "the same with one sender and one receiver",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = plain_make,
    BENCH_ONE_SENDER(plain),
};

/* ---- Declared ---------------------------------------------------------------------------------- */

static void sole_name(const struct bench_lap *lap, enum bench_role role, char name[64])
{
    snprintf(name, 64, "%s-%s", lap->name, role == BENCH_NEAR ? "near" : "far");
}

/* By name, since a relative would be a second sender. */
static void sole_make(struct bench_lap *lap)
{
    struct ferry_queue_options options = queue_options(lap, FERRY_CREATE | FERRY_EXCLUSIVE);
    char name[64];
    for (int role = 0; role < 2; role++) {
        sole_name(lap, (enum bench_role)role, name);
        ferry_queue_close(queue_open(lap, name, &options));
    }
}

static void sole_unmake(struct bench_lap *lap)
{
    char name[64];
    for (int role = 0; role < 2; role++) {
        sole_name(lap, (enum bench_role)role, name);
        ferry_remove(name);
    }
}

static void sole_join(struct bench_lap *lap)
{
    static struct queues queues;
    bool near = lap->role == BENCH_NEAR;
    char name[64];
    sole_name(lap, bench_other(lap), name);
    *(near ? &queues.to_far : &queues.to_near) =
        queue_open(lap, name, FERRY_QUEUE(.flags = FERRY_WRITE | FERRY_SOLE_SENDER));
    sole_name(lap, lap->role, name);
    *(near ? &queues.to_near : &queues.to_far) =
        queue_open(lap, name, FERRY_QUEUE(.flags = FERRY_READ | FERRY_SOLE_RECEIVER));
    lap->own = &queues;
}

const struct bench_side bench_ferry_queue_sole = {
    .name = "ferry queue, sole",
    .how = "the same; opened with FERRY_SOLE_SENDER, FERRY_SOLE_RECEIVER",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = sole_make,
    .join = sole_join,
    .unmake = sole_unmake,
    BENCH_MESSAGES(plain),
};

/* ---- Many at once ------------------------------------------------------------------------------ */

#define BATCH 16

static void batch_source(struct bench_lap *lap, uint64_t count)
{
    struct ferry_message messages[BATCH];
    for (uint64_t sent = 0; sent < count;) {
        size_t n = count - sent < BATCH ? (size_t)(count - sent) : BATCH;
        for (size_t i = 0; i < n; i++) {
            bench_stamp(lap, lap->sequence + i);
            messages[i] =
                (struct ferry_message){.bytes = lap->buffer, .size_bytes = lap->size_bytes};
        }
        ssize_t done;
        do
            done = ferry_queue_send_batch(queue_to(lap, bench_other(lap)), messages, n,
                                          queue_timeout(lap));
        while (queue_again(lap, done));
        sent += (uint64_t)done;
        lap->sequence += (uint64_t)done;
    }
}

static void batch_sink(struct bench_lap *lap, uint64_t count)
{
    struct ferry_message messages[BATCH];
    for (uint64_t received = 0; received < count;) {
        size_t n = count - received < BATCH ? (size_t)(count - received) : BATCH;
        for (size_t i = 0; i < n; i++)
            messages[i] = (struct ferry_message){.bytes = lap->room + i * lap->size_bytes,
                                                 .size_bytes = lap->size_bytes};
        ssize_t done;
        do
            done = ferry_queue_receive_batch(queue_to(lap, lap->role), messages, n, NULL,
                                             queue_timeout(lap));
        while (queue_again(lap, done));
        for (ssize_t i = 0; i < done; i++) {
            queue_expect_size(lap, (ssize_t)messages[i].size_bytes);
            bench_examine(lap, (unsigned char *)messages[i].bytes, bench_other(lap),
                          lap->sequence++);
        }
        received += (uint64_t)done;
    }
}

const struct bench_side bench_ferry_queue_batch = {
    .name = "ferry queue, 16 at once",
    .how = "ferry_queue_send_batch, ferry_queue_receive_batch of up to 16 messages",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .least_bytes = 8,
    .most_bytes = BENCH_PAGE / BATCH, /* lap->room has a page */
    .make = plain_make,
    .one_way = {batch_source, batch_sink, NULL},
};
