/* What it costs to copy lines that the other core has just written: the floor under every stream
 * that ends in the reader's own memory.
 *
 * Near writes a piece, far copies it out, and only the copying is timed. */
#include "bench/messages.h"

#define MOST_BYTES ((size_t)4 << 20)

struct place {
    uint32_t full;
    _Alignas(BENCH_PAGE) unsigned char piece[MOST_BYTES];
};

static void await(uint32_t *word, uint32_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
        bench_relax();
}

static void copy_write(struct bench_lap *lap, uint64_t count)
{
    struct place *place = (struct place *)lap->shared;
    for (uint64_t i = 0; i < count; i++) {
        await(&place->full, 0);
        bench_stamp(lap, lap->sequence++);
        memcpy(place->piece, lap->buffer, lap->size_bytes);
        __atomic_store_n(&place->full, 1, __ATOMIC_RELEASE);
    }
}

BENCH_INLINE unsigned char *copy_out(struct bench_lap *lap)
{
    memcpy(lap->buffer, ((struct place *)lap->shared)->piece, lap->size_bytes);
    return lap->buffer;
}

static void copy_read(struct bench_lap *lap, uint64_t count)
{
    struct place *place = (struct place *)lap->shared;
    for (uint64_t i = 0; i < count; i++) {
        await(&place->full, 1);
        int64_t begin_ns = bench_now_ns();
        bench_take(lap, lap->sequence++, copy_out);
        bench_note(lap, bench_now_ns() - begin_ns);
        __atomic_store_n(&place->full, 0, __ATOMIC_RELEASE);
    }
}

const struct bench_side bench_copy = {
    .name = "copy of fresh lines",
    .how = "memcpy of what the other core has just written, nothing else timed",
    .family = BENCH_FLOOR,
    .waits = BENCH_SPIN,
    .least_bytes = 4096, /* shorter ones would time the clock */
    .most_bytes = MOST_BYTES,
    .one_way = {copy_write, copy_read, NULL},
};
