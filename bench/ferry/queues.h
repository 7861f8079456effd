/* Ferry's queues, one for each direction, as all of its sides use them. */
#ifndef FERRY_BENCH_FERRY_QUEUES_H
#define FERRY_BENCH_FERRY_QUEUES_H

#include <errno.h>
#include <ferry/ferry.h>

#include "bench/messages.h"

#define QUEUE_BYTES (UINT64_C(1) << 20) /* as pipes have it, and as peers are given */

struct queues {
    ferry_queue *to_near, *to_far;
};

/* Room for 1 MiB of messages, or for four of the size that is measured; 1,024 of them if they are small. */
static inline struct ferry_queue_options queue_options(const struct bench_lap *lap, unsigned flags)
{
    uint64_t size = lap->size_bytes;
    return (struct ferry_queue_options){
        .options_bytes = sizeof(struct ferry_queue_options),
        .flags = flags,
        .bytes = 4 * size > QUEUE_BYTES ? 4 * size : QUEUE_BYTES,
        .largest = size,
    };
}

static inline ferry_queue *queue_open(struct bench_lap *lap, const char *name,
                                      const struct ferry_queue_options *options)
{
    ferry_queue *queue;
    if (ferry_queue_open(&queue, name, options) < 0)
        bench_fail(lap, "%s", ferry_explain());
    return queue;
}

/* Queues without a name, which near and far inherit. */
static inline void queues_make(struct bench_lap *lap, const struct ferry_queue_options *options)
{
    static struct queues queues;
    queues.to_near = queue_open(lap, NULL, options);
    queues.to_far = queue_open(lap, NULL, options);
    lap->own = &queues;
}

BENCH_INLINE ferry_queue *queue_to(const struct bench_lap *lap, enum bench_role role)
{
    const struct queues *queues = (const struct queues *)lap->own;
    return role == BENCH_NEAR ? queues->to_near : queues->to_far;
}

BENCH_INLINE int64_t queue_timeout(const struct bench_lap *lap)
{
    return lap->waiting == BENCH_SPIN ? FERRY_NOW : FERRY_FOREVER;
}

/* What was returned: whether to look again.  Anything but that there is none yet, or no room, ends the lap. */
BENCH_INLINE bool queue_again(struct bench_lap *lap, ssize_t result)
{
    if (result >= 0)
        return false;
    if (result != -EAGAIN)
        bench_fail(lap, "%s", ferry_explain());
    return true;
}

BENCH_INLINE void queue_expect_size(struct bench_lap *lap, ssize_t size)
{
    if ((size_t)size != lap->size_bytes)
        bench_fail(lap, "a message of %zu bytes came as %zd", lap->size_bytes, size);
}

#endif
