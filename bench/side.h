/* What the measuring bench compares: sides, each a way for two processes to do the same thing.
 *
 * A side says what it is called, how it is set up, and how its two processes, near and far, do
 * `count` operations.  The bench (conductor.h) does the rest: it forks and pins the processes, warms
 * them up, repeats short laps of all sides in turn, and computes what the report says.  A lap is
 * made anew each time, from processes that nothing else has happened in:
 *
 *     keeper   make                                                     unmake
 *     near            join  … warm-up, measured batch, sampled batch …  leave
 *     far             join  …                                           leave
 *
 * The keeper cleans up however near and far end, so a side that crashes or hangs costs its own row.
 *
 * Sides are written with the loops of messages.h, writers.h, crowds.h, kinds.h, locks.h and objects.h, which turn a few
 * small functions into all the measurements that make sense for them, without an indirect call in
 * the middle.  This header is also valid C++, and needs nothing to link with, for peers' sake. */
#ifndef FERRY_BENCH_SIDE_H
#define FERRY_BENCH_SIDE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bench_family {
    BENCH_FLOOR,  /* the least that the machine itself takes */
    BENCH_KERNEL, /* the kernel's own mechanism */
    BENCH_LIBC,   /* the C library's, shared between processes */
    BENCH_PEER,   /* another library */
    BENCH_FERRY,
};

/* How a side waits for the other; a side lists all it can do, a lap asks for one. */
enum bench_waiting {
    BENCH_SPIN = 1,    /* looks again at once, without end */
    BENCH_BLOCK = 2,   /* sleeps in the kernel */
    BENCH_DEFAULT = 4, /* as its makers set it up, where that is neither of these */
};

enum bench_role { BENCH_NEAR, BENCH_FAR };

/* What one process measured, in memory that the keeper sees, too. */
#define BENCH_STEPS   128 /* of the histogram between two powers of two */
#define BENCH_BUCKETS (58 * BENCH_STEPS)

struct bench_outcome {
    char error[240];  /* what ended this process, if something did */
    bool unavailable; /* the error only says that this machine cannot do it */
    uint64_t done;    /* operations in the last batch */
    int64_t start_ns;
    int64_t end_ns;
    int64_t cpu_ns;         /* of all the process's threads */
    uint64_t sleeps;        /* voluntary context switches, of all its threads */
    int64_t helper_cpu_ns;  /* part of cpu_ns: of a process that it has made to help it */
    uint64_t helper_sleeps; /* part of sleeps */
    bool counting;          /* what this process does now is part of an operation */
    uint64_t noted;         /* operations timed one by one */
    uint32_t histogram[BENCH_BUCKETS];
};

struct bench_lap {
    const struct bench_side *side;
    enum bench_role role;
    unsigned waiting;      /* one of enum bench_waiting */
    size_t size_bytes;     /* of a message */
    int64_t hold_ns;       /* how long something is to last, where the experiment says so */
    int cpu[2];            /* where near and far run; the same if on one core */
    char name[48];         /* nobody else's; for an object that needs a name */
    char fresh_name[48];   /* another one, for objects that are made again and again */
    void *shared;          /* BENCH_SHARED_BYTES, zeroed, seen by keeper, near and far */
    void *own;             /* whatever the side wants; the keeper's is inherited by near and far */
    unsigned char *buffer; /* size_bytes: the message to send, or where to receive to */
    unsigned char *room;   /* for the loops: where messages are received to */
    unsigned char *ready;  /* for the loops: small messages that lie ready */
    uint64_t sequence;     /* of the next message */
    bool whole;            /* warm-up: every byte is checked */
    bool sample;           /* note the time of each operation */
    uint32_t *stop;        /* shared: somebody has done all of its operations */
    struct bench_outcome *outcome;
};

#define BENCH_ANY          SIZE_MAX
#define BENCH_SHARED_BYTES ((size_t)16 << 20)

/* Both processes run theirs at the same time, after a barrier; far may be NULL.  Behind each batch
 * near settles what only then can be checked. */
struct bench_play {
    void (*near)(struct bench_lap *lap, uint64_t count);
    void (*far)(struct bench_lap *lap, uint64_t count);
    void (*settle)(struct bench_lap *lap);
};

