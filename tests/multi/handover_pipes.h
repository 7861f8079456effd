/* What the tests of pipes that are handed over share: making them, packing and taking, and what a reader gets. */
#ifndef FERRY_TEST_HANDOVER_PIPES_H
#define FERRY_TEST_HANDOVER_PIPES_H

#include <fcntl.h>
#include <poll.h>

#include "channel.h"
#include "support.h"

enum { STRANGER = 61004 };

static const unsigned BOTH = FERRY_READ | FERRY_WRITE;

struct pair {
    ferry_pipe *reading, *writing;
};

/* A new pipe called x, or one without a name. */
static inline struct pair make(bool named)
{
    ferry_pipe *ends[2];
    if (!named) {
        CHECK_OK(ferry_pipe_pair(ends, NULL));
        return (struct pair){ends[0], ends[1]};
    }
    unsigned flags = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_READ;
    CHECK_OK(
        ferry_pipe_open(&ends[0], "x", FERRY_PIPE(.flags = flags, .patience_ns = FERRY_NO_WAIT)));
    CHECK_OK(ferry_pipe_open(&ends[1], "x", FERRY_PIPE(.flags = FERRY_WRITE)));
    return (struct pair){ends[0], ends[1]};
}

static inline void drop(struct pair pair, bool named)
{
    ferry_pipe_close(pair.reading);
    ferry_pipe_close(pair.writing);
    if (named)
        CHECK_OK(ferry_remove("x"));
}

static inline int pack(ferry_pipe *pipe, unsigned role)
{
    int parcel = -1;
    CHECK_OK(ferry_pipe_hand_over(pipe, role, &parcel));
    CHECK_EQ(fcntl(parcel, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    return parcel;
}

static inline ferry_pipe *take(int parcel)
{
    ferry_pipe *pipe;
    CHECK_OK(ferry_pipe_take(&pipe, parcel));
    CHECK_EQ(fcntl(parcel, F_GETFD), -1); /* closed */
    return pipe;
}

static inline void put(ferry_pipe *pipe, const char *text)
{
    CHECK_EQ(ferry_pipe_write(pipe, text, strlen(text), FERRY_FOREVER), strlen(text));
}

static inline void expect(ferry_pipe *pipe, const char *text)
{
    char got[64] = "";
    for (size_t done = 0; done < strlen(text);) {
        ssize_t n = ferry_pipe_read(pipe, got + done, strlen(text) - done, FERRY_FOREVER);
        CHECK(n > 0);
        done += (size_t)n;
    }
    CHECK_STR(got, text);
}

static inline ssize_t read_within(ferry_pipe *pipe, int64_t timeout_ns)
{
    char got;
    return ferry_pipe_read(pipe, &got, 1, timeout_ns);
}

static inline void expect_end(ferry_pipe *pipe)
{
    CHECK_EQ(read_within(pipe, FERRY_FOREVER), 0);
    CHECK_EQ(read_within(pipe, 10 * SECOND), 0);
    CHECK_EQ(read_within(pipe, FERRY_NOW), 0);
}

static inline void expect_nothing_yet(ferry_pipe *pipe)
{
    CHECK_ERR((int)read_within(pipe, FERRY_NOW), EAGAIN);
    CHECK_ERR((int)read_within(pipe, MILLISECOND), ETIMEDOUT);
}

#endif
