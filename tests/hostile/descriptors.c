/* What a peer may send instead of a segment: other descriptors, too many, too few, other bytes, or
 * what looks right and is changed afterwards (contract G9, G11).  Most cases start with a sound
 * parcel, taken apart; the framework sees what is left open. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "parcels.h"
#include "shared/layout.h"
#include "test.h"

/* ---- One odd descriptor among sound ones ----------------------------------------------------- */

enum { GEOMETRY_SEALS = F_SEAL_SHRINK | F_SEAL_GROW, ALL_SEALS = GEOMETRY_SEALS | F_SEAL_SEAL };

static int memfd(size_t size_bytes, int seals)
{
    int fd = memfd_create("ferry", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    CHECK_ERRNO(ftruncate(fd, (off_t)size_bytes));
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, seals));
    return fd;
}

static int socket_end(int type)
{
    int pair[2];
    CHECK_ERRNO(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair));
    close(pair[1]);
    return pair[0];
}

static int pipe_end(int which)
{
    int ends[2];
    CHECK_ERRNO(pipe2(ends, O_CLOEXEC));
    close(ends[!which]);
    return ends[which];
}

static int reopen(int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, flags | O_CLOEXEC);
}

enum { FOREIGN = 15, TWISTED = 7, SIZES = 8, SEALINGS = 3 };

/* Things that have nothing to do with Ferry. */
static int foreign(int n)
{
    const int made[] = {open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                        open("/", O_PATH | O_CLOEXEC),
                        open("/dev/null", O_RDWR | O_CLOEXEC),
                        open("/dev/zero", O_RDWR | O_CLOEXEC),
                        open("/proc/self/mem", O_RDONLY | O_CLOEXEC),
                        open("/proc/self/status", O_RDONLY | O_CLOEXEC),
                        pipe_end(0),
                        pipe_end(1),
                        socket_end(SOCK_STREAM),
                        socket_end(SOCK_SEQPACKET),
                        epoll_create1(EPOLL_CLOEXEC),
                        eventfd(0, EFD_CLOEXEC),
                        timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
                        inotify_init1(IN_CLOEXEC),
                        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    for (int i = 0; i < FOREIGN; i++)
        if (i != n)
            close(made[i]);
    return made[n];
}

/* What belongs there or elsewhere in the parcel, but otherwise open than it should be. */
static int twisted(int n, const struct parts *parts, int place)
{
    static const int flags[] = {O_PATH, O_RDONLY | O_NONBLOCK, O_WRONLY | O_NONBLOCK,
                                O_RDWR | O_APPEND | O_NONBLOCK, O_RDWR};
    if (n < 5)
        return reopen(parts->descriptors[place], flags[n]);
    return fcntl(parts->descriptors[(place + n - 4) % PARTS_DESCRIPTORS], F_DUPFD_CLOEXEC, 0);
}

static int sized(int n)
{
    static const size_t sizes[SIZES] = {
        0, 1, 4095, 4096, 8192, sizeof(struct layout), sizeof(struct layout) + 1, 1 << 20};
    static const int seals[SEALINGS] = {0, GEOMETRY_SEALS, ALL_SEALS};
    return memfd(sizes[n / SEALINGS], seals[n % SEALINGS]);
}

static void try_with_odd(int n, int place, const char *name)
{
    struct parts parts;
    parts_make(&parts, name);
    int odd = n < FOREIGN             ? foreign(n)
              : n < FOREIGN + TWISTED ? twisted(n - FOREIGN, &parts, place)
                                      : sized(n - FOREIGN - TWISTED);
    if (odd >= 0) {
        close(parts.descriptors[place]);
        parts.descriptors[place] = odd;
        int r = parcel_try(parts_send(&parts));
        /* What is open otherwise may do. */
        if (n < FOREIGN && !(place == PARTS_BELL && r == 0))
            CHECK(r < 0);
    }
    parts_drop(&parts);
    if (name)
        CHECK_OK(ferry_remove(name));
}

TEST_LONG(any_descriptor_in_any_place_of_a_parcel_is_survived, 120) /* G9 */
{
    for (int place = 0; place < PARTS_DESCRIPTORS; place++)
        for (int n = 0; n < FOREIGN + TWISTED + SIZES * SEALINGS; n++) {
            try_with_odd(n, place, NULL);
            try_with_odd(n, place, "x");
        }
}

/* ---- Too few, too many, other bytes ---------------------------------------------------------- */

TEST(any_number_of_descriptors_is_survived) /* G9 */
{
    struct parts parts;
    int many[PARTS_MOST];
    for (size_t count = 0; count <= PARTS_MOST; count += count < 8 ? 1 : 11) {
        parts_make(&parts, NULL);
        for (size_t i = 0; i < count; i++)
            many[i] = parts.descriptors[i % PARTS_DESCRIPTORS];
        int r =
            parcel_try(parcel_send(SOCK_SEQPACKET, parts.bytes, parts.count, many, count, NULL));
        CHECK(count == PARTS_DESCRIPTORS ? r == 0 : r < 0);
        parts_drop(&parts);
    }
}

TEST(any_length_of_a_parcel_is_survived) /* G9 */
{
    static char bytes[65536];
    static const size_t lengths[] = {0, 1, 8, 16, 255, 271, 272, 273, 512, 4096, sizeof(bytes)};
    struct parts parts;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        parts_make(&parts, NULL);
        memcpy(bytes, parts.bytes, parts.count);
        int r = parcel_try(parcel_send(SOCK_SEQPACKET, bytes, lengths[i], parts.descriptors,
                                       PARTS_DESCRIPTORS, NULL));
        CHECK(lengths[i] == parts.count ? r == 0 : r < 0);
        parts_drop(&parts);
    }
}

