/* Names: opening waits for the other side, the name stays, and the bytes do not. */
#include <signal.h>
#include <stdio.h>

#include "back_end.h"
#include "holders.h"

#define NAME "meeting-place"

enum { READ_WRITE = FERRY_READ | FERRY_WRITE };

static const struct back_end *in_use;

static struct end *open_now(unsigned role)
{
    struct end *end;
    CHECK_EQ(end_open(&end, in_use, NAME, role, FERRY_NO_WAIT), 0);
    return end;
}

static int try_to_write(void)
{
    struct end *end;
    int r = end_open(&end, in_use, NAME, FERRY_WRITE, FERRY_NO_WAIT);
    if (r == 0)
        end_close(end);
    return r;
}

static void start(const struct back_end *back_end)
{
    in_use = back_end;
    back_end->create(NAME);
}

static void finish(void)
{
    in_use->remove(NAME);
}

/* Opens, waits for the other side, and reads to the end. */
static void open_and_read(void *context)
{
    struct end *end;
    char got[16] = "";
    CHECK_EQ(end_open(&end, in_use, NAME, FERRY_READ, 0), 0);
    CHECK_EQ(end_read(end, got, 15, FERRY_FOREVER), strlen(context));
    CHECK_STR(got, context);
    CHECK_EQ(end_read(end, got, 15, FERRY_FOREVER), 0);
    end_close(end);
}

static void open_and_write(void *context)
{
    struct end *end;
    CHECK_EQ(end_open(&end, in_use, NAME, FERRY_WRITE, 0), 0);
    CHECK_EQ(end_write(end, context, strlen(context), FERRY_FOREVER), strlen(context));
    end_close(end);
}

static char hello[] = "hello", nothing[] = "";

CONFORMANCE_NAMED(what_is_not_there_is_not_opened) /* P13 */
{
    struct end *end;
    CHECK_EQ(end_open(&end, back_end, "nothing", FERRY_READ, FERRY_NO_WAIT), -ENOENT);
    CHECK_EQ(end_open(&end, back_end, "nothing", FERRY_WRITE, 0), -ENOENT);
    CHECK_EQ(end_open(&end, back_end, "nothing", READ_WRITE, 0), -ENOENT);
}

CONFORMANCE_NAMED(two_strangers_meet_whoever_comes_first) /* P12 P13 */
{
    start(back_end);
    pid_t reader = test_child(open_and_read, hello);
    test_sleeping(reader);
    pid_t writer = test_child(open_and_write, hello);
    test_wait_ok(writer);
    test_wait_ok(reader);

    writer = test_child(open_and_write, hello);
    test_sleeping(writer);
    reader = test_child(open_and_read, hello);
    test_wait_ok(writer);
    test_wait_ok(reader);
    finish();
}

/* The writer is gone again before the reader has seen it: the reader was met all the same. */
CONFORMANCE_NAMED(a_writer_that_was_there_for_a_moment_has_been_met) /* P13 */
{
    start(back_end);
    for (int i = 0; i < 20; i++) {
        pid_t reader = test_child(open_and_read, nothing);
        test_sleeping(reader);
        end_close(open_now(FERRY_WRITE));
        test_wait_ok(reader);
    }
    finish();
}

static void open_and_write_nothing(void *context)
{
    (void)context;
    struct end *end;
    CHECK_EQ(end_open(&end, in_use, NAME, FERRY_WRITE, 0), 0);
    end_close(end);
}

CONFORMANCE_NAMED(a_reader_that_was_there_for_a_moment_has_been_met) /* P13 */
{
    start(back_end);
    for (int i = 0; i < 20; i++) {
        pid_t writer = test_child(open_and_write_nothing, NULL);
        test_sleeping(writer);
        struct end *reader = open_now(FERRY_READ);
        test_wait_ok(writer);
        end_close(reader);
    }
    finish();
}

CONFORMANCE_NAMED(opening_without_waiting_is_for_readers) /* P13 */
{
    start(back_end);
    CHECK_EQ(try_to_write(), -ENXIO);
    struct end *reader = open_now(FERRY_READ);
    CHECK_EQ(try_to_write(), 0);
    end_close(reader);
    CHECK_EQ(try_to_write(), -ENXIO);
    finish();
}

