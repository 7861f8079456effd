/* Handing pipes to other processes: across exec, over a socket, to another user, with which ends (contract
 * G1, G2, G4, G11, P15).  What they are worth on the way is in handover_on_the_way.c. */
#include "handover_pipes.h"

#include <grp.h>
#include <stdio.h>

/* ---- Across exec ------------------------------------------------------------------------------ */

/* This same program, started again with two parcels: it reads from one pipe and writes to the other. */
__attribute__((constructor)) static void copy_after_exec(void)
{
    const char *parcels = getenv("FERRY_TEST_PIPES");
    ferry_pipe *from, *to;
    int in, out;
    if (parcels == NULL)
        return;
    if (sscanf(parcels, "%d %d", &in, &out) != 2 || ferry_pipe_take(&from, in) < 0 ||
        ferry_pipe_take(&to, out) < 0)
        _exit(1);
    char bytes[100];
    ssize_t n;
    while ((n = ferry_pipe_read(from, bytes, sizeof bytes, FERRY_FOREVER)) > 0)
        if (ferry_pipe_write(to, bytes, (size_t)n, FERRY_FOREVER) != n)
            _exit(2);
    _exit(n == 0 ? 0 : 3);
}

struct filter {
    struct pair to, from;
};

static void become_filter(void *context)
{
    const struct filter *filter = context;
    int in = pack(filter->to.reading, FERRY_READ), out = pack(filter->from.writing, FERRY_WRITE);
    char parcels[32];
    CHECK_ERRNO(fcntl(in, F_SETFD, 0));
    CHECK_ERRNO(fcntl(out, F_SETFD, 0));
    snprintf(parcels, sizeof parcels, "%d %d", in, out);
    setenv("FERRY_TEST_PIPES", parcels, 1);
    execl("/proc/self/exe", "filter", (char *)NULL);
}

TEST(executed_program_reads_and_writes) /* G11, P7 */
{
    for (int named = 0; named < 2; named++) {
        struct filter filter = {make(named), make(false)};
        pid_t child = test_child(become_filter, &filter);
        filter.to.reading = ferry_pipe_close(filter.to.reading);
        filter.from.writing = ferry_pipe_close(filter.from.writing);
        put(filter.to.writing, "hello");
        expect(filter.from.reading, "hello");
        test_sleeping(child);
        put(filter.to.writing, " world");
        expect(filter.from.reading, " world");
        filter.to.writing = ferry_pipe_close(filter.to.writing);
        expect_end(filter.from.reading);
        test_wait_ok(child);
        drop(filter.to, named);
        drop(filter.from, false);
    }
}

/* ---- Over a socket ---------------------------------------------------------------------------- */

struct receiver {
    int channel;
    uid_t user;
    void (*use)(ferry_pipe *pipe);
};

static void receive(void *context)
{
    const struct receiver *receiver = context;
    if (receiver->user != 0) {
        CHECK_ERRNO(setgroups(0, NULL));
        CHECK_ERRNO(setresgid(receiver->user, receiver->user, receiver->user));
        CHECK_ERRNO(setresuid(receiver->user, receiver->user, receiver->user));
    }
    ferry_pipe *pipe = take(receive_descriptor(receiver->channel));
    close(receiver->channel);
    receiver->use(pipe);
    ferry_pipe_close(pipe);
}

struct delivery {
    int channel;
    pid_t receiver;
};

/* A stranger to the pipe: forked before it is made. */
static struct delivery expect_delivery(uid_t user, void (*use)(ferry_pipe *pipe))
{
    int channel[2];
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel));
    struct receiver receiver = {channel[1], user, use};
    struct delivery delivery = {channel[0], test_child(receive, &receiver)};
    close(channel[1]);
    return delivery;
}

static void deliver(struct delivery delivery, ferry_pipe *pipe, unsigned role)
{
    int parcel = pack(pipe, role);
    send_descriptor(delivery.channel, parcel);
    close(parcel);
    close(delivery.channel);
}

/* More than fits, so that both sides sleep now and then. */
enum { MANY = 40, CHUNK = 10000 };

