/* TCP through the loopback device.  Small messages leave at once; the kernel tunes the buffers, which
 * it stops doing as soon as their size is set. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "bench/kernel/bytes.h"

static int ends[2]; /* near's, far's */

/* Listens on a port that the kernel chooses. */
static int listen_here(struct bench_lap *lap, struct sockaddr_in *ret_where)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(where);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&where, size) < 0 ||
        listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&where, &size) < 0)
        bench_unavailable(lap, "no TCP on 127.0.0.1: %s", strerror(errno));
    *ret_where = where;
    return listener;
}

static void set_up(struct bench_lap *lap, int end)
{
    const int on = 1;
    if (setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        bench_fail(lap, "TCP_NODELAY: %s", strerror(errno));
    if (lap->waiting == BENCH_SPIN && fcntl(end, F_SETFL, O_NONBLOCK) < 0)
        bench_fail(lap, "O_NONBLOCK: %s", strerror(errno));
}

static void tcp_make(struct bench_lap *lap)
{
    struct sockaddr_in where;
    int listener = listen_here(lap, &where);
    ends[BENCH_NEAR] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(ends[BENCH_NEAR], (struct sockaddr *)&where, sizeof(where)) < 0)
        bench_unavailable(lap, "no TCP to 127.0.0.1: %s", strerror(errno));
    ends[BENCH_FAR] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (ends[BENCH_FAR] < 0)
        bench_fail(lap, "accept4: %s", strerror(errno));
    close(listener);
    for (int role = 0; role < 2; role++)
        set_up(lap, ends[role]);
}

BENCH_INLINE void tcp_send(struct bench_lap *lap)
{
    bytes_send(lap, ends[lap->role]);
}

BENCH_INLINE unsigned char *tcp_receive(struct bench_lap *lap)
{
    return bytes_receive(lap, ends[lap->role]);
}

BENCH_MESSAGE_LOOPS(tcp)

const struct bench_side bench_tcp = {
    .name = "tcp loopback",
    .how = "127.0.0.1, TCP_NODELAY, buffers tuned by the kernel",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = BENCH_ANY,
    .make = tcp_make,
    BENCH_MESSAGES(tcp),
};
