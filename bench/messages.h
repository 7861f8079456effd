/* The loops of sides that carry messages, and of those that only wake.
 *
 *     static void pipe_send(struct bench_lap *lap) …             sends lap->buffer, lap->size_bytes
 *     static unsigned char *pipe_receive(struct bench_lap *lap) …   returns where the message lies
 *
 *     BENCH_MESSAGE_LOOPS(pipe)
 *
 *     const struct bench_side bench_pipe = {.name = "pipe", …, BENCH_MESSAGES(pipe)};
 *
 * A side finds what it is to send at lap->buffer, and where it may receive to as well; both lie
 * somewhere else each time.  BENCH_MESSAGES is everything; BENCH_ROUND_TRIPS is for sides with a single place, which one-way
 * traffic would overwrite; BENCH_SIGNALS for those whose send only tells, and may do so unheard.  What a side returns from receive is its own until the next receive.
 *
 * Every message is checked by its receiver: in the warm-up whole, afterwards at its beginning, its
 * end and once in every page, where it carries its number.  A message of no bytes only wakes. */
#ifndef FERRY_BENCH_MESSAGES_H
#define FERRY_BENCH_MESSAGES_H

#include <sys/resource.h>

#include "bench/side.h"

#define BENCH_INLINE static inline __attribute__((always_inline))

typedef void bench_send(struct bench_lap *lap);
typedef unsigned char *bench_receive(struct bench_lap *lap);

BENCH_INLINE void bench_put(unsigned char *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

BENCH_INLINE uint64_t bench_get(const unsigned char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

/* Points lap->buffer at a message with this number.  Small ones lie ready, every word of them
 * stamped: to stamp them now would have the copy wait for the stores.  Large ones are stamped in
 * place, in the warm-up everywhere, later once in every page and at the end.  Messages have a
 * multiple of 8 bytes. */
BENCH_INLINE void bench_stamp(struct bench_lap *lap, uint64_t number)
{
    size_t size = lap->size_bytes;
    if (size <= BENCH_SMALL) {
        lap->buffer = lap->ready + number % BENCH_READY * size;
        return;
    }
    size_t step = lap->whole ? sizeof(number) : BENCH_PAGE, last = size - sizeof(number);
    lap->buffer = lap->room;
    for (size_t at = 0; at < last; at += step)
        bench_put(lap->room + at, bench_word(lap->role, number, at));
    bench_put(lap->room + last, bench_word(lap->role, number, last));
}

__attribute__((cold, noreturn)) static inline void bench_wrong(struct bench_lap *lap,
                                                               uint64_t number, size_t at,
                                                               uint64_t found)
{
    bench_fail(lap, "message %llu has %#llx at byte %zu", (unsigned long long)number,
               (unsigned long long)found, at);
}

BENCH_INLINE void bench_check(struct bench_lap *lap, const unsigned char *message,
                              enum bench_role from, uint64_t number, size_t at)
{
    uint64_t found = bench_get(message + at);
    if (__builtin_expect(found != bench_word(from, number, at), 0))
        bench_wrong(lap, number, at, found);
}

/* Checks a message: in the warm-up all of it. */
BENCH_INLINE void bench_examine(struct bench_lap *lap, const unsigned char *message,
                                enum bench_role from, uint64_t number)
{
    size_t size = lap->size_bytes, step = lap->whole ? sizeof(number) : BENCH_PAGE;
    if (size == 0)
        return;
    for (size_t at = 0; at < size - sizeof(number); at += step)
        bench_check(lap, message, from, number, at);
    bench_check(lap, message, from, number, size - sizeof(number));
}

BENCH_INLINE enum bench_role bench_other(const struct bench_lap *lap)
{
    return lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR;
}

/* Receives the other's message with this number, and checks it. */
BENCH_INLINE void bench_take(struct bench_lap *lap, uint64_t number, bench_receive *receive)
{
    lap->buffer = lap->room;
    bench_examine(lap, receive(lap), bench_other(lap), number);
}

BENCH_INLINE void bench_ping(struct bench_lap *lap, uint64_t count, bench_send *send,
                             bench_receive *receive)
{
    int64_t before_ns = lap->sample ? bench_now_ns() : 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = lap->sequence++;
        bench_stamp(lap, number);
        send(lap);
        bench_take(lap, number, receive);
        if (lap->sample) {
            int64_t now_ns = bench_now_ns();
            bench_note(lap, now_ns - before_ns);
            before_ns = now_ns;
        }
    }
}

BENCH_INLINE void bench_pong(struct bench_lap *lap, uint64_t count, bench_send *send,
                             bench_receive *receive)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = lap->sequence++;
        bench_take(lap, number, receive);
        bench_stamp(lap, number);
        send(lap);
    }
}

