/* The least that named shared memory takes: a file in /dev/shm, reserved and mapped.  No members, no
 * lock, no notice; and half-made ones can be opened. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bench/objects.h"

struct opened {
    int descriptor;
    void *memory;
    char name[64], fresh_name[64];
};

static struct opened *opened_by(struct bench_lap *lap)
{
    return (struct opened *)lap->own;
}

static void map(struct bench_lap *lap, const char *path, int flags)
{
    struct opened *opened = opened_by(lap);
    struct stat found;
    opened->descriptor = open(path, flags | O_RDWR | O_CLOEXEC, 0600);
    if (opened->descriptor < 0)
        bench_fail(lap, "%s: %s", path, strerror(errno));
    if (flags & O_CREAT && fallocate(opened->descriptor, 0, 0, (off_t)lap->size_bytes) < 0) {
        unlink(path); /* nobody unmakes what could not be made */
        bench_fail(lap, "fallocate: %s", strerror(errno));
    }
    if (fstat(opened->descriptor, &found) < 0 || found.st_size != (off_t)lap->size_bytes)
        bench_fail(lap, "%s has another size", path);
    opened->memory =
        mmap(NULL, lap->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, opened->descriptor, 0);
    if (opened->memory == MAP_FAILED)
        bench_fail(lap, "mmap: %s", strerror(errno));
}

static void file_create(struct bench_lap *lap)
{
    map(lap, opened_by(lap)->fresh_name, O_CREAT | O_EXCL);
}

static void file_attach(struct bench_lap *lap)
{
    map(lap, opened_by(lap)->name, 0);
}

static void file_detach(struct bench_lap *lap)
{
    munmap(opened_by(lap)->memory, lap->size_bytes);
    close(opened_by(lap)->descriptor);
}

static void file_destroy(struct bench_lap *lap)
{
    unlink(opened_by(lap)->fresh_name);
    file_detach(lap);
}

static void file_make(struct bench_lap *lap)
{
    struct opened *opened = lap->own = calloc(1, sizeof(*opened));
    if (opened == NULL)
        bench_fail(lap, "no memory");
    snprintf(opened->name, sizeof(opened->name), "/dev/shm/%s", lap->name);
    snprintf(opened->fresh_name, sizeof(opened->fresh_name), "/dev/shm/%s", lap->fresh_name);
    map(lap, opened->name, O_CREAT | O_EXCL);
}

static void file_unmake(struct bench_lap *lap)
{
    unlink(opened_by(lap)->name);
    unlink(opened_by(lap)->fresh_name);
}

BENCH_OBJECT_LOOPS(file)

const struct bench_side bench_file = {
    .name = "file in /dev/shm",
    .how = "open, fallocate, mmap; munmap, close, unlink",
    .family = BENCH_FLOOR,
    .make = file_make,
    .unmake = file_unmake,
    BENCH_OBJECTS(file),
};
