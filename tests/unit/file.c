/* Unnamed files, links, reservations, fresh descriptions (DESIGN, law 6). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "os/file.h"
#include "test.h"

static int open_root(void)
{
    int root = open(test_root(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK_ERRNO(root);
    return root;
}

/* A small tmpfs of our own over the root; gone with the mount namespace. */
static int small_root(const char *options)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
        SKIP("mounting a small tmpfs takes root");
    CHECK_ERRNO(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CHECK_ERRNO(mount("small", test_root(), "tmpfs", 0, options));
    return open_root();
}

TEST(a_file_has_no_name_until_it_is_linked) /* G3 */
{
    int root = open_root();
    int fd = file_make_unnamed(root, 0666);
    CHECK_OK(fd);
    struct stat status;
    CHECK_ERRNO(fstat(fd, &status));
    CHECK_EQ(status.st_nlink, 0);
    CHECK_EQ(status.st_mode & 0777, 0644); /* the umask applies */
    CHECK(faccessat(root, "name", F_OK, 0) < 0);
    CHECK_OK(file_link(fd, root, "name"));
    CHECK_EQ(file_has_name(fd, root, "name"), 1);
    CHECK_EQ(file_has_name(fd, root, "other"), 0);
    unlinkat(root, "name", 0);
    CHECK_EQ(file_has_name(fd, root, "name"), 0);
    close(fd);
    close(root);
}

TEST(a_name_that_is_taken_stays_with_its_file) /* G2 */
{
    int root = open_root();
    int first = file_make_unnamed(root, 0600);
    int second = file_make_unnamed(root, 0600);
    CHECK_OK(file_link(first, root, "name"));
    CHECK_ERR(file_link(second, root, "name"), EEXIST);
    CHECK_EQ(file_has_name(first, root, "name"), 1);
    CHECK_EQ(file_has_name(second, root, "name"), 0);
    /* Not even a dangling link is replaced. */
    CHECK_ERRNO(symlinkat("nowhere", root, "link"));
    CHECK_ERR(file_link(second, root, "link"), EEXIST);
    unlinkat(root, "link", 0);
    unlinkat(root, "name", 0);
    close(first);
    close(second);
    close(root);
}

TEST(what_is_reserved_takes_memory_and_the_rest_does_not) /* G10 */
{
    int root = open_root();
    int fd = file_make_unnamed(root, 0600);
    CHECK_OK(file_reserve(fd, 1 << 20, 0, 8192));
    struct stat status;
    CHECK_ERRNO(fstat(fd, &status));
    CHECK_EQ(status.st_size, 1 << 20);
    CHECK_EQ(status.st_blocks * 512, 8192);
    CHECK_OK(file_reserve_range(fd, 12288, 4096));
    CHECK_OK(file_reserve_range(fd, 12288, 4096)); /* again is harmless */
    CHECK_ERRNO(fstat(fd, &status));
    CHECK_EQ(status.st_size, 1 << 20);
    CHECK_EQ(status.st_blocks * 512, 12288);
    close(fd);
    close(root);
}

TEST(sizes_that_no_file_can_have_are_refused) /* G10 */
{
    int root = open_root();
    int fd = file_make_unnamed(root, 0600);
    CHECK_ERR(file_reserve(fd, UINT64_MAX, 0, UINT64_MAX), ENOMEM);
    CHECK_ERR(file_reserve(fd, (uint64_t)INT64_MAX + 1, 0, 4096), ENOMEM);
    CHECK_CONTAINS(ferry_explain(), "more than any file can have");
    CHECK_ERR(file_reserve(fd, INT64_MAX, 0, INT64_MAX), ENOMEM);
    CHECK_CONTAINS(ferry_explain(), "ask for less");
    close(fd);
    close(root);
}

TEST(more_than_there_is_memory_is_refused_before_it_is_eaten) /* G10 */
{
    int root = open_root();
    int fd = file_make_unnamed(root, 0600);
    CHECK_ERR(file_reserve(fd, UINT64_C(1) << 45, 0, UINT64_C(1) << 45), ENOMEM);
    CHECK_CONTAINS(ferry_explain(), "are available");
    struct stat status;
    CHECK_ERRNO(fstat(fd, &status));
    CHECK_EQ(status.st_blocks, 0);
    close(fd);
    close(root);
}

TEST(a_full_root_says_so_and_what_to_do) /* G10 */
{
    int root = small_root("size=64k");
    int fd = file_make_unnamed(root, 0600);
    CHECK_ERR(file_reserve(fd, 1 << 20, 0, 1 << 20), ENOSPC);
    CHECK_CONTAINS(ferry_explain(), "ferry rm");
    CHECK_CONTAINS(ferry_explain(), "FERRY_ROOT");
    close(fd);
    /* A hole may be larger than the file system; what is reserved counts. */
    fd = file_make_unnamed(root, 0600);
    CHECK_OK(file_reserve(fd, 1 << 20, 0, 4096));
    CHECK_ERR(file_reserve_range(fd, 4096, 1 << 19), ENOSPC);
    close(fd);
    close(root);
}