CONFORMANCE_NAMED(opening_for_both_never_waits_and_is_company) /* P13 */
{
    struct end *both, *reader, *writer;
    char got[4] = "";
    start(back_end);
    CHECK_EQ(end_open(&both, back_end, NAME, READ_WRITE, 0), 0);
    CHECK_EQ(end_open(&reader, back_end, NAME, FERRY_READ, 0), 0);
    CHECK_EQ(end_open(&writer, back_end, NAME, FERRY_WRITE, 0), 0);
    CHECK_EQ(end_write(both, "a", 1, FERRY_FOREVER), 1);
    CHECK_EQ(end_read(both, got, 1, FERRY_FOREVER), 1);
    CHECK_EQ(end_write(writer, "b", 1, FERRY_NOW), 1);
    CHECK_EQ(end_read(both, got + 1, 1, FERRY_NOW), 1);
    CHECK_EQ(end_write(both, "c", 1, FERRY_NOW), 1);
    CHECK_EQ(end_read(reader, got + 2, 1, FERRY_NOW), 1);
    CHECK_STR(got, "abc");
    end_close(writer);
    CHECK_EQ(end_read(reader, got, 1, FERRY_NOW), -EAGAIN); /* it can write still */
    end_close(both);
    CHECK_EQ(end_read(reader, got, 1, FERRY_NOW), 0);
    end_close(reader);
    finish();
}

CONFORMANCE_NAMED(who_holds_both_ends_reads_no_end_and_breaks_nothing) /* P7 P8 P13 */
{
    struct end *both;
    char got;
    start(back_end);
    both = open_now(READ_WRITE);
    CHECK_EQ(end_read(both, &got, 1, FERRY_NOW), -EAGAIN);
    CHECK_EQ(end_read(both, &got, 1, MILLISECOND), -ETIMEDOUT);
    end_close(open_now(FERRY_READ));
    end_close(open_now(FERRY_WRITE));
    CHECK_EQ(end_read(both, &got, 1, FERRY_NOW), -EAGAIN);
    CHECK_EQ(end_write(both, "x", 1, FERRY_NOW), 1);
    end_close(both);
    finish();
}

/* ---- Again and again ---- */

CONFORMANCE_NAMED(a_new_writer_begins_where_the_last_has_ended) /* P7 P13 */
{
    char got[16];
    start(back_end);
    struct end *reader = open_now(FERRY_READ);
    CHECK_EQ(end_read(reader, got, 1, FERRY_NOW), 0); /* nobody has come yet */
    for (int i = 0; i < 10; i++) {
        struct end *writer = open_now(FERRY_WRITE);
        CHECK_EQ(end_read(reader, got, 1, FERRY_NOW), -EAGAIN);
        CHECK_EQ(end_write(writer, "again", 5, FERRY_NOW), 5);
        end_close(writer);
        CHECK_EQ(end_read(reader, got, 16, FERRY_NOW), 5);
        CHECK_EQ(end_read(reader, got, 16, FERRY_NOW), 0);
        CHECK_EQ(end_read(reader, got, 16, FERRY_FOREVER), 0);
    }
    end_close(reader);
    finish();
}

CONFORMANCE_NAMED(a_new_reader_mends_a_broken_pipe) /* P8 P13 */
{
    char got[16];
    start(back_end);
    struct end *reader = open_now(FERRY_READ), *writer = open_now(FERRY_WRITE);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(end_write(writer, "x", 1, FERRY_NOW), 1);
        end_close(reader);
        CHECK_EQ(end_write(writer, "y", 1, FERRY_NOW), -EPIPE);
        reader = open_now(FERRY_READ);
    }
    CHECK_EQ(end_read(reader, got, 16, FERRY_NOW), 10); /* the writer has held them */
    end_close(reader);
    end_close(writer);
    finish();
}

