/* Ferry's pipe with a name. */
#include "ferry.h"

static void create_sized(const char *name, uint64_t capacity)
{
    ferry_pipe *pipe;
    CHECK_OK(ferry_pipe_open(
        &pipe, name, FERRY_PIPE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .capacity = capacity)));
    ferry_pipe_close(pipe);
}

static void create(const char *name)
{
    create_sized(name, 0);
}

static void remove_name(const char *name)
{
    CHECK_OK(ferry_remove(name));
}

static int open_end(struct end *ret_end, const char *name, unsigned role, int64_t patience_ns)
{
    return ferry_pipe_open(&ret_end->pipe, name,
                           FERRY_PIPE(.flags = role, .patience_ns = patience_ns));
}

static void make(struct ends *ret_ends, uint64_t capacity)
{
    create_sized(ret_ends->name, capacity);
    CHECK_OK(open_end(ret_ends->reading, ret_ends->name, FERRY_READ, FERRY_NO_WAIT));
    CHECK_OK(open_end(ret_ends->writing, ret_ends->name, FERRY_WRITE, FERRY_NO_WAIT));
}

const struct back_end ferry_named = {.name = "ferry_named",
                                     .oracle = &kernel_fifo,
                                     .hears_of_deaths_late = true,
                                     .make = make,
                                     .create = create,
                                     .open = open_end,
                                     .remove = remove_name,
                                     .close = ferry_end_close,
                                     .write = ferry_end_write,
                                     .read = ferry_end_read,
                                     .capacity = ferry_end_capacity,
                                     .depth = ferry_end_depth,
                                     .set_capacity = ferry_end_set_capacity,
                                     .descriptor = ferry_end_descriptor};
