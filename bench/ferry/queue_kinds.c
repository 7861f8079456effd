/* Ferry's queues whose messages are chosen by type, or come by priority. */
#include "bench/crowds.h"
#include "bench/ferry/queues.h"
#include "bench/kinds.h"

static void typed_make(struct bench_lap *lap)
{
    struct ferry_queue_options options = queue_options(lap, FERRY_TYPES);
    queues_make(lap, &options);
}

static void priority_make(struct bench_lap *lap)
{
    struct ferry_queue_options options = queue_options(lap, FERRY_PRIORITIES);
    queues_make(lap, &options);
}

BENCH_INLINE void give(struct bench_lap *lap, ferry_queue *queue, uint64_t type, uint32_t priority)
{
    struct ferry_message message = {
        .bytes = lap->buffer,
        .size_bytes = lap->size_bytes,
        .type = type,
        .priority = priority,
    };
    while (queue_again(lap, ferry_queue_send_message(queue, &message, queue_timeout(lap))))
        ;
}

/* Receives into lap->buffer, and returns the priority. */
BENCH_INLINE uint32_t get(struct bench_lap *lap, ferry_queue *queue,
                          const struct ferry_choice *choice)
{
    struct ferry_message message;
    ssize_t size;
    do {
        message = (struct ferry_message){.bytes = lap->buffer, .size_bytes = lap->size_bytes};
        size = ferry_queue_receive_message(queue, &message, choice, queue_timeout(lap));
    } while (queue_again(lap, size));
    queue_expect_size(lap, size);
    return message.priority;
}

BENCH_INLINE unsigned char *get_of_type(struct bench_lap *lap, ferry_queue *queue, uint64_t type)
{
    const struct ferry_choice choice = {.selection = FERRY_OF_TYPE, .type = type};
    get(lap, queue, &choice);
    return lap->buffer;
}

/* ---- Types ------------------------------------------------------------------------------------- */

BENCH_INLINE void typed_send_as(struct bench_lap *lap, unsigned kind)
{
    give(lap, queue_to(lap, bench_other(lap)), kind + 1, 0);
}

BENCH_INLINE unsigned char *typed_receive_of(struct bench_lap *lap, unsigned kind)
{
    return get_of_type(lap, queue_to(lap, lap->role), kind + 1);
}

BENCH_INLINE void typed_send(struct bench_lap *lap)
{
    typed_send_as(lap, 0);
}

BENCH_INLINE unsigned char *typed_receive(struct bench_lap *lap)
{
    return typed_receive_of(lap, 0);
}

BENCH_MESSAGE_LOOPS(typed)
BENCH_CROWD_LOOPS(typed)
BENCH_TYPE_LOOPS(typed)

const struct bench_side bench_ferry_queue_typed = {
    .name = "ferry queue typed",
    .how = "FERRY_TYPES; each message is asked for by its type",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = typed_make,
    BENCH_MESSAGES(typed),
    BENCH_CROWDS(typed),
    BENCH_TYPES(typed),
};

/* ---- Priorities --------------------------------------------------------------------------------- */

BENCH_INLINE void priority_send_as(struct bench_lap *lap, unsigned kind)
{
    give(lap, queue_to(lap, bench_other(lap)), 0, kind);
}

BENCH_INLINE unsigned char *priority_receive_first(struct bench_lap *lap, unsigned *ret_kind)
{
    *ret_kind = get(lap, queue_to(lap, lap->role), NULL);
    return lap->buffer;
}

BENCH_INLINE void priority_send(struct bench_lap *lap)
{
    priority_send_as(lap, 0);
}

BENCH_INLINE unsigned char *priority_receive(struct bench_lap *lap)
{
    unsigned kind;
    return priority_receive_first(lap, &kind);
}

BENCH_MESSAGE_LOOPS(priority)
BENCH_PRIORITY_LOOPS(priority)

const struct bench_side bench_ferry_queue_priority = {
    .name = "ferry queue priority",
    .how = "FERRY_PRIORITIES",
    .family = BENCH_FERRY,
    .waits = BENCH_SPIN | BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = priority_make,
    BENCH_MESSAGES(priority),
    BENCH_PRIORITIES(priority),
};

/* ---- One of many that wait ---------------------------------------------------------------------- */

/* A queue for so many and the one that comes back; near sends to itself. */
static void make_for(struct bench_lap *lap, uint64_t messages)
{
    static struct queues queues;
    struct ferry_queue_options options = queue_options(lap, FERRY_TYPES);
    options.messages = messages + 1;
    options.bytes = options.messages * lap->size_bytes;
    queues.to_near = queue_open(lap, NULL, &options);
    lap->own = &queues;
}

static void make_10(struct bench_lap *lap)
{
    make_for(lap, 10);
}

static void make_100k(struct bench_lap *lap)
{
    make_for(lap, 100000);
}

BENCH_INLINE void alone_send_as(struct bench_lap *lap, unsigned kind)
{
    give(lap, queue_to(lap, BENCH_NEAR), kind + 1, 0);
}

BENCH_INLINE unsigned char *alone_receive_of(struct bench_lap *lap, unsigned kind)
{
    return get_of_type(lap, queue_to(lap, BENCH_NEAR), kind + 1);
}

BENCH_AMONG_LOOPS(ferry_10, alone, 10)
BENCH_AMONG_LOOPS(ferry_100k, alone, 100000)

const struct bench_side bench_ferry_queue_10 = {
    .name = "ferry queue typed, 10 waiting",
    .how = "FERRY_OF_TYPE, while 10 messages of as many types wait",
    .family = BENCH_FERRY,
    .waits = BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = make_10,
    BENCH_AMONG(ferry_10),
};

const struct bench_side bench_ferry_queue_100k = {
    .name = "ferry queue typed, 100,000 waiting",
    .how = "FERRY_OF_TYPE, while 100,000 messages of as many types wait",
    .family = BENCH_FERRY,
    .waits = BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = make_100k,
    BENCH_AMONG(ferry_100k),
};