CONFORMANCE_NAMED(the_name_stays_when_all_are_gone_the_bytes_do_not) /* P12 */
{
    char got;
    start(back_end);
    for (int i = 0; i < 10; i++) {
        struct end *reader = open_now(FERRY_READ), *writer = open_now(FERRY_WRITE);
        CHECK_EQ(end_read(reader, &got, 1, FERRY_NOW), -EAGAIN);
        CHECK_EQ(end_write(writer, "left behind", 11, FERRY_NOW), 11);
        end_close(i % 2 == 0 ? reader : writer);
        end_close(i % 2 == 0 ? writer : reader);
    }
    finish();
}

static void write_and_stay(void *context)
{
    struct test_gate *written = context;
    CHECK_EQ(end_write(open_now(READ_WRITE), "left behind", 11, FERRY_NOW), 11);
    test_gate_open(written);
    for (;;)
        pause();
}

CONFORMANCE_NAMED(bytes_go_with_the_last_who_was_killed) /* P12 */
{
    char got;
    start(back_end);
    for (int i = 0; i < 5; i++) {
        struct test_gate *written = test_gate_new();
        pid_t pid = test_child(write_and_stay, written);
        test_gate_wait(written);
        struct end *reader = open_now(FERRY_READ);
        CHECK_EQ(end_depth(reader), 11); /* while it lives */
        end_close(reader);
        test_kill(pid);
        reader = open_now(READ_WRITE);
        CHECK_EQ(end_depth(reader), 0);
        CHECK_EQ(end_read(reader, &got, 1, FERRY_NOW), -EAGAIN);
        end_close(reader);
    }
    finish();
}

/* ---- Death while waiting ---- */

static void wait_to_read(void *context)
{
    (void)context;
    struct end *end;
    end_open(&end, in_use, NAME, FERRY_READ, 0);
    test_fail(__FILE__, __LINE__, "there was no writer to be met");
}

static void wait_to_write(void *context)
{
    (void)context;
    struct end *end;
    end_open(&end, in_use, NAME, FERRY_WRITE, 0);
    test_fail(__FILE__, __LINE__, "there was no reader to be met");
}

CONFORMANCE_NAMED(a_reader_killed_while_it_waits_was_never_there) /* P13 */
{
    start(back_end);
    for (int i = 0; i < 10; i++) {
        pid_t victim = test_child(wait_to_read, NULL);
        test_sleeping(victim);
        test_kill(victim);
        CHECK_EQ(try_to_write(), -ENXIO);
    }
    finish();
}

CONFORMANCE_NAMED(a_reader_killed_while_it_waits_leaves_the_others_waiting) /* P13 */
{
    start(back_end);
    for (int i = 0; i < 10; i++) {
        pid_t victim = test_child(wait_to_read, NULL);
        pid_t other = test_child(open_and_read, hello);
        test_sleeping(victim);
        test_sleeping(other);
        test_kill(victim);
        test_sleeping(other);
        test_wait_ok(test_child(open_and_write, hello));
        test_wait_ok(other);
    }
    finish();
}

CONFORMANCE_NAMED(a_writer_killed_while_it_waits_was_never_there) /* P13 */
{
    start(back_end);
    for (int i = 0; i < 10; i++) {
        pid_t victim = test_child(wait_to_write, NULL);
        test_sleeping(victim);
        test_kill(victim);
        struct end *reader = open_now(FERRY_READ);
        CHECK_EQ(end_read(reader, &(char){0}, 1, FERRY_NOW), 0);
        end_close(reader);
        victim = test_child(wait_to_read, NULL); /* a writer that is dead is not met */
        test_sleeping(victim);
        test_kill(victim);
    }
    finish();
}

CONFORMANCE_NAMED(a_writer_killed_while_it_waits_leaves_the_others_waiting) /* P13 */
{
    start(back_end);
    for (int i = 0; i < 10; i++) {
        pid_t victim = test_child(wait_to_write, NULL);
        pid_t other = test_child(open_and_write, hello);
        test_sleeping(victim);
        test_sleeping(other);
        test_kill(victim);
        test_sleeping(other);
        test_wait_ok(test_child(open_and_read, hello));
        test_wait_ok(other);
    }
    finish();
}
