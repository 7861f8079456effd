/* Ferry's queues without copying: the message is made in the queue's memory, and looked at where it lies.  The
 * one copy stands for its making. */
#include "bench/ferry/queues.h"

static void loan_make(struct bench_lap *lap)
{
    struct ferry_queue_options options = queue_options(lap, 0);
    queues_make(lap, &options);
}

/* A message of `size` bytes, at the beginning of which the loops' own is. */
BENCH_INLINE void send_loan(struct bench_lap *lap, size_t size)
{
    ferry_queue *queue = queue_to(lap, bench_other(lap));
    struct ferry_message message = {.size_bytes = size};
    while (queue_again(lap, ferry_queue_loan(queue, &message.bytes, size, queue_timeout(lap))))
        ;
    memcpy(message.bytes, lap->buffer, lap->size_bytes);
    while (queue_again(lap, ferry_queue_send_loan(queue, &message, queue_timeout(lap))))
        ;
}

/* It stays where it is until the next is asked for. */
BENCH_INLINE unsigned char *take(struct bench_lap *lap, size_t size)
{
    static const void *taken;
    ferry_queue *queue = queue_to(lap, lap->role);
    struct ferry_message message = {0};
    if (taken && ferry_queue_release_message(queue, taken) < 0)
        bench_fail(lap, "%s", ferry_explain());
    taken = NULL;
    ssize_t came;
    do
        came = ferry_queue_take_message(queue, &message, NULL, queue_timeout(lap));
    while (queue_again(lap, came));
    if ((size_t)came != size)
        bench_fail(lap, "a message of %zu bytes came as %zd", size, came);
    taken = message.bytes;
    return (unsigned char *)message.bytes;
}

BENCH_INLINE void loan_send(struct bench_lap *lap)
{
    send_loan(lap, lap->size_bytes);
}

BENCH_INLINE unsigned char *loan_receive(struct bench_lap *lap)
{
    return take(lap, lap->size_bytes);
}

BENCH_MESSAGE_LOOPS(loan)

const struct bench_side bench_ferry_queue_loan = {
    .name = "ferry queue by loan",
    .how = "ferry_queue_loan and _send_loan, _take_message and _release_message",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = loan_make,
    BENCH_MESSAGES(loan),
};

/* ---- What size costs ---------------------------------------------------------------------------- */

#define MIB ((size_t)1 << 20)

/* Both in queues for messages of up to 1 MiB. */
static void mib_make(struct bench_lap *lap)
{
    struct ferry_queue_options options = queue_options(lap, 0);
    options.largest = MIB;
    options.bytes = 4 * MIB;
    queues_make(lap, &options);
}

BENCH_INLINE void mib_send(struct bench_lap *lap)
{
    send_loan(lap, MIB);
}

BENCH_INLINE unsigned char *mib_receive(struct bench_lap *lap)
{
    return take(lap, MIB);
}

BENCH_MESSAGE_LOOPS(mib)

const struct bench_side bench_ferry_queue_mib = {
    .name = "ferry queue by loan, 1 MiB",
    .how = "by loan; the messages have 1 MiB, of which the first 64 bytes are written and read: "
           "what handing "
           "them over costs",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .least_bytes = 64,
    .most_bytes = 64,
    .make = mib_make,
    .round_trip = {mib_ping, mib_pong, NULL},
    .one_way = {mib_source, mib_sink, NULL},
};

const struct bench_side bench_ferry_queue_64_of_mib = {
    .name = "ferry queue by loan, 64 B of 1 MiB",
    .how = "by loan; messages of 64 bytes in queues for messages of up to 1 MiB",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .least_bytes = 64,
    .most_bytes = 64,
    .make = mib_make,
    .round_trip = {loan_ping, loan_pong, NULL},
    .one_way = {loan_source, loan_sink, NULL},
};
