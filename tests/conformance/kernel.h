/* Descriptors of the kernel's as ends: what its pipes and its FIFOs have in common. */
#ifndef FERRY_CONFORMANCE_KERNEL_H
#define FERRY_CONFORMANCE_KERNEL_H

#include "back_end.h"

void kernel_close(struct end *end);
ssize_t kernel_write(struct end *end, const void *bytes, size_t count, int64_t timeout_ns);
ssize_t kernel_read(struct end *end, void *ret_bytes, size_t count, int64_t timeout_ns);
uint64_t kernel_capacity(struct end *end);
uint64_t kernel_depth(struct end *end);
int kernel_set_capacity(struct end *end, uint64_t capacity);
int kernel_descriptor(struct end *end);

/* For make(): SIGPIPE is not raised from here on, in this process and its children; and another capacity, if there is
 * one. */
void kernel_prepare(struct ends *ends, uint64_t capacity);

#endif
