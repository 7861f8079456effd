/* The ends of a pipe: what the others see when the last writer, or the last reader, is gone. */
#include <stdio.h>

#include "back_end.h"
#include "holders.h"

CONFORMANCE(writer_gone_gives_the_rest_then_end) /* P7 X2 */
{
    struct ends ends = ends_make(back_end);
    char got[16] = "";
    CHECK_EQ(end_write(ends.writing, "rest", 4, FERRY_NOW), 4);
    ends_close_writing(&ends);
    CHECK_EQ(end_read(ends.reading, got, 1, FERRY_FOREVER), 1);
    CHECK_EQ(end_read(ends.reading, got + 1, 15, FERRY_NOW), 3);
    CHECK_STR(got, "rest");
    CHECK_EQ(end_read(ends.reading, got, 16, FERRY_NOW), 0);
    CHECK_EQ(end_read(ends.reading, got, 16, MILLISECOND), 0);
    CHECK_EQ(end_read(ends.reading, got, 16, FERRY_FOREVER), 0);
    ends_close(&ends);
}

CONFORMANCE(a_full_pipe_is_read_to_its_end_when_the_writer_is_gone) /* P7 */
{
    struct ends ends = ends_make(back_end);
    write_stream(ends.writing, 0, CAPACITY);
    ends_close_writing(&ends);
    read_stream(ends.reading, 0, CAPACITY);
    CHECK_EQ(end_read(ends.reading, &(char){0}, 1, FERRY_NOW), 0);
    ends_close(&ends);
}

CONFORMANCE(reader_gone_breaks_the_pipe) /* P8 X2 */
{
    struct ends ends = ends_make(back_end);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_NOW), 1);
    ends_close_reading(&ends);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_NOW), -EPIPE);
    CHECK_EQ(end_write(ends.writing, "x", 1, MILLISECOND), -EPIPE);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_FOREVER), -EPIPE);
    ends_close(&ends);
}

CONFORMANCE(a_full_pipe_is_broken_and_not_full_when_the_reader_is_gone) /* P8 */
{
    struct ends ends = ends_make(back_end);
    write_stream(ends.writing, 0, CAPACITY);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_NOW), -EAGAIN);
    ends_close_reading(&ends);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_NOW), -EPIPE);
    CHECK_EQ(end_write(ends.writing, "x", 1, FERRY_FOREVER), -EPIPE);
    ends_close(&ends);
}

/* ---- Every order of every way ---- */

