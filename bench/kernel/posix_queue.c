/* POSIX message queues, one for each direction, of the ten messages that an ordinary user may have
 * in one.  Their names are gone again before anybody could see them; near and far inherit the
 * descriptors. */
#include <fcntl.h>
#include <mqueue.h>

#include "bench/crowds.h"
#include "bench/kernel/bytes.h"
#include "bench/kinds.h"

#define MOST_MESSAGES   10   /* /proc/sys/fs/mqueue/msg_max, unless somebody changed it */
#define LARGEST_MESSAGE 8192 /* /proc/sys/fs/mqueue/msgsize_max, likewise */

static mqd_t queues[2]; /* for near to receive from, for far */

static mqd_t make_queue(struct bench_lap *lap)
{
    struct mq_attr attributes = {.mq_maxmsg = MOST_MESSAGES,
                                 .mq_msgsize = (long)bytes_on_wire(lap)};
    int flags = O_RDWR | O_CREAT | O_EXCL | (lap->waiting == BENCH_SPIN ? O_NONBLOCK : 0);
    char name[sizeof(lap->name) + 1];
    snprintf(name, sizeof(name), "/%s", lap->name);
    mqd_t queue = mq_open(name, flags, 0600, &attributes);
    if (queue < 0)
        bench_unavailable(lap, "mq_open: %s",
                          errno == EMFILE ? "more than ulimit -q allows" : strerror(errno));
    mq_unlink(name);
    return queue;
}

static void posix_queue_make(struct bench_lap *lap)
{
    for (int role = 0; role < 2; role++)
        queues[role] = make_queue(lap);
}

BENCH_INLINE void posix_queue_send_as(struct bench_lap *lap, unsigned kind)
{
    mqd_t queue = queues[bench_other(lap)];
    while (mq_send(queue, (const char *)lap->buffer, lap->size_bytes, kind) < 0)
        bytes_expect_busy(lap, "mq_send");
}

BENCH_INLINE unsigned char *posix_queue_receive_first(struct bench_lap *lap, unsigned *ret_kind)
{
    char *bytes = (char *)lap->buffer;
    ssize_t n;
    while ((n = mq_receive(queues[lap->role], bytes, bytes_on_wire(lap), ret_kind)) < 0)
        bytes_expect_busy(lap, "mq_receive");
    if ((size_t)n != lap->size_bytes)
        bench_fail(lap, "a message of %zu bytes came as %zd", lap->size_bytes, n);
    return lap->buffer;
}

BENCH_INLINE void posix_queue_send(struct bench_lap *lap)
{
    posix_queue_send_as(lap, 0);
}

BENCH_INLINE unsigned char *posix_queue_receive(struct bench_lap *lap)
{
    return posix_queue_receive_first(lap, NULL);
}

BENCH_MESSAGE_LOOPS(posix_queue)
BENCH_WRITER_LOOPS(posix_queue)
BENCH_CROWD_LOOPS(posix_queue)
BENCH_PRIORITY_LOOPS(posix_queue)

const struct bench_side bench_posix_queue = {
    .name = "POSIX queue",
    .how = "mq_send and mq_receive, two queues of 10 messages",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = LARGEST_MESSAGE,
    .make = posix_queue_make,
    BENCH_MESSAGES(posix_queue),
    BENCH_WRITERS(posix_queue),
    BENCH_CROWDS(posix_queue),
    BENCH_PRIORITIES(posix_queue),
};