struct bench_side {
    const char *name;
    const char *how; /* its settings, for the report */
    enum bench_family family;
    unsigned waits;     /* enum bench_waiting; 0 where nobody waits */
    size_t least_bytes; /* of a message */
    size_t most_bytes;  /* 0: it only wakes; BENCH_ANY */
    bool starts_slowly; /* one way: it is in step only after milliseconds; batches are long */
    void (*make)(struct bench_lap *lap);
    void (*join)(struct bench_lap *lap);
    void (*leave)(struct bench_lap *lap);
    void (*unmake)(struct bench_lap *lap); /* also after a crash: whatever is still there */

    /* What it takes part in; the headers named above fill these in. */
    struct bench_play round_trip;        /* messages.h: a message there, one back */
    struct bench_play one_way;           /* messages.h: as many as go through */
    struct bench_play idle;              /* messages.h: waits for one for lap->hold_ns */
    struct bench_play two_writers;       /* writers.h: far and a helper write, near reads */
    struct bench_play two_writers_apart; /* writers.h: the helper shares near's core */
    struct bench_play many_to_many;      /* crowds.h: four send into one queue, four receive */
    struct bench_play four_senders;      /* crowds.h: four send into one queue, near receives */
    struct bench_play typed;             /* kinds.h: near chooses by type */
    struct bench_play prioritised;       /* kinds.h: near gets the highest priority first */
    struct bench_play among_many;   /* kinds.h: choose by type from those that lie there, alone */
    struct bench_play lock_pair;    /* locks.h: take and let go, nobody else there */
    struct bench_play lock_contest; /* locks.h: both want it all the time */
    struct bench_play take_over;    /* locks.h: the owner is killed, the next one sleeps for it */
    struct bench_play signal_alone; /* messages.h: tell, while nobody waits */
    struct bench_play create;       /* objects.h */
    struct bench_play attach;       /* objects.h */
    struct bench_play detach;       /* objects.h */
    struct bench_play destroy;      /* objects.h */
};

/* A library's sides, in a shared object of their own that exports `ferry_bench_plugin`. */
#define BENCH_PLUGIN_VERSION 1

struct bench_plugin {
    uint32_t version;                      /* BENCH_PLUGIN_VERSION */
    uint32_t side_bytes;                   /* sizeof(struct bench_side) */
    const char *name;                      /* "ZeroMQ 4.3.4" */
    const struct bench_side *const *sides; /* ends with NULL */
};

/* ---- For sides to use ----------------------------------------------------------------------------- */

static inline int64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Tells the core that this is a spin. */
static inline void bench_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/* Ends this process; the text becomes the row's, behind "failed: ". */
__attribute__((format(printf, 2, 3), noreturn, cold)) static inline void bench_fail(
    struct bench_lap *lap, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(lap->outcome->error, sizeof(lap->outcome->error), format, arguments);
    va_end(arguments);
    _exit(1);
}

/* The same for what this machine cannot do: "not here: ". */
#define bench_unavailable(lap, ...)                                                                \
    ((lap)->outcome->unavailable = true, bench_fail((lap), __VA_ARGS__))

/* Which bucket of the histogram a time belongs to, and where a bucket begins. */
static inline unsigned bench_bucket(uint64_t ns)
{
    if (ns < BENCH_STEPS)
        return (unsigned)ns;
    unsigned power = 63u - (unsigned)__builtin_clzll(ns);
    unsigned bucket = (power - 6) * BENCH_STEPS + (unsigned)(ns >> (power - 7)) % BENCH_STEPS;
    return bucket < BENCH_BUCKETS ? bucket : BENCH_BUCKETS - 1;
}

static inline uint64_t bench_bucket_start(unsigned bucket)
{
    if (bucket < BENCH_STEPS)
        return bucket;
    unsigned power = bucket / BENCH_STEPS + 6;
    return (UINT64_C(1) << power) + ((uint64_t)(bucket % BENCH_STEPS) << (power - 7));
}

/* What a message with this number holds at this offset.  Numbers repeat where messages lie ready, but
 * too many messages or too few come out as a lap that does not end. */
#define BENCH_PAGE  4096u
#define BENCH_SMALL 512u /* bytes */
#define BENCH_READY 256u /* messages */

static inline uint64_t bench_word(enum bench_role from, uint64_t number, size_t at)
{
    return ((number % BENCH_READY) << 32) + at + ((uint64_t)from << 63);
}

/* Notes how long one operation took.  If a batch has noted any, the middle one is its result, not
 * the whole time divided by the count. */
static inline void bench_note(struct bench_lap *lap, int64_t ns)
{
    lap->outcome->histogram[bench_bucket(ns > 0 ? (uint64_t)ns : 0)]++;
    lap->outcome->noted++;
}

#ifdef __cplusplus
}
#endif

#endif
