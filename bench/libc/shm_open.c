/* POSIX shared memory by name.  Its pages are not reserved: that is how it is commonly used, and
 * what a full /dev/shm makes of it is a SIGBUS. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "bench/objects.h"

static void *memory; /* that this process has mapped */

static void make_name(const char *name, char ret_path[static 64])
{
    snprintf(ret_path, 64, "/%s", name);
}

/* The descriptor is not needed any longer than for mapping. */
static void open_memory(struct bench_lap *lap, const char *name, int flags)
{
    char path[64];
    make_name(name, path);
    int file = shm_open(path, O_RDWR | flags, 0600);
    if (file < 0)
        bench_fail(lap, "shm_open: %s", strerror(errno));
    if ((flags & O_CREAT) && ftruncate(file, (off_t)lap->size_bytes) < 0) {
        shm_unlink(path); /* nobody unmakes what could not be made */
        bench_fail(lap, "ftruncate: %s", strerror(errno));
    }
    memory = mmap(NULL, lap->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        bench_fail(lap, "mmap: %s", strerror(errno));
    close(file);
}

static void remove_name(const char *name)
{
    char path[64];
    make_name(name, path);
    shm_unlink(path);
}

static void shm_create(struct bench_lap *lap)
{
    open_memory(lap, lap->fresh_name, O_CREAT | O_EXCL);
}

static void shm_attach(struct bench_lap *lap)
{
    open_memory(lap, lap->name, 0);
}

static void shm_detach(struct bench_lap *lap)
{
    munmap(memory, lap->size_bytes);
}

static void shm_destroy(struct bench_lap *lap)
{
    remove_name(lap->fresh_name);
    munmap(memory, lap->size_bytes);
}

static void shm_make(struct bench_lap *lap)
{
    open_memory(lap, lap->name, O_CREAT | O_EXCL);
}

static void shm_unmake(struct bench_lap *lap)
{
    remove_name(lap->name);
    remove_name(lap->fresh_name);
}

BENCH_OBJECT_LOOPS(shm)

const struct bench_side bench_shm_open = {
    .name = "shm_open",
    .how = "shm_open, ftruncate, mmap; munmap; shm_unlink",
    .family = BENCH_LIBC,
    .make = shm_make,
    .unmake = shm_unmake,
    BENCH_OBJECTS(shm),
};
