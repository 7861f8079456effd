/* Standard input into a pipe, and a pipe to standard output, for `ferry write` and `ferry read`.
 *
 * A name that is free becomes a pipe.  Both wait for the other side first, and end as cat(1) would. */
#ifndef FERRY_CLI_PIPE_H
#define FERRY_CLI_PIPE_H

#include <stdbool.h>
#include <stdint.h>

struct pipe_request {
    const char *name;
    int64_t timeout_ns;
    bool progress;       /* throughput on standard error */
    uint64_t size_bytes; /* how many bytes are expected; 0: not known */
};

/* Writes the text, or standard input if that is NULL.  An exit status. */
int pipe_write(const struct pipe_request *request, const char *text);

/* Reads up to the end of the stream, but at most `count` bytes.  An exit status. */
int pipe_read(const struct pipe_request *request, uint64_t count);

/* What an option that a pipe, or that a segment, does not have is told. */
int pipe_has_no(const char *name, const char *option);
int segment_has_no(const char *name, const char *option);

#endif
