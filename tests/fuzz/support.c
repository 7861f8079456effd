/* See support.h.  The checks of the test framework, for code that is shared with other tests, end
 * the process here, which is how a fuzzer is told. */
#include "support.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "test.h"

uint64_t input_take(struct input *input, size_t bytes)
{
    uint64_t number = 0;
    size_t count = bytes < input->left ? bytes : input->left;
    for (size_t i = 0; i < count; i++)
        number |= (uint64_t)input->data[i] << 8 * i;
    input->data += count;
    input->left -= count;
    return number;
}

/* ---- The root -------------------------------------------------------------------------------- */

static char root[4096];
static pid_t owner;

static int delete (const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_root(void)
{
    if (getpid() == owner)
        nftw(root, delete, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_root(void)
{
    if (owner == 0) {
        const char *where = getenv("FERRY_FUZZ_ROOT");
        snprintf(root, sizeof(root), "%s/ferry-fuzz.XXXXXX", where ? where : "/dev/shm");
        CHECK(mkdtemp(root) != NULL);
        setenv("FERRY_ROOT", root, 1);
        owner = getpid();
        atexit(remove_root);
    }
    return root;
}

const char *test_root(void)
{
    return fuzz_root();
}

void fuzz_check_descriptors(void)
{
    static int highest = -1;
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    close(fd);
    if (highest < 0)
        highest = fd + 4; /* what long-lived handles may keep */
    CHECK(fd <= highest);
}

/* ---- Checks ---------------------------------------------------------------------------------- */

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    remove_root();
    abort();
}

void test_check_ok(const char *file, int line, const char *what, intmax_t result)
{
    if (result < 0)
        test_fail(file, line, "%s: it is %jd: %s", what, result, ferry_explain());
}

void test_check_errno(const char *file, int line, const char *what, intmax_t result)
{
    if (result == -1)
        test_fail(file, line, "%s failed", what);
}

void test_check_eq(const char *file, int line, const char *what, struct test_number actual,
                   struct test_number expected)
{
    if (actual.bits != expected.bits)
        test_fail(file, line, "%s: it is %jd, not %jd", what, actual.bits, expected.bits);
}

int64_t test_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
