/* Connected Unix sockets of the three types.  A stream has no borders between messages.  A packet or
 * a datagram is sent whole or not at all, and has to fit into the sender's buffer.
 *
 * One pair of sockets serves both directions, as it does in programs.  That costs a stream twice the
 * sleeps: when the other takes a message out, the sender is told that it may write again, and that
 * wakes it although it sleeps in a read.  The other types leave such a reader alone. */
#include <sys/socket.h>

#include "bench/crowds.h"
#include "bench/kernel/bytes.h"

#define BUFFER_BYTES (1 << 20) /* the kernel cuts it down to net.core.wmem_max */

/* The buffer that a kernel with its usual settings has takes so much. */
#define LARGEST_PACKET ((size_t)128 << 10)

static int ends[2]; /* near's, far's */

static void make_pair(struct bench_lap *lap, int type)
{
    int flags = SOCK_CLOEXEC | (lap->waiting == BENCH_SPIN ? SOCK_NONBLOCK : 0);
    if (socketpair(AF_UNIX, type | flags, 0, ends) < 0)
        bench_fail(lap, "socketpair: %s", strerror(errno));
    const int size = BUFFER_BYTES;
    for (int role = 0; role < 2; role++) {
        setsockopt(ends[role], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        setsockopt(ends[role], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
}

static void make_stream(struct bench_lap *lap)
{
    make_pair(lap, SOCK_STREAM);
}

static void make_packet(struct bench_lap *lap)
{
    make_pair(lap, SOCK_SEQPACKET);
}

static void make_datagram(struct bench_lap *lap)
{
    make_pair(lap, SOCK_DGRAM);
}

BENCH_INLINE void stream_send(struct bench_lap *lap)
{
    bytes_send(lap, ends[lap->role]);
}

BENCH_INLINE unsigned char *stream_receive(struct bench_lap *lap)
{
    return bytes_receive(lap, ends[lap->role]);
}

BENCH_INLINE void packet_send(struct bench_lap *lap)
{
    while (send(ends[lap->role], lap->buffer, bytes_on_wire(lap), 0) < 0)
        bytes_expect_busy(lap, "send");
}

BENCH_INLINE unsigned char *packet_receive(struct bench_lap *lap)
{
    ssize_t n;
    while ((n = recv(ends[lap->role], lap->buffer, bytes_on_wire(lap), 0)) < 0)
        bytes_expect_busy(lap, "recv");
    if ((size_t)n != bytes_on_wire(lap))
        bench_fail(lap, "a message of %zu bytes came as %zd", bytes_on_wire(lap), n);
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(stream)
BENCH_WRITER_LOOPS(stream)
BENCH_MESSAGE_LOOPS(packet)
BENCH_WRITER_LOOPS(packet)
BENCH_CROWD_LOOPS(packet)

const struct bench_side bench_unix_stream = {
    .name = "unix stream",
    .how = "socketpair, SOCK_STREAM, buffers of 1 MiB or net.core.wmem_max",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = BENCH_ANY,
    .make = make_stream,
    BENCH_MESSAGES(stream),
    BENCH_WRITERS(stream),
};

const struct bench_side bench_unix_packet = {
    .name = "unix packet",
    .how = "socketpair, SOCK_SEQPACKET, buffers of 1 MiB or net.core.wmem_max",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = LARGEST_PACKET,
    .make = make_packet,
    BENCH_MESSAGES(packet),
    BENCH_WRITERS(packet),
    BENCH_CROWDS(packet),
};

const struct bench_side bench_unix_datagram = {
    .name = "unix datagram",
    .how = "socketpair, SOCK_DGRAM, buffers of 1 MiB or net.core.wmem_max",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = LARGEST_PACKET,
    .make = make_datagram,
    BENCH_MESSAGES(packet),
    BENCH_WRITERS(packet),
    BENCH_CROWDS(packet),
};
