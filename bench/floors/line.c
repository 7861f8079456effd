/* The floor under everything that spins: cache lines that go from one core to the other.
 *
 * "one line": the message and the word that announces it share a line, so a hand-over is one
 * transfer.  "two lines": a message of a whole line, and the word behind it in the next. */
#include "bench/messages.h"

/* One direction. */
struct lines {
    _Alignas(128) struct {
        uint32_t turn; /* the message's number, counted from 1 */
        unsigned char message[56];
    } one;
    _Alignas(128) unsigned char message[64];
    _Alignas(64) uint32_t turn;
};

static struct lines *lines_to(struct bench_lap *lap, enum bench_role role)
{
    return (struct lines *)lap->shared + role;
}

static enum bench_role other(enum bench_role role)
{
    return role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR;
}

BENCH_INLINE void hand_over(struct bench_lap *lap, unsigned char *message, uint32_t *turn)
{
    memcpy(message, lap->buffer, lap->size_bytes);
    __atomic_store_n(turn, (uint32_t)lap->sequence + 1, __ATOMIC_RELEASE); /* pairs with take() */
}

/* The sequence is that of the message which is awaited, or one more on the side that began. */
BENCH_INLINE unsigned char *take(struct bench_lap *lap, unsigned char *message, uint32_t *turn)
{
    while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != (uint32_t)lap->sequence + 1)
        bench_relax();
    return message;
}

BENCH_INLINE void one_line_send(struct bench_lap *lap)
{
    struct lines *lines = lines_to(lap, other(lap->role));
    hand_over(lap, lines->one.message, &lines->one.turn);
}

BENCH_INLINE unsigned char *one_line_receive(struct bench_lap *lap)
{
    struct lines *lines = lines_to(lap, lap->role);
    return take(lap, lines->one.message, &lines->one.turn);
}

BENCH_INLINE void two_lines_send(struct bench_lap *lap)
{
    struct lines *lines = lines_to(lap, other(lap->role));
    hand_over(lap, lines->message, &lines->turn);
}

BENCH_INLINE unsigned char *two_lines_receive(struct bench_lap *lap)
{
    struct lines *lines = lines_to(lap, lap->role);
    return take(lap, lines->message, &lines->turn);
}

BENCH_MESSAGE_LOOPS(one_line)
BENCH_MESSAGE_LOOPS(two_lines)

const struct bench_side bench_one_line = {
    .name = "one line",
    .how = "message and turn in one cache line",
    .family = BENCH_FLOOR,
    .waits = BENCH_SPIN,
    .least_bytes = 8,
    .most_bytes = 56,
    BENCH_ROUND_TRIPS(one_line),
};

const struct bench_side bench_two_lines = {
    .name = "two lines",
    .how = "a line for the message, the next for the turn",
    .family = BENCH_FLOOR,
    .waits = BENCH_SPIN,
    .least_bytes = 8,
    .most_bytes = 64,
    BENCH_ROUND_TRIPS(two_lines),
};
