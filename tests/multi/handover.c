/* Handing a segment to another process: over a socket, to another user (contract G1, G4, G11).
 * Across exec, and the parcels themselves, in parcel.c. */
#include "channel.h"
#include "support.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { STRANGER = 61003 };

/* ---- Ways to hand over ---- */

struct receiver {
    int channel;
    uid_t user;
    void (*use)(ferry_segment *segment);
};

static void receive(void *context)
{
    const struct receiver *receiver = context;
    if (receiver->user != 0) {
        CHECK_ERRNO(setgroups(0, NULL));
        CHECK_ERRNO(setresgid(receiver->user, receiver->user, receiver->user));
        CHECK_ERRNO(setresuid(receiver->user, receiver->user, receiver->user));
    }
    ferry_segment *segment;
    int parcel = receive_descriptor(receiver->channel);
    close(receiver->channel);
    CHECK_OK(ferry_segment_take(&segment, parcel));
    CHECK_EQ(fcntl(parcel, F_GETFD), -1); /* closed */
    receiver->use(segment);
    ferry_segment_close(segment);
}

/* A stranger to the object: forked before it is opened. */
struct delivery {
    int channel;
    pid_t receiver;
};

static struct delivery expect_delivery(uid_t user, void (*use)(ferry_segment *segment))
{
    int channel[2];
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel));
    struct receiver receiver = {channel[1], user, use};
    struct delivery delivery = {channel[0], test_child(receive, &receiver)};
    close(channel[1]);
    return delivery;
}

