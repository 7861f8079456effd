/* A mutex in the kill harness: survivor, victim and up to two who sleep beside them; what a victim does with it, and the questions that are
 * asked after every death, whatever the operation was. */
#ifndef KILL_CASES_MUTEX_WORLD_H
#define KILL_CASES_MUTEX_WORLD_H

#include <stdatomic.h>
#include <sys/types.h>

#include <ferry/ferry.h>

#include "../harness.h"
#include "test.h"

#define NAME "kill"

/* Others have to wake up and go to sleep, perhaps on a busy machine. */
enum { BOUND_MS = 20000 };

enum { NEVER = 1 }; /* no result of a lock: it has not come back yet */

/* One who waits for the lock until it gets it, and lets go of it at once. */
struct sleeper {
    struct test_gate *go;
    pid_t pid;
    _Atomic int result;
};

struct world {
    ferry_mutex *survivor;
    struct sleeper first, second; /* beside survivor and victim: the first one keeps the vigil */
    pid_t holder;
    int result;    /* of the victim's operation */
    int other;     /* of the survivor's in between */
    bool unlocked; /* by the survivor */
};

/* The victim's own handle. */
extern ferry_mutex *victim;

/* The survivor makes it and has it open; and takes it away. */
void make_with(struct world *world, unsigned flags);
void drop(void *memory);

/* In a new process: a handle of its own instead of the one that it inherited. */
ferry_mutex *join(struct world *world);
void attach(void *memory);
void attach_and_lock(void *memory);

/* A process that will sleep for it once its gate is open; and what it heard: it is there in the end, whatever became of the victim. */
void call_sleeper(struct world *world, struct sleeper *sleeper);
int end_of(struct sleeper *sleeper);

/* Of the victim. */
void lock(void *memory);
void lock_now(void *memory);
void unlock(void *memory);
void repair(void *memory);
void close_it(void *memory);

/* Of the survivor.  The first one once, however often it is asked to. */
void unlock_too(void *memory);
void try_too(void *memory);

/* The members' books are in order. */
void check_members(void);

/* The survivor gets it, is told if somebody died with it, and afterwards all is well.  What it was told. */
int take_repair_release(struct world *world);

/* The victim's operation ends with the lock, or without it. */
void check_dead_owner_told(void *memory, const struct kill_point *point);
void check_free(void *memory, const struct kill_point *point);

/* It waited for the survivor. */
void check_waiter_gone(void *memory, const struct kill_point *point);

/* Both have tried. */
void check_in_turn(void *memory, const struct kill_point *point);

#endif
