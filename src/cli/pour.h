/* Bytes from standard input into a pipe, and from a pipe to standard output.
 *
 * Whoever has room reserved or bytes open keeps other writers or readers of the pipe waiting.
 * Nobody here waits for a standard stream meanwhile: the kernel is asked for what can be done at
 * once, and where it cannot promise that, bytes take another way (see pour.c). */
#ifndef FERRY_CLI_POUR_H
#define FERRY_CLI_POUR_H

#include <ferry/ferry.h>

#include "cli/meter.h"

struct pour {
    ferry_pipe *pipe;
    int64_t timeout_ns; /* of each wait for the pipe */
    struct meter meter; /* counts in any case */
    bool is_file;       /* standard output is one */
    bool no_promise;    /* the kernel does not say what it can do at once with this stream */
};

/* How it ended, when it did not end well. */
enum pour_trouble {
    POUR_PIPE = 1,   /* error: as the library's, and explained by it */
    POUR_STREAM = 2, /* error: standard input or output's */
    POUR_COUNT = 3,  /* the first record is larger than what is to be read */
};

/* Each returns 0 once all is done, or what the trouble was with; then *ret_error says more. */
int pour_text(struct pour *pour, const char *bytes, size_t count, int *ret_error);
int pour_in(struct pour *pour, int *ret_error);
int pour_out(struct pour *pour, uint64_t count, int *ret_error);

#endif