static const int orders[][HOLDERS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                      {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

/* One of them: who goes when, and how each goes. */
struct plan {
    const int *order;
    enum way ways[HOLDERS]; /* of the one that goes first, second, third */
};

enum { ORDERS = sizeof orders / sizeof *orders, PLANS = ORDERS * WAYS * WAYS * WAYS };

/* Every plan, or if time matters one in so many. */
static void each_plan(void (*visit)(struct holders *holders, const struct back_end *back_end,
                                    const struct plan *plan),
                      const struct back_end *back_end, unsigned one_in)
{
    struct holders holders;
    holders_init(&holders);
    for (unsigned i = 0; i < PLANS; i += test_thorough() ? 1 : one_in) {
        unsigned ways = i / ORDERS;
        const struct plan plan = {.order = orders[i % ORDERS],
                                  .ways = {ways % WAYS, ways / WAYS % WAYS, ways / WAYS / WAYS}};
        visit(&holders, back_end, &plan);
    }
    holders_deinit(&holders);
}

/* Prints where in all the plans a check has failed. */
static void check_plan(const struct plan *plan, int step, ssize_t result, ssize_t expected)
{
    if (result != expected)
        test_fail(__FILE__, __LINE__,
                  "order %d %d %d, ways %d %d %d: behind number %d, %zd and not %zd",
                  plan->order[0], plan->order[1], plan->order[2], (int)plan->ways[0],
                  (int)plan->ways[1], (int)plan->ways[2], step, result, expected);
}

static void writers_go(struct holders *holders, const struct back_end *back_end,
                       const struct plan *plan)
{
    char got[2];
    holders_start(holders, back_end, FERRY_WRITE);
    ends_close_writing(&holders->ends);
    struct end *reading = holders->ends.reading;
    check_plan(plan, -1, end_read(reading, got, 2, FERRY_NOW), -EAGAIN);
    for (int i = 0; i < HOLDERS; i++) {
        holders_let_go(holders, plan->order[i], plan->ways[i]);
        check_plan(plan, i, end_read(reading, got, 2, FERRY_NOW), 1);
        check_plan(plan, i, got[0], 'A' + plan->order[i]);
        if (i < HOLDERS - 1)
            check_plan(plan, i, end_read(reading, got, 2, FERRY_NOW), -EAGAIN);
        else if (plan->ways[i] == BY_CLOSING)
            check_plan(plan, i, end_read(reading, got, 2, FERRY_NOW), 0);
        else
            check_plan(plan, i, end_read_after_death(reading, got, 2), 0);
    }
    check_plan(plan, HOLDERS, end_read(reading, got, 2, FERRY_FOREVER), 0);
    holders_finish(holders);
}

CONFORMANCE_LONG(the_stream_ends_with_the_last_writer_whoever_goes_when_and_how, 300) /* P7 */
{
    each_plan(writers_go, back_end, 1);
}

static void readers_go(struct holders *holders, const struct back_end *back_end,
                       const struct plan *plan)
{
    holders_start(holders, back_end, FERRY_READ);
    ends_close_reading(&holders->ends);
    struct end *writing = holders->ends.writing;
    for (int i = 0; i < HOLDERS; i++) {
        check_plan(plan, i - 1, end_write(writing, "x", 1, FERRY_NOW), 1);
        holders_let_go(holders, plan->order[i], plan->ways[i]);
    }
    if (plan->ways[HOLDERS - 1] == BY_CLOSING)
        check_plan(plan, HOLDERS - 1, end_write(writing, "x", 1, FERRY_NOW), -EPIPE);
    else
        check_plan(plan, HOLDERS - 1, end_write_after_death(writing), -EPIPE);
    check_plan(plan, HOLDERS, end_write(writing, "x", 1, FERRY_FOREVER), -EPIPE);
    holders_finish(holders);
}

CONFORMANCE_LONG(the_pipe_breaks_with_the_last_reader_whoever_goes_when_and_how, 300) /* P8 */
{
    each_plan(readers_go, back_end, 1);
}

/* ---- The same, with somebody asleep ---- */

/* Prime to the number of orders and of ways: all of both occur, for the last as for the first. */
enum { ONE_IN = 5 };

struct sleeper {
    struct ends ends;
    _Atomic int *last; /* the last of the other side is about to go */
};

static struct sleeper sleeper;

static void read_to_the_end(void *context)
{
    (void)context;
    char got;
    ssize_t count;
    ends_close_writing(&sleeper.ends);
    while ((count = end_read(sleeper.ends.reading, &got, 1, FERRY_FOREVER)) == 1)
        ;
    CHECK_EQ(count, 0);
    CHECK(atomic_load(sleeper.last));
}

static void write_until_broken(void *context)
{
    (void)context;
    ssize_t count;
    ends_close_reading(&sleeper.ends);
    while ((count = end_write(sleeper.ends.writing, "x", 1, FERRY_FOREVER)) == 1)
        ;
    CHECK_EQ(count, -EPIPE);
    CHECK(atomic_load(sleeper.last));
}

static void go_beside_a_sleeper(struct holders *holders, const struct plan *plan,
                                void (*sleep)(void *context))
{
    sleeper.ends = holders->ends;
    pid_t pid = test_child(sleep, NULL);
    if (holders->role == FERRY_READ)
        ends_close_reading(&holders->ends);
    else
        ends_close_writing(&holders->ends);
    for (int i = 0; i < HOLDERS; i++) {
        if (i == HOLDERS - 1) {
            test_sleeping(pid);
            atomic_store(sleeper.last, 1);
        }
        holders_let_go(holders, plan->order[i], plan->ways[i]);
    }
    test_wait_ok(pid);
    holders_finish(holders);
}

static void writers_go_beside_a_sleeper(struct holders *holders, const struct back_end *back_end,
                                        const struct plan *plan)
{
    atomic_store(sleeper.last, 0);
    holders_start(holders, back_end, FERRY_WRITE);
    go_beside_a_sleeper(holders, plan, read_to_the_end);
}

static void readers_go_beside_a_sleeper(struct holders *holders, const struct back_end *back_end,
                                        const struct plan *plan)
{
    atomic_store(sleeper.last, 0);
    holders_start(holders, back_end, FERRY_READ);
    write_stream(holders->ends.writing, 0, CAPACITY);
    go_beside_a_sleeper(holders, plan, write_until_broken);
}

CONFORMANCE_LONG(a_sleeping_reader_wakes_with_the_last_writer_and_not_before, 300) /* P7 */
{
    sleeper.last = test_shared(sizeof(int));
    each_plan(writers_go_beside_a_sleeper, back_end, ONE_IN);
}

CONFORMANCE_LONG(a_sleeping_writer_wakes_with_the_last_reader_and_not_before, 300) /* P8 */
{
    sleeper.last = test_shared(sizeof(int));
    each_plan(readers_go_beside_a_sleeper, back_end, ONE_IN);
}

/* ---- Several asleep ---- */

enum { SLEEPERS = 4 };

static void go_beside_sleepers(struct ends *ends, void (*sleep)(void *context),
                               void (*close_other)(struct ends *ends))
{
    pid_t pids[SLEEPERS];
    sleeper.ends = *ends;
    sleeper.last = test_shared(sizeof(int));
    for (int i = 0; i < SLEEPERS; i++)
        pids[i] = test_child(sleep, NULL);
    for (int i = 0; i < SLEEPERS; i++)
        test_sleeping(pids[i]);
    atomic_store(sleeper.last, 1);
    close_other(ends);
    for (int i = 0; i < SLEEPERS; i++)
        test_wait_ok(pids[i]);
    ends_close(ends);
}

CONFORMANCE(all_sleeping_readers_wake_at_the_end) /* P7 P10 */
{
    struct ends ends = ends_make(back_end);
    go_beside_sleepers(&ends, read_to_the_end, ends_close_writing);
}

CONFORMANCE(all_sleeping_writers_wake_when_the_pipe_breaks) /* P8 P10 */
{
    struct ends ends = ends_make(back_end);
    write_stream(ends.writing, 0, CAPACITY);
    go_beside_sleepers(&ends, write_until_broken, ends_close_reading);
}

/* ---- Cut short ---- */

static void write_more_than_fits(void *context)
{
    static const char bytes[3 * CAPACITY];
    struct ends *ends = context;
    ends_close_reading(ends);
    CHECK_EQ(end_write(ends->writing, bytes, sizeof bytes, FERRY_FOREVER), CAPACITY + PAGE);
    CHECK_EQ(end_write(ends->writing, bytes, sizeof bytes, FERRY_FOREVER), -EPIPE);
}

CONFORMANCE(a_long_write_that_is_cut_short_says_how_much_went_in) /* P8 P9 */
{
    char page[PAGE];
    struct ends ends = ends_make(back_end);
    pid_t pid = test_child(write_more_than_fits, &ends);
    test_wait_until(end_depth(ends.reading) == CAPACITY);
    CHECK_EQ(end_read(ends.reading, page, PAGE, FERRY_NOW), PAGE);
    test_wait_until(end_depth(ends.reading) == CAPACITY);
    test_sleeping(pid);
    ends_close_reading(&ends);
    test_wait_ok(pid);
    ends_close(&ends);
}
