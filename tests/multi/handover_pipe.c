/* Handing pipes to other processes: across exec, over a socket, to another user; what their ends and bytes
 * are worth meanwhile (contract G1, G4, G11, P7, P8, P12, P13). */
#include "channel.h"
#include "support.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>

enum { STRANGER = 61004 };

static const unsigned BOTH = FERRY_READ | FERRY_WRITE;

struct pair {
    ferry_pipe *reading, *writing;
};

/* A new pipe called x, or one without a name. */
static struct pair make(bool named)
{
    ferry_pipe *ends[2];
    if (!named) {
        CHECK_OK(ferry_pipe_pair(ends, NULL));
        return (struct pair){ends[0], ends[1]};
    }
    unsigned flags = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_READ;
    CHECK_OK(
        ferry_pipe_open(&ends[0], "x", FERRY_PIPE(.flags = flags, .patience_ns = FERRY_NO_WAIT)));
    CHECK_OK(ferry_pipe_open(&ends[1], "x", FERRY_PIPE(.flags = FERRY_WRITE)));
    return (struct pair){ends[0], ends[1]};
}

static void drop(struct pair pair, bool named)
{
    ferry_pipe_close(pair.reading);
    ferry_pipe_close(pair.writing);
    if (named)
        CHECK_OK(ferry_remove("x"));
}

