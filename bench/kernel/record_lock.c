/* A record lock on the first byte of a file in memory.  It belongs to the process, not to the
 * descriptor that near, far and their children have in common: it ends with its owner. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "bench/locks.h"

static int file;

static void record_lock_make(struct bench_lap *lap)
{
    file = memfd_create("ferry-bench", MFD_CLOEXEC);
    if (file < 0)
        bench_fail(lap, "memfd_create: %s", strerror(errno));
}

static void set_lock(struct bench_lap *lap, short type)
{
    struct flock first_byte = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    if (fcntl(file, F_SETLKW, &first_byte) < 0)
        bench_fail(lap, "F_SETLKW: %s", strerror(errno));
}

BENCH_INLINE void record_lock_lock(struct bench_lap *lap)
{
    set_lock(lap, F_WRLCK);
}

BENCH_INLINE void record_lock_unlock(struct bench_lap *lap)
{
    set_lock(lap, F_UNLCK);
}

BENCH_LOCK_LOOPS(record_lock)

const struct bench_side bench_record_lock = {
    .name = "POSIX record lock",
    .how = "F_SETLKW on a byte of a memfd",
    .family = BENCH_KERNEL,
    .make = record_lock_make,
    BENCH_ROBUST_LOCKS(record_lock),
};
