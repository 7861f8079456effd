/* A queue in the hostile harness: what is overwritten, and what the victims of queue.c do with it. */
#ifndef HOSTILE_CASES_QUEUE_WORLD_H
#define HOSTILE_CASES_QUEUE_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <ferry/ferry.h>

#include "../harness.h"

#define NAME        "hostile"
#define MILLISECOND INT64_C(1000000)

enum { MESSAGES = 4, BYTES = 2048, LARGEST = 512, SOME = 100 };

/* So many bytes of the data are in use, whatever the queue: after each trial it is where it began. */
enum { DATA_BYTES = 4096, INDEX_BYTES = 65536 };

struct world {
    ferry_queue *queue; /* the peer's, and as inherited by it the victim's */
    ferry_queue *other; /* opened by an operation */
    void *loan;
    const void *taken;
    int parcel;                                /* -1: none */
    char *data;                                /* mapped */
    char fresh[DATA_BYTES], ready[DATA_BYTES]; /* images: before, and after a preparation */
    char *index;                               /* of a store: the same of it */
    size_t index_bytes;
    char fresh_index[INDEX_BYTES], ready_index[INDEX_BYTES];
};

/* What cannot be looked on at. */
#define UNTAPPED (FERRY_UNBOUNDED | FERRY_TYPES | FERRY_PRIORITIES)

/* A victim's, for whatever it sends and receives. */
extern char bytes[LARGEST];

/* Has each kind of queue attacked in which these operations can be done: each word, or all of them in a race. */
void play(const char *what, const struct hostile_operation *operations, bool race);

/* ---- Preparations, which must not fail ---- */

int empty(void *memory);
int put_in(void *memory); /* some messages */
int fill(void *memory);

/* The data of a new queue, for one who looks on. */
void begin_anew(struct world *world);

/* ---- Operations, in lists whose last has no name ---- */

extern const struct hostile_operation sending[], receiving[], in_place[];
extern const struct hostile_operation members[], polling[], looking_on[];

/* 0, or what it failed with. */
static inline int result(ssize_t count)
{
    return count < 0 ? (int)count : 0;
}

#endif
