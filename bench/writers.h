/* The loops of sides whose channel several processes may write to at once.
 *
 *     BENCH_MESSAGE_LOOPS(pipe)
 *     BENCH_WRITER_LOOPS(pipe)
 *
 *     const struct bench_side bench_pipe = {.name = "pipe", …, BENCH_MESSAGES(pipe), BENCH_WRITERS(pipe)};
 *
 * Far writes one half of a batch, and a helper the other; near reads both.  The helper is a third
 * process, made by far or by near, whose core it shares.  It waits for each batch asleep, and is gone when its
 * maker is.
 *
 * Messages are small ones.  Far's carry its own role and the helper's the other, and each is checked
 * to be the next of its writer, from end to end in the warm-up, and afterwards at both ends: two
 * that are mixed, lost or out of order end the lap. */
#ifndef FERRY_BENCH_WRITERS_H
#define FERRY_BENCH_WRITERS_H

#include <linux/futex.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "bench/messages.h"

/* The last bytes of lap->shared are the loops' own. */
struct bench_helper {
    uint32_t begun; /* batches that the helper has been told of */
    uint32_t ended;
    uint64_t count;                                 /* of its messages in this batch */
    int64_t cpu_ns;                                 /* that it used for it */
    uint64_t sleeps;                                /* in it */
    uint64_t next[2] __attribute__((aligned(128))); /* near's: the number of each writer's next */
};

static inline struct bench_helper *bench_helper(const struct bench_lap *lap)
{
    return (struct bench_helper *)((char *)lap->shared + BENCH_SHARED_BYTES - BENCH_PAGE);
}

static inline void bench_announce(uint32_t *word)
{
    __atomic_add_fetch(word, 1, __ATOMIC_RELEASE); /* pairs: bench_await() */
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static inline void bench_await(uint32_t *word, uint32_t past)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == past)
        syscall(SYS_futex, word, FUTEX_WAIT, past, NULL, NULL, 0);
}

static inline int64_t bench_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* It sends to near, as far does, but as somebody else. */
static inline void bench_dress(struct bench_lap *lap)
{
    lap->role = BENCH_FAR;
    lap->sequence = 0;
    for (uint64_t number = 0; number < BENCH_READY; number++)
        for (size_t at = 0; at < lap->size_bytes; at += sizeof(uint64_t))
            bench_put(lap->ready + number * lap->size_bytes + at,
                      bench_word(BENCH_NEAR, number, at));
}

BENCH_INLINE void bench_help(struct bench_lap *lap, bench_send *send)
{
    struct bench_helper *helper = bench_helper(lap);
    bench_dress(lap);
    for (uint32_t batch = 0;; batch++) {
        bench_await(&helper->begun, batch);
        int64_t cpu_ns = bench_cpu_ns();
        uint64_t sleeps = bench_sleeps();
        bench_source(lap, helper->count, send);
        helper->cpu_ns = bench_cpu_ns() - cpu_ns;
        helper->sleeps = bench_sleeps() - sleeps;
        bench_announce(&helper->ended);
    }
}

/* The helper ended before its maker: it has said why in the maker's outcome. */
static inline void bench_end_with_helper(int signal_number)
{
    (void)signal_number;
    _exit(1);
}

BENCH_INLINE void bench_make_helper(struct bench_lap *lap, bench_send *send)
{
    signal(SIGCHLD, bench_end_with_helper);
    pid_t maker = getpid(), pid = fork();
    if (pid < 0)
        bench_fail(lap, "no third process could be made");
    if (pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == maker)
        bench_help(lap, send);
    _exit(1);
}

BENCH_INLINE void bench_begin_help(struct bench_lap *lap, uint64_t count, bench_send *send)
{
    struct bench_helper *helper = bench_helper(lap);
    if (helper->begun == 0)
        bench_make_helper(lap, send);
    helper->count = count;
    bench_announce(&helper->begun);
}

static inline void bench_end_help(struct bench_lap *lap)
{
    struct bench_helper *helper = bench_helper(lap);
    bench_await(&helper->ended, helper->begun - 1);
    lap->outcome->helper_cpu_ns = helper->cpu_ns;
    lap->outcome->helper_sleeps = helper->sleeps;
}

/* Receives as many messages, each the next of whoever wrote it. */
BENCH_INLINE void bench_gather(struct bench_lap *lap, uint64_t count, bench_receive *receive)
{
    struct bench_helper *helper = bench_helper(lap);
    size_t last = lap->size_bytes - sizeof(uint64_t), step = lap->whole ? sizeof(uint64_t) : last;
    for (uint64_t i = 0; i < count; i++) {
        lap->buffer = lap->room;
        const unsigned char *message = receive(lap);
        enum bench_role from = bench_get(message) >> 63 ? BENCH_FAR : BENCH_NEAR;
        uint64_t number = helper->next[from]++;
        for (size_t at = 0; at <= last; at += step)
            bench_check(lap, message, from, number, at);
    }
}

#define BENCH_WRITER_LOOPS(side)                                                                   \
    static void side##_gather(struct bench_lap *lap, uint64_t count)                               \
    {                                                                                              \
        bench_gather(lap, count, side##_receive);                                                  \
    }                                                                                              \
    static void side##_write_half(struct bench_lap *lap, uint64_t count)                           \
    {                                                                                              \
        bench_source(lap, count - count / 2, side##_send);                                         \
    }                                                                                              \
    static void side##_gather_beside(struct bench_lap *lap, uint64_t count)                        \
    {                                                                                              \
        bench_begin_help(lap, count / 2, side##_send);                                             \
        side##_gather(lap, count);                                                                 \
        bench_end_help(lap);                                                                       \
    }                                                                                              \
    static void side##_write_both(struct bench_lap *lap, uint64_t count)                           \
    {                                                                                              \
        bench_begin_help(lap, count / 2, side##_send);                                             \
        side##_write_half(lap, count);                                                             \
        bench_end_help(lap);                                                                       \
    }

#define BENCH_WRITERS(side)                                                                        \
    .two_writers = {side##_gather, side##_write_both, NULL},                                       \
    .two_writers_apart = {side##_gather_beside, side##_write_half, NULL}

#endif
