/* One victim, brought to one point of its operation: what killing, pausing and killing the
 * recoverer have in common.
 *
 * Only the runner process calls these.  What goes wrong here ends it. */
#ifndef KILL_RUN_H
#define KILL_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "harness.h"
#include "path.h"
#include "supervise.h"
#include "trace.h"

/* One kind of victim over all its points. */
struct course {
    const struct kill_case *kill_case;
    struct path path;
    size_t naps_tried; /* of the sleeps on the way, how many were a point of their own */
    size_t stepped;    /* how many instructions on the way to a point are stepped in any case */
    size_t firm;       /* a victim that ran has come as far as this, … */
    size_t strays;     /* … and so many points behind that could not be run to */
};

struct victim {
    struct tracee tracee;
    struct course *course;
    size_t naps;     /* sleeps that it has been woken from */
    size_t executed; /* instructions, as far as they were counted */
};

enum reach {
    REACH_THERE,  /* it stands at the instruction */
    REACH_END,    /* its operation has returned, with this instruction or before it */
    REACH_ASLEEP, /* it sleeps before the instruction, and is not to be woken yet */
    REACH_LOST,   /* its operation has returned without coming by a breakpoint */
};

struct run {
    struct progress *progress;
    void *world;
    size_t world_bytes;
};

/* Maps the world, of the size that is set.  Ends the runner if there is no memory. */
void run_init(struct run *run);

/* Notes that the runner is about to call, or to wait for, this function of the case. */
void run_note(struct run *run, const char *doing);

/* Ends the runner, having said why. */
_Noreturn void run_fail(struct run *run, const char *reason);

/* A fresh world and object; and its removal. */
void run_setup(struct run *run, const struct kill_case *kill_case);
void run_teardown(struct run *run, const struct kill_case *kill_case);

/* Forks a victim; it stands at the call of its operation. */
void run_start(struct run *run, struct course *course, struct victim *ret_victim);

/* Walks a fresh victim through its operation and notes the path for the course; with footprints,
 * also which instructions alter what it leaves behind.  REACH_END, or REACH_ASLEEP if it sleeps
 * for good. */
enum reach run_record(struct run *run, struct victim *victim, bool footprints);

/* Brings a fresh victim to instruction k. */
enum reach run_reach(struct run *run, struct victim *victim, size_t k);

/* Brings a victim to the end of its operation, waking it where the case can.  going: it has not
 * stopped, or goes on already.  REACH_END, or REACH_ASLEEP if it sleeps for good. */
enum reach run_conclude(struct run *run, struct victim *victim, bool going);

/* Takes down where the victim is, for the check and for the report. */
void run_locate(struct run *run, const struct victim *victim, enum reach reach);

#endif
