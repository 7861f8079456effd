/* System V message queues, one for each direction, as large as the kernel makes them for an ordinary
 * user.  They outlive their processes; the keeper, which made them, removes them. */
#include <errno.h>
#include <sys/msg.h>

#include "bench/messages.h"

#define LARGEST_MESSAGE 8192 /* /proc/sys/kernel/msgmax, unless somebody changed it */

static int queues[2]; /* for near to receive from, for far */

/* The call wants the type in front of the text. */
static struct {
    long type;
    unsigned char text[LARGEST_MESSAGE];
} message;

static void sysv_queue_unmake(struct bench_lap *lap)
{
    (void)lap;
    for (int role = 0; role < 2; role++)
        msgctl(queues[role], IPC_RMID, NULL);
}

static void sysv_queue_make(struct bench_lap *lap)
{
    for (int role = 0; role < 2; role++)
        queues[role] = msgget(IPC_PRIVATE, 0600);
    if (queues[0] >= 0 && queues[1] >= 0)
        return;
    int error = errno;
    sysv_queue_unmake(lap);
    bench_unavailable(lap, "msgget: %s", strerror(error));
}

static int flags_of(const struct bench_lap *lap)
{
    return lap->waiting == BENCH_SPIN ? IPC_NOWAIT : 0;
}

BENCH_INLINE void sysv_queue_send(struct bench_lap *lap)
{
    int queue = queues[lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR];
    message.type = 1;
    memcpy(message.text, lap->buffer, lap->size_bytes);
    while (msgsnd(queue, &message, lap->size_bytes, flags_of(lap)) < 0) {
        if (errno != EAGAIN)
            bench_fail(lap, "msgsnd: %s", strerror(errno));
        bench_relax();
    }
}

BENCH_INLINE unsigned char *sysv_queue_receive(struct bench_lap *lap)
{
    ssize_t n;
    while ((n = msgrcv(queues[lap->role], &message, lap->size_bytes, 0, flags_of(lap))) < 0) {
        if (errno != ENOMSG)
            bench_fail(lap, "msgrcv: %s", strerror(errno));
        bench_relax();
    }
    if ((size_t)n != lap->size_bytes)
        bench_fail(lap, "a message of %zu bytes came as %zd", lap->size_bytes, n);
    return message.text;
}

BENCH_MESSAGE_LOOPS(sysv_queue)

const struct bench_side bench_sysv_queue = {
    .name = "System V queue",
    .how = "msgsnd and msgrcv, two queues of kernel.msgmnb",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = LARGEST_MESSAGE,
    .make = sysv_queue_make,
    .unmake = sysv_queue_unmake,
    BENCH_MESSAGES(sysv_queue),
};
