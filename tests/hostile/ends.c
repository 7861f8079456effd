/* What a peer may send for a pipe's ends, and what it may do to those that it shares (contract G9, G11).
 * Most cases start with a sound parcel, taken apart; the framework sees what is left open. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "parcels.h"
#include "test.h"

enum { NOBODY = 65534 };

enum { BOTH = FERRY_READ | FERRY_WRITE, ROLES = 3 };

static const unsigned role_of[ROLES] = {FERRY_READ, FERRY_WRITE, BOTH};

static int reopen(int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, flags | O_CLOEXEC);
}

static int plain_pipe(int which, int flags)
{
    int ends[2];
    CHECK_ERRNO(pipe2(ends, O_CLOEXEC | flags));
    close(ends[!which]);
    return ends[which];
}

/* Puts something else into a place, and sends it. */
static int try_with(struct parts *parts, int place, int odd)
{
    CHECK_ERRNO(odd);
    close(parts->descriptors[place]);
    parts->descriptors[place] = odd;
    return parcel_try_pipe(parts_send(parts));
}

static void drop(struct parts *parts, const char *name)
{
    parts_drop(parts);
    if (name)
        CHECK_OK(ferry_remove(name));
}

TEST(sound_parts_are_taken)
{
    struct parts parts;
    for (int i = 0; i < ROLES; i++)
        for (int named = role_of[i] == BOTH; named < 2; named++) {
            unsigned role = role_of[i];
            parts_make_pipe(&parts, named ? "x" : NULL, role);
            CHECK_EQ(parts.descriptor_count, role == BOTH ? 5u : 4u);
            CHECK_OK(parcel_try_pipe(parts_send(&parts)));
            drop(&parts, named ? "x" : NULL);
        }
}

/* ---- What is no end --------------------------------------------------------------------------- */

enum { FOREIGN = 11 };