static void write_many(ferry_pipe *pipe)
{
    static char chunk[CHUNK];
    for (int i = 0; i < MANY; i++) {
        memset(chunk, 'a' + i % 26, CHUNK);
        CHECK_EQ(ferry_pipe_write(pipe, chunk, CHUNK, FERRY_FOREVER), CHUNK);
    }
}

static void read_many(ferry_pipe *pipe)
{
    static char chunk[CHUNK];
    size_t done = 0;
    ssize_t n;
    while ((n = ferry_pipe_read(pipe, chunk, CHUNK, FERRY_FOREVER)) > 0)
        for (ssize_t i = 0; i < n; i++, done++)
            CHECK_EQ(chunk[i], 'a' + (int)(done / CHUNK % 26));
    CHECK_EQ(n, 0);
    CHECK_EQ(done, MANY * CHUNK);
}

static void check_deliveries(uid_t user)
{
    for (int named = 0; named < 2; named++) {
        struct delivery delivery = expect_delivery(user, write_many);
        struct pair pair = make(named);
        deliver(delivery, pair.writing, FERRY_WRITE);
        pair.writing = ferry_pipe_close(pair.writing);
        read_many(pair.reading);
        test_wait_ok(delivery.receiver);
        drop(pair, named);

        delivery = expect_delivery(user, read_many);
        pair = make(named);
        deliver(delivery, pair.reading, FERRY_READ);
        pair.reading = ferry_pipe_close(pair.reading);
        write_many(pair.writing);
        pair.writing = ferry_pipe_close(pair.writing);
        test_wait_ok(delivery.receiver);
        drop(pair, named);
    }
}

TEST(ends_go_through_a_socket) /* G1, G11 */
{
    check_deliveries(0);
}

static void need_other_users(void)
{
    if (geteuid() != 0)
        SKIP("becoming another user needs root");
}

TEST(receiver_needs_no_permission_of_its_own) /* G11 */
{
    need_other_users();
    check_deliveries(STRANGER);
}

static void write_in_vain(ferry_pipe *pipe)
{
    put(pipe, "ready");
    while (ferry_pipe_write(pipe, "x", 1, FERRY_FOREVER) == 1)
        ;
    CHECK_ERR((int)ferry_pipe_write(pipe, "x", 1, FERRY_FOREVER), EPIPE);
}

TEST(a_broken_pipe_is_no_signal_to_a_receiver_without_permission) /* P8 */
{
    need_other_users();
    for (int named = 0; named < 2; named++) {
        struct delivery delivery = expect_delivery(STRANGER, write_in_vain);
        struct pair pair = make(named);
        deliver(delivery, pair.writing, FERRY_WRITE);
        expect(pair.reading, "ready");
        test_sleeping(delivery.receiver);
        pair.reading = ferry_pipe_close(pair.reading);
        test_wait_ok(delivery.receiver);
        drop(pair, named);
    }
}

/* ---- Roles ------------------------------------------------------------------------------------ */

static void check_roles(ferry_pipe *pipe, unsigned role)
{
    int parcel = -1;
    const unsigned missing = BOTH & ~role;
    CHECK_ERR(ferry_pipe_hand_over(pipe, 4, &parcel), EINVAL);
    if (missing != 0) {
        CHECK_ERR(ferry_pipe_hand_over(pipe, missing, &parcel), EBADF);
        CHECK_CONTAINS(ferry_explain(), role == FERRY_READ ? "only reads" : "only writes");
        CHECK_ERR(ferry_pipe_hand_over(pipe, BOTH, &parcel), EBADF);
    }
    CHECK_EQ(parcel, -1);
    if ((role & FERRY_READ) == 0)
        CHECK_ERR((int)read_within(pipe, FERRY_NOW), EBADF);
    if ((role & FERRY_WRITE) == 0)
        CHECK_ERR((int)ferry_pipe_write(pipe, "x", 1, FERRY_NOW), EBADF);
}

