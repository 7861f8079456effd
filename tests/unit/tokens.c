/* Tokens in a pipe or FIFO, and what the kernel says of its ends (contract P5 to P8). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "os/tokens.h"
#include "test.h"

struct ends {
    int read_end, write_end;
};

static struct ends anonymous(void)
{
    struct ends ends;
    CHECK_OK(tokens_make(&ends.read_end, &ends.write_end));
    return ends;
}

static struct ends named(void)
{
    int root = open(test_root(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK_ERRNO(root);
    unlinkat(root, "fifo", 0);
    CHECK_ERRNO(mkfifoat(root, "fifo", 0600));
    CHECK_EQ(tokens_open_write_end(root, "fifo"), -ENXIO);
    struct ends ends = {.read_end = tokens_open_read_end(root, "fifo"),
                        .write_end = tokens_open_write_end(root, "fifo")};
    CHECK_OK(ends.read_end);
    CHECK_OK(ends.write_end);
    unlinkat(root, "fifo", 0);
    close(root);
    return ends;
}

static void each(void (*check)(struct ends ends))
{
    check(anonymous());
    check(named());
}

static void close_both(struct ends ends)
{
    close(ends.read_end);
    close(ends.write_end);
}

static short state(int end, short events)
{
    struct pollfd fd = {.fd = end, .events = events};
    CHECK_ERRNO(poll(&fd, 1, 0));
    return fd.revents;
}

static void check_three_states(struct ends ends)
{
    for (int tokens = 0; tokens <= 2; tokens++) {
        CHECK_EQ(state(ends.read_end, POLLIN) != 0, tokens > 0);
        CHECK_EQ(state(ends.write_end, POLLOUT) != 0, tokens < 2);
        CHECK_EQ(tokens_give(ends.write_end), tokens < 2);
    }
    CHECK_EQ(tokens_take(ends.read_end), 1);
    CHECK_EQ(tokens_take(ends.read_end), 1);
    CHECK_EQ(tokens_take(ends.read_end), 0);
    close_both(ends);
}

TEST(there_are_none_one_or_two) /* P5 P6 */
{
    each(check_three_states);
}

static void check_end_of_stream(struct ends ends)
{
    CHECK_EQ(tokens_give(ends.write_end), 1);
    close(ends.write_end);
    CHECK_EQ(tokens_take(ends.read_end), 1);
    CHECK_EQ(tokens_take(ends.read_end), -EPIPE);
    CHECK_EQ(tokens_await(ends.read_end, CLOCK_NEVER, false), -EPIPE);
    CHECK_EQ(tokens_await(ends.read_end, clock_deadline(1000000), false), -EPIPE);
    close(ends.read_end);
}

TEST(the_last_writer_s_end_is_heard_of_behind_the_tokens) /* P7 */
{
    each(check_end_of_stream);
}

static void check_broken(struct ends ends)
{
    CHECK(tokens_has_reader(ends.write_end));
    close(ends.read_end);
    CHECK(!tokens_has_reader(ends.write_end));
    CHECK_EQ(tokens_give(ends.write_end), -EPIPE);
    CHECK_EQ(tokens_await_room(ends.write_end, CLOCK_NEVER, false), -EPIPE);
    close(ends.write_end);
}

/* SIGPIPE would end this process. */
TEST(the_last_reader_s_end_is_no_signal) /* P8 */
{
    each(check_broken);
}

static void check_time(struct ends ends)
{
    CHECK_EQ(tokens_await(ends.read_end, clock_deadline(1000000), false), -ETIMEDOUT);
    while (tokens_give(ends.write_end) == 1)
        ;
    CHECK_EQ(tokens_await_room(ends.write_end, clock_deadline(1000000), false), -ETIMEDOUT);
    CHECK_OK(tokens_await(ends.read_end, clock_deadline(1000000), false));
    CHECK_OK(tokens_await_room(ends.write_end, CLOCK_NEVER, false));
    CHECK_OK(tokens_await(ends.read_end, CLOCK_NEVER, false));
    close_both(ends);
}

TEST(sleeps_end_in_time) /* G7 */
{
    each(check_time);
}

static void hold(void *context)
{
    (void)context;
    for (;;)
        pause();
}

static void check_death(struct ends ends)
{
    pid_t pid = test_child(hold, NULL);
    close(ends.write_end);
    CHECK_EQ(tokens_await(ends.read_end, clock_deadline(1000000), false), -ETIMEDOUT);
    kill(pid, SIGKILL);
    CHECK_EQ(tokens_await(ends.read_end, CLOCK_NEVER, false), -EPIPE);
    CHECK_ERRNO(waitpid(pid, NULL, 0));
    close(ends.read_end);
}

TEST(a_killed_child_s_ends_are_gone) /* P7 */
{
    each(check_death);
}

