/* Latches: every listener hears every ring, and none takes another's away (DESIGN, law 7). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "os/epoll.h"
#include "shared/bell.h"
#include "test.h"

static bool is_set(int latch)
{
    struct pollfd watched = {.fd = latch, .events = POLLIN};
    CHECK_ERRNO(poll(&watched, 1, 0));
    return (watched.revents & POLLIN) != 0;
}

static int anonymous_bell(void)
{
    int bell = bell_make_anonymous();
    CHECK_OK(bell);
    return bell;
}

/* A bell of a named object's kind; its FIFO's name goes at once, as with a removal. */
static int fifo_bell(void)
{
    int root = open(test_root(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    int bell = bell_make(root, "bell", 0600);
    CHECK_OK(bell);
    CHECK_ERRNO(unlinkat(root, "bell", 0));
    close(root);
    return bell;
}

static void each_latch_is_its_own(int bell)
{
    int one = bell_latch(bell), two = bell_latch(bell);
    CHECK_OK(one);
    CHECK_OK(two);
    CHECK_EQ(epoll_latch_clear(one), 1); /* a latch is born set */
    CHECK_EQ(epoll_latch_clear(two), 1);
    CHECK(!is_set(one) && !is_set(two));
    bell_ring(bell);
    CHECK(is_set(one) && is_set(two));
    CHECK_EQ(epoll_latch_clear(one), 1);
    CHECK(!is_set(one) && is_set(two));
    CHECK_EQ(epoll_latch_clear(one), 0);
    bell_ring(bell);
    CHECK(is_set(one) && is_set(two));
    bell_ring(bell); /* two rings, one latch */
    CHECK_EQ(epoll_latch_clear(one), 1);
    CHECK_EQ(epoll_latch_clear(one), 0);
    CHECK_EQ(epoll_latch_clear(two), 1);
    CHECK(!is_set(one) && !is_set(two));
    close(one);
    bell_ring(bell);
    CHECK(is_set(two));
    close(two);
}

TEST(latches_on_a_pipe_are_independent) /* G15 */
{
    int bell = anonymous_bell();
    each_latch_is_its_own(bell);
    close(bell);
}

TEST(latches_on_a_fifo_are_independent) /* G15 */
{
    int bell = fifo_bell();
    each_latch_is_its_own(bell);
    close(bell);
}

static void every_ring_is_heard(int bell, int rings)
{
    int one = bell_latch(bell), two = bell_latch(bell);
    for (int i = 0; i < rings; i++) {
        bell_ring(bell);
        CHECK_EQ(epoll_latch_clear(one), 1);
        if (i % 3 == 0)
            CHECK_EQ(epoll_latch_clear(two), 1);
    }
    CHECK(is_set(two) == ((rings - 1) % 3 != 0));
    close(one);
    close(two);
}

TEST(every_ring_through_a_full_fifo_is_heard) /* G15 */
{
    int bell = fifo_bell();
    every_ring_is_heard(bell, 200000);
    close(bell);
}

TEST(every_ring_through_a_full_pipe_is_heard) /* G15 */
{
    int bell = anonymous_bell();
    every_ring_is_heard(bell, 200000);
    close(bell);
}

TEST(a_fifo_that_others_filled_is_still_rung) /* G9 */
{
    int bell = fifo_bell();
    int latch = bell_latch(bell);
    char page[4096] = {1};
    while (write(bell, page, sizeof(page)) > 0)
        continue;
    while (write(bell, page, 1) > 0)
        continue;
    epoll_latch_clear(latch);
    for (int i = 0; i < 1000; i++) {
        bell_ring(bell);
        CHECK_EQ(epoll_latch_clear(latch), 1);
    }
    close(latch);
    close(bell);
}

static void ring_often(void *context)
{
    int bell = bell_reopen(*(int *)context); /* each member has a description of its own */
    CHECK_OK(bell);
    for (int i = 0; i < 20000; i++)
        bell_ring(bell);
}

TEST(a_listener_among_ringers_is_set_by_the_last_ring) /* G15 */
{
    int bell = fifo_bell();
    for (int round = 0; round < 5; round++) {
        int latch = bell_latch(bell);
        pid_t pids[3];
        for (int i = 0; i < 3; i++)
            pids[i] = test_child(ring_often, &bell);
        for (int i = 0; i < 3; i++)
            test_wait_ok(pids[i]);
        CHECK(is_set(latch));
        close(latch);
    }
    close(bell);
}

TEST(a_latch_needs_a_descriptor_and_says_so) /* G10 */
{
    int bell = anonymous_bell();
    struct rlimit limit;
    CHECK_ERRNO(getrlimit(RLIMIT_NOFILE, &limit));
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, limit.rlim_max}));
    CHECK_ERR(bell_latch(bell), EMFILE);
    CHECK_CONTAINS(ferry_explain(), "ulimit -n");
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit));
    close(bell);
}

TEST(a_bell_has_exactly_its_mode_and_a_taken_name_is_eexist)
{
    int root = open(test_root(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    int bell = bell_make(root, "bell", 0662); /* whatever the umask */
    CHECK_OK(bell);
    struct stat status;
    CHECK_ERRNO(fstat(bell, &status));
    CHECK_EQ(status.st_mode & 0777, 0662);
    CHECK_ERR(bell_make(root, "bell", 0600), EEXIST);
    int again = bell_open(root, "bell", geteuid());
    CHECK_OK(again);
    CHECK_EQ(bell_check(again), 0);
    CHECK_ERR(bell_open(root, "bell", geteuid() + 1), EBADMSG); /* another's bell is not heeded */
    CHECK_ERR(bell_open(root, "none", geteuid()), ENOENT);
    unlinkat(root, "bell", 0);
    close(again);
    close(bell);
    close(root);
}

TEST(what_is_no_bell_is_not_taken_for_one) /* G9 */
{
    int ends[2], file = open("/dev/null", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    CHECK_ERRNO(pipe2(ends, O_CLOEXEC));
    CHECK_ERR(bell_check(-1), EBADMSG);
    CHECK_ERR(bell_check(file), EBADMSG);
    CHECK_ERR(bell_check(ends[0]), EBADMSG); /* can only be read, and would block */
    CHECK_ERR(bell_check(ends[1]), EBADMSG);
    int root = open(test_root(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK_ERRNO(symlinkat("/dev/null", root, "bell"));
    CHECK_ERR(bell_open(root, "bell", geteuid()), ELOOP);
    unlinkat(root, "bell", 0);
    close(root);
    close(file);
    close(ends[0]);
    close(ends[1]);
}

TEST(a_latch_can_be_set_by_hand)
{
    int bell = anonymous_bell(), latch = bell_latch(bell);
    bell_ring(bell);
    CHECK_EQ(epoll_latch_clear(latch), 1);
    epoll_latch_set(latch, bell);
    CHECK(is_set(latch));
    CHECK_EQ(epoll_latch_clear(latch), 1);
    CHECK(!is_set(latch));
    close(latch);
    close(bell);
}

TEST(a_file_cannot_be_latched_onto)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    CHECK_ERR(epoll_latch(fd), EPERM);
    CHECK_ERR(epoll_latch(-1), EBADF);
    CHECK_ERR(epoll_latch_clear(-1), EBADF);
    close(fd);
}