static void deliver(struct delivery delivery, ferry_segment *segment, unsigned role)
{
    int parcel;
    CHECK_OK(ferry_segment_hand_over(segment, role, &parcel));
    CHECK_EQ(fcntl(parcel, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    send_descriptor(delivery.channel, parcel);
    close(parcel);
    close(delivery.channel);
}

/* ---- What receivers do ---- */

static void write_and_notify(ferry_segment *segment)
{
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    strcpy(ferry_segment_data(segment), "received");
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_OK(ferry_segment_notify(segment));
}

static void check_delivery(ferry_segment *segment, struct delivery delivery)
{
    uint32_t version = 0;
    CHECK(ferry_segment_descriptor(segment) >= 0);
    deliver(delivery, segment, 0);
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
    CHECK_STR(ferry_segment_data(segment), "received");
    test_wait_ok(delivery.receiver);
    struct ferry_object object = look_at(segment);
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.attach_count, 2);
    CHECK_EQ(object.detach_count, 1);
}

TEST(named_segment_goes_through_a_socket) /* G11 */
{
    struct delivery delivery = expect_delivery(0, write_and_notify);
    ferry_segment *segment = create("x", 100);
    check_delivery(segment, delivery);
    destroy(segment, "x");
}

TEST(anonymous_segment_goes_through_a_socket) /* G1, G11 */
{
    struct delivery delivery = expect_delivery(0, write_and_notify);
    ferry_segment *segment = create(NULL, 100);
    check_delivery(segment, delivery);
    ferry_segment_close(segment);
}

static void need_other_users(void)
{
    if (geteuid() != 0)
        SKIP("becoming another user needs root");
}

static void fork_in_vain(ferry_segment *segment)
{
    pid_t child = fork();
    CHECK_ERRNO(child);
    if (child == 0) {
        CHECK_ERR(ferry_segment_notify(segment), ESTALE);
        CHECK_CONTAINS(ferry_explain(), "permissions");
        ferry_segment_close(segment);
        _exit(0);
    }
    test_wait_ok(child);
    CHECK_OK(ferry_segment_notify(segment));
}

TEST(receiver_that_may_not_open_the_object_has_children_that_are_told_so) /* G11 */
{
    need_other_users();
    for (int anonymous = 0; anonymous < 2; anonymous++) {
        struct delivery delivery = expect_delivery(STRANGER, fork_in_vain);
        ferry_segment *segment = create(anonymous ? NULL : "x", 100);
        deliver(delivery, segment, 0);
        test_wait_ok(delivery.receiver);
        CHECK_EQ(look_at(segment).attached, 1);
        CHECK_EQ(look_at(segment).version, 1);
        ferry_segment_close(segment);
    }
    CHECK_OK(ferry_remove("x"));
}

static void look_at_it(ferry_segment *segment)
{
    struct ferry_object object = look_at(segment);
    CHECK_EQ(object.attached, 2);
    CHECK_EQ(object.size_bytes, 100);
    CHECK_EQ(object.owner, 0);
    check_ledger(&object);
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    object = look_at(segment);
    CHECK_EQ(object.lock_owner_pid, getpid());
    CHECK(!object.lock_owner_dead);
}

TEST(receiver_without_permission_looks_at_what_it_has) /* G13 */
{
    need_other_users();
    for (int anonymous = 0; anonymous < 2; anonymous++) {
        struct delivery delivery = expect_delivery(STRANGER, look_at_it);
        ferry_segment *segment = create(anonymous ? NULL : "x", 100);
        deliver(delivery, segment, 0);
        test_wait_ok(delivery.receiver);
        ferry_segment_close(segment);
    }
    CHECK_OK(ferry_remove("x"));
}

TEST(receiver_needs_no_permission_of_its_own) /* G11 */
{
    need_other_users();
    for (int anonymous = 0; anonymous < 2; anonymous++) {
        struct delivery delivery = expect_delivery(STRANGER, write_and_notify);
        ferry_segment *segment = create(anonymous ? NULL : "x", 100); /* mode 0600, closed root */
        check_delivery(segment, delivery);
        ferry_segment_close(segment);
    }
    CHECK_OK(ferry_remove("x"));
}

static struct test_gate *holds, *release;

static void hold_lock(ferry_segment *segment)
{
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    test_gate_open(holds);
    test_gate_wait(release);
    CHECK_OK(ferry_segment_unlock(segment));
    stay(); /* so that it is not our death that wakes the waiter */
}

static void open_when_asleep(void *context)
{
    const pid_t *sleeper = context;
    test_sleeping(*sleeper);
    test_gate_open(release);
}

TEST(receiver_without_permission_wakes_who_waits_for_its_lock) /* G11, H5 */
{
    need_other_users();
    for (int anonymous = 0; anonymous < 2; anonymous++) {
        holds = test_gate_new();
        release = test_gate_new();
        struct delivery delivery = expect_delivery(STRANGER, hold_lock);
        pid_t self = getpid(), opener = test_child(open_when_asleep, &self);
        ferry_segment *segment = create(anonymous ? NULL : "x", 100);
        deliver(delivery, segment, 0);
        test_gate_wait(holds);
        CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
        CHECK_OK(ferry_segment_unlock(segment));
        test_kill(delivery.receiver);
        end_of(opener);
        ferry_segment_close(segment);
    }
    CHECK_OK(ferry_remove("x"));
}

static void try_to_write(ferry_segment *segment)
{
    char *data = ferry_segment_data(segment);
    CHECK_STR(data, "read me");
    CHECK(mprotect(data, 4096, PROT_READ | PROT_WRITE) < 0);
    for (int descriptor = 3; descriptor < 64; descriptor++) {
        char path[64];
        struct stat status;
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
        if (fstat(descriptor, &status) < 0 || status.st_size != 100)
            continue;
        CHECK(pwrite(descriptor, "!", 1, 0) < 0);
        CHECK(open(path, O_RDWR | O_CLOEXEC) < 0);
        CHECK(mmap(NULL, 100, PROT_WRITE, MAP_SHARED, descriptor, 0) == MAP_FAILED);
    }
    int parcel;
    CHECK_ERR(ferry_segment_hand_over(segment, FERRY_WRITE, &parcel), EACCES);
    CHECK_ERR(ferry_segment_hand_over(segment, 0, &parcel), EACCES);
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_OK(ferry_segment_notify(segment));
}

TEST(reader_of_another_user_cannot_make_itself_a_writer) /* G4 */
{
    need_other_users();
    for (int anonymous = 0; anonymous < 2; anonymous++) {
        struct delivery delivery = expect_delivery(STRANGER, try_to_write);
        ferry_segment *segment = create(anonymous ? NULL : "x", 100);
        strcpy(ferry_segment_data(segment), "read me");
        deliver(delivery, segment, FERRY_READ);
        test_wait_ok(delivery.receiver);
        CHECK_STR(ferry_segment_data(segment), "read me");
        ferry_segment_close(segment);
    }
    CHECK_OK(ferry_remove("x"));
}