TEST(only_what_a_handle_has_is_handed_over) /* G2, G4 */
{
    for (int named = 0; named < 2; named++) {
        struct pair pair = make(named);
        check_roles(pair.reading, FERRY_READ);
        check_roles(pair.writing, FERRY_WRITE);
        ferry_pipe *reading = take(pack(pair.reading, 0));
        ferry_pipe *writing = take(pack(pair.writing, 0));
        check_roles(reading, FERRY_READ);
        check_roles(writing, FERRY_WRITE);
        put(writing, "abc");
        expect(pair.reading, "abc");
        put(pair.writing, "def");
        expect(reading, "def");
        ferry_pipe_close(reading);
        ferry_pipe_close(writing);
        drop(pair, named);
    }
}

TEST(both_ends_go_together_or_each_alone) /* G2, P13 */
{
    ferry_pipe *both;
    CHECK_OK(ferry_pipe_open(&both, "x", FERRY_PIPE(.flags = FERRY_CREATE)));
    ferry_pipe *reading = take(pack(both, FERRY_READ)), *writing = take(pack(both, FERRY_WRITE));
    ferry_pipe *other = take(pack(both, BOTH));
    ferry_pipe_close(both);
    check_roles(reading, FERRY_READ);
    check_roles(writing, FERRY_WRITE);
    check_roles(other, BOTH);
    put(other, "abc");
    expect(other, "a");
    expect(reading, "b");
    put(writing, "d");
    expect(other, "cd");
    ferry_pipe_close(other);
    ferry_pipe_close(writing);
    expect_end(reading);
    ferry_pipe_close(reading);
    CHECK_OK(ferry_remove("x"));
}

TEST(who_has_no_such_end_any_more_hands_none_over) /* G2 */
{
    ferry_pipe *pipe, *tap;
    int parcel;
    CHECK_OK(ferry_pipe_open(&pipe, "x", FERRY_PIPE(.flags = FERRY_CREATE)));
    CHECK_OK(ferry_pipe_open(&tap, "x", FERRY_PIPE(.flags = FERRY_TAP)));
    CHECK_ERR(ferry_pipe_hand_over(tap, 0, &parcel), EBADF);
    CHECK_CONTAINS(ferry_explain(), "no end");
    ferry_pipe_close(tap);
    CHECK_OK(ferry_pipe_close_end(pipe, FERRY_WRITE));
    check_roles(pipe, FERRY_READ);
    ferry_pipe *taken = take(pack(pipe, 0));
    check_roles(taken, FERRY_READ);
    ferry_pipe_close(taken);
    ferry_pipe_close(pipe);
    CHECK_OK(ferry_remove("x"));
}

TEST(records_stay_records) /* P15 */
{
    ferry_pipe *ends[2];
    char got[8];
    CHECK_OK(ferry_pipe_pair(ends, FERRY_PIPE(.flags = FERRY_RECORDS)));
    put(ends[1], "one");
    ferry_pipe *reading = take(pack(ends[0], 0)), *writing = take(pack(ends[1], 0));
    CHECK_EQ(ferry_pipe_keeps_records(reading), 1);
    put(writing, "three");
    CHECK_EQ(ferry_pipe_read(reading, got, sizeof got, FERRY_NOW), 3);
    CHECK_EQ(ferry_pipe_read(ends[0], got, sizeof got, FERRY_NOW), 5);
    ferry_pipe_close(reading);
    ferry_pipe_close(writing);
    drop((struct pair){ends[0], ends[1]}, false);
}

static short poll_end(ferry_pipe *pipe, int timeout_ms)
{
    struct pollfd end = {.fd = ferry_pipe_descriptor(pipe), .events = POLLIN | POLLOUT};
    CHECK_OK(end.fd);
    CHECK_ERRNO(poll(&end, 1, timeout_ms));
    return end.revents;
}