BENCH_INLINE void bench_source(struct bench_lap *lap, uint64_t count, bench_send *send)
{
    for (uint64_t i = 0; i < count; i++) {
        bench_stamp(lap, lap->sequence++);
        send(lap);
    }
}

BENCH_INLINE void bench_sink(struct bench_lap *lap, uint64_t count, bench_receive *receive)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = lap->sequence++;
        bench_take(lap, number, receive);
    }
}

static inline uint64_t bench_sleeps(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_nvcsw;
}

/* Near says nothing for a while, then one message. */
BENCH_INLINE void bench_keep_waiting(struct bench_lap *lap, uint64_t count, bench_send *send)
{
    struct timespec pause = {(time_t)(lap->hold_ns / 1000000000),
                             (long)(lap->hold_ns % 1000000000)};
    for (uint64_t i = 0; i < count; i++) {
        nanosleep(&pause, NULL);
        bench_stamp(lap, lap->sequence++);
        send(lap);
    }
}

/* How often far woke up meanwhile, but for the sleep that the message ended. */
BENCH_INLINE void bench_wait_idle(struct bench_lap *lap, uint64_t count, bench_receive *receive)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t before = bench_sleeps(), number = lap->sequence++;
        bench_take(lap, number, receive);
        uint64_t sleeps = bench_sleeps() - before;
        bench_note(lap, sleeps > 0 ? (int64_t)sleeps - 1 : 0);
    }
}

#define BENCH_MESSAGE_LOOPS(side)                                                                  \
    static void side##_ping(struct bench_lap *lap, uint64_t count)                                 \
    {                                                                                              \
        bench_ping(lap, count, side##_send, side##_receive);                                       \
    }                                                                                              \
    static void side##_pong(struct bench_lap *lap, uint64_t count)                                 \
    {                                                                                              \
        bench_pong(lap, count, side##_send, side##_receive);                                       \
    }                                                                                              \
    __attribute__((unused)) static void side##_source(struct bench_lap *lap, uint64_t count)       \
    {                                                                                              \
        bench_source(lap, count, side##_send);                                                     \
    }                                                                                              \
    __attribute__((unused)) static void side##_sink(struct bench_lap *lap, uint64_t count)         \
    {                                                                                              \
        bench_sink(lap, count, side##_receive);                                                    \
    }                                                                                              \
    __attribute__((unused)) static void side##_keep_waiting(struct bench_lap *lap, uint64_t count) \
    {                                                                                              \
        bench_keep_waiting(lap, count, side##_send);                                               \
    }                                                                                              \
    __attribute__((unused)) static void side##_wait_idle(struct bench_lap *lap, uint64_t count)    \
    {                                                                                              \
        bench_wait_idle(lap, count, side##_receive);                                               \
    }                                                                                              \
    __attribute__((unused)) static void side##_alone(struct bench_lap *lap, uint64_t count)        \
    {                                                                                              \
        for (uint64_t i = 0; i < count; i++)                                                       \
            side##_send(lap);                                                                      \
    }

#define BENCH_ROUND_TRIPS(side)                                                                    \
    .round_trip = {side##_ping, side##_pong, NULL},                                                \
    .idle = {side##_keep_waiting, side##_wait_idle, NULL}
#define BENCH_MESSAGES(side)                                                                       \
    .round_trip = {side##_ping, side##_pong, NULL}, .one_way = {side##_source, side##_sink, NULL}, \
    .idle = {side##_keep_waiting, side##_wait_idle, NULL}
#define BENCH_SIGNALS(side) BENCH_ROUND_TRIPS(side), .signal_alone = {side##_alone, NULL, NULL}

#endif
