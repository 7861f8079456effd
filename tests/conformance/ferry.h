/* Handles of Ferry's as ends: what its anonymous and its named pipes have in common. */
#ifndef FERRY_CONFORMANCE_FERRY_H
#define FERRY_CONFORMANCE_FERRY_H

#include "back_end.h"

static inline void ferry_end_close(struct end *end)
{
    ferry_pipe_close(end->pipe);
}

static inline ssize_t ferry_end_write(struct end *end, const void *bytes, size_t count,
                                      int64_t timeout_ns)
{
    return ferry_pipe_write(end->pipe, bytes, count, timeout_ns);
}

static inline ssize_t ferry_end_read(struct end *end, void *ret_bytes, size_t count,
                                     int64_t timeout_ns)
{
    return ferry_pipe_read(end->pipe, ret_bytes, count, timeout_ns);
}

static inline uint64_t ferry_end_capacity(struct end *end)
{
    uint64_t capacity;
    CHECK_OK(ferry_pipe_capacity(end->pipe, &capacity));
    return capacity;
}

static inline uint64_t ferry_end_depth(struct end *end)
{
    uint64_t depth;
    CHECK_OK(ferry_pipe_depth(end->pipe, &depth));
    return depth;
}

static inline int ferry_end_set_capacity(struct end *end, uint64_t capacity)
{
    return ferry_pipe_set_capacity(end->pipe, capacity);
}

static inline int ferry_end_descriptor(struct end *end)
{
    return ferry_pipe_descriptor(end->pipe);
}

#endif
