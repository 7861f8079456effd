/* The loops of sides whose queue many processes may send to, and receive from, at the same time.
 *
 *     BENCH_MESSAGE_LOOPS(packet)
 *     BENCH_CROWD_LOOPS(packet)
 *
 *     const struct bench_side bench_packet = {.name = "unix packet", …, BENCH_MESSAGES(packet), BENCH_CROWDS(packet)};
 *
 * Far and three helpers of its own send to near, each a quarter of a batch; near and three helpers receive a
 * quarter each, or near receives all.  Helpers share their maker's core.  They wait for each batch asleep, and are gone
 * when their maker is.
 *
 * Messages are small ones and say who sent them.  Each is checked by whoever receives it, from end to end in the
 * warm-up, and afterwards at both ends.  Behind each batch near compares what everybody has sent and received:
 * how many messages of each sender, and the sum of their numbers.  So none was lost, and none came twice. */
#ifndef FERRY_BENCH_CROWDS_H
#define FERRY_BENCH_CROWDS_H

#include "bench/writers.h"

#define BENCH_CROWD 4 /* processes that send, and that receive */

/* One of them: what it is to do, and what it has done since the lap began. */
struct bench_mate {
    uint32_t begun; /* batches that it has been told of; unused of the first, who is near or far */
    uint32_t ended;
    uint64_t count; /* of its messages in this batch */
    bool whole;
    int64_t cpu_ns; /* that it used for it */
    uint64_t sleeps;
    uint64_t sent;
    uint64_t received[BENCH_CROWD]; /* of each sender */
    uint64_t sum[BENCH_CROWD];      /* of the numbers in these messages */
} __attribute__((aligned(128)));

typedef void bench_job(struct bench_lap *lap, struct bench_mate *mate, uint64_t count);

/* They lie in the last bytes of lap->shared, which are the loops' own. */
static inline struct bench_mate *bench_mates(const struct bench_lap *lap, enum bench_role role)
{
    char *end = (char *)lap->shared + BENCH_SHARED_BYTES;
    return (struct bench_mate *)(end - BENCH_PAGE) + (size_t)role * BENCH_CROWD;
}

/* What each word of a sender's messages has besides. */
BENCH_INLINE uint64_t bench_signature(unsigned sender)
{
    return (uint64_t)sender << 48;
}

/* ---- Sending and receiving ---------------------------------------------------------------------- */

static inline void bench_sign(struct bench_lap *lap, unsigned sender)
{
    for (size_t at = 0; at < BENCH_READY * lap->size_bytes; at += sizeof(uint64_t))
        bench_put(lap->ready + at, bench_get(lap->ready + at) + bench_signature(sender));
}

/* Somebody's message, which one is not known beforehand. */
BENCH_INLINE void bench_tally(struct bench_lap *lap, struct bench_mate *mate,
                              const unsigned char *message)
{
    size_t last = lap->size_bytes - sizeof(uint64_t), step = lap->whole ? sizeof(uint64_t) : last;
    uint64_t first = bench_get(message), number = (first >> 32) % BENCH_READY;
    unsigned sender = (unsigned)(first >> 48) % BENCH_CROWD;
    uint64_t expected = bench_word(BENCH_FAR, number, 0) + bench_signature(sender);
    for (size_t at = 0; at <= last; at += step)
        if (__builtin_expect(bench_get(message + at) != expected + at, 0))
            bench_wrong(lap, number, at, bench_get(message + at));
    mate->received[sender]++;
    mate->sum[sender] += number;
}

BENCH_INLINE void bench_receive_share(struct bench_lap *lap, struct bench_mate *mate,
                                      uint64_t count, bench_receive *receive)
{
    for (uint64_t i = 0; i < count; i++) {
        lap->buffer = lap->room;
        bench_tally(lap, mate, receive(lap));
    }
}

/* ---- Helpers ------------------------------------------------------------------------------------ */

__attribute__((noreturn)) static inline void bench_be_mate(struct bench_lap *lap, unsigned which,
                                                           bench_job *job)
{
    struct bench_mate *mate = &bench_mates(lap, lap->role)[which];
    bench_sign(lap, which);
    lap->sequence = 0;
    for (uint32_t batch = 0;; batch++) {
        bench_await(&mate->begun, batch);
        int64_t cpu_ns = bench_cpu_ns();
        uint64_t sleeps = bench_sleeps();
        lap->whole = mate->whole;
        job(lap, mate, mate->count);
        mate->cpu_ns = bench_cpu_ns() - cpu_ns;
        mate->sleeps = bench_sleeps() - sleeps;
        bench_announce(&mate->ended);
    }
}

