/* System V message queues, one for each direction, as large as the kernel makes them for an ordinary
 * user; and a larger one, which only root may have, for many messages of many types.  They outlive their processes;
 * the keeper, which made them, removes them.
 *
 * A type does for a priority, too: who asks for the lowest one there is gets what is most urgent. */
#include <errno.h>
#include <fcntl.h>
#include <sys/msg.h>

#include "bench/crowds.h"
#include "bench/kinds.h"

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

BENCH_INLINE void give(struct bench_lap *lap, int queue, long type)
{
    message.type = type;
    memcpy(message.text, lap->buffer, lap->size_bytes);
    while (msgsnd(queue, &message, lap->size_bytes, flags_of(lap)) < 0) {
        if (errno != EAGAIN)
            bench_fail(lap, "msgsnd: %s", strerror(errno));
        bench_relax();
    }
}

BENCH_INLINE unsigned char *get(struct bench_lap *lap, int queue, long type)
{
    ssize_t n;
    while ((n = msgrcv(queue, &message, lap->size_bytes, type, flags_of(lap))) < 0) {
        if (errno != ENOMSG)
            bench_fail(lap, "msgrcv: %s", strerror(errno));
        bench_relax();
    }
    if ((size_t)n != lap->size_bytes)
        bench_fail(lap, "a message of %zu bytes came as %zd", lap->size_bytes, n);
    return message.text;
}

BENCH_INLINE void sysv_queue_send(struct bench_lap *lap)
{
    give(lap, queues[bench_other(lap)], 1);
}

BENCH_INLINE unsigned char *sysv_queue_receive(struct bench_lap *lap)
{
    return get(lap, queues[lap->role], 0);
}

/* Types begin with 1, and the highest kind has the lowest of them. */
BENCH_INLINE void sysv_queue_send_as(struct bench_lap *lap, unsigned kind)
{
    give(lap, queues[bench_other(lap)], (long)(BENCH_KINDS - kind));
}

BENCH_INLINE unsigned char *sysv_queue_receive_of(struct bench_lap *lap, unsigned kind)
{
    return get(lap, queues[lap->role], (long)(BENCH_KINDS - kind));
}

BENCH_INLINE unsigned char *sysv_queue_receive_first(struct bench_lap *lap, unsigned *ret_kind)
{
    unsigned char *text = get(lap, queues[lap->role], -(long)BENCH_KINDS);
    *ret_kind = BENCH_KINDS - (unsigned)message.type;
    return text;
}

BENCH_MESSAGE_LOOPS(sysv_queue)
BENCH_WRITER_LOOPS(sysv_queue)
BENCH_CROWD_LOOPS(sysv_queue)
BENCH_TYPE_LOOPS(sysv_queue)
BENCH_PRIORITY_LOOPS(sysv_queue)

const struct bench_side bench_sysv_queue = {
    .name = "System V queue",
    .how = "msgsnd and msgrcv, two queues of kernel.msgmnb; priorities are types from the lowest",
    .family = BENCH_KERNEL,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = LARGEST_MESSAGE,
    .make = sysv_queue_make,
    .unmake = sysv_queue_unmake,
    BENCH_MESSAGES(sysv_queue),
    BENCH_WRITERS(sysv_queue),
    BENCH_CROWDS(sysv_queue),
    BENCH_TYPES(sysv_queue),
    BENCH_PRIORITIES(sysv_queue),
};

/* ---- One of many that wait ------------------------------------------------------------------------ */

/* Near sends to itself. */
BENCH_INLINE void alone_send_as(struct bench_lap *lap, unsigned kind)
{
    give(lap, queues[BENCH_NEAR], (long)kind + 1);
}

BENCH_INLINE unsigned char *alone_receive_of(struct bench_lap *lap, unsigned kind)
{
    return get(lap, queues[BENCH_NEAR], (long)kind + 1);
}

static bool enlarge(int queue, size_t bytes)
{
    struct msqid_ds settings;
    if (msgctl(queue, IPC_STAT, &settings) < 0)
        return false;
    settings.msg_qbytes = bytes;
    return msgctl(queue, IPC_SET, &settings) == 0;
}

static bool write_limit(const char *digits)
{
    int file = open("/proc/sys/kernel/msgmnb", O_WRONLY | O_CLOEXEC);
    bool written = file >= 0 && write(file, digits, strlen(digits)) == (ssize_t)strlen(digits);
    close(file);
    return written;
}

/* A queue has the limit of the moment in which it is made: the limit is raised for no longer. */
static int make_beyond_limit(size_t bytes)
{
    char before[32] = "", beyond[32];
    int file = open("/proc/sys/kernel/msgmnb", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(file, before, sizeof(before) - 1);
    close(file);
    snprintf(beyond, sizeof(beyond), "%zu", bytes);
    if (n <= 0 || !write_limit(beyond))
        return -1;
    int queue = msgget(IPC_PRIVATE, 0600);
    write_limit(before);
    return queue;
}

/* Root with all its rights enlarges a queue that is there; in a container it may be able to raise the limit. */
static void make_100k(struct bench_lap *lap)
{
    size_t bytes = 100001 * lap->size_bytes;
    sysv_queue_make(lap);
    if (enlarge(queues[BENCH_NEAR], bytes))
        return;
    int larger = make_beyond_limit(bytes);
    sysv_queue_unmake(lap);
    queues[BENCH_NEAR] = larger;
    queues[BENCH_FAR] = -1;
    if (larger < 0)
        bench_unavailable(lap, "only root makes a queue larger than kernel.msgmnb");
}

BENCH_AMONG_LOOPS(sysv_10, alone, 10)
BENCH_AMONG_LOOPS(sysv_100k, alone, 100000)

const struct bench_side bench_sysv_queue_10 = {
    .name = "System V queue, 10 waiting",
    .how = "msgrcv with a type, while 10 messages of as many types wait",
    .family = BENCH_KERNEL,
    .waits = BENCH_BLOCK,
    .most_bytes = LARGEST_MESSAGE,
    .make = sysv_queue_make,
    .unmake = sysv_queue_unmake,
    BENCH_AMONG(sysv_10),
};

const struct bench_side bench_sysv_queue_100k = {
    .name = "System V queue, 100,000 waiting",
    .how = "msgrcv with a type, while 100,000 messages of as many types wait",
    .family = BENCH_KERNEL,
    .waits = BENCH_BLOCK,
    .most_bytes = LARGEST_MESSAGE,
    .make = make_100k,
    .unmake = sysv_queue_unmake,
    BENCH_AMONG(sysv_100k),
};
