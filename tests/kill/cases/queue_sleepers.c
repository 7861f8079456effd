/* Queues on which somebody sleeps, for messages or for room, while another one sends or receives and is killed, or
 * stands still, at any instruction; and sleepers that are killed themselves: nobody waits beside what he waits for. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../nap.h"
#include "queue_acts.h"

/* Where each try takes several sleeps, a default run takes fewer instructions than of other scenes. */
static void take_every(const char *stride)
{
    if (!test_thorough())
        CHECK_ERRNO(setenv("FERRY_KILL_STRIDE", stride, 1));
}

/* ---- A third one sleeps for messages ---------------------------------------------------------- */

/* What is in the queue by now comes to the sleeper without anybody's help; and so does what is sent from now on. */
static void await_receiver(struct world *world, int who)
{
    unsigned char bytes[LARGEST];
    struct ferry_message message = {.bytes = bytes, .size_bytes = LARGEST};
    const struct ferry_choice choice = {.flags = FERRY_PEEK};
    struct books *victim = &world->books[VICTIM], *third = &world->books[THIRD];
    test_wait_until((victim->sent & ~third->got) == 0);
    ssize_t n = ferry_queue_receive_message(world->queue, &message, &choice, FERRY_NOW);
    if (n >= 0) {
        uint64_t in = bit(number_of(&message, (size_t)n));
        test_wait_until((in & ~third->got) == 0);
    }
    send_last(world, who);
    test_wait_until((bit(LAST) & ~third->got) == 0);
}

static const struct scene wake_receiver = {.name = "send to a sleeper",
                                           .third = receive_to_last,
                                           .victim = send_one,
                                           .settle = await_receiver};

TEST_LONG(a_sleeping_receiver_never_misses_a_message /* G8 Q8 */, 900)
{
    struct scene scene = wake_receiver;
    play_killed(&scene);
    scene.name = "send batch to a sleeper";
    scene.victim = send_three;
    play_killed(&scene);
}

TEST_LONG(nor_does_it_beside_one_who_looks_on /* G8 */, 900)
{
    struct scene scene = wake_receiver;
    scene.name = "send to a sleeper, tapped";
    scene.taps = true;
    play_killed(&scene);
}

TEST_LONG(another_sends_wherever_one_stands_who_wakes /* G8 Q8 */, 900)
{
    struct scene scene = wake_receiver;
    scene.name = "send to a sleeper, and send";
    scene.between = send_one;
    play_paused(&scene);
}

/* ---- A third one sleeps for room -------------------------------------------------------------- */

static void send_two(struct world *world, int who)
{
    send_one(world, who);
    send_one(world, who);
}

static bool is_done(const struct world *world)
{
    return __builtin_popcountll(world->books[THIRD].sent) == 2;
}

/* Room that there is comes to the sleeper without anybody's help; and so does what is made from now on. */
static void await_sender(struct world *world, int who)
{
    struct books *third = &world->books[THIRD];
    test_wait_until(third->sent != 0 || statistics_of(world->queue).messages == MESSAGES);
    receive_one(world, who);
    test_wait_until(third->sent != 0);
    receive_one(world, who);
    test_wait_until(is_done(world));
}

static const struct scene wake_sender = {.name = "receive from a full one",
                                         .set_up = fill,
                                         .third = send_two,
                                         .victim = receive_one,
                                         .settle = await_sender};

TEST_LONG(a_sleeping_sender_never_misses_room /* G8 Q3 */, 900)
{
    take_every("23");
    struct scene scene = wake_sender;
    play_killed(&scene);
    scene.name = "receive batch from a full one";
    scene.victim = receive_three;
    play_killed(&scene);
    scene.name = "take from a full one";
    scene.victim = take_one;
    play_killed(&scene);
}

TEST_LONG(another_receives_wherever_one_stands_who_wakes /* G8 Q8 */, 900)
{
    struct scene scene = wake_sender;
    scene.name = "receive from a full one, and receive";
    scene.between = receive_one;
    scene.settle = receive_one;
    play_paused(&scene);
}

/* ---- The victim sleeps ------------------------------------------------------------------------ */

static const struct scene asleep_for_message = {.name = "receive, asleep",
                                                .prepare = calm_receiver,
                                                .victim = receive_one,
                                                .unblock = send_one};