static int foreign(int n, const struct parts *parts)
{
    int pair[2];
    switch (n) {
    case 0:
        return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    case 1:
        return open(test_root(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    case 2:
        return open("/dev/null", O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    case 3:
        return eventfd(0, EFD_CLOEXEC);
    case 4:
        CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
        close(pair[1]);
        return pair[0];
    case 5:
        return memfd_create("ferry", MFD_CLOEXEC);
    case 6:
        return plain_pipe(1, 0); /* a write end that blocks */
    case 7:
        return plain_pipe(1, O_NONBLOCK); /* whose bytes are no packets */
    case 8:
        return plain_pipe(0, O_NONBLOCK); /* a read end that does not block */
    case 9:
        return reopen(parts->descriptors[PARTS_END], O_PATH);
    default:
        return reopen(parts->descriptors[PARTS_END], O_RDWR | O_NONBLOCK); /* both in one */
    }
}

static void refuse(int n, int place, unsigned role, const char *name)
{
    struct parts parts;
    parts_make_pipe(&parts, name, role);
    CHECK_ERR(try_with(&parts, place, foreign(n, &parts)), EBADMSG);
    drop(&parts, name);
}

TEST(what_is_no_end_is_refused) /* G9 */
{
    for (int n = 0; n < FOREIGN; n++) {
        for (int i = 0; i < ROLES; i++)
            refuse(n, PARTS_END, role_of[i], "x");
        refuse(n, PARTS_OTHER_END, BOTH, "x");
        refuse(n, PARTS_END, FERRY_READ, NULL);
        refuse(n, PARTS_END, FERRY_WRITE, NULL);
    }
}

/* An end as a pipe's are, of a pipe that is nobody's. */
static int end_of_none(bool write_end)
{
    int end = plain_pipe(write_end, 0);
    CHECK_ERRNO(fcntl(end, F_SETFL, write_end ? O_NONBLOCK | O_DIRECT : 0));
    return end;
}

TEST(a_named_pipe_s_end_has_to_be_its_own) /* G9 */
{
    struct parts parts, other;
    for (int write_end = 0; write_end < 2; write_end++) {
        unsigned role = write_end ? FERRY_WRITE : FERRY_READ;
        parts_make_pipe(&parts, "x", role);
        CHECK_ERR(try_with(&parts, PARTS_END, end_of_none(write_end)), EBADMSG);
        drop(&parts, "x");

        parts_make_pipe(&parts, "x", role);
        parts_make_pipe(&other, "y", role);
        int end = fcntl(other.descriptors[PARTS_END], F_DUPFD_CLOEXEC, 0);
        CHECK_ERR(try_with(&parts, PARTS_END, end), EBADMSG);
        drop(&other, "y");
        drop(&parts, "x");
    }
}

/* Without a name there is nothing to compare it with: it costs the peer the pipe, and us nothing. */
TEST(another_pipe_s_end_without_a_name_is_survived) /* G9 */
{
    struct parts parts;
    for (int write_end = 0; write_end < 2; write_end++) {
        parts_make_pipe(&parts, NULL, write_end ? FERRY_WRITE : FERRY_READ);
        try_with(&parts, PARTS_END, end_of_none(write_end));
        drop(&parts, NULL);
    }
}

TEST(both_ends_have_to_be_of_one_fifo_and_different) /* G9 */
{
    struct parts parts;
    for (int place = PARTS_END; place <= PARTS_OTHER_END; place++) {
        parts_make_pipe(&parts, "x", BOTH);
        CHECK_ERR(try_with(&parts, place, end_of_none(place == PARTS_OTHER_END)), EBADMSG);
        drop(&parts, "x");

        parts_make_pipe(&parts, "x", BOTH);
        int other = parts.descriptors[place == PARTS_END ? PARTS_OTHER_END : PARTS_END];
        CHECK_ERR(try_with(&parts, place, fcntl(other, F_DUPFD_CLOEXEC, 0)), EBADMSG);
        drop(&parts, "x");
    }
    /* Once their name is gone, there is only each other to compare them with. */
    parts_make_pipe(&parts, "x", BOTH);
    CHECK_OK(ferry_remove("x"));
    CHECK_ERR(try_with(&parts, PARTS_OTHER_END, end_of_none(true)), EBADMSG);
    parts_drop(&parts);
}

TEST(any_number_of_descriptors_is_survived) /* G9 */
{
    struct parts parts;
    for (size_t count = 0; count <= PARTS_ROOM + 1; count++)
        for (int n = 0; n < ROLES; n++) {
            int many[PARTS_ROOM + 1];
            unsigned role = role_of[n];
            parts_make_pipe(&parts, "x", role);
            for (size_t i = 0; i < count; i++)
                many[i] = parts.descriptors[i % parts.descriptor_count];
            int r = parcel_try_pipe(
                parcel_send(SOCK_SEQPACKET, parts.bytes, parts.count, many, count, NULL));
            /* Of one with both ends, the first four are a reader's. */
            if (count == parts.descriptor_count || (role == BOTH && count == 4))
                CHECK_OK(r);
            else
                CHECK_ERR(r, EBADMSG);
            drop(&parts, "x");
        }
}

TEST(a_writer_has_to_have_data_to_write_to) /* G9 */
{
    struct parts parts;
    for (int named = 0; named < 2; named++) {
        parts_make_pipe(&parts, named ? "x" : NULL, FERRY_WRITE);
        int data = reopen(parts.descriptors[PARTS_DATA], O_RDONLY);
        CHECK_ERR(try_with(&parts, PARTS_DATA, data), EBADMSG);
        drop(&parts, named ? "x" : NULL);
    }
}

TEST(a_segment_in_a_pipe_s_parcel_is_refused) /* G9 */
{
    struct parts pipe, segment;
    parts_make_pipe(&pipe, NULL, FERRY_READ);
    parts_make(&segment, NULL);
    memcpy(pipe.bytes + PARTS_SLOT_AT, segment.bytes + PARTS_SLOT_AT, 4);
    for (int from = PARTS_LOCK; from <= PARTS_BELL; from++) {
        close(pipe.descriptors[from]);
        pipe.descriptors[from] = fcntl(segment.descriptors[from], F_DUPFD_CLOEXEC, 0);
    }
    CHECK_ERR(parcel_try_pipe(parts_send(&pipe)), EBADMSG);
    memcpy(segment.bytes + PARTS_KIND_AT, pipe.bytes + PARTS_KIND_AT, 4);
    CHECK_ERR(parcel_try(parts_send(&segment)), EMEDIUMTYPE);
    parts_drop(&pipe);
    parts_drop(&segment);
}

/* ---- What others do with the ends ------------------------------------------------------------- */

/* Makes an end, which several hold, the other way round. */
static void turn(int end, bool write_end)
{
    CHECK_ERRNO(fcntl(end, F_SETFL, write_end ? 0 : O_NONBLOCK));
}

struct stranger {
    int parcel, end; /* of which the giver has a copy */
    bool write_end;
};

/* With the rights of nobody, who may not open the end anew. */
static void use_as_nobody(void *context)
{
    const struct stranger *stranger = context;
    ferry_pipe *pipe;
    static char bytes[4096];
    CHECK_ERRNO(setgid(NOBODY));
    CHECK_ERRNO(setuid(NOBODY));
    CHECK_OK(ferry_pipe_take(&pipe, stranger->parcel));
    turn(stranger->end, stranger->write_end);
    alarm(5);
    if (stranger->write_end) {
        while (ferry_pipe_write(pipe, bytes, sizeof(bytes), FERRY_NOW) == (ssize_t)sizeof(bytes))
            ;
        for (int i = 0; i < 10; i++) {
            CHECK_ERR((int)ferry_pipe_write(pipe, bytes, 1, FERRY_NOW), EAGAIN);
            CHECK_ERR((int)ferry_pipe_write(pipe, bytes, 1, 1000000), ETIMEDOUT);
        }
    } else {
        CHECK_ERR((int)ferry_pipe_read(pipe, bytes, 1, 1000000), ETIMEDOUT);
        CHECK_EQ(ferry_pipe_read(pipe, bytes, 1, FERRY_FOREVER), 1); /* asleep until it comes */
    }
    ferry_pipe_close(pipe);
}

TEST(a_giver_cannot_make_its_end_block_or_fail) /* G9, G12 */
{
    if (geteuid() != 0)
        SKIP("needs root, to give up its rights");
    for (int write_end = 0; write_end < 2; write_end++) {
        struct parts parts;
        parts_make_pipe(&parts, NULL, write_end ? FERRY_WRITE : FERRY_READ);
        struct stranger stranger = {parts_send(&parts), parts.descriptors[PARTS_END], write_end};
        pid_t child = test_child(use_as_nobody, &stranger);
        close(stranger.parcel);
        if (!write_end) {
            test_sleeping(child);
            CHECK_EQ(ferry_pipe_write(parts.ends[1], "x", 1, FERRY_FOREVER), 1);
        }
        test_wait_ok(child);
        parts_drop(&parts);
    }
}

TEST(a_receiver_cannot_make_the_giver_s_end_block_or_fail) /* G9, G12 */
{
    static char bytes[4096];
    for (int named = 0; named < 2; named++) {
        struct parts reading, writing;
        parts_make_pipe(&writing, named ? "w" : NULL, FERRY_WRITE);
        turn(writing.descriptors[PARTS_END], true);
        ferry_pipe *giver = writing.ends[!named];
        while (ferry_pipe_write(giver, bytes, sizeof(bytes), FERRY_NOW) == (ssize_t)sizeof(bytes))
            ;
        CHECK_ERR((int)ferry_pipe_write(giver, bytes, 1, 1000000), ETIMEDOUT);
        CHECK_ERR((int)ferry_pipe_write(giver, bytes, 1, FERRY_NOW), EAGAIN);
        drop(&writing, named ? "w" : NULL);

        parts_make_pipe(&reading, named ? "r" : NULL, FERRY_READ);
        turn(reading.descriptors[PARTS_END], false);
        CHECK_ERR((int)ferry_pipe_read(reading.ends[0], bytes, 1, 1000000), ETIMEDOUT);
        drop(&reading, named ? "r" : NULL);
    }
}