TEST(an_end_that_was_taken_is_polled) /* G15 */
{
    for (int named = 0; named < 2; named++) {
        struct pair pair = make(named);
        ferry_pipe *reading = take(pack(pair.reading, 0));
        CHECK_EQ(poll_end(reading, 0), 0);
        put(pair.writing, "abc");
        CHECK_EQ(poll_end(reading, 10000), POLLIN);
        expect(reading, "abc");
        expect_nothing_yet(reading);
        CHECK_EQ(poll_end(reading, 0), 0);
        pair.writing = ferry_pipe_close(pair.writing);
        CHECK_EQ(poll_end(reading, 10000), POLLHUP);
        ferry_pipe *after = take(pack(reading, 0)); /* which comes when all are gone */
        CHECK_EQ(poll_end(after, 10000), POLLHUP);
        ferry_pipe_close(after);
        ferry_pipe_close(reading);
        drop(pair, named);
    }
}

/* ---- What is none ----------------------------------------------------------------------------- */

TEST(a_parcel_is_redeemed_once) /* G11 */
{
    struct pair pair = make(false);
    int parcel = pack(pair.reading, 0), copy = dup(parcel);
    ferry_pipe *taken = take(parcel), *again = NULL;
    CHECK_ERR(ferry_pipe_take(&again, copy), EBADMSG);
    CHECK(again == NULL);
    CHECK_CONTAINS(ferry_explain(), "redeemed");
    close(copy);
    ferry_pipe_close(taken);
    drop(pair, false);
}

TEST(another_kind_says_so_and_can_still_be_taken) /* G1 */
{
    struct pair pair = make(false);
    ferry_segment *segment = create(NULL, 100), *taken = NULL;
    ferry_pipe *pipe = NULL;
    int parcel, of_pipe = pack(pair.reading, 0);
    CHECK_OK(ferry_segment_hand_over(segment, 0, &parcel));
    CHECK_ERR(ferry_pipe_take(&pipe, parcel), EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "a segment was handed over, not a pipe");
    CHECK_CONTAINS(ferry_explain(), "ferry_segment_take()");
    CHECK_ERR(ferry_segment_take(&taken, of_pipe), EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "a pipe was handed over, not a segment");
    CHECK(taken == NULL && pipe == NULL);
    CHECK_OK(ferry_segment_take(&taken, parcel));
    ferry_pipe_close(take(of_pipe));
    ferry_segment_close(taken);
    ferry_segment_close(segment);
    drop(pair, false);
}

TEST(other_descriptors_are_not_parcels) /* G9 */
{
    int sockets[2], plain[2];
    ferry_pipe *pipe = NULL;
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets));
    CHECK_ERRNO(pipe2(plain, O_CLOEXEC));
    CHECK_ERR(ferry_pipe_take(&pipe, sockets[0]), EBADMSG);
    CHECK_ERRNO(write(sockets[1], "nonsense", 8));
    CHECK_ERR(ferry_pipe_take(&pipe, sockets[0]), EBADMSG);
    CHECK_ERR(ferry_pipe_take(&pipe, plain[0]), EBADMSG);
    CHECK_ERR(ferry_pipe_take(&pipe, plain[1]), EBADMSG);
    CHECK_ERR(ferry_pipe_take(&pipe, STDIN_FILENO), EBADMSG);
    CHECK_ERR(ferry_pipe_take(&pipe, -1), EBADMSG);
    CHECK(pipe == NULL);
    for (int i = 0; i < 2; i++) {
        close(sockets[i]);
        close(plain[i]);
    }
}

TEST(removed_pipe_can_be_taken_but_not_handed_over) /* G6, G11 */
{
    struct pair pair = make(true);
    int other, parcel = pack(pair.writing, 0);
    CHECK_OK(ferry_remove("x"));
    CHECK_ERR(ferry_pipe_hand_over(pair.writing, 0, &other), ENOENT);
    struct pair second = make(true); /* a stranger of the same name */
    CHECK_ERR(ferry_pipe_hand_over(pair.writing, 0, &other), ENOENT);
    ferry_pipe *taken = take(parcel);
    put(taken, "still here");
    expect(pair.reading, "still here");
    expect_nothing_yet(second.reading);
    ferry_pipe_close(taken);
    drop(second, true);
    drop(pair, false);
}
