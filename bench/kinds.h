/* The loops of sides whose messages have a type that the receiver chooses by, or a priority.  Here both
 * are a kind, a number that counts from 0; what a side makes of it is its own affair.
 *
 *     static void sysv_send_as(struct bench_lap *lap, unsigned kind) …
 *     static unsigned char *sysv_receive_of(struct bench_lap *lap, unsigned kind) …           by type
 *     static unsigned char *sysv_receive_first(struct bench_lap *lap, unsigned *ret_kind) …   by priority
 *
 *     BENCH_TYPE_LOOPS(sysv)         needs the first two
 *     BENCH_PRIORITY_LOOPS(sysv)     needs the first and the third; a higher kind comes first
 *
 *     const struct bench_side bench_sysv = {.name = "System V queue", …, BENCH_TYPES(sysv), BENCH_PRIORITIES(sysv)};
 *
 * Eight kinds are sent in turn.  By type they are asked for in another order: of each eight the last first.  By
 * priority they come as they come, but of each kind in order, which is checked.
 *
 *     BENCH_AMONG_LOOPS(sysv_100k, sysv, 100000)
 *
 * is for one process that puts so many messages into a queue, each of a type of its own, and then receives ten of
 * these types in turn, sending each again.  The ten are spread over all types, and each is behind all others when
 * it is asked for. */
#ifndef FERRY_BENCH_KINDS_H
#define FERRY_BENCH_KINDS_H

#include "bench/messages.h"

#define BENCH_KINDS  8u
#define BENCH_CHOSEN 10u /* types that are asked for, of many */

typedef void bench_send_as(struct bench_lap *lap, unsigned kind);
typedef unsigned char *bench_receive_of(struct bench_lap *lap, unsigned kind);
typedef unsigned char *bench_receive_first(struct bench_lap *lap, unsigned *ret_kind);

BENCH_INLINE void bench_source_kinds(struct bench_lap *lap, uint64_t count, bench_send_as *send)
{
    for (uint64_t i = 0; i < count; i++) {
        bench_stamp(lap, lap->sequence++);
        send(lap, (unsigned)(i % BENCH_KINDS));
    }
}

/* Which message of a batch is asked for as the i-th: eight by eight, each eight from its end. */
BENCH_INLINE uint64_t bench_backwards(uint64_t i, uint64_t count)
{
    uint64_t base = i - i % BENCH_KINDS, rest = count - base;
    return base + (rest < BENCH_KINDS ? rest : BENCH_KINDS) - 1 - i % BENCH_KINDS;
}

BENCH_INLINE void bench_sink_types(struct bench_lap *lap, uint64_t count, bench_receive_of *receive)
{
    uint64_t first = lap->sequence;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t wanted = bench_backwards(i, count);
        lap->buffer = lap->room;
        const unsigned char *message = receive(lap, (unsigned)(wanted % BENCH_KINDS));
        bench_examine(lap, message, bench_other(lap), first + wanted);
    }
    lap->sequence += count;
}

BENCH_INLINE void bench_sink_priorities(struct bench_lap *lap, uint64_t count,
                                        bench_receive_first *receive)
{
    uint64_t next[BENCH_KINDS];
    for (unsigned kind = 0; kind < BENCH_KINDS; kind++)
        next[kind] = lap->sequence + kind;
    for (uint64_t i = 0; i < count; i++) {
        unsigned kind = 0;
        lap->buffer = lap->room;
        const unsigned char *message = receive(lap, &kind);
        if (kind >= BENCH_KINDS || next[kind] >= lap->sequence + count)
            bench_fail(lap, "a message of priority %u that nobody has sent", kind);
        bench_examine(lap, message, bench_other(lap), next[kind]);
        next[kind] += BENCH_KINDS;
    }
    lap->sequence += count;
}

/* A message's number is its type: lap->sequence only says whether they are there. */
BENCH_INLINE void bench_among(struct bench_lap *lap, uint64_t count, unsigned many,
                              bench_send_as *send, bench_receive_of *receive)
{
    for (; lap->sequence < many; lap->sequence++) {
        bench_stamp(lap, lap->sequence);
        send(lap, (unsigned)lap->sequence);
    }
    for (uint64_t i = 0; i < count; i++) {
        unsigned kind = (unsigned)(i % BENCH_CHOSEN) * (many / BENCH_CHOSEN);
        lap->buffer = lap->room;
        bench_examine(lap, receive(lap, kind), lap->role, kind);
        bench_stamp(lap, kind);
        send(lap, kind);
    }
}

#define BENCH_TYPE_LOOPS(side)                                                                     \
    static void side##_source_types(struct bench_lap *lap, uint64_t count)                         \
    {                                                                                              \
        bench_source_kinds(lap, count, side##_send_as);                                            \
    }                                                                                              \
    static void side##_sink_types(struct bench_lap *lap, uint64_t count)                           \
    {                                                                                              \
        bench_sink_types(lap, count, side##_receive_of);                                           \
    }

#define BENCH_PRIORITY_LOOPS(side)                                                                 \
    static void side##_source_priorities(struct bench_lap *lap, uint64_t count)                    \
    {                                                                                              \
        bench_source_kinds(lap, count, side##_send_as);                                            \
    }                                                                                              \
    static void side##_sink_priorities(struct bench_lap *lap, uint64_t count)                      \
    {                                                                                              \
        bench_sink_priorities(lap, count, side##_receive_first);                                   \
    }

#define BENCH_AMONG_LOOPS(name, side, many)                                                        \
    static void name##_among(struct bench_lap *lap, uint64_t count)                                \
    {                                                                                              \
        bench_among(lap, count, many, side##_send_as, side##_receive_of);                          \
    }

/* Near receives. */
#define BENCH_TYPES(side) .typed = {side##_sink_types, side##_source_types, NULL}
#define BENCH_PRIORITIES(side)                                                                     \
    .prioritised = {side##_sink_priorities, side##_source_priorities, NULL}
#define BENCH_AMONG(name) .among_many = {name##_among, NULL, NULL}

#endif
