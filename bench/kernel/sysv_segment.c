/* System V shared memory.  A segment's name is a number; ours are made of the keeper's pid.  It
 * outlives its processes: the keeper removes what near left behind, by its number, for near may die
 * before it could tell anybody of it. */
#include <errno.h>
#include <sys/shm.h>

#include "bench/objects.h"

/* Our numbers begin with an F; a pid has 22 bits. */
#define KEY_BASE ((key_t)'F' << 24)

static key_t kept_key, fresh_key;
static int segment; /* the one this process uses */
static void *memory;

static void remove_by_key(key_t key)
{
    int left = shmget(key, 0, 0);
    if (left >= 0)
        shmctl(left, IPC_RMID, NULL);
}

static void sysv_segment_make(struct bench_lap *lap)
{
    kept_key = KEY_BASE + (key_t)getpid() * 2;
    fresh_key = kept_key + 1;
    if (shmget(fresh_key, 0, 0) >= 0)
        bench_fail(lap, "somebody else has a segment of key %#x", (unsigned)fresh_key);
    if (shmget(kept_key, lap->size_bytes, IPC_CREAT | IPC_EXCL | 0600) < 0)
        bench_unavailable(lap, "shmget: %s", strerror(errno));
}

static void sysv_segment_unmake(struct bench_lap *lap)
{
    (void)lap;
    remove_by_key(kept_key);
    remove_by_key(fresh_key);
}

static void open_segment(struct bench_lap *lap, key_t key, int flags)
{
    segment = shmget(key, lap->size_bytes, flags);
    if (segment < 0)
        bench_fail(lap, "shmget: %s", strerror(errno));
    memory = shmat(segment, NULL, 0);
    if (memory == (void *)-1)
        bench_fail(lap, "shmat: %s", strerror(errno));
}

static void sysv_segment_create(struct bench_lap *lap)
{
    open_segment(lap, fresh_key, IPC_CREAT | IPC_EXCL | 0600);
}

static void sysv_segment_destroy(struct bench_lap *lap)
{
    if (shmctl(segment, IPC_RMID, NULL) < 0 || shmdt(memory) < 0)
        bench_fail(lap, "IPC_RMID: %s", strerror(errno));
}

static void sysv_segment_attach(struct bench_lap *lap)
{
    open_segment(lap, kept_key, 0);
}

static void sysv_segment_detach(struct bench_lap *lap)
{
    if (shmdt(memory) < 0)
        bench_fail(lap, "shmdt: %s", strerror(errno));
}

BENCH_OBJECT_LOOPS(sysv_segment)

const struct bench_side bench_sysv_segment = {
    .name = "System V segment",
    .how = "shmget and shmat, shmdt, IPC_RMID",
    .family = BENCH_KERNEL,
    .make = sysv_segment_make,
    .unmake = sysv_segment_unmake,
    BENCH_OBJECTS(sysv_segment),
};
