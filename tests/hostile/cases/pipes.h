/* What the cases of pipes share. */
#ifndef HOSTILE_CASES_PIPES_H
#define HOSTILE_CASES_PIPES_H

#include <ferry/ferry.h>

#include "shared/layout.h"

/* Empties it and puts something in, with everybody on the boards and somebody looking on: whoever sleeps is
 * told. */
static inline void rescue_pipe(ferry_pipe *pipe, struct layout *control)
{
    static char bytes[16384];
    uint64_t end = atomic_load(&control->stream.in.position);
    atomic_store(&control->stream.in.told, end);
    atomic_store(&control->stream.out.position, end);
    atomic_store(&control->stream.readers.words[0], UINT64_MAX);
    atomic_store(&control->stream.writers.words[0], UINT64_MAX);
    atomic_store(&control->stream.shape.rung, 0);
    atomic_store(&control->stream.shape.stuffed, UINT32_MAX);
    atomic_store(&control->stream.shape.tapped, UINT32_MAX);
    ferry_pipe_write(pipe, "x", 1, FERRY_NOW);
    ferry_pipe_read(pipe, bytes, sizeof(bytes), FERRY_NOW);
    ferry_pipe_write(pipe, "x", 1, FERRY_NOW);
}

#endif