static void check_other_end(struct ends ends)
{
    int again = tokens_open_other_end(ends.read_end);
    CHECK_OK(again);
    CHECK(tokens_is_end(again, true));
    CHECK_EQ(tokens_give(again), 1);
    close(again);
    CHECK_EQ(tokens_take(ends.read_end), 1);
    close_both(ends);
}

TEST(one_end_leads_to_the_other)
{
    each(check_other_end);
}

static void check_kind(struct ends ends)
{
    CHECK(tokens_is_end(ends.read_end, false) && !tokens_is_end(ends.read_end, true));
    CHECK(tokens_is_end(ends.write_end, true) && !tokens_is_end(ends.write_end, false));
    close_both(ends);
}

static void check_own_description(struct ends ends)
{
    int reading = tokens_reopen(ends.read_end, -1, NULL);
    int writing = tokens_reopen(ends.write_end, -1, NULL);
    CHECK(tokens_is_end(reading, false) && tokens_is_end(writing, true));
    CHECK_ERRNO(fcntl(ends.read_end, F_SETFL, O_NONBLOCK));
    CHECK_ERRNO(fcntl(ends.write_end, F_SETFL, 0));
    CHECK(tokens_is_end(reading, false) && tokens_is_end(writing, true));
    CHECK_EQ(tokens_give(writing), 1);
    CHECK_EQ(tokens_take(ends.read_end), 1);
    close_both(ends);
    CHECK_EQ(tokens_give(writing), 1);
    close(writing);
    CHECK_EQ(tokens_take(reading), 1);
    CHECK_EQ(tokens_take(reading), -EPIPE);
    close(reading);
}

TEST(an_end_has_a_description_of_its_own) /* G9 */
{
    each(check_own_description);
    CHECK_EQ(tokens_reopen(-1, -1, NULL), -EBADF);
}

static void check_hung_up(struct ends ends)
{
    close(ends.write_end);
    CHECK((state(ends.read_end, 0) & POLLHUP) != 0);
    int reading = tokens_reopen(ends.read_end, -1, NULL);
    if (reading >= 0) {
        CHECK((state(reading, 0) & POLLHUP) != 0);
        close(reading);
    } else {
        CHECK_EQ(reading, -EAGAIN);
    }
    close(ends.read_end);
}

TEST(an_end_that_would_not_hang_up_again_is_not_opened_again) /* P7 */
{
    each(check_hung_up);
}

/* What another holder of the descriptions may do at any moment. */
static void check_shared(struct ends ends)
{
    CHECK_ERRNO(fcntl(ends.write_end, F_SETFL, 0));
    for (int tokens = 0; tokens <= 2; tokens++)
        CHECK_EQ(tokens_give(ends.write_end), tokens < 2);
    CHECK_ERRNO(fcntl(ends.read_end, F_SETFL, O_NONBLOCK));
    CHECK_EQ(tokens_await(ends.read_end, CLOCK_NEVER, false), 0);
    CHECK_EQ(tokens_take(ends.read_end), 1);
    CHECK_EQ(tokens_await(ends.read_end, clock_deadline(1000000), false), -ETIMEDOUT);
    close(ends.read_end);
    CHECK_EQ(tokens_give(ends.write_end), -EPIPE); /* and no signal */
    close(ends.write_end);
}

TEST(shared_ends_neither_block_nor_fail) /* G9, G12 */
{
    tokens_accept_shared();
    each(check_shared);
}

static void give_when_asleep(void *context)
{
    const struct ends *ends = context;
    test_sleeping(getppid());
    CHECK_EQ(tokens_give(ends->write_end), 1);
}

static void check_sleep(struct ends ends)
{
    CHECK_ERRNO(fcntl(ends.read_end, F_SETFL, O_NONBLOCK));
    pid_t pid = test_child(give_when_asleep, &ends);
    CHECK_EQ(tokens_await(ends.read_end, CLOCK_NEVER, false), 0);
    test_wait_ok(pid);
    close_both(ends);
}

TEST(who_sleeps_at_a_shared_end_sleeps_until_there_is_a_token) /* G9 */
{
    each(check_sleep);
}

TEST(ends_are_known_by_their_flags)
{
    each(check_kind);
    int plain[2];
    CHECK_ERRNO(pipe2(plain, O_CLOEXEC | O_NONBLOCK));
    CHECK(!tokens_is_end(plain[0], false) && !tokens_is_end(plain[1], true));
    CHECK(!tokens_is_end(-1, true));
    char name[32];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", plain[0]);
    int path = open(name, O_PATH | O_CLOEXEC);
    CHECK(!tokens_is_end(path, false)); /* a FIFO, but not open */
    close(path);
    close(plain[0]);
    close(plain[1]);
}