static inline void bench_make_mate(struct bench_lap *lap, unsigned which, bench_job *job)
{
    signal(SIGCHLD, bench_end_with_helper);
    pid_t maker = getpid(), pid = fork();
    if (pid < 0)
        bench_fail(lap, "no further process could be made");
    if (pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == maker)
        bench_be_mate(lap, which, job);
    _exit(1);
}

/* Shares a batch out among `size` processes, of which this one is the first. */
static inline void bench_do_shares(struct bench_lap *lap, uint64_t count, unsigned size,
                                   bench_job *job)
{
    struct bench_mate *mates = bench_mates(lap, lap->role);
    for (unsigned i = 1; i < size; i++) {
        if (mates[i].begun == 0)
            bench_make_mate(lap, i, job);
        mates[i].count = count / size + (i < count % size);
        mates[i].whole = lap->whole;
        bench_announce(&mates[i].begun);
    }
    job(lap, &mates[0], count / size + (count % size > 0));
    for (unsigned i = 1; i < size; i++) {
        bench_await(&mates[i].ended, mates[i].begun - 1);
        lap->outcome->helper_cpu_ns += mates[i].cpu_ns;
        lap->outcome->helper_sleeps += mates[i].sleeps;
    }
}

/* ---- Behind a batch ----------------------------------------------------------------------------- */

/* Of the numbers in a sender's first `count` messages. */
static inline uint64_t bench_sum(uint64_t count)
{
    uint64_t rest = count % BENCH_READY;
    uint64_t lap_of_numbers = (uint64_t)BENCH_READY * (BENCH_READY - 1) / 2;
    return count / BENCH_READY * lap_of_numbers + rest * (rest - (rest > 0)) / 2;
}

static inline void bench_settle_crowd(struct bench_lap *lap)
{
    const struct bench_mate *receivers = bench_mates(lap, BENCH_NEAR);
    for (unsigned sender = 0; sender < BENCH_CROWD; sender++) {
        uint64_t sent = bench_mates(lap, BENCH_FAR)[sender].sent, received = 0, sum = 0;
        for (unsigned i = 0; i < BENCH_CROWD; i++) {
            received += receivers[i].received[sender];
            sum += receivers[i].sum[sender];
        }
        if (received != sent || sum != bench_sum(sent))
            bench_fail(lap, "of %llu messages %llu came, or others than these",
                       (unsigned long long)sent, (unsigned long long)received);
    }
}

#define BENCH_CROWD_LOOPS(side)                                                                    \
    static void side##_send_share(struct bench_lap *lap, struct bench_mate *mate, uint64_t count)  \
    {                                                                                              \
        bench_source(lap, count, side##_send);                                                     \
        mate->sent += count;                                                                       \
    }                                                                                              \
    static void side##_receive_share(struct bench_lap *lap, struct bench_mate *mate,               \
                                     uint64_t count)                                               \
    {                                                                                              \
        bench_receive_share(lap, mate, count, side##_receive);                                     \
    }                                                                                              \
    static void side##_one_receives(struct bench_lap *lap, uint64_t count)                         \
    {                                                                                              \
        bench_do_shares(lap, count, 1, side##_receive_share);                                      \
    }                                                                                              \
    __attribute__((unused)) static void side##_four_receive(struct bench_lap *lap, uint64_t count) \
    {                                                                                              \
        bench_do_shares(lap, count, BENCH_CROWD, side##_receive_share);                            \
    }                                                                                              \
    __attribute__((unused)) static void side##_one_sends(struct bench_lap *lap, uint64_t count)    \
    {                                                                                              \
        bench_do_shares(lap, count, 1, side##_send_share);                                         \
    }                                                                                              \
    __attribute__((unused)) static void side##_four_send(struct bench_lap *lap, uint64_t count)    \
    {                                                                                              \
        bench_do_shares(lap, count, BENCH_CROWD, side##_send_share);                               \
    }

#define BENCH_CROWDS(side)                                                                         \
    .many_to_many = {side##_four_receive, side##_four_send, bench_settle_crowd},                   \
    .four_senders = {side##_one_receives, side##_four_send, bench_settle_crowd}

/* For a side of its own, beside which four senders are seen: the same with one. */
#define BENCH_ONE_SENDER(side)                                                                     \
    .four_senders = {side##_one_receives, side##_one_sends, bench_settle_crowd}

#endif
