/* The kernel's counters to wake up by, one for each direction.  A write adds one and wakes whoever
 * sleeps in a read, which takes all there is. */
#include <sys/eventfd.h>

#include "bench/kernel/bytes.h"

static int counters[2]; /* for near to read, for far to read */

static void eventfd_make(struct bench_lap *lap)
{
    int flags = EFD_CLOEXEC | (lap->waiting == BENCH_SPIN ? EFD_NONBLOCK : 0);
    for (int role = 0; role < 2; role++) {
        counters[role] = eventfd(0, flags);
        if (counters[role] < 0)
            bench_fail(lap, "eventfd: %s", strerror(errno));
    }
}

BENCH_INLINE void eventfd_send(struct bench_lap *lap)
{
    const uint64_t one = 1;
    int counter = counters[lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR];
    while (write(counter, &one, sizeof(one)) < 0)
        bytes_expect_busy(lap, "write");
}

BENCH_INLINE unsigned char *eventfd_receive(struct bench_lap *lap)
{
    uint64_t told;
    while (read(counters[lap->role], &told, sizeof(told)) < 0)
        bytes_expect_busy(lap, "read");
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(eventfd)

const struct bench_side bench_eventfd = {
    .name = "eventfd",
    .how = "two counters, write and read",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .make = eventfd_make,
    BENCH_SIGNALS(eventfd),
};
