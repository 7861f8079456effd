/* The kill harness: what becomes of an object when a process dies, or stands still, at any machine
 * instruction of an operation on it.
 *
 * The operation runs in a victim, a fresh process each time, under ptrace: as compiled for release,
 * from the call to the return, libc included.  The survivor is the process that calls the case's
 * other functions.
 *
 *   kill_run()           kills a victim after instruction 1, 2, 3 … to the last, and asleep in
 *                        every system call that it sleeps in; then the survivor checks that the
 *                        operation happened wholly or not at all, and that it can go on.
 *   kill_run_paused()    lets the victim stand there instead, while the survivor does a whole
 *                        operation; then the victim goes on to its end, and the survivor compares
 *                        both results with what some order of the two would have given.
 *   kill_run_recovery()  kills a first victim at each instruction that alters what it leaves
 *                        behind, and a second one, who meets that, at each of its own.
 *
 * A mechanism is put through it in a few lines:
 *
 *     struct world { ferry_segment *segment; };
 *
 *     static void make(void *memory)
 *     {
 *         struct world *world = memory;
 *         CHECK_OK(ferry_segment_open(&world->segment, NULL, FERRY_SEGMENT(.size_bytes = 64)));
 *     }
 *
 *     static void notify(void *memory)
 *     {
 *         struct world *world = memory;
 *         ferry_segment_notify(world->segment);
 *     }
 *
 *     static void check_notice(void *memory, const struct kill_point *point)
 *     {
 *         struct world *world = memory;
 *         uint32_t version;
 *         CHECK_OK(ferry_segment_version(world->segment, &version));
 *         CHECK(version == 1 || (version == 0 && !point->returned));
 *     }
 *
 *     static void drop(void *memory)
 *     {
 *         struct world *world = memory;
 *         ferry_segment_close(world->segment);
 *     }
 *
 *     TEST(notice_is_given_or_not)
 *     {
 *         CHECK_OK(kill_run(&(struct kill_case){.name = "segment notify",
 *                                               .world_bytes = sizeof(struct world),
 *                                               .setup = make, .operation = notify,
 *                                               .check = check_notice, .teardown = drop},
 *                           NULL));
 *     }
 *
 * The world is zeroed memory shared by victim and survivor: results go there.  Pointers in it are
 * good in both as long as they were made in setup(), since the victim is a fork of the survivor;
 * what the victim opens in prepare() belongs in a static variable.
 *
 * Any function of a case may fail by ending its process: a failed check, exit() or a crash.  The
 * harness then says at which instruction the victim was.  So it does when one of them, or what
 * follows a killed victim, takes longer than bound_ms.
 *
 * Environment, to look at a failure or to have a shorter run:
 *   FERRY_KILL_AT=57       instruction 57 alone
 *   FERRY_KILL_AT=12,57    in recovery: the first victim at 12, the second at 57
 *   FERRY_KILL_STRIDE=10   every tenth instruction, starting with FERRY_KILL_SEED modulo 10
 *   FERRY_KILL_SEED=n      otherwise taken from the clock, and printed when it matters
 *
 * Without a stride every instruction is tried, but for operations of more than 2,000 in the default
 * run of the tests (in recovery of 50 to 250, the more the fewer the wrecks).  Of those it tries
 * what stands next to an alteration of shared memory or to a system call, the first rounds of
 * loops, and one in so many of the rest.  A thorough run (see tests/lib) tries all.
 *
 * Limits: one thread per victim; no exec in an operation; an operation whose path depends on the
 * time (a spin, say) is tried along paths that differ a little from one victim to the next.  On
 * aarch64 the processor must have atomic instructions (LSE), as exclusive loads and stores never
 * succeed under single-step. */
#ifndef KILL_HARNESS_H
#define KILL_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Where the victim was, and what became of it. */
struct kill_point {
    size_t instruction; /* how many it had executed */
    bool returned;      /* the operation has returned, so it must have happened */
    bool asleep;        /* it was asleep in a system call then */
    bool let_go;        /* paused: the survivor waited for it, so it went on during between() */
    pid_t victim;       /* dead, and its pid free; paused: stopped where its operation returned */
};

/* All functions but operation() and, to pause, between() may be NULL. */
struct kill_case {
    const char *name;
    size_t world_bytes;

    void (*setup)(void *world);     /* survivor: makes a fresh object and attaches to it */
    void (*prepare)(void *world);   /* victim: what comes before the operation */
    void (*operation)(void *world); /* victim: what is tried, instruction by instruction */

    /* Survivor: ends the sleep of a victim that is to be killed or paused later on.  NULL: the
     * first sleep is the last point.  One that wakes by itself has a function that does nothing. */
    void (*unblock)(void *world);

    void (*between)(void *world); /* survivor: a whole operation while the victim is paused */
    void (*check)(void *world, const struct kill_point *point); /* survivor: is all whole? */
    void (*teardown)(void *world); /* survivor: removes what setup() made */

    unsigned bound_ms; /* how long any step of the survivor may take; 0: 5,000 */
    bool step_only;    /* never run the victim: the path depends on its pace */
};

struct kill_report {
    size_t instructions; /* of one undisturbed operation (in recovery the last second one) */
    size_t tried;        /* points at which a victim was killed or paused */
    size_t asleep;       /* those of them asleep in a system call */
    size_t missed;       /* points not met, because that victim took a shorter path */
    size_t let_go;       /* paused: points at which the survivor waited for the victim */
    size_t stops;        /* of all victims together: steps and meetings with breakpoints */
    size_t wrecks;       /* recovery: different states that first victims left behind */
    double seconds;
    char failure[640]; /* what failed, and where the victim was; "" if all went well */
};

/* Each adds a line to the test's report about what it did and, on failure, where; ret_report may
 * be NULL.  0, or -ECANCELED: something failed, and the report says what. */
int kill_run(const struct kill_case *kill_case, struct kill_report *ret_report);
int kill_run_paused(const struct kill_case *kill_case, struct kill_report *ret_report);

/* setup() is the first case's; check() and teardown() are the second's.  Both share one world, of
 * the larger of the two sizes. */
int kill_run_recovery(const struct kill_case *first, const struct kill_case *second,
                      struct kill_report *ret_report);

#endif
