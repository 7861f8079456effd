/* Ferry's pipe without a name. */
#include "ferry.h"

static void make(struct ends *ret_ends, uint64_t capacity)
{
    ferry_pipe *pipes[2];
    CHECK_OK(ferry_pipe_pair(pipes, FERRY_PIPE(.capacity = capacity)));
    ret_ends->reading->pipe = pipes[0];
    ret_ends->writing->pipe = pipes[1];
}

const struct back_end ferry_pair = {.name = "ferry_pair",
                                    .oracle = &kernel_pipe,
                                    .hears_of_deaths_late = true,
                                    .make = make,
                                    .close = ferry_end_close,
                                    .write = ferry_end_write,
                                    .read = ferry_end_read,
                                    .capacity = ferry_end_capacity,
                                    .depth = ferry_end_depth,
                                    .set_capacity = ferry_end_set_capacity,
                                    .descriptor = ferry_end_descriptor};