static int pack(ferry_pipe *pipe, unsigned role)
{
    int parcel = -1;
    CHECK_OK(ferry_pipe_hand_over(pipe, role, &parcel));
    CHECK_EQ(fcntl(parcel, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    return parcel;
}

static ferry_pipe *take(int parcel)
{
    ferry_pipe *pipe;
    CHECK_OK(ferry_pipe_take(&pipe, parcel));
    CHECK_EQ(fcntl(parcel, F_GETFD), -1); /* closed */
    return pipe;
}

static void put(ferry_pipe *pipe, const char *text)
{
    CHECK_EQ(ferry_pipe_write(pipe, text, strlen(text), FERRY_FOREVER), strlen(text));
}

static void expect(ferry_pipe *pipe, const char *text)
{
    char got[64] = "";
    for (size_t done = 0; done < strlen(text);) {
        ssize_t n = ferry_pipe_read(pipe, got + done, strlen(text) - done, FERRY_FOREVER);
        CHECK(n > 0);
        done += (size_t)n;
    }
    CHECK_STR(got, text);
}

static ssize_t read_within(ferry_pipe *pipe, int64_t timeout_ns)
{
    char got;
    return ferry_pipe_read(pipe, &got, 1, timeout_ns);
}

static void expect_end(ferry_pipe *pipe)
{
    CHECK_EQ(read_within(pipe, FERRY_FOREVER), 0);
    CHECK_EQ(read_within(pipe, 10 * SECOND), 0);
    CHECK_EQ(read_within(pipe, FERRY_NOW), 0);
}

static void expect_nothing_yet(ferry_pipe *pipe)
{
    CHECK_ERR((int)read_within(pipe, FERRY_NOW), EAGAIN);
    CHECK_ERR((int)read_within(pipe, MILLISECOND), ETIMEDOUT);
}

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

/* ---- What is in a parcel ---------------------------------------------------------------------- */

TEST(a_write_end_in_a_parcel_is_a_writer) /* P7 */
{
    for (int named = 0; named < 2; named++) {
        struct pair pair = make(named);
        int parcel = pack(pair.writing, 0);
        pair.writing = ferry_pipe_close(pair.writing);
        expect_nothing_yet(pair.reading);
        ferry_pipe *taken = take(parcel);
        expect_nothing_yet(pair.reading);
        put(taken, "abc");
        expect(pair.reading, "abc");
        ferry_pipe_close(taken);
        expect_end(pair.reading);
        drop(pair, named);
    }
}

TEST(a_read_end_in_a_parcel_is_a_reader) /* P8 */
{
    for (int named = 0; named < 2; named++) {
        struct pair pair = make(named);
        int parcel = pack(pair.reading, 0);
        pair.reading = ferry_pipe_close(pair.reading);
        put(pair.writing, "abc");
        ferry_pipe *taken = take(parcel);
        expect(taken, "abc");
        put(pair.writing, "def");
        expect(taken, "def");
        ferry_pipe_close(taken);
        CHECK_ERR((int)ferry_pipe_write(pair.writing, "x", 1, FERRY_NOW), EPIPE);
        drop(pair, named);
    }
}

struct sleeper {
    struct pair pair;
    int parcel;
};

static void read_to_the_end(void *context)
{
    struct sleeper *sleeper = context;
    close(sleeper->parcel);
    ferry_pipe_close(sleeper->pair.writing);
    expect_end(sleeper->pair.reading);
    ferry_pipe_close(sleeper->pair.reading);
}

static void write_to_the_end(void *context)
{
    struct sleeper *sleeper = context;
    close(sleeper->parcel);
    ferry_pipe_close(sleeper->pair.reading);
    while (ferry_pipe_write(sleeper->pair.writing, "x", 1, FERRY_FOREVER) == 1)
        ;
    CHECK_ERR((int)ferry_pipe_write(sleeper->pair.writing, "x", 1, FERRY_FOREVER), EPIPE);
    ferry_pipe_close(sleeper->pair.writing);
}

static void lose_beside(bool named, unsigned role, void (*sleep)(void *context))
{
    struct pair pair = make(named);
    struct sleeper sleeper = {pair, pack(role == FERRY_READ ? pair.reading : pair.writing, role)};
    pid_t child = test_child(sleep, &sleeper);
    ferry_pipe_close(pair.reading);
    ferry_pipe_close(pair.writing);
    test_sleeping(child);
    close(sleeper.parcel);
    test_wait_ok(child);
    if (named)
        CHECK_OK(ferry_remove("x"));
}

TEST(a_lost_parcel_wakes_who_sleeps_for_the_other_end) /* P7, P8, G8 */
{
    for (int named = 0; named < 2; named++) {
        lose_beside(named, FERRY_WRITE, read_to_the_end);
        lose_beside(named, FERRY_READ, write_to_the_end);
    }
}

TEST(bytes_survive_in_a_parcel) /* P12 */
{
    for (int named = 0; named < 2; named++) {
        struct pair pair = make(named);
        put(pair.writing, "abc");
        int parcel = pack(pair.reading, 0);
        drop(pair, false);
        ferry_pipe *taken = take(parcel); /* the only one who holds it */
        expect(taken, "abc");
        expect_end(taken);
        ferry_pipe_close(taken);
        if (named)
            CHECK_OK(ferry_remove("x"));
    }
}

static uint64_t depth_by_name(void)
{
    ferry_pipe *pipe;
    uint64_t depth;
    CHECK_OK(ferry_pipe_open(&pipe, "x", NULL));
    CHECK_OK(ferry_pipe_depth(pipe, &depth));
    ferry_pipe_close(pipe);
    return depth;
}

TEST(bytes_survive_in_a_parcel_while_others_come_and_go) /* P12 */
{
    struct pair pair = make(true);
    put(pair.writing, "abc");
    int parcel = pack(pair.writing, 0); /* any end holds the pipe */
    drop(pair, false);
    CHECK_EQ(depth_by_name(), 3u);
    CHECK_EQ(depth_by_name(), 3u);
    close(parcel);
    CHECK_EQ(depth_by_name(), 0u);
    CHECK_OK(ferry_remove("x"));
}

static int open_to_read(int64_t patience_ns)
{
    ferry_pipe *pipe;
    int r =
        ferry_pipe_open(&pipe, "x", FERRY_PIPE(.flags = FERRY_READ, .patience_ns = patience_ns));
    if (r == 0)
        ferry_pipe_close(pipe);
    return r;
}

static int open_to_write(int64_t patience_ns)
{
    ferry_pipe *pipe;
    int r =
        ferry_pipe_open(&pipe, "x", FERRY_PIPE(.flags = FERRY_WRITE, .patience_ns = patience_ns));
    if (r == 0)
        ferry_pipe_close(pipe);
    return r;
}

TEST(an_opener_meets_an_end_in_a_parcel) /* P13 */
{
    struct pair pair = make(true);
    int writing = pack(pair.writing, 0), reading = pack(pair.reading, 0);
    drop(pair, false);
    CHECK_OK(open_to_read(10 * SECOND));
    CHECK_OK(open_to_write(FERRY_NO_WAIT));
    close(writing);
    CHECK_ERR(open_to_read(MILLISECOND), ETIMEDOUT);
    close(reading);
    CHECK_ERR(open_to_write(FERRY_NO_WAIT), ENXIO);
    CHECK_OK(ferry_remove("x"));
}

TEST(an_end_that_is_handed_over_knows_that_the_other_is_gone) /* P7, P8 */
{
    for (int named = 0; named < 2; named++) {
        struct pair pair = make(named);
        put(pair.writing, "abc");
        pair.writing = ferry_pipe_close(pair.writing);
        ferry_pipe *taken = take(pack(pair.reading, 0));
        expect(taken, "abc");
        CHECK_EQ(read_within(taken, 10 * SECOND), 0);
        expect_end(taken);
        ferry_pipe_close(taken);
        drop(pair, named);

        pair = make(named);
        pair.reading = ferry_pipe_close(pair.reading);
        taken = take(pack(pair.writing, 0));
        CHECK_ERR((int)ferry_pipe_write(taken, "x", 1, FERRY_NOW), EPIPE);
        ferry_pipe_close(taken);
        drop(pair, named);
    }
}

TEST(a_parcel_is_no_member_until_it_is_opened) /* G13 */
{
    struct pair pair = make(true);
    int parcel = pack(pair.writing, 0);
    CHECK_EQ(look("x").attached, 2);
    ferry_pipe *taken = take(parcel);
    struct ferry_object object = look("x");
    CHECK_EQ(object.attached, 3);
    check_ledger(&object);
    ferry_pipe_close(taken);
    drop(pair, true);
}

TEST(dropped_parcels_leave_no_trace) /* G8 */
{
    struct pair pair = make(true);
    for (int i = 0; i < 5000; i++) /* more than there are slots */
        close(pack(i % 2 ? pair.reading : pair.writing, 0));
    struct ferry_object object = look("x");
    CHECK_EQ(object.attached, 2);
    CHECK_EQ(object.attach_count, 2);
    CHECK_EQ(object.death_count, 0);
    put(pair.writing, "abc");
    expect(pair.reading, "abc");
    drop(pair, true);
}

TEST(a_temporary_pipe_lives_in_a_parcel) /* G5 */
{
    ferry_pipe *pipe;
    CHECK_OK(ferry_pipe_open(&pipe, "x", FERRY_PIPE(.flags = FERRY_CREATE | FERRY_TEMPORARY)));
    put(pipe, "abc");
    int parcel = pack(pipe, 0);
    ferry_pipe_close(pipe);
    CHECK_EQ(depth_by_name(), 3u);
    pipe = take(parcel);
    expect(pipe, "abc");
    ferry_pipe_close(pipe);
    check_gone("x");
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
