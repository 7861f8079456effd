/* Parcels: what is packed comes out once, and nothing else does (contract G9, G10). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/socket.h"
#include "test.h"

static int count_descriptors(void)
{
    DIR *stream = opendir("/proc/self/fd");
    CHECK(stream != NULL);
    int count = 0;
    while (readdir(stream) != NULL)
        count++;
    closedir(stream);
    return count;
}

static void close_all(int descriptors[PARCEL_DESCRIPTORS])
{
    for (int i = 0; i < PARCEL_DESCRIPTORS; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
}

static bool same_file(int a, int b)
{
    struct stat one, two;
    CHECK_ERRNO(fstat(a, &one));
    CHECK_ERRNO(fstat(b, &two));
    return one.st_ino == two.st_ino && one.st_dev == two.st_dev;
}

/* A parcel with that many pipe ends; the pipes are closed again. */
static int parcel_of(size_t count)
{
    int ends[PARCEL_DESCRIPTORS];
    CHECK_ERRNO(pipe2(ends, O_CLOEXEC));
    CHECK_ERRNO(pipe2(ends + 2, O_CLOEXEC));
    CHECK_ERRNO(ends[4] = open("/dev/null", O_RDWR | O_CLOEXEC));
    int parcel = socket_pack("hello", 5, ends, count);
    CHECK_OK(parcel);
    close_all(ends);
    return parcel;
}

TEST(what_was_packed_comes_out) /* H1 */
{
    for (size_t count = 1; count <= PARCEL_DESCRIPTORS; count++) {
        int parcel = parcel_of(count);
        char bytes[5];
        int got[PARCEL_DESCRIPTORS];
        CHECK_EQ(socket_unpack(parcel, bytes, 5, got), 0);
        CHECK(memcmp(bytes, "hello", 5) == 0);
        for (size_t i = 0; i < PARCEL_DESCRIPTORS; i++)
            CHECK((got[i] >= 0) == (i < count));
        for (size_t i = 0; i < count; i++)
            CHECK(fcntl(got[i], F_GETFD) == FD_CLOEXEC);
        close_all(got);
        close(parcel);
    }
}

TEST(descriptors_come_in_their_order)
{
    int ends[2], got[PARCEL_DESCRIPTORS];
    CHECK_ERRNO(pipe2(ends, O_CLOEXEC));
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int parcel = socket_pack("x", 1, (const int[]){null, ends[1]}, 2);
    char byte;
    CHECK_EQ(socket_unpack(parcel, &byte, 1, got), 0);
    CHECK(same_file(got[0], null) && same_file(got[1], ends[1]));
    close_all(got);
    close(parcel);
    close(null);
    close(ends[0]);
    close(ends[1]);
}

TEST(a_parcel_opens_once)
{
    int parcel = parcel_of(2);
    char bytes[5] = "....";
    int got[PARCEL_DESCRIPTORS];
    CHECK_EQ(socket_unpack(parcel, bytes, 5, got), 0);
    close_all(got);
    int before = count_descriptors();
    CHECK_EQ(socket_unpack(parcel, bytes, 5, got), -EBADMSG);
    CHECK_EQ(count_descriptors(), before);
    close(parcel);
}

TEST(looking_leaves_a_parcel_as_it_is)
{
    int parcel = parcel_of(PARCEL_DESCRIPTORS);
    char bytes[6] = "";
    int got[PARCEL_DESCRIPTORS], before = count_descriptors();
    CHECK_EQ(socket_look(parcel, bytes, 4), -EBADMSG);
    CHECK_EQ(socket_look(parcel, bytes, 6), -EBADMSG);
    CHECK_EQ(socket_look(parcel, bytes, 5), 0);
    CHECK_STR(bytes, "hello");
    CHECK_EQ(count_descriptors(), before);
    CHECK_EQ(socket_unpack(parcel, bytes, 5, got), 0);
    CHECK(got[PARCEL_DESCRIPTORS - 1] >= 0);
    close_all(got);
    CHECK_EQ(socket_look(parcel, bytes, 5), -EBADMSG);
    CHECK_EQ(socket_look(-1, bytes, 5), -EBADMSG);
    close(parcel);
}

TEST(a_parcel_of_another_size_is_refused_and_leaks_nothing) /* G9 */
{
    char bytes[PARCEL_BYTES];
    int got[PARCEL_DESCRIPTORS] = {-5, -5, -5, -5, -5};
    const size_t wrong[] = {0, 4, 6, PARCEL_BYTES};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int parcel = parcel_of(PARCEL_DESCRIPTORS);
        int before = count_descriptors();
        CHECK_EQ(socket_unpack(parcel, bytes, wrong[i], got), -EBADMSG);
        CHECK_EQ(count_descriptors(), before);
        CHECK_EQ(got[0], -5);
        close(parcel);
    }
}

/* Sends a message with `count` descriptors, as a stranger would; returns the receiving end. */
static int forge(int type, const char *text, size_t count)
{
    int pair[2];
    CHECK_ERRNO(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair));
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(64 * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen =
            (__typeof__(message.msg_controllen))CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = (__typeof__(header->cmsg_len))CMSG_LEN(count * sizeof(int));
        for (size_t i = 0; i < count; i++)
            memcpy(CMSG_DATA(header) + i * sizeof(int), &null, sizeof(int));
    }
    CHECK_ERRNO(sendmsg(pair[1], &message, MSG_NOSIGNAL));
    close(null);
    close(pair[1]);
    return pair[0];
}

