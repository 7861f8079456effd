/* ZeroMQ over its ipc transport.  A library that sends from threads of its own, so a message passes
 * through two of them and a socket; they run where the process is pinned to. */
#include <errno.h>
#include <malloc.h>
#include <sched.h>

#include <zmq.h>

#include "bench/locks.h"

struct zeromq {
    void *context;
    void *socket;
    int flags;
    zmq_msg_t received; /* where the last message lies */
};

static struct zeromq zeromq; /* of this process */

static void zeromq_expect(struct bench_lap *lap, bool well, const char *call)
{
    if (!well)
        bench_fail(lap, "%s: %s", call, zmq_strerror(zmq_errno()));
}

static void zeromq_set(struct bench_lap *lap, int option, int value)
{
    zeromq_expect(lap, zmq_setsockopt(zeromq.socket, option, &value, sizeof(value)) == 0,
                  "zmq_setsockopt");
}

BENCH_INLINE void zeromq_send(struct bench_lap *lap)
{
    /* Whoever looks again at once lets the library's thread run, which shares its core. */
    while (zmq_send(zeromq.socket, lap->buffer, lap->size_bytes, zeromq.flags) < 0) {
        zeromq_expect(lap, zmq_errno() == EAGAIN, "zmq_send");
        sched_yield();
    }
}

BENCH_INLINE unsigned char *zeromq_receive(struct bench_lap *lap)
{
    int size;
    while ((size = zmq_msg_recv(&zeromq.received, zeromq.socket, zeromq.flags)) < 0) {
        zeromq_expect(lap, zmq_errno() == EAGAIN, "zmq_msg_recv");
        sched_yield();
    }
    if ((size_t)size != lap->size_bytes)
        bench_fail(lap, "a message of %d bytes came", size);
    return (unsigned char *)zmq_msg_data(&zeromq.received);
}

/* Both ends are connected once a message has gone there and back. */
static void zeromq_greet(struct bench_lap *lap)
{
    char hello = 0;
    for (int turn = 0; turn < 2; turn++) {
        bool speaks = (lap->role == BENCH_NEAR) == (turn == 0);
        int size =
            speaks ? zmq_send(zeromq.socket, &hello, 1, 0) : zmq_recv(zeromq.socket, &hello, 1, 0);
        zeromq_expect(lap, size == 1, "the first message");
    }
}

/* As many messages under way as come to about a MiB, at most the usual 1000, and never just one. */
static int zeromq_mark(const struct bench_lap *lap)
{
    size_t fit = (1 << 20) / (lap->size_bytes + 64);
    return fit < 4 ? 4 : fit > 1000 ? 1000 : (int)fit;
}

/* What large messages lie in would otherwise come from the kernel, page by page, for each of them. */
static void zeromq_keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

static void zeromq_join(struct bench_lap *lap)
{
    char address[80];
    uint32_t *bound = (uint32_t *)lap->shared;
    zeromq_keep_memory();
    snprintf(address, sizeof(address), "ipc://@%s", lap->name);
    zeromq.context = zmq_ctx_new();
    zeromq.socket = zmq_socket(zeromq.context, ZMQ_PAIR);
    zeromq_expect(lap, zeromq.socket != NULL, "zmq_socket");
    zeromq_set(lap, ZMQ_SNDHWM, zeromq_mark(lap));
    zeromq_set(lap, ZMQ_RCVHWM, zeromq_mark(lap));
    zeromq_set(lap, ZMQ_LINGER, 0);
    zmq_msg_init(&zeromq.received);
    if (lap->role == BENCH_NEAR) {
        zeromq_expect(lap, zmq_bind(zeromq.socket, address) == 0, "zmq_bind");
        __atomic_store_n(bound, 1, __ATOMIC_RELEASE);
    } else {
        bench_meet(bound, 1);
        zeromq_expect(lap, zmq_connect(zeromq.socket, address) == 0, "zmq_connect");
    }
    zeromq_greet(lap);
    zeromq.flags = lap->waiting == BENCH_SPIN ? ZMQ_DONTWAIT : 0;
}

static void zeromq_leave(struct bench_lap *lap)
{
    (void)lap;
    zmq_msg_close(&zeromq.received);
    zmq_close(zeromq.socket);
    zmq_ctx_term(zeromq.context);
}

BENCH_MESSAGE_LOOPS(zeromq)

static const struct bench_side zeromq_ipc = {
    .name = "ZeroMQ ipc",
    .how = "PAIR sockets (as fast as PUSH and PULL) over ipc:// in the abstract namespace, 1 MiB "
           "under way, malloc keeping its memory; spinning is ZMQ_DONTWAIT",
    .family = BENCH_PEER,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = BENCH_ANY,
    .starts_slowly = true, /* its threads wake each other for every message at first */
    .join = zeromq_join,
    .leave = zeromq_leave,
    /* Not .idle: a message ends the sleeps of several threads, which would count as wake-ups. */
    .round_trip = {zeromq_ping, zeromq_pong, NULL},
    .one_way = {zeromq_source, zeromq_sink, NULL},
};

static const struct bench_side *const sides[] = {&zeromq_ipc, NULL};

__attribute__((visibility("default"))) const struct bench_plugin ferry_bench_plugin = {
    .version = BENCH_PLUGIN_VERSION,
    .side_bytes = sizeof(struct bench_side),
    .name = "ZeroMQ",
    .sides = sides,
};