static void try_byte(size_t at, char value, const char *name)
{
    struct parts parts;
    parts_make(&parts, name);
    parts.bytes[at] = value;
    parcel_try(parts_send(&parts));
    parts_drop(&parts);
    if (name)
        CHECK_OK(ferry_remove(name));
}

TEST_LONG(any_byte_of_a_parcel_is_survived, 120) /* G9 */
{
    static const char values[] = {0, 1, 'x', '/', ':', '\n', 0x7F, (char)0x80, (char)0xFF};
    for (size_t at = 0; at < PARTS_NAME_AT + FERRY_NAME_SIZE; at += at < 32 ? 1 : 37)
        for (size_t i = 0; i < sizeof(values); i++) {
            try_byte(at, values[i], NULL);
            try_byte(at, values[i], "x");
        }
}

TEST(only_the_slot_that_was_locked_for_it_is_the_receivers) /* G9 */
{
    static const uint32_t slots[] = {
        0,         2,         63, 64, LAYOUT_MEMBERS - 1, LAYOUT_MEMBERS, LAYOUT_MEMBERS + 1,
        INT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
        struct parts parts;
        parts_make(&parts, NULL);
        memcpy(parts.bytes + PARTS_SLOT_AT, &slots[i], sizeof(slots[i]));
        int r = parcel_try(parts_send(&parts));
        if (slots[i] == 0 || slots[i] >= LAYOUT_MEMBERS)
            CHECK_ERR(r, EBADMSG);
        parts_drop(&parts);
    }
}

TEST(any_identity_in_a_sealed_memory_is_survived) /* G9 */
{
    static const uint64_t values[] = {0, 1, 2, UINT32_MAX, INT64_MAX, UINT64_MAX, 1 << 12, 4096};
    for (size_t at = 8; at < 56; at += 4)
        for (size_t i = 0; i < 2 * sizeof(values) / sizeof(values[0]); i++) {
            struct parts parts;
            struct layout_identity identity;
            parts_make(&parts, NULL);
            CHECK_EQ(pread(parts.descriptors[0], &identity, sizeof(identity), 0),
                     (ssize_t)sizeof(identity));
            memcpy((char *)&identity + at, &values[i / 2], at % 8 == 0 ? 8 : 4);
            if (i % 2 == 0) {
                uint32_t version = identity.version, features = identity.features;
                layout_seal(&identity);
                if (version != LAYOUT_VERSION && features != LAYOUT_FEATURES)
                    identity.version = version;
            }
            CHECK_EQ(pwrite(parts.descriptors[0], &identity, sizeof(identity), 0),
                     (ssize_t)sizeof(identity));
            parcel_try(parts_send(&parts));
            parts_drop(&parts);
        }
}

/* ---- Sockets that are no parcels ------------------------------------------------------------- */

