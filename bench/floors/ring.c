/* A plain ring in shared memory, one writer, one reader, as fast as we know how: the floor under
 * bytes and messages that stream.  It spins, and nobody may die.
 *
 * Bytes are copied in and out.  Each end keeps its own index private, publishes it on a line of its
 * own, and re-reads the other's only when what it knows of it is used up.  Large messages are
 * published piece by piece, so that both ends copy at the same time. */
#include "bench/messages.h"

#define RING_BYTES  ((uint64_t)1 << 18) /* fits into a core's own cache beside what it copies */
#define PIECE_BYTES ((uint64_t)16 << 10)

struct ring {
    _Alignas(128) uint64_t tail; /* bytes ever written; the writer's */
    _Alignas(128) uint64_t head; /* bytes ever read; the reader's */
    _Alignas(BENCH_PAGE) unsigned char bytes[RING_BYTES];
};

/* What one end knows. */
struct end {
    struct ring *ring;
    uint64_t own;   /* its index */
    uint64_t other; /* the other's, when it last looked */
};

struct ends {
    struct end writer, reader;
};

static void ring_join(struct bench_lap *lap)
{
    static struct ends ends;
    struct ring *to_near = (struct ring *)lap->shared, *to_far = to_near + 1;
    ends.writer.ring = lap->role == BENCH_NEAR ? to_far : to_near;
    ends.reader.ring = lap->role == BENCH_NEAR ? to_near : to_far;
    lap->own = &ends;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How much of `want` can be written or read now, at least 1 byte, without wrapping. */
BENCH_INLINE uint64_t room(struct end *writer, uint64_t want)
{
    while (writer->own - writer->other == RING_BYTES) {
        writer->other = __atomic_load_n(&writer->ring->head, __ATOMIC_ACQUIRE);
        if (writer->own - writer->other == RING_BYTES)
            bench_relax();
    }
    want = smaller(want, RING_BYTES - (writer->own - writer->other));
    return smaller(want, RING_BYTES - writer->own % RING_BYTES);
}

BENCH_INLINE uint64_t filled(struct end *reader, uint64_t want)
{
    while (reader->own == reader->other) {
        reader->other = __atomic_load_n(&reader->ring->tail, __ATOMIC_ACQUIRE);
        if (reader->own == reader->other)
            bench_relax();
    }
    want = smaller(want, reader->other - reader->own);
    return smaller(want, RING_BYTES - reader->own % RING_BYTES);
}

BENCH_INLINE void ring_send(struct bench_lap *lap)
{
    struct end *writer = &((struct ends *)lap->own)->writer;
    for (uint64_t sent = 0; sent < lap->size_bytes;) {
        size_t n = (size_t)room(writer, smaller(lap->size_bytes - sent, PIECE_BYTES));
        memcpy(writer->ring->bytes + writer->own % RING_BYTES, lap->buffer + sent, n);
        writer->own += n;
        sent += n;
        __atomic_store_n(&writer->ring->tail, writer->own, __ATOMIC_RELEASE); /* pairs: filled() */
    }
}

BENCH_INLINE unsigned char *ring_receive(struct bench_lap *lap)
{
    struct end *reader = &((struct ends *)lap->own)->reader;
    for (uint64_t got = 0; got < lap->size_bytes;) {
        size_t n = (size_t)filled(reader, smaller(lap->size_bytes - got, PIECE_BYTES));
        memcpy(lap->buffer + got, reader->ring->bytes + reader->own % RING_BYTES, n);
        reader->own += n;
        got += n;
        __atomic_store_n(&reader->ring->head, reader->own, __ATOMIC_RELEASE); /* pairs: room() */
    }
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(ring)

const struct bench_side bench_ring = {
    .name = "reference ring",
    .how = "one writer, one reader, 256 KiB, copied in and out, spinning",
    .family = BENCH_FLOOR,
    .waits = BENCH_SPIN,
    .least_bytes = 8,
    .most_bytes = BENCH_ANY,
    .join = ring_join,
    BENCH_MESSAGES(ring),
};
