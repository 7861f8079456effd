/* Latches: every listener hears every ring, and none takes another's away (DESIGN, law 7). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/epoll.h"
#include "shared/bell.h"
#include "test.h"

static bool is_set(int latch)
{
    struct pollfd watched = {.fd = latch, .events = POLLIN};
    CHECK_ERRNO(poll(&watched, 1, 0));
    return (watched.revents & POLLIN) != 0;
}

/* A bell of an anonymous object's kind. */
static struct bell eventfd_bell(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK_ERRNO(fd);
    struct bell bell;
    bell_init(&bell, "", 0, (struct bell_rights){.mode = 0600}, fd);
    return bell;
}

/* A bell of a named object's kind. */
static struct bell fifo_bell(void)
{
    struct bell bell;
    bell_init(&bell, "x", 0xABC, (struct bell_rights){.mode = 0600}, -1);
    CHECK_EQ(bell_ready(&bell), 0);
    return bell;
}

static void finish(struct bell *bell)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/ferry.x:bell:0000000000000abc", test_root());
    unlink(path);
    bell_deinit(bell);
}

static void each_latch_is_its_own(struct bell *bell)
{
    int one = bell_latch(bell), two = bell_latch(bell);
    CHECK_OK(one);
    CHECK_OK(two);
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

TEST(latches_on_an_eventfd_are_independent) /* G15 */
{
    struct bell bell = eventfd_bell();
    each_latch_is_its_own(&bell);
    finish(&bell);
}

TEST(latches_on_a_fifo_are_independent) /* G15 */
{
    struct bell bell = fifo_bell();
    each_latch_is_its_own(&bell);
    finish(&bell);
}

static void every_ring_is_heard(struct bell *bell, int rings)
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
    struct bell bell = fifo_bell();
    every_ring_is_heard(&bell, 200000);
    finish(&bell);
}

TEST(every_ring_of_an_eventfd_is_heard) /* G15 */
{
    struct bell bell = eventfd_bell();
    every_ring_is_heard(&bell, 200000);
    finish(&bell);
}

TEST(a_fifo_that_others_filled_is_still_rung) /* G9 */
{
    struct bell bell = fifo_bell();
    int latch = bell_latch(&bell);
    char page[4096] = {1};
    while (write(bell.fd, page, sizeof(page)) > 0)
        continue;
    while (write(bell.fd, page, 1) > 0)
        continue;
    epoll_latch_clear(latch);
    for (int i = 0; i < 1000; i++) {
        bell_ring(&bell);
        CHECK_EQ(epoll_latch_clear(latch), 1);
    }
    close(latch);
    finish(&bell);
}

static void ring_often(void *context)
{
    struct bell *bell = context;
    for (int i = 0; i < 20000; i++)
        bell_ring(bell);
}

TEST(a_listener_among_ringers_is_set_by_the_last_ring) /* G15 */
{
    struct bell bell = fifo_bell();
    for (int round = 0; round < 5; round++) {
        int latch = bell_latch(&bell);
        pid_t pids[3];
        for (int i = 0; i < 3; i++)
            pids[i] = test_child(ring_often, &bell);
        for (int i = 0; i < 3; i++)
            test_wait_ok(pids[i]);
        CHECK(is_set(latch));
        close(latch);
    }
    finish(&bell);
}

TEST(a_latch_needs_a_descriptor_and_says_so) /* G10 */
{
    struct bell bell = eventfd_bell();
    struct rlimit limit;
    CHECK_ERRNO(getrlimit(RLIMIT_NOFILE, &limit));
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, limit.rlim_max}));
    CHECK_ERR(bell_latch(&bell), EMFILE);
    CHECK_CONTAINS(ferry_explain(), "ulimit -n");
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit));
    finish(&bell);
}

TEST(a_file_cannot_be_latched_onto)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    CHECK_ERR(epoll_latch(fd), EPERM);
    CHECK_ERR(epoll_latch(-1), EBADF);
    CHECK_ERR(epoll_latch_clear(-1), EBADF);
    close(fd);
}
