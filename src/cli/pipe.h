/* Standard input into a pipe, and a pipe to standard output, for `ferry write` and `ferry read`.
 *
 * A name that is free becomes a pipe.  Both wait for the other side first, and end as cat(1) would. */
#ifndef FERRY_CLI_PIPE_H
#define FERRY_CLI_PIPE_H

#include <stdint.h>

/* Writes the text, or standard input if that is NULL.  An exit status. */
int pipe_write(const char *name, const char *text, int64_t timeout_ns);

/* Reads up to the end of the stream, but at most `count` bytes.  An exit status. */
int pipe_read(const char *name, uint64_t count, int64_t timeout_ns);

/* What an option that a pipe does not have is told. */
int pipe_has_no(const char *name, const char *option);

#endif
