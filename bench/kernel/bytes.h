/* Messages as plain bytes through a descriptor, for the sides that have no other borders between
 * them.  What spins has descriptors that never block; EAGAIN means look again. */
#ifndef FERRY_BENCH_KERNEL_BYTES_H
#define FERRY_BENCH_KERNEL_BYTES_H

#include <errno.h>

#include "bench/messages.h"

/* A message of no bytes is one byte here. */
static inline size_t bytes_on_wire(const struct bench_lap *lap)
{
    return lap->size_bytes ? lap->size_bytes : 1;
}

/* Stopped by nothing but emptiness or fullness, which is looked at again. */
static inline void bytes_expect_busy(struct bench_lap *lap, const char *call)
{
    if (errno != EAGAIN)
        bench_fail(lap, "%s: %s", call, strerror(errno));
    bench_relax();
}

BENCH_INLINE void bytes_send(struct bench_lap *lap, int end)
{
    for (size_t sent = 0, size = bytes_on_wire(lap); sent < size;) {
        ssize_t n = write(end, lap->buffer + sent, size - sent);
        if (n >= 0)
            sent += (size_t)n;
        else
            bytes_expect_busy(lap, "write");
    }
}

BENCH_INLINE unsigned char *bytes_receive(struct bench_lap *lap, int end)
{
    for (size_t got = 0, size = bytes_on_wire(lap); got < size;) {
        ssize_t n = read(end, lap->buffer + got, size - got);
        if (n > 0)
            got += (size_t)n;
        else if (n == 0)
            bench_fail(lap, "the other end is gone");
        else
            bytes_expect_busy(lap, "read");
    }
    return lap->buffer;
}

#endif
