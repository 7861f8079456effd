/* The kernel's pipe: pipe(2). */
#include "kernel.h"

#include <fcntl.h>

static void make(struct ends *ret_ends, uint64_t capacity)
{
    int descriptors[2];
    CHECK_ERRNO(pipe2(descriptors, O_CLOEXEC));
    ret_ends->reading->descriptor = descriptors[0];
    ret_ends->writing->descriptor = descriptors[1];
    kernel_prepare(ret_ends, capacity);
}

const struct back_end kernel_pipe = {.name = "kernel_pipe",
                                     .make = make,
                                     .close = kernel_close,
                                     .write = kernel_write,
                                     .read = kernel_read,
                                     .capacity = kernel_capacity,
                                     .depth = kernel_depth,
                                     .set_capacity = kernel_set_capacity,
                                     .descriptor = kernel_descriptor};
