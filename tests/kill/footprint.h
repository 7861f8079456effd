/* What a process would leave behind if it were killed now.
 *
 * That is what stands in shared memory, and what the kernel remembers; and the kernel learns only
 * by system calls.  Two instructions with neither a change nor a system call between them leave
 * the same. */
#ifndef KILL_FOOTPRINT_H
#define KILL_FOOTPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct footprint_area {
    uintptr_t start;
    size_t size_bytes;
    unsigned char *copy; /* as it was at the last look */
};

struct footprint {
    pid_t pid;
    uintptr_t ignored; /* the area that starts here is the harness's own */
    struct footprint_area *areas;
    size_t count;
    unsigned char *scratch;
};

/* Looks at the shared memory that a stopped process has mapped for writing.  Of each mapping, the
 * first megabyte.  0, or -errno. */
int footprint_init(struct footprint *ret_footprint, pid_t pid, const void *ignored);
void footprint_deinit(struct footprint *footprint);

/* Looks again.  Has anything changed since? */
bool footprint_changed(struct footprint *footprint);

/* Takes in what a system call may have mapped or unmapped.  0, or -errno. */
int footprint_renew(struct footprint *footprint);

#endif