TEST(a_root_without_inodes_says_so) /* G10 */
{
    int root = small_root("nr_inodes=2");
    int fd = file_make_unnamed(root, 0600);
    CHECK_OK(fd);
    CHECK_ERR(file_make_unnamed(root, 0600), ENOSPC);
    CHECK_CONTAINS(ferry_explain(), "ferry rm");
    close(fd);
    close(root);
}

TEST(a_root_mounted_read_only_says_so) /* G10 */
{
    int root = small_root("ro");
    CHECK_ERR(file_make_unnamed(root, 0600), EROFS);
    CHECK_CONTAINS(ferry_explain(), "read-only");
    close(root);
}

TEST(a_file_system_without_unnamed_files_says_so) /* G10 */
{
    int root = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        SKIP("no file system without unnamed files at hand");
    CHECK_ERR(file_make_unnamed(root, 0600), EOPNOTSUPP);
    CHECK_CONTAINS(ferry_explain(), "FERRY_ROOT");
    close(root);
}

/* Two descriptions of one file do not share their flock. */
static void check_independent(int fd, int again)
{
    struct stat a, b;
    CHECK_OK(again);
    CHECK_ERRNO(fstat(fd, &a));
    CHECK_ERRNO(fstat(again, &b));
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    CHECK_ERRNO(flock(fd, LOCK_EX | LOCK_NB));
    CHECK(flock(again, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
    CHECK_ERRNO(flock(fd, LOCK_UN));
    close(again);
}

TEST(an_open_file_can_be_opened_again) /* law 2 */
{
    int root = open_root();
    int fd = file_make_unnamed(root, 0600);
    check_independent(fd, file_reopen(fd, -1, NULL, O_RDWR));
    check_independent(fd, file_reopen(fd, root, "name", O_RDWR)); /* no such name yet */
    CHECK_OK(file_link(fd, root, "name"));
    check_independent(fd, file_reopen(fd, root, "name", O_RDWR));
    unlinkat(root, "name", 0);

    /* The name leads to another file now, or to a link: never to them. */
    int other = file_make_unnamed(root, 0600);
    CHECK_OK(file_link(other, root, "name"));
    check_independent(fd, file_reopen(fd, root, "name", O_RDWR));
    unlinkat(root, "name", 0);
    CHECK_ERRNO(symlinkat("/etc/passwd", root, "name"));
    check_independent(fd, file_reopen(fd, root, "name", O_RDWR));
    unlinkat(root, "name", 0);
    close(other);
    close(fd);
    close(root);
}

TEST(transfers_are_whole_or_errors)
{
    int root = open_root();
    int fd = file_make_unnamed(root, 0600);
    char bytes[16] = "untouched";
    CHECK_ERR(file_read_at(fd, bytes, sizeof(bytes), 0), ENODATA);
    CHECK_OK(file_write_at(fd, "0123456789", 10, 6));
    CHECK_OK(file_read_at(fd, bytes, 16, 0));
    CHECK(memcmp(bytes,
                 "\0\0\0\0\0\0"
                 "0123456789",
                 16) == 0);
    CHECK_ERR(file_read_at(fd, bytes, 16, 1), ENODATA);
    CHECK_ERR(file_read_at(-1, bytes, 16, 1), EBADF);
    close(fd);
    close(root);
}

static int count_to_two(const char *name, void *context)
{
    (void)name;
    int *count = context;
    return ++*count == 2 ? 42 : 0;
}

TEST(a_listing_stops_when_told)
{
    int root = open_root();
    int count = 0;
    CHECK_EQ(file_list(root, count_to_two, &count), 42); /* "." and ".." */
    CHECK_EQ(count, 2);
    CHECK_ERR(file_list(-1, count_to_two, &count), EBADF);
    close(root);
}

TEST(closing_keeps_errno)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    errno = ESRCH;
    file_close(&fd);
    CHECK_EQ(fd, -1);
    file_close(&fd);
    CHECK_EQ(errno, ESRCH);
}

TEST(a_file_size_limit_is_an_error_and_not_a_signal) /* G10, G12 */
{
    int root = open_root();
    CHECK_ERRNO(setrlimit(RLIMIT_FSIZE, &(struct rlimit){65536, RLIM_INFINITY}));
    int fd = file_make_unnamed(root, 0600);
    CHECK_OK(file_reserve(fd, 65536, 0, 65536));
    CHECK_ERR(file_reserve(fd, 65537, 0, 65537), EFBIG);
    CHECK_CONTAINS(ferry_explain(), "ulimit -f");
    close(fd);
    close(root);
}
