/* Parcels, in which a segment is handed over: across exec, dropped, opened twice, and what is none
 * (contract G8, G9, G11). */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

/* ---- Across exec ---- */

/* This same program, started again with a parcel. */
__attribute__((constructor)) static void take_after_exec(void)
{
    const char *parcel = getenv("FERRY_TEST_PARCEL");
    ferry_segment *segment;
    if (parcel == NULL)
        return;
    if (ferry_segment_take(&segment, atoi(parcel)) < 0)
        _exit(1);
    struct ferry_object object = {.object_bytes = sizeof object};
    bool alone = ferry_segment_look(segment, &object) == 0 && object.attached == 1;
    strcpy(ferry_segment_data(segment), "received");
    _exit(alone && ferry_segment_notify(segment) == 0 ? 0 : 2);
}

struct heir {
    ferry_segment *segment;
    struct test_gate *alone;
};

static void exec_with_parcel(void *context)
{
    const struct heir *heir = context;
    char number[16];
    int parcel;
    CHECK_OK(ferry_segment_hand_over(heir->segment, 0, &parcel));
    CHECK_ERRNO(fcntl(parcel, F_SETFD, 0));
    snprintf(number, sizeof number, "%d", parcel);
    setenv("FERRY_TEST_PARCEL", number, 1);
    test_gate_wait(heir->alone);
    execl("/proc/self/exe", "taker", (char *)NULL);
}

static void check_exec(const char *name)
{
    int own; /* an anonymous one must not be gone when the program has done its work */
    ferry_segment *segment = create(name, 100), *after;
    CHECK_OK(ferry_segment_hand_over(segment, FERRY_READ, &own));
    struct heir heir = {segment, test_gate_new()};
    pid_t child = test_child(exec_with_parcel, &heir);
    ferry_segment_close(segment);
    test_gate_open(heir.alone);
    test_wait_ok(child);
    CHECK_OK(ferry_segment_take(&after, own));
    CHECK_STR(ferry_segment_data(after), "received");
    CHECK_EQ(look_at(after).attached, 1);
    CHECK_EQ(look_at(after).version, 1);
    ferry_segment_close(after);
}

TEST(segment_goes_on_after_exec) /* G11 */
{
    for (int anonymous = 0; anonymous < 2; anonymous++)
        check_exec(anonymous ? NULL : "x");
    CHECK_OK(ferry_remove("x"));
}

/* ---- Parcels ---- */

TEST(parcel_is_no_member_until_it_is_opened) /* H3 */
{
    ferry_segment *segment = create("x", 100), *taken;
    int parcel;
    CHECK_OK(ferry_segment_hand_over(segment, 0, &parcel));
    CHECK_EQ(look("x").attached, 1);
    CHECK_OK(ferry_segment_take(&taken, parcel));
    CHECK_EQ(look("x").attached, 2);
    ferry_segment_close(taken);
    destroy(segment, "x");
}

TEST(dropped_parcels_leave_no_trace) /* G8 */
{
    ferry_segment *segment = create("x", 100);
    for (int i = 0; i < 5000; i++) { /* more than there are slots */
        int parcel;
        CHECK_OK(ferry_segment_hand_over(segment, 0, &parcel));
        close(parcel);
    }
    struct ferry_object object = look("x");
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.attach_count, 1);
    CHECK_EQ(object.death_count, 0);
    destroy(segment, "x");
}

TEST(parcel_is_redeemed_once) /* G11 */
{
    ferry_segment *segment = create("x", 100), *taken;
    int parcel;
    CHECK_OK(ferry_segment_hand_over(segment, 0, &parcel));
    int copy = dup(parcel);
    CHECK_OK(ferry_segment_take(&taken, parcel));
    ferry_segment *again = NULL;
    CHECK_ERR(ferry_segment_take(&again, copy), EBADMSG);
    CHECK(again == NULL);
    CHECK_CONTAINS(ferry_explain(), "redeemed");
    close(copy);
    ferry_segment_close(taken);
    destroy(segment, "x");
}

TEST(other_descriptors_are_not_parcels) /* G9 */
{
    int pair[2];
    ferry_segment *segment = NULL;
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
    CHECK_ERR(ferry_segment_take(&segment, pair[0]), EBADMSG);
    CHECK_ERRNO(write(pair[1], "nonsense", 8));
    CHECK_ERR(ferry_segment_take(&segment, pair[0]), EBADMSG);
    CHECK_ERR(ferry_segment_take(&segment, STDIN_FILENO), EBADMSG);
    CHECK_ERR(ferry_segment_take(&segment, -1), EBADMSG);
    CHECK(segment == NULL);
    close(pair[0]);
    close(pair[1]);
}

TEST(removed_segment_can_be_taken_but_not_handed_over) /* G6, G11 */
{
    ferry_segment *segment = create("x", 100), *taken;
    int parcel, other;
    CHECK_OK(ferry_segment_hand_over(segment, 0, &parcel));
    CHECK_OK(ferry_remove("x"));
    CHECK_ERR(ferry_segment_hand_over(segment, 0, &other), ENOENT);
    CHECK_OK(ferry_segment_take(&taken, parcel));
    strcpy(ferry_segment_data(taken), "still here");
    CHECK_STR(ferry_segment_data(segment), "still here");
    CHECK_EQ(look_at(segment).attached, 2);
    ferry_segment_close(taken);
    ferry_segment_close(segment);
}
