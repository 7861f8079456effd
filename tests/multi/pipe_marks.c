/* What pipes remember about tokens in their FIFO, when whoever knew of them is gone or stopped. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "pipes.h"
#include "test.h"

#define NAME "p"

/* The last holder leaves a byte, and word that a token says so. */
static void leave_a_mark(void)
{
    ferry_pipe *both = open_pipe(NAME, FERRY_CREATE | FERRY_READ | FERRY_WRITE);
    CHECK(ferry_pipe_descriptor(both) >= 0);
    CHECK_EQ(ferry_pipe_write(both, "x", 1, FERRY_NOW), 1);
    ferry_pipe_close(both);
}

static void read_hello(void *pipe)
{
    char got[8];
    CHECK_EQ(ferry_pipe_read(pipe, got, sizeof(got), FERRY_FOREVER), 5);
}

TEST(those_who_come_later_sleep_and_are_woken /* P12 G15 */)
{
    leave_a_mark();
    ferry_pipe *reader = open_pipe(NAME, FERRY_READ), *writer = open_pipe(NAME, FERRY_WRITE);
    pid_t sleeper = test_child(read_hello, reader);
    test_sleeping(sleeper);
    CHECK_EQ(ferry_pipe_write(writer, "hello", 5, FERRY_NOW), 5);
    test_wait_ok(sleeper);
    ferry_pipe_close(reader);
    ferry_pipe_close(writer);
    CHECK_OK(ferry_remove(NAME));
}

TEST(those_who_come_later_poll_and_are_told /* P12 G15 */)
{
    leave_a_mark();
    ferry_pipe *reader = open_pipe(NAME, FERRY_READ), *writer = open_pipe(NAME, FERRY_WRITE);
    int end = ferry_pipe_descriptor(reader);
    CHECK_EQ(poll_now(end) & POLLIN, 0);
    CHECK_EQ(ferry_pipe_write(writer, "hello", 5, FERRY_NOW), 5);
    CHECK_EQ(poll_now(end) & POLLIN, POLLIN);
    ferry_pipe_close(reader);
    ferry_pipe_close(writer);
    CHECK_OK(ferry_remove(NAME));
}

TEST(a_stopped_sleeper_keeps_the_bytes_from_nobody /* G15 P10 */)
{
    ferry_pipe *ends[2];
    open_pair(ends, 0, 0);
    pid_t stopped = test_child(read_hello, ends[0]), other;
    test_sleeping(stopped);
    other = test_child(read_hello, ends[0]);
    test_sleeping(other);
    CHECK_ERRNO(kill(stopped, SIGSTOP));
    CHECK_ERRNO(waitpid(stopped, NULL, WUNTRACED));
    CHECK_EQ(ferry_pipe_write(ends[1], "hello", 5, FERRY_NOW), 5);
    test_wait_ok(other);
    CHECK_ERRNO(kill(stopped, SIGCONT));
    CHECK_EQ(ferry_pipe_write(ends[1], "hello", 5, FERRY_NOW), 5);
    test_wait_ok(stopped);
    close_pair(ends);
}

/* As from a FIFO that was opened without waiting. */
TEST(a_reader_that_met_no_writer_is_at_the_end_however_it_asks /* P7 P13 */)
{
    char got;
    ferry_pipe *reader = open_pipe(NAME, FERRY_CREATE | FERRY_READ);
    CHECK_EQ(ferry_pipe_read(reader, &got, 1, FERRY_NOW), 0);
    CHECK_EQ(ferry_pipe_read(reader, &got, 1, INT64_C(60000000000)), 0);
    CHECK_EQ(ferry_pipe_read(reader, &got, 1, FERRY_FOREVER), 0);
    CHECK(ferry_pipe_descriptor(reader) >= 0);
    CHECK_EQ(ferry_pipe_read(reader, &got, 1, FERRY_FOREVER), 0);
    ferry_pipe_close(reader);
    CHECK_OK(ferry_remove(NAME));
}

static void ignore(int signal)
{
    (void)signal;
}

static void write_behind_a_reservation(void *pipe)
{
    CHECK_ERRNO(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = ignore}, NULL));
    CHECK_ERR((int)ferry_pipe_write(pipe, "x", 1, FERRY_FOREVER), EINTR);
}

/* A signal that comes before the sleep ends no wait: so it is sent until it does. */
TEST(a_wait_behind_a_reservation_can_be_interrupted /* G7 */)
{
    ferry_pipe *ends[2];
    void *room;
    open_pair(ends, 0, FERRY_EINTR);
    CHECK(ferry_pipe_reserve(ends[1], &room, 1, FERRY_NOW) > 0);
    pid_t waiter = test_child(write_behind_a_reservation, ends[1]);
    test_sleeping(waiter);
    int status;
    pid_t ended;
    while ((ended = waitpid(waiter, &status, WNOHANG)) == 0)
        CHECK_ERRNO(kill(waiter, SIGUSR1));
    CHECK_EQ(ended, waiter);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_OK(ferry_pipe_commit(ends[1], 0));
    close_pair(ends);
}

TEST(a_thread_does_not_wait_for_itself /* G7 */)
{
    ferry_pipe *ends[2];
    void *room;
    const void *bytes;
    char got;
    open_pair(ends, 0, 0);
    CHECK(ferry_pipe_reserve(ends[1], &room, 1, FERRY_NOW) > 0);
    CHECK_ERR((int)ferry_pipe_write(ends[1], "x", 1, FERRY_FOREVER), EDEADLK);
    CHECK_OK(ferry_pipe_commit(ends[1], 1));
    CHECK_EQ(ferry_pipe_peek(ends[0], &bytes, FERRY_NOW), 1);
    CHECK_ERR((int)ferry_pipe_read(ends[0], &got, 1, FERRY_FOREVER), EDEADLK);
    CHECK_OK(ferry_pipe_consume(ends[0], 1));
    close_pair(ends);
}
