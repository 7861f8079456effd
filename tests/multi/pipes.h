/* What the tests of pipes share: opening in one line, bytes that tell their place, and what poll() says.
 */
#ifndef FERRY_TEST_PIPES_H
#define FERRY_TEST_PIPES_H

#include <poll.h>

#include "support.h"

/* Opens with these flags; who does not come is not waited for. */
static inline ferry_pipe *open_pipe(const char *name, unsigned flags)
{
    ferry_pipe *pipe;
    CHECK_OK(
        ferry_pipe_open(&pipe, name, FERRY_PIPE(.flags = flags, .patience_ns = FERRY_NO_WAIT)));
    return pipe;
}

static inline void open_pair(ferry_pipe *ret_ends[2], uint64_t capacity, unsigned flags)
{
    CHECK_OK(ferry_pipe_pair(ret_ends, FERRY_PIPE(.capacity = capacity, .flags = flags)));
}

static inline void close_pair(ferry_pipe *ends[2])
{
    ferry_pipe_close(ends[0]);
    ferry_pipe_close(ends[1]);
}

static inline uint64_t capacity_of(ferry_pipe *pipe)
{
    uint64_t capacity;
    CHECK_OK(ferry_pipe_capacity(pipe, &capacity));
    return capacity;
}

static inline uint64_t depth_of(ferry_pipe *pipe)
{
    uint64_t depth;
    CHECK_OK(ferry_pipe_depth(pipe, &depth));
    return depth;
}

/* What poll() says of it at once. */
static inline short poll_now(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN | POLLOUT};
    CHECK_ERRNO(poll(&watched, 1, 0));
    return watched.revents;
}

/* Sleeps in poll() until there is one of these, or an end has gone. */
static inline short poll_for(int fd, short events)
{
    struct pollfd watched = {.fd = fd, .events = events};
    while (poll(&watched, 1, -1) < 0)
        CHECK_EQ(errno, EINTR);
    return watched.revents;
}

static inline int descriptor_of(ferry_pipe *pipe)
{
    int fd = ferry_pipe_descriptor(pipe);
    CHECK_OK(fd);
    return fd;
}

/* The byte that belongs at this place of a stream. */
static inline unsigned char byte_at(uint64_t position)
{
    return (unsigned char)(position * 2654435761u >> 13);
}

static inline void put_bytes(void *ret_bytes, size_t count, uint64_t position)
{
    unsigned char *bytes = ret_bytes;
    for (size_t i = 0; i < count; i++)
        bytes[i] = byte_at(position + i);
}

static inline void check_bytes(const void *memory, size_t count, uint64_t position)
{
    const unsigned char *bytes = memory;
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != byte_at(position + i))
            test_fail(__FILE__, __LINE__, "byte %llu of the stream is wrong",
                      (unsigned long long)(position + i));
}

/* Writes so many bytes of the stream, from this place on. */
static inline void write_bytes(ferry_pipe *pipe, size_t count, uint64_t position)
{
    unsigned char *bytes = malloc(count);
    CHECK(bytes != NULL);
    put_bytes(bytes, count, position);
    CHECK_EQ(ferry_pipe_write(pipe, bytes, count, FERRY_FOREVER), (ssize_t)count);
    free(bytes);
}

/* Reads exactly so many, and compares them. */
static inline void read_bytes(ferry_pipe *pipe, size_t count, uint64_t position)
{
    unsigned char *bytes = malloc(count);
    CHECK(bytes != NULL);
    for (size_t done = 0; done < count;) {
        ssize_t n = ferry_pipe_read(pipe, bytes + done, count - done, FERRY_FOREVER);
        CHECK_OK(n);
        CHECK(n > 0);
        done += (size_t)n;
    }
    check_bytes(bytes, count, position);
    free(bytes);
}

#endif