TEST_LONG(a_sleeping_receiver_may_die_anywhere /* G8 Q8 */, 900)
{
    play_killed(&asleep_for_message);
}

TEST_LONG(or_stand_still /* G8 Q8 */, 900)
{
    struct scene scene = asleep_for_message;
    scene.name = "receive, asleep, and send";
    scene.between = send_one;
    play_paused(&scene);
}

static const struct scene asleep_for_room = {.name = "send, asleep",
                                             .set_up = fill,
                                             .prepare = calm_sender,
                                             .victim = send_one,
                                             .unblock = receive_one};

TEST_LONG(a_sleeping_sender_may_die_anywhere /* G8 Q3 */, 900)
{
    play_killed(&asleep_for_room);
}

TEST_LONG(or_stand_still_as_well /* G8 Q3 */, 900)
{
    struct scene scene = asleep_for_room;
    scene.name = "send, asleep, and receive";
    scene.between = receive_one;
    play_paused(&scene);
}

static void receive_in_vain(struct world *world, int who)
{
    unsigned char bytes[LARGEST];
    world->books[who].failed = (int)ferry_queue_receive(world->queue, bytes, LARGEST, 50000);
}

static void send_in_vain(struct world *world, int who)
{
    unsigned char bytes[LARGEST] = "";
    world->books[who].failed = ferry_queue_send(world->queue, bytes, LARGEST, 50000);
}

TEST_LONG(who_dies_giving_up_is_in_nobody_s_way /* G7 G8 */, 900)
{
    struct scene scene = asleep_for_message;
    scene.name = "receive in vain";
    scene.victim = receive_in_vain;
    scene.unblock = nothing;
    scene.failure = scene.failure2 = -ETIMEDOUT;
    play_killed(&scene);
    scene = asleep_for_room;
    scene.name = "send in vain";
    scene.victim = send_in_vain;
    scene.unblock = nothing;
    scene.failure = scene.failure2 = -ETIMEDOUT;
    play_killed(&scene);
}

/* ---- Two sleep, and the one that is woken is killed ------------------------------------------- */

/* It has had what it slept for, and nobody has waited for it yet. */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    CHECK_ERRNO(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT));
    return info.si_pid == pid;
}

static void await_nap_or_end(pid_t pid)
{
    struct nap nap = {0};
    test_wait_until(has_ended(pid) || naps_on(pid, &nap));
}

/* In a ring who has slept longest is woken first: a process that was stopped sleeps anew, behind the victim.  The third one may
 * have what it sleeps for at any moment, as where there is room all who sleep for it are woken. */
static void let_victim_be_first(const struct world *world)
{
    siginfo_t info;
    await_nap_or_end(world->third);
    CHECK_ERRNO(kill(world->third, SIGSTOP));
    CHECK_ERRNO(waitid(P_PID, (id_t)world->third, &info, WSTOPPED | WEXITED | WNOWAIT));
    if (info.si_code != CLD_STOPPED)
        return;
    CHECK_ERRNO(waitid(P_PID, (id_t)world->third, &info, WSTOPPED));
    CHECK_ERRNO(kill(world->third, SIGCONT));
    await_nap_or_end(world->third);
}

/* A victim that waits for a lock that the third one has looks as if it slept.  It goes on by itself, and may be stopped with the
 * lock then: nobody is to wait for that without end. */
static void send_to_victim(struct world *world, int who)
{
    let_victim_be_first(world);
    send_soon(world, who);
}

static void receive_from_victim(struct world *world, int who)
{
    let_victim_be_first(world);
    receive_soon(world, who);
}

TEST_LONG(what_a_killed_sleeper_was_woken_for_reaches_the_other_one /* G8 Q8 */, 900)
{
    take_every("61");
    struct scene scene = wake_receiver;
    scene.name = "receive, one of two asleep";
    scene.prepare = calm_receiver;
    scene.victim = receive_one;
    scene.unblock = send_to_victim;
    play_killed(&scene);
}

TEST_LONG(so_does_room /* G8 Q3 */, 900)
{
    take_every("61");
    struct scene scene = wake_sender;
    scene.name = "send, one of two asleep";
    scene.prepare = calm_sender;
    scene.victim = send_one;
    scene.unblock = receive_from_victim;
    play_killed(&scene);
}
