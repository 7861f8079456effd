/* A pipe, whoever makes it: what the bodies of this suite know of the kernel's pipes and FIFOs and of Ferry's.
 *
 * The kernel is the oracle: each body passes on its pipes, unchanged, before it says anything about
 * Ferry's.  Results are a count or -errno everywhere; timeouts are Ferry's: FERRY_NOW, FERRY_FOREVER
 * or nanoseconds.  No end raises SIGPIPE.
 *
 *     CONFORMANCE(writer_gone_gives_the_rest_then_end) // P7
 *     {
 *         struct ends ends = ends_make(back_end);
 *         CHECK_EQ(end_write(ends.writing, "rest", 4, FERRY_NOW), 4);
 *         …
 *         ends_close(&ends);
 *     }
 *
 * registers the cases kernel_pipe.writer_gone…, kernel_fifo.…, ferry_pair.… and ferry_named.…; or, in the
 * program with the planted faults, one for each wrong back end. */
#ifndef FERRY_CONFORMANCE_BACK_END_H
#define FERRY_CONFORMANCE_BACK_END_H

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "random.h"
#include "test.h"

/* What a handle in this process is made of; each back end uses the fields that it needs. */
struct end {
    const struct back_end *back_end;
    ferry_pipe *pipe;
    int descriptor;
};

struct ends {
    struct end *reading, *writing; /* NULL: closed */
    const struct back_end *back_end;
    char name[32]; /* of a named one */
};

struct back_end {
    const char *name;
    const struct back_end *oracle; /* the kernel's, which this one is to be like; NULL for itself */

    /* A write that finds room asks the kernel for readers only now and then, and so does a read that
     * does not wait: for some microseconds after the last of the others was gone without closing
     * (killed, exited, exec) they may answer as if it were still there (docs/design/pipe.md, "Broken
     * pipes"). end_write_after_death() and end_read_after_death() allow for this, and nothing else does. */
    bool hears_of_deaths_late;

    /* Makes a pipe with both ends in this process; a named one under ret_ends->name.  capacity 0: the
     * default. */
    void (*make)(struct ends *ret_ends, uint64_t capacity);

    /* Named ones alone, else NULL.  open: role is FERRY_READ, FERRY_WRITE or both; patience_ns is 0 for
     * as long as it takes, or FERRY_NO_WAIT. */
    void (*create)(const char *name);
    int (*open)(struct end *ret_end, const char *name, unsigned role, int64_t patience_ns);
    void (*remove)(const char *name);

    void (*close)(struct end *end);
    ssize_t (*write)(struct end *end, const void *bytes, size_t count, int64_t timeout_ns);
    ssize_t (*read)(struct end *end, void *ret_bytes, size_t count, int64_t timeout_ns);
    uint64_t (*capacity)(struct end *end);
    uint64_t (*depth)(struct end *end);

    int (*set_capacity)(struct end *end, uint64_t capacity);
    int (*descriptor)(struct end *end); /* for poll() */
};

extern const struct back_end kernel_pipe, kernel_fifo, ferry_pair, ferry_named;

/* ---- Handles ---- */

struct ends ends_make(const struct back_end *back_end);
struct ends ends_make_sized(const struct back_end *back_end, uint64_t capacity);
void ends_close_reading(struct ends *ends);
void ends_close_writing(struct ends *ends);

/* What is still open; and removes the name.  Once, in the process that made them. */
void ends_close(struct ends *ends);

/* Opens a name.  0 or -errno; waits for the other side unless patience_ns says otherwise. */
int end_open(struct end **ret_end, const struct back_end *back_end, const char *name, unsigned role,
             int64_t patience_ns);

/* Returns NULL. */
struct end *end_close(struct end *end);

static inline ssize_t end_write(struct end *end, const void *bytes, size_t count,
                                int64_t timeout_ns)
{
    return end->back_end->write(end, bytes, count, timeout_ns);
}

static inline ssize_t end_read(struct end *end, void *ret_bytes, size_t count, int64_t timeout_ns)
{
    return end->back_end->read(end, ret_bytes, count, timeout_ns);
}

static inline uint64_t end_depth(struct end *end)
{
    return end->back_end->depth(end);
}

/* Write one byte, or read up to count, without waiting, when the last of the other side has died. */
ssize_t end_write_after_death(struct end *end);
ssize_t end_read_after_death(struct end *end, void *ret_bytes, size_t count);

/* ---- Common to the bodies ---- */

#define MILLISECOND INT64_C(1000000)
#define PAGE        4096u
#define CAPACITY    65536u

/* The byte that belongs at this position of a stream. */
static inline unsigned char byte_at(uint64_t position)
{
    return (unsigned char)(position * 2654435761u >> 13);
}

/* Writes `count` bytes of that stream at once, from this position. */
void write_stream(struct end *end, uint64_t position, size_t count);

/* Reads what belongs there, all of it. */
void read_stream(struct end *end, uint64_t position, size_t count);

/* ---- Registering ---- */

#define CONFORMANCE_ON(back_end_, name_, seconds_)                                                 \
    static void name_##_on_##back_end_(void)                                                       \
    {                                                                                              \
        name_(&back_end_);                                                                         \
    }                                                                                              \
    static struct test_case name_##_case_##back_end_ = {                                           \
        .name = #back_end_ "." #name_, .body = name_##_on_##back_end_, .limit_s = (seconds_)};     \
    __attribute__((constructor)) static void name_##_register_##back_end_(void)                    \
    {                                                                                              \
        test_register(&name_##_case_##back_end_);                                                  \
    }

#ifdef CONFORMANCE_PLANTED
#include "planted.h"
#else
#define CONFORMANCE_ON_NAMED(name_, seconds_)                                                      \
    CONFORMANCE_ON(kernel_fifo, name_, seconds_)                                                   \
    CONFORMANCE_ON(ferry_named, name_, seconds_)
#define CONFORMANCE_ON_ALL(name_, seconds_)                                                        \
    CONFORMANCE_ON(kernel_pipe, name_, seconds_)                                                   \
    CONFORMANCE_ON(ferry_pair, name_, seconds_)                                                    \
    CONFORMANCE_ON_NAMED(name_, seconds_)
#endif

#define CONFORMANCE_LONG(name_, seconds_)                                                          \
    static void name_(const struct back_end *back_end);                                            \
    CONFORMANCE_ON_ALL(name_, seconds_)                                                            \
    static void name_(const struct back_end *back_end)
#define CONFORMANCE(name_) CONFORMANCE_LONG(name_, 30)

/* For those that have names. */
#define CONFORMANCE_NAMED(name_)                                                                   \
    static void name_(const struct back_end *back_end);                                            \
    CONFORMANCE_ON_NAMED(name_, 30)                                                                \
    static void name_(const struct back_end *back_end)

#endif
