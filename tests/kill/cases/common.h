/* What the segment's kill cases share: a world with a survivor's handle, and the questions asked
 * after every death. */
#ifndef KILL_CASES_COMMON_H
#define KILL_CASES_COMMON_H

#include <errno.h>

#include <ferry/ferry.h>

#include "../harness.h"
#include "test.h"

#define NAME "kill"
#define SIZE 4097u

struct world {
    ferry_segment *survivor;
    uint64_t attaches, detaches; /* just before the operation */
    int result;                  /* what the victim's operation returned */
    struct test_gate *go;        /* for third processes */
    pid_t third;
    _Atomic uint32_t seen; /* by a third process */
    _Atomic int third_result;
};

/* The victim's own handle. */
extern ferry_segment *victim;

/* setup(), prepare() and teardown() as most cases need them: the survivor makes the segment, the
 * victim drops what it inherited by being forked, and perhaps attaches, the name is removed. */
void world_make(void *memory);
void world_disinherit_victim(void *memory);
void world_attach_victim(void *memory);
void world_drop(void *memory);

/* Statistics and memory are whole: the ledger adds up, exactly `attached` members are alive, and a
 * newcomer can come and go. */
void check_whole(struct world *world, uint32_t attached);

/* The root holds nothing but what belongs to living names, once it has been swept. */
void check_root_is_clean(void);

struct ferry_object look(const char *name);

#endif
