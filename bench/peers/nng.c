/* nng over its ipc transport.  Like ZeroMQ it hands a message to threads of its own, several for
 * each step. */
#include <malloc.h>
#include <sched.h>

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>

#include "bench/locks.h"

struct nng {
    nng_socket socket;
    nng_aio *sending, *receiving;
    nng_msg *received; /* where the last message lies */
};

static struct nng nng; /* of this process */

static void nng_expect(struct bench_lap *lap, int result, const char *call)
{
    if (result != 0)
        bench_fail(lap, "%s: %s", call, nng_strerror(result));
}

/* An aio that is made once costs less than what nng_sendmsg() does for each message.  Whoever looks
 * again at once lets the library's threads run, which share its core. */
BENCH_INLINE int nng_ipc_give(const struct bench_lap *lap, nng_msg *message)
{
    int r;
    if (lap->waiting == BENCH_SPIN) {
        while ((r = nng_sendmsg(nng.socket, message, NNG_FLAG_NONBLOCK)) == NNG_EAGAIN)
            sched_yield();
        return r;
    }
    nng_aio_set_msg(nng.sending, message);
    nng_send_aio(nng.socket, nng.sending);
    nng_aio_wait(nng.sending);
    return nng_aio_result(nng.sending);
}

BENCH_INLINE int nng_ipc_take(const struct bench_lap *lap, nng_msg **ret_message)
{
    int r;
    if (lap->waiting == BENCH_SPIN) {
        while ((r = nng_recvmsg(nng.socket, ret_message, NNG_FLAG_NONBLOCK)) == NNG_EAGAIN)
            sched_yield();
        return r;
    }
    nng_recv_aio(nng.socket, nng.receiving);
    nng_aio_wait(nng.receiving);
    *ret_message = nng_aio_get_msg(nng.receiving);
    return nng_aio_result(nng.receiving);
}

BENCH_INLINE void nng_ipc_send(struct bench_lap *lap)
{
    nng_msg *message;
    nng_expect(lap, nng_msg_alloc(&message, lap->size_bytes), "nng_msg_alloc");
    memcpy(nng_msg_body(message), lap->buffer, lap->size_bytes);
    nng_expect(lap, nng_ipc_give(lap, message), "sending");
}

BENCH_INLINE unsigned char *nng_ipc_receive(struct bench_lap *lap)
{
    if (nng.received)
        nng_msg_free(nng.received);
    nng_expect(lap, nng_ipc_take(lap, &nng.received), "receiving");
    if (nng_msg_len(nng.received) != lap->size_bytes)
        bench_fail(lap, "a message of %zu bytes came", nng_msg_len(nng.received));
    return (unsigned char *)nng_msg_body(nng.received);
}

/* Both ends are connected once a message has gone there and back. */
static void nng_ipc_greet(struct bench_lap *lap)
{
    char hello = 0;
    size_t size = 1;
    for (int turn = 0; turn < 2; turn++) {
        bool speaks = (lap->role == BENCH_NEAR) == (turn == 0);
        nng_expect(lap,
                   speaks ? nng_send(nng.socket, &hello, 1, 0)
                          : nng_recv(nng.socket, &hello, &size, 0),
                   "the first message");
    }
}

/* As many messages under way as come to about a MiB, within what nng allows. */
static int nng_ipc_mark(const struct bench_lap *lap)
{
    size_t fit = (1 << 20) / (lap->size_bytes + 64);
    return fit < 4 ? 4 : fit > 8192 ? 8192 : (int)fit;
}

/* What large messages lie in would otherwise come from the kernel, page by page, for each of them. */
static void nng_ipc_keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

static void nng_ipc_join(struct bench_lap *lap)
{
    char address[80];
    uint32_t *bound = (uint32_t *)lap->shared;
    nng_ipc_keep_memory();
    snprintf(address, sizeof(address), "abstract://%s", lap->name);
    nng_expect(lap, nng_pair0_open(&nng.socket), "nng_pair0_open");
    nng_expect(lap, nng_socket_set_int(nng.socket, NNG_OPT_SENDBUF, nng_ipc_mark(lap)), "SENDBUF");
    nng_expect(lap, nng_socket_set_int(nng.socket, NNG_OPT_RECVBUF, nng_ipc_mark(lap)), "RECVBUF");
    nng_expect(lap, nng_socket_set_size(nng.socket, NNG_OPT_RECVMAXSZ, 0), "RECVMAXSZ");
    if (lap->role == BENCH_NEAR) {
        nng_expect(lap, nng_listen(nng.socket, address, NULL, 0), "nng_listen");
        __atomic_store_n(bound, 1, __ATOMIC_RELEASE);
    } else {
        bench_meet(bound, 1);
        nng_expect(lap, nng_dial(nng.socket, address, NULL, 0), "nng_dial");
    }
    nng_expect(lap, nng_aio_alloc(&nng.sending, NULL, NULL), "nng_aio_alloc");
    nng_expect(lap, nng_aio_alloc(&nng.receiving, NULL, NULL), "nng_aio_alloc");
    nng_ipc_greet(lap);
}

static void nng_ipc_leave(struct bench_lap *lap)
{
    (void)lap;
    nng_msg_free(nng.received);
    nng_aio_free(nng.sending);
    nng_aio_free(nng.receiving);
    nng_close(nng.socket);
}

BENCH_MESSAGE_LOOPS(nng_ipc)

static const struct bench_side nng_ipc = {
    .name = "nng ipc",
    .how = "pair0 sockets over ipc in the abstract namespace, 1 MiB under way, an aio for each "
           "direction, malloc keeping its memory; spinning is NNG_FLAG_NONBLOCK",
    .family = BENCH_PEER,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = BENCH_ANY,
    .starts_slowly = true, /* its threads wake each other for every message at first */
    .join = nng_ipc_join,
    .leave = nng_ipc_leave,
    /* Not .idle: a message ends the sleeps of several threads, which would count as wake-ups. */
    .round_trip = {nng_ipc_ping, nng_ipc_pong, NULL},
    .one_way = {nng_ipc_source, nng_ipc_sink, NULL},
};

static const struct bench_side *const sides[] = {&nng_ipc, NULL};

__attribute__((visibility("default"))) const struct bench_plugin ferry_bench_plugin = {
    .version = BENCH_PLUGIN_VERSION,
    .side_bytes = sizeof(struct bench_side),
    .name = "nng",
    .sides = sides,
};
