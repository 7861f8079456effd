/* A segment's change notice, and a message in its memory beside it. */
#include <ferry/ferry.h>

#include "bench/messages.h"

/* Near writes into the first segment and far into the second. */
struct segments {
    ferry_segment *to[2];
    uint32_t version; /* of the one that this process listens to */
};

static struct segments *segments_of(struct bench_lap *lap)
{
    return (struct segments *)lap->own;
}

static void segment_notice_make(struct bench_lap *lap)
{
    static struct segments segments;
    size_t size = lap->size_bytes ? lap->size_bytes : 64;
    for (int role = 0; role < 2; role++)
        if (ferry_segment_open(&segments.to[role], NULL,
                               FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = size)) < 0)
            bench_fail(lap, "%s", ferry_explain());
    lap->own = &segments;
}

BENCH_INLINE void segment_notice_send(struct bench_lap *lap)
{
    ferry_segment *to = segments_of(lap)->to[lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR];
    if (lap->size_bytes > 0)
        memcpy(ferry_segment_data(to), lap->buffer, lap->size_bytes);
    if (ferry_segment_notify(to) < 0)
        bench_fail(lap, "%s", ferry_explain());
}

BENCH_INLINE unsigned char *segment_notice_receive(struct bench_lap *lap)
{
    struct segments *segments = segments_of(lap);
    ferry_segment *mine = segments->to[lap->role];
    if (ferry_segment_wait(mine, &segments->version, FERRY_FOREVER) < 0)
        bench_fail(lap, "%s", ferry_explain());
    return (unsigned char *)ferry_segment_data(mine);
}

BENCH_MESSAGE_LOOPS(segment_notice)

const struct bench_side bench_segment_notice = {
    .name = "segment notice",
    .how = "ferry_segment_notify, ferry_segment_wait; a segment for each direction",
    .family = BENCH_FERRY,
    .waits = BENCH_DEFAULT,
    .most_bytes = BENCH_ANY,
    .make = segment_notice_make,
    BENCH_SIGNALS(segment_notice),
};
