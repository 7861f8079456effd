/* Memory without a name that nobody can take away (DESIGN, law 6). */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "os/memfd.h"
#include "test.h"

TEST(nobody_can_shrink_grow_or_unseal_it) /* law 6 */
{
    int fd = memfd_make("test", 8192, 0, 8192, 0640);
    CHECK_OK(fd);
    CHECK(memfd_is_sealed(fd));
    CHECK(ftruncate(fd, 4096) < 0 && errno == EPERM);
    CHECK(ftruncate(fd, 16384) < 0 && errno == EPERM);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EPERM);
    struct stat status;
    CHECK_ERRNO(fstat(fd, &status));
    CHECK_EQ(status.st_size, 8192);
    CHECK_EQ(status.st_blocks * 512, 8192);
    CHECK_EQ(status.st_mode & 0777, 0640);
    close(fd);
}

TEST(only_what_is_asked_for_is_reserved) /* law 6 */
{
    int fd = memfd_make("test", 1 << 20, 0, 4096, 0600);
    CHECK_OK(fd);
    struct stat status;
    CHECK_ERRNO(fstat(fd, &status));
    CHECK_EQ(status.st_size, 1 << 20);
    CHECK_EQ(status.st_blocks * 512, 4096);
    /* Reserving more works inside the seals: the table of members grows so. */
    CHECK_ERRNO(fallocate(fd, 0, 4096, 4096));
    close(fd);
}

TEST(what_may_still_shrink_is_not_taken_for_sealed) /* G9 */
{
    int open_end = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(!memfd_is_sealed(open_end));
    CHECK_ERRNO(fcntl(open_end, F_ADD_SEALS, F_SEAL_GROW));
    CHECK(!memfd_is_sealed(open_end));
    CHECK_ERRNO(fcntl(open_end, F_ADD_SEALS, F_SEAL_SHRINK));
    CHECK(memfd_is_sealed(open_end));
    close(open_end);

    int pair[2];
    CHECK_ERRNO(pipe2(pair, O_CLOEXEC));
    CHECK(!memfd_is_sealed(pair[0]));
    CHECK(!memfd_is_sealed(-1));
    close(pair[0]);
    close(pair[1]);
}

TEST(too_much_is_an_error_with_a_cure) /* G10 */
{
    CHECK_ERR(memfd_make("test", UINT64_MAX, 0, 4096, 0600), ENOMEM);
    CHECK_CONTAINS(ferry_explain(), "more than any file can have");
    CHECK_ERR(memfd_make("test", UINT64_C(1) << 45, 0, UINT64_C(1) << 45, 0600), ENOMEM);
    CHECK_CONTAINS(ferry_explain(), "ask for less");
}

TEST(no_descriptor_is_an_error_with_a_cure) /* G10 */
{
    struct rlimit limit;
    CHECK_ERRNO(getrlimit(RLIMIT_NOFILE, &limit));
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, limit.rlim_max}));
    CHECK_ERR(memfd_make("test", 1, 0, 1, 0600), EMFILE);
    CHECK_CONTAINS(ferry_explain(), "ulimit -n");
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit));
}

TEST(a_file_size_limit_is_an_error_and_not_a_signal) /* G10, G12 */
{
    CHECK_ERRNO(setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, RLIM_INFINITY}));
    CHECK_ERR(memfd_make("test", 4097, 0, 4097, 0600), EFBIG);
    CHECK_CONTAINS(ferry_explain(), "ulimit -f");
}
