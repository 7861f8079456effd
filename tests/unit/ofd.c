/* Byte locks: the kernel's word on who is alive (DESIGN, law 2). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/ofd.h"
#include "test.h"

/* Two descriptions of one file. */
struct two {
    int one, two;
};

static struct two two_descriptions(void)
{
    int root = open(test_root(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    int one = file_make_unnamed(root, 0600);
    CHECK_OK(one);
    int two = file_reopen(one, -1, NULL, O_RDWR);
    CHECK_OK(two);
    close(root);
    return (struct two){one, two};
}

static void close_both(struct two *both)
{
    file_close(&both->one);
    file_close(&both->two);
}

TEST(a_byte_belongs_to_one_description)
{
    struct two fd = two_descriptions();
    CHECK_OK(ofd_lock(fd.one, 7, 1));
    CHECK_ERR(ofd_lock(fd.two, 7, 1), EAGAIN);
    CHECK_EQ(ofd_is_locked(fd.two, 7, 1), 1);
    CHECK_EQ(ofd_is_locked(fd.one, 7, 1), 0); /* one's own does not count */
    CHECK_OK(ofd_lock(fd.one, 7, 1));         /* again is harmless */
    CHECK_OK(ofd_lock(fd.two, 8, 1));
    CHECK_OK(ofd_lock(fd.two, 6, 1));
    CHECK_OK(ofd_unlock(fd.one, 7, 1));
    CHECK_EQ(ofd_is_locked(fd.two, 7, 1), 0);
    CHECK_OK(ofd_lock(fd.two, 7, 1));
    close_both(&fd);
}

TEST(a_range_is_taken_whole_or_not_at_all)
{
    struct two fd = two_descriptions();
    CHECK_OK(ofd_lock(fd.one, 4000, 1));
    CHECK_ERR(ofd_lock(fd.two, 0, 4097), EAGAIN);
    CHECK_EQ(ofd_is_locked(fd.one, 0, 4097), 0); /* nothing of it stayed */
    CHECK_EQ(ofd_is_locked(fd.two, 0, 4097), 1);
    CHECK_OK(ofd_unlock(fd.one, 4000, 1));
    CHECK_OK(ofd_lock(fd.two, 0, 4097));
    CHECK_ERR(ofd_lock(fd.one, 4096, 1), EAGAIN);
    close_both(&fd);
}

TEST(the_extent_of_a_lock_is_told)
{
    struct two fd = two_descriptions();
    CHECK_EQ(ofd_extent(fd.two, 7), 0);
    CHECK_OK(ofd_lock(fd.one, 7, 1));
    CHECK_EQ(ofd_extent(fd.two, 7), 1);
    CHECK_EQ(ofd_extent(fd.two, 8), 0);
    CHECK_EQ(ofd_extent(fd.one, 7), 0);
    CHECK_OK(ofd_lock(fd.one, 0, 4097));
    CHECK_EQ(ofd_extent(fd.two, 7), 4097);
    CHECK_OK(ofd_lock(fd.one, 0, 0));
    CHECK_EQ(ofd_extent(fd.two, 7), INT64_MAX);
    CHECK_EQ(ofd_extent(-1, 7), -EBADF);
    close_both(&fd);
}

TEST(bytes_beyond_the_end_can_be_locked)
{
    struct two fd = two_descriptions(); /* of an empty file */
    CHECK_OK(ofd_lock(fd.one, 1 << 30, 1));
    CHECK_EQ(ofd_is_locked(fd.two, 1 << 30, 1), 1);
    CHECK_OK(ofd_lock(fd.one, 5, 0)); /* to the end of all files */
    CHECK_EQ(ofd_is_locked(fd.two, 1 << 20, 1), 1);
    CHECK_EQ(ofd_is_locked(fd.two, 4, 1), 0);
    close_both(&fd);
}

TEST(closing_lets_go)
{
    struct two fd = two_descriptions();
    CHECK_OK(ofd_lock(fd.one, 7, 1));
    file_close(&fd.one);
    CHECK_EQ(ofd_is_locked(fd.two, 7, 1), 0);
    close_both(&fd);
}

static void lock_and_stay(void *context)
{
    int *fd = context;
    int own = file_reopen(*fd, -1, NULL, O_RDWR);
    CHECK_OK(ofd_lock(own, 7, 1));
    for (;;)
        pause();
}

TEST(death_lets_go) /* law 2 */
{
    struct two fd = two_descriptions();
    pid_t pid = test_child(lock_and_stay, &fd.one);
    test_wait_until(ofd_is_locked(fd.one, 7, 1) == 1);
    kill(pid, SIGSTOP); /* stopped is not dead */
    CHECK_EQ(ofd_is_locked(fd.one, 7, 1), 1);
    kill(pid, SIGKILL);
    test_wait_until(ofd_is_locked(fd.one, 7, 1) == 0);
    waitpid(pid, NULL, 0);
    close_both(&fd);
}

static void stay(void *context)
{
    (void)context;
    for (;;)
        pause();
}

TEST(a_fork_keeps_the_parents_lock_until_it_closes_it) /* law 2: why a child closes first */
{
    struct two fd = two_descriptions();
    CHECK_OK(ofd_lock(fd.one, 7, 1));
    pid_t pid = test_child(stay, NULL);
    file_close(&fd.one);
    CHECK_EQ(ofd_is_locked(fd.two, 7, 1), 1);
    test_kill(pid);
    CHECK_EQ(ofd_is_locked(fd.two, 7, 1), 0);
    close_both(&fd);
}

TEST(errors_are_errors)
{
    int pair[2];
    CHECK_ERRNO(pipe2(pair, O_CLOEXEC));
    CHECK_EQ(ofd_lock(-1, 0, 1), -EBADF);
    CHECK_EQ(ofd_is_locked(-1, 0, 1), -EBADF);
    int reading = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    CHECK_EQ(ofd_lock(reading, 0, 1), -EBADF); /* a write lock takes write access */
    close(reading);
    close(pair[0]);
    close(pair[1]);
}