static const int TYPES[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

TEST(sockets_of_all_kinds_are_refused_at_once) /* G9 */
{
    struct parts parts;
    for (size_t i = 0; i < 3; i++)
        for (int open_end = 0; open_end < 2; open_end++)
            for (size_t count = 0; count < 300; count += 100) {
                int sender;
                parts_make(&parts, NULL);
                int parcel = parcel_send(TYPES[i], parts.bytes, count, parts.descriptors, count > 0,
                                         &sender);
                if (!open_end)
                    close(sender);
                CHECK_ERR(parcel_try(parcel), EBADMSG);
                if (open_end)
                    close(sender);
                parts_drop(&parts);
            }
}

TEST(empty_sockets_and_odd_ones_are_refused_at_once) /* G9 */
{
    int pair[2];
    for (size_t i = 0; i < 3; i++) {
        CHECK_ERRNO(socketpair(AF_UNIX, TYPES[i] | SOCK_CLOEXEC, 0, pair));
        CHECK_ERR(parcel_try(pair[0]), EBADMSG);
        close(pair[1]);
        int lone = socket(AF_UNIX, TYPES[i] | SOCK_CLOEXEC, 0);
        CHECK_ERR(parcel_try(lone), EBADMSG);
        int listening = socket(AF_UNIX, TYPES[i] | SOCK_CLOEXEC, 0);
        listen(listening, 1);
        CHECK_ERR(parcel_try(listening), EBADMSG);
    }
    for (int n = 0; n < FOREIGN; n++)
        CHECK_ERR(parcel_try(foreign(n)), EBADMSG);
}

/* The kernel puts more into the message than the sender did. */
TEST(what_the_kernel_adds_to_a_parcel_leaves_nothing_open) /* G9 */
{
    static const int options[] = {SO_PASSCRED, SO_PASSSEC, SO_TIMESTAMP, SO_TIMESTAMPNS,
                                  76 /* SO_PASSPIDFD */};
    const int yes = 1;
    struct parts parts;
    for (unsigned set = 1; set < 32; set++) {
        parts_make(&parts, NULL);
        int parcel = parts_send(&parts);
        for (size_t i = 0; i < 5; i++)
            if ((set >> i & 1) != 0)
                setsockopt(parcel, SOL_SOCKET, options[i], &yes, sizeof(yes));
        parcel_try(parcel);
        parts_drop(&parts);
    }
}

TEST(a_parcel_in_a_parcel_is_refused) /* G9 */
{
    struct parts parts;
    parts_make(&parts, NULL);
    int inner = parts_send(&parts);
    const int descriptors[] = {inner, inner, inner, inner};
    CHECK_ERR(
        parcel_try(parcel_send(SOCK_SEQPACKET, parts.bytes, parts.count, descriptors, 4, NULL)),
        EBADMSG);
    CHECK_OK(parcel_try(inner));
    parts_drop(&parts);
}

TEST(a_parcel_waits_for_descriptors_to_be_had) /* G10 */
{
    struct parts parts;
    struct rlimit before, few;
    ferry_segment *segment;
    parts_make(&parts, NULL);
    int parcel = parts_send(&parts);
    CHECK_ERRNO(getrlimit(RLIMIT_NOFILE, &before));
    int r = -EMFILE;
    for (rlim_t room = 1; r == -EMFILE; room++) {
        few = (struct rlimit){(rlim_t)parcel + room, before.rlim_max};
        CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &few));
        r = ferry_segment_take(&segment, parcel);
    }
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &before));
    if (r == 0)
        ferry_segment_close(segment);
    else
        close(parcel);
    parts_drop(&parts);
}

/* ---- What the giver does afterwards ---------------------------------------------------------- */

/* With the rights of nobody, who may not open the giver's bell anew. */
static void ring_as_nobody(void *context)
{
    const int *descriptors = context; /* the parcel, and the giver's bell */
    ferry_segment *segment;
    CHECK_ERRNO(setgid(65534));
    CHECK_ERRNO(setuid(65534));
    CHECK_OK(ferry_segment_take(&segment, descriptors[0]));
    CHECK_OK(ferry_segment_descriptor(segment));
    CHECK_ERRNO(fcntl(descriptors[1], F_SETFL, 0)); /* it would block now */
    static char page[65536];
    for (int i = 0; i < 16; i++) {
        struct iovec piece = {page, 4096};
        vmsplice(descriptors[1], &piece, 1, SPLICE_F_NONBLOCK);
    }
    alarm(5);
    for (int i = 0; i < 100; i++)
        CHECK_OK(ferry_segment_notify(segment));
    ferry_segment_close(segment);
}

TEST(a_giver_cannot_make_the_bell_block) /* G9, G12 */
{
    struct parts parts;
    if (geteuid() != 0)
        SKIP("needs root, to give up its rights");
    parts_make(&parts, NULL);
    int descriptors[] = {parts_send(&parts), parts.descriptors[PARTS_BELL]};
    pid_t child = test_child(ring_as_nobody, descriptors);
    test_wait_ok(child);
    close(descriptors[0]);
    parts_drop(&parts);
}