TEST(too_many_descriptors_are_refused_and_closed) /* G9 */
{
    if (test_is_emulated())
        SKIP("the emulator does not say that it cut off descriptors");
    char bytes[5];
    int got[PARCEL_DESCRIPTORS];
    for (size_t count = PARCEL_DESCRIPTORS + 1; count <= 64; count += 58) {
        int parcel = forge(SOCK_SEQPACKET, "hello", count);
        int before = count_descriptors();
        CHECK_EQ(socket_unpack(parcel, bytes, 5, got), -EBADMSG);
        CHECK_EQ(count_descriptors(), before);
        CHECK_EQ(socket_unpack(parcel, bytes, 5, got), -EBADMSG); /* it is empty now */
        close(parcel);
    }
}

TEST(too_few_descriptors_are_told_by_minus_one) /* G9 */
{
    char bytes[5];
    int got[PARCEL_DESCRIPTORS];
    int parcel = forge(SOCK_SEQPACKET, "hello", 0);
    CHECK_EQ(socket_unpack(parcel, bytes, 5, got), 0);
    for (int i = 0; i < PARCEL_DESCRIPTORS; i++)
        CHECK_EQ(got[i], -1);
    close(parcel);
}

TEST(what_is_no_parcel_is_refused_at_once) /* G9 */
{
    char bytes[5];
    int got[PARCEL_DESCRIPTORS], pair[2];
    CHECK_EQ(socket_unpack(-1, bytes, 5, got), -EBADMSG);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    CHECK_EQ(socket_unpack(null, bytes, 5, got), -EBADMSG);
    close(null);

    /* A plain socket with nothing in it, and one whose other end is closed: neither blocks. */
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    CHECK_EQ(socket_unpack(pair[0], bytes, 5, got), -EBADMSG);
    close(pair[1]);
    CHECK_EQ(socket_unpack(pair[0], bytes, 5, got), -EBADMSG);
    close(pair[0]);
    int unconnected = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQ(socket_unpack(unconnected, bytes, 5, got), -EBADMSG);
    close(unconnected);
}

TEST(what_does_not_fit_a_parcel_is_refused)
{
    char bytes[PARCEL_BYTES + 1] = {0};
    int descriptors[PARCEL_DESCRIPTORS + 1] = {0};
    CHECK_EQ(socket_pack(bytes, sizeof(bytes), descriptors, 1), -EINVAL);
    CHECK_EQ(socket_pack(bytes, 1, descriptors, PARCEL_DESCRIPTORS + 1), -EINVAL);
    CHECK_EQ(socket_pack(bytes, 1, (const int[]){-1}, 1), -EBADF);
}

/* Sets the soft limit so that exactly `more` descriptors can still be had. */
static void leave_descriptors(int more)
{
    struct rlimit limit;
    CHECK_ERRNO(getrlimit(RLIMIT_NOFILE, &limit));
    int next = dup(0);
    close(next);
    limit.rlim_cur = (rlim_t)(next + more);
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit));
}

TEST(a_parcel_that_cannot_be_opened_for_want_of_descriptors_stays_whole) /* G10 */
{
    int parcel = parcel_of(PARCEL_DESCRIPTORS);
    char bytes[5];
    int got[PARCEL_DESCRIPTORS];
    for (int more = 0; more < PARCEL_DESCRIPTORS; more++) {
        leave_descriptors(more);
        CHECK_EQ(socket_unpack(parcel, bytes, 5, got), -EMFILE);
        leave_descriptors(64);
    }
    CHECK_EQ(socket_unpack(parcel, bytes, 5, got), 0);
    for (int i = 0; i < PARCEL_DESCRIPTORS; i++)
        CHECK(got[i] >= 0);
    close_all(got);
    close(parcel);
}

TEST(packing_without_descriptors_is_an_error) /* G10 */
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int more = 0; more < 2; more++) {
        leave_descriptors(more);
        CHECK_EQ(socket_pack("x", 1, &null, 1), -EMFILE);
        leave_descriptors(64);
    }
    leave_descriptors(2);
    int parcel = socket_pack("x", 1, &null, 1);
    CHECK_OK(parcel);
    close(parcel);
    close(null);
}

struct race {
    int parcel;
    struct test_gate *start;
    _Atomic int *opened;
};

static void race_to_open(void *context)
{
    struct race *race = context;
    char bytes[5];
    int got[PARCEL_DESCRIPTORS];
    test_gate_wait(race->start);
    int before = count_descriptors();
    if (socket_unpack(race->parcel, bytes, 5, got) == 0) {
        atomic_fetch_add(race->opened, 1);
        close_all(got);
    }
    CHECK_EQ(count_descriptors(), before);
}

TEST(of_several_who_open_a_parcel_one_gets_it)
{
    for (int round = 0; round < 100; round++) {
        struct race race = {parcel_of(PARCEL_DESCRIPTORS), test_gate_new(),
                            test_shared(sizeof(int))};
        pid_t pids[3];
        for (int i = 0; i < 3; i++)
            pids[i] = test_child(race_to_open, &race);
        test_gate_open(race.start);
        for (int i = 0; i < 3; i++)
            test_wait_ok(pids[i]);
        CHECK_EQ(atomic_load(race.opened), 1);
        close(race.parcel);
    }
}
