/* Queues: handed over across exec and over a socket, with which role; and used by relatives (contract G1, G11). */
#include <fcntl.h>
#include <grp.h>

#include "channel.h"
#include "queues.h"

static int pack(ferry_queue *queue, unsigned role)
{
    int parcel = -1;
    CHECK_OK(ferry_queue_hand_over(queue, role, &parcel));
    CHECK_EQ(fcntl(parcel, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    return parcel;
}

static ferry_queue *unpack(int parcel)
{
    ferry_queue *queue;
    CHECK_OK(ferry_queue_take(&queue, parcel));
    CHECK_EQ(fcntl(parcel, F_GETFD), -1); /* closed */
    return queue;
}

static ferry_queue *make_it(const struct queue_kind *kind, bool named)
{
    return make_queue(kind, named ? "q" : NULL, 0);
}

static void drop(ferry_queue *queue, bool named)
{
    ferry_queue_close(queue);
    if (named)
        CHECK_OK(ferry_remove("q"));
}

/* ---- Across exec ---- */

/* This same program, started again with a parcel: it answers one message. */
__attribute__((constructor)) static void answer_after_exec(void)
{
    const char *parcel = getenv("FERRY_TEST_QUEUE");
    ferry_queue *queue;
    char text[64];
    if (parcel == NULL)
        return;
    if (ferry_queue_take(&queue, atoi(parcel)) < 0)
        _exit(1);
    ssize_t size = ferry_queue_receive(queue, text, sizeof text, FERRY_FOREVER);
    if (size != 8 || memcmp(text, "question", 8) != 0)
        _exit(2);
    _exit(ferry_queue_send(queue, "answer", 6, FERRY_FOREVER) == 0 ? 0 : 3);
}

static void become_another_program(void *context)
{
    int parcel = pack(context, 0);
    char number[16];
    CHECK_ERRNO(fcntl(parcel, F_SETFD, 0));
    snprintf(number, sizeof number, "%d", parcel);
    setenv("FERRY_TEST_QUEUE", number, 1);
    execl("/proc/self/exe", "answerer", (char *)NULL);
}

EACH_QUEUE(an_executed_program_takes_part) /* G11 */
{
    for (int named = 0; named < 2; named++) {
        ferry_queue *queue = make_it(kind, named);
        put(queue, "question");
        test_wait_ok(test_child(become_another_program, queue));
        expect(queue, "answer");
        expect_nothing(queue);
        drop(queue, named);
    }
}

/* ---- Over a socket ---- */

struct receiver {
    int channel;
    uid_t user;
};

static void take_part(void *context)
{
    const struct receiver *receiver = context;
    if (receiver->user != 0) {
        CHECK_ERRNO(setgroups(0, NULL));
        CHECK_ERRNO(setresgid(receiver->user, receiver->user, receiver->user));
        CHECK_ERRNO(setresuid(receiver->user, receiver->user, receiver->user));
    }
    ferry_queue *queue = unpack(receive_descriptor(receiver->channel));
    close(receiver->channel);
    for (int i = 0; i < 100; i++)
        expect(queue, "there");
    for (int i = 0; i < 100; i++)
        put(queue, "back again");
    ferry_queue_close(queue);
}

static void deliver(const struct queue_kind *kind, uid_t user)
{
    for (int named = 0; named < 2; named++) {
        int channel[2];
        CHECK_ERRNO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel));
        struct receiver receiver = {channel[1], user};
        pid_t child = test_child(take_part, &receiver);
        close(channel[1]);
        ferry_queue *queue = make_it(kind, named);
        int parcel = pack(queue, 0);
        send_descriptor(channel[0], parcel);
        close(parcel);
        close(channel[0]);
        for (int i = 0; i < 100; i++)
            put(queue, "there");
        test_wait_ok(child);
        for (int i = 0; i < 100; i++)
            expect(queue, "back again");
        drop(queue, named);
    }
}

EACH_QUEUE(a_queue_goes_through_a_socket) /* G1, G11 */
{
    deliver(kind, 0);
}

EACH_QUEUE(a_receiver_of_it_needs_no_permission_of_its_own) /* G11 */
{
    if (geteuid() != 0)
        SKIP("becoming another user needs root");
    deliver(kind, 61004);
}

/* ---- Roles ---- */

EACH_QUEUE(no_more_is_handed_over_than_one_has) /* G2, G11 */
{
    ferry_queue *queue = make_queue(kind, "q", 0), *reader = open_queue("q", FERRY_READ), *taken;
    int parcel;
    char bytes[16];
    CHECK_ERR(ferry_queue_hand_over(reader, FERRY_WRITE, &parcel), EACCES);
    taken = unpack(pack(reader, 0));
    CHECK_ERR(ferry_queue_send(taken, "x", 1, FERRY_NOW), EBADF);
    put(queue, "read");
    expect(taken, "read");
    ferry_queue_close(taken);
    taken = unpack(pack(queue, FERRY_WRITE));
    put(taken, "written");
    CHECK_ERR(ferry_queue_receive(taken, bytes, sizeof bytes, FERRY_NOW), EBADF);
    expect(queue, "written");
    ferry_queue_close(taken);
    ferry_queue_close(reader);
    destroy_queue(queue, "q");
}

TEST(a_parcel_of_another_kind_is_refused) /* G1 */
{
    ferry_queue *queue = make_queue(&plain, NULL, 0), *taken;
    ferry_segment *segment = create(NULL, 10), *other;
    int parcel = pack(queue, 0), wrong;
    CHECK_ERR(ferry_segment_take(&other, parcel), EMEDIUMTYPE);
    CHECK_OK(ferry_segment_hand_over(segment, 0, &wrong));
    CHECK_ERR(ferry_queue_take(&taken, wrong), EMEDIUMTYPE);
    CHECK_OK(ferry_segment_take(&other, wrong));
    ferry_segment_close(other);
    ferry_segment_close(segment);
    ferry_queue_close(unpack(parcel));
    ferry_queue_close(queue);
}

TEST(a_sole_senders_place_is_not_handed_over) /* Q8, G11 */
{
    ferry_queue *queue = make_queue(&plain, "q", FERRY_SOLE_SENDER | FERRY_WRITE), *other;
    int parcel;
    int r = ferry_queue_hand_over(queue, FERRY_WRITE, &parcel);
    if (r == 0) { /* then whoever takes it is refused */
        CHECK_ERR(ferry_queue_take(&other, parcel), EBUSY);
        close(parcel);
    } else {
        CHECK_ERR(r, EBUSY);
    }
    put(queue, "still");
    destroy_queue(queue, "q");
}

/* ---- Relatives ---- */

static void answer_as_child(void *context)
{
    for (int i = 0; i < 100; i++)
        expect(context, "to a child");
    ferry_queue_close(context);
}

EACH_QUEUE(a_queue_without_a_name_is_for_relatives) /* G1, G11 */
{
    ferry_queue *queue = make_queue(kind, NULL, 0);
    pid_t children[3];
    for (int i = 0; i < 3; i++)
        children[i] = test_child(answer_as_child, queue);
    for (int i = 0; i < 300; i++)
        CHECK_EQ(ferry_queue_send(queue, "to a child", 10, FERRY_FOREVER), 0);
    for (int i = 0; i < 3; i++)
        test_wait_ok(children[i]);
    expect_nothing(queue);
    CHECK_EQ(count_files(), 0);
    ferry_queue_close(queue);
}
