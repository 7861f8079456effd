/* See sides.h. */
#include "bench/plugins.h"
#include "bench/sides.h"

/* In the order of the report. */
#define FLOORS(X)                                                                                  \
    X(bench_futex)                                                                                 \
    X(bench_one_line)                                                                              \
    X(bench_two_lines)                                                                             \
    X(bench_ring)                                                                                  \
    X(bench_copy)                                                                                  \
    X(bench_swap)                                                                                  \
    X(bench_futex_mutex)                                                                           \
    X(bench_death)                                                                                 \
    X(bench_file)
#define KERNEL(X)                                                                                  \
    X(bench_pipe)                                                                                  \
    X(bench_fifo)                                                                                  \
    X(bench_eventfd)                                                                               \
    X(bench_unix_stream)                                                                           \
    X(bench_unix_packet)                                                                           \
    X(bench_unix_datagram)                                                                         \
    X(bench_tcp)                                                                                   \
    X(bench_sysv_queue)                                                                            \
    X(bench_sysv_queue_10)                                                                         \
    X(bench_sysv_queue_100k)                                                                       \
    X(bench_posix_queue)                                                                           \
    X(bench_sysv_semaphore)                                                                        \
    X(bench_signal)                                                                                \
    X(bench_record_lock)                                                                           \
    X(bench_sysv_segment)
#define LIBC(X)                                                                                    \
    X(bench_semaphore)                                                                             \
    X(bench_mutex)                                                                                 \
    X(bench_robust_mutex)                                                                          \
    X(bench_inheriting_mutex)                                                                      \
    X(bench_condition)                                                                             \
    X(bench_shm_open)
#define FERRY(X)                                                                                   \
    X(bench_ferry_pipe)                                                                            \
    X(bench_ferry_pipe_in_place)                                                                   \
    X(bench_ferry_queue)                                                                           \
    X(bench_ferry_queue_one_sender)                                                                \
    X(bench_ferry_queue_sole)                                                                      \
    X(bench_ferry_queue_batch)                                                                     \
    X(bench_ferry_queue_loan)                                                                      \
    X(bench_ferry_queue_64_of_mib)                                                                 \
    X(bench_ferry_queue_mib)                                                                       \
    X(bench_ferry_queue_typed)                                                                     \
    X(bench_ferry_queue_10)                                                                        \
    X(bench_ferry_queue_100k)                                                                      \
    X(bench_ferry_queue_priority)                                                                  \
    X(bench_segment_notice)                                                                        \
    X(bench_segment_lock)                                                                          \
    X(bench_ferry_mutex)                                                                           \
    X(bench_ferry_inheriting_mutex)                                                                \
    X(bench_ferry_semaphore)                                                                       \
    X(bench_ferry_semaphore_given_back)                                                            \
    X(bench_segment)
#define SIDES(X) FLOORS(X) KERNEL(X) LIBC(X) FERRY(X)

#define DECLARE(side) extern const struct bench_side side;
#define LIST(side)    &side,

SIDES(DECLARE)

const struct bench_side *const built_in_sides[] = {SIDES(LIST) NULL};

/* Far more than there are. */
#define MOST_PLUGGED_IN 64
#define MOST            (sizeof(built_in_sides) / sizeof(built_in_sides[0]) + MOST_PLUGGED_IN)

/* Adds those of one family, and returns how many there are now. */
static size_t add_family(const struct bench_side **all, size_t count, enum bench_family family,
                         const struct bench_side *const *sides)
{
    for (; *sides; sides++)
        if ((*sides)->family == family)
            all[count++] = *sides;
    return count;
}

const struct bench_side *const *sides_all(struct report *report)
{
    static const struct bench_side *all[MOST], *plugged_in[MOST_PLUGGED_IN];
    static struct report notes; /* what the plug-ins had to say, for every report */
    if (!all[0]) {
        plugins_load(plugged_in, MOST_PLUGGED_IN, &notes);
        size_t count = 0;
        for (enum bench_family family = BENCH_FLOOR; family <= BENCH_FERRY; family++) {
            count = add_family(all, count, family, built_in_sides);
            count = add_family(all, count, family, plugged_in);
        }
    }
    for (size_t i = 0; i < notes.missing_count; i++)
        report_add_missing(report, "%s", notes.missing[i]);
    return all;
}
