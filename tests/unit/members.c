/* Coming, going and dying, and that the ledger stays exact (contract G8, H3, H4). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "object.h"
#include "os/clock.h"
#include "shared/board.h"
#include "shared/journal.h"

static struct layout *control_of(const struct object *object)
{
    return region_control(&object->region);
}

static uint64_t taken_entries(struct object *object)
{
    uint64_t count = 0;
    uint32_t high = slots_high(&object->first);
    for (uint32_t slot = 0; slot < high; slot++)
        count += atomic_load(&slots_entry(&object->first, slot)->joined) != 0;
    return count;
}

/* attaches = detaches + deaths + entries taken, at rest. */
static void check_ledger(struct object *object)
{
    CHECK_EQ(journal_lock(&object->first, clock_deadline(MEMBERS_PATIENCE_NS)), 0);
    struct layout_ledger *ledger = &control_of(object)->ledger;
    CHECK_EQ(atomic_load(&ledger->attaches),
             atomic_load(&ledger->detaches) + atomic_load(&ledger->deaths) + taken_entries(object));
    journal_unlock(&object->first);
}

TEST(coming_and_going_is_counted) /* H4 */
{
    struct object object = object_make("x", 0);
    struct layout_ledger *ledger = &control_of(&object)->ledger;
    CHECK_EQ(atomic_load(&ledger->attaches), 1);
    check_ledger(&object);
    struct slots other = object_join(&object);
    CHECK_EQ(atomic_load(&ledger->attaches), 2);
    CHECK_EQ(atomic_load(&ledger->high), 2);
    CHECK_EQ(layout_stamp_pid(atomic_load(&ledger->last_attach)), getpid());
    CHECK(clock_unix_ms() - layout_stamp_unix_ms(atomic_load(&ledger->last_attach)) < 10000);
    CHECK_EQ(atomic_load(&ledger->last_detach), 0);
    check_ledger(&object);
    object_leave(&other);
    CHECK_EQ(atomic_load(&ledger->detaches), 1);
    CHECK_EQ(layout_stamp_pid(atomic_load(&ledger->last_detach)), getpid());
    check_ledger(&object);
    object_remove(&object);
}

TEST(an_entry_says_who_it_is) /* G13 */
{
    struct object object = object_make("x", 0);
    struct slots other = object_guest(&object);
    other.role = FERRY_READ;
    other.role = FERRY_READ;
    CHECK_OK(members_join(&other));
    struct layout_entry *entry = &control_of(&object)->members[1];
    CHECK_EQ(atomic_load(&entry->role), FERRY_READ);
    CHECK_EQ(atomic_load(&entry->namespace), proc_pid_namespace());
    CHECK_EQ(layout_stamp_pid(atomic_load(&entry->joined)), getpid());
    object_leave(&other);
    CHECK_EQ(atomic_load(&entry->joined), 0);
    object_remove(&object);
}

TEST(the_dead_are_struck_off_once) /* G8 */
{
    struct object object = object_make("x", 0);
    struct layout_ledger *ledger = &control_of(&object)->ledger;
    struct slots other = object_join(&object);
    CHECK_OK(members_reap(&object.first, other.slot, CLOCK_NEVER)); /* it lives */
    CHECK_EQ(atomic_load(&ledger->deaths), 0);
    object_vanish(&other);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(members_reap(&object.first, 1, CLOCK_NEVER));
        CHECK_EQ(atomic_load(&ledger->deaths), 1);
        check_ledger(&object);
    }
    CHECK_OK(members_reap(&object.first, 17, CLOCK_NEVER));             /* never used */
    CHECK_OK(members_reap(&object.first, LAYOUT_MEMBERS, CLOCK_NEVER)); /* nonsense */
    CHECK_OK(members_reap(&object.first, object.first.slot, CLOCK_NEVER));
    CHECK_EQ(atomic_load(&ledger->deaths), 1);
    object_remove(&object);
}

/* A newcomer with the slot of a member that died. */
static struct slots claim_from_the_dead(struct object *object)
{
    struct slots dead = object_join(object);
    object_vanish(&dead);
    struct slots heir = object_guest(object);
    CHECK_OK(slots_claim(&heir));
    if (heir.slot != dead.slot) { /* free ones are preferred; make it take this one */
        object_vanish(&heir);
        heir = object_guest(object);
        for (uint32_t slot = 2; slot < LAYOUT_MEMBERS; slot++)
            atomic_store(&slots_entry(&object->first, slot)->joined, 1);
        CHECK_OK(slots_claim(&heir));
        CHECK_EQ(heir.slot, dead.slot);
        for (uint32_t slot = 2; slot < LAYOUT_MEMBERS; slot++)
            atomic_store(&control_of(object)->members[slot].joined, 0);
    }
    return heir;
}

TEST(whoever_takes_a_dead_ones_slot_strikes_it_off) /* G8: no slot is leaked for good */
{
    struct object object = object_make("x", 0);
    struct slots heir = claim_from_the_dead(&object);
    CHECK_OK(members_enter(&heir));
    CHECK_EQ(atomic_load(&control_of(&object)->ledger.deaths), 1);
    check_ledger(&object);
    object_leave(&heir);
    check_ledger(&object);
    object_remove(&object);
}

TEST(a_parcel_in_a_dead_ones_slot_strikes_it_off) /* G8, G11 */
{
    struct object object = object_make("x", 0);
    struct slots offered = claim_from_the_dead(&object);
    CHECK_OK(members_offer(&offered, FERRY_READ));
    CHECK_EQ(atomic_load(&control_of(&object)->ledger.deaths), 1);
    CHECK_EQ(taken_entries(&object), 1);
    check_ledger(&object);
    object_vanish(&offered);
    check_ledger(&object);
    object_remove(&object);
}

static void check_offer(bool lost)
{
    struct object object = object_make("x", 0);
    struct layout_ledger *ledger = &control_of(&object)->ledger;
    struct slots offered = object_guest(&object);
    CHECK_OK(slots_claim(&offered));
    CHECK(!slots_any_offered(&object.first));
    CHECK_OK(members_offer(&offered, FERRY_READ));
    CHECK(slots_any_offered(&object.first) && !slots_any_offered(&offered));
    CHECK(slots_is_offered(&object.first, offered.slot));
    CHECK(!slots_is_offered(&object.first, offered.slot + 1));
    CHECK_EQ(atomic_load(&ledger->high), 2);
    CHECK_EQ(atomic_load(&slots_entry(&object.first, offered.slot)->role), FERRY_READ);
    CHECK_EQ(atomic_load(&ledger->attaches), 1); /* it is no member yet */
    if (lost) {
        object_vanish(&offered);
    } else {
        CHECK_OK(members_enter(&offered));
        slots_redeem(&offered);
    }
    CHECK(!slots_any_offered(&object.first));
    CHECK_EQ(taken_entries(&object), lost ? 1 : 2);
    check_ledger(&object);
    if (!lost)
        object_leave(&offered);
    object_remove(&object);
}

TEST(a_membership_in_a_parcel_is_known_for_as_long_as_it_lasts) /* G8, G11 */
{
    check_offer(false);
    check_offer(true);
}

TEST(what_the_dead_had_announced_is_taken_back) /* G8, law 4 */
{
    for (int reap = 0; reap < 2; reap++) {
        struct object object = object_make("x", 0);
        struct layout *control = control_of(&object);
        struct slots other = object_join(&object);
        board_set(&control->sleepers, 1);
        board_set(&control->listeners, 1);
        atomic_store(&control->members[1].mark, 3);
        if (reap) {
            object_vanish(&other);
            CHECK_OK(members_reap(&object.first, 1, CLOCK_NEVER));
        } else {
            object_leave(&other);
        }
        CHECK(!board_any(&control->sleepers, LAYOUT_MEMBERS));
        CHECK(!board_any(&control->listeners, LAYOUT_MEMBERS));
        CHECK_EQ(atomic_load(&control->members[1].mark), 0);
        object_remove(&object);
    }
}

TEST(a_board_has_a_bit_for_every_member) /* law 4 */
{
    struct layout_board *board = test_shared(sizeof(*board));
    for (uint32_t slot = 0; slot < LAYOUT_MEMBERS; slot += 63) {
        board_set(board, slot);
        CHECK(board_has(board, slot));
        CHECK(board_any(board, slot + 1));
        CHECK(!board_any(board, slot / 64 * 64));
        board_clear(board, slot);
        CHECK(!board_any(board, LAYOUT_MEMBERS));
    }
}

struct crowd {
    struct object object;
};

/* Joins and leaves until it is killed, or leaves the world in the middle by itself. */
static void come_and_go(void *context)
{
    struct crowd *crowd = context;
    unsigned seed = (unsigned)getpid();
    for (int i = 0; i < 2000; i++) {
        struct slots slots = object_join(&crowd->object);
        if (rand_r(&seed) % 8 == 0)
            object_vanish(&slots); /* as if it had been killed */
        else
            object_leave(&slots);
    }
}

TEST(the_ledger_is_exact_after_any_comings_goings_and_kills) /* G8, H3 */
{
    struct crowd crowd = {.object = object_make("x", 0)};
    enum { PROCESSES = 4 };
    pid_t pids[PROCESSES] = {0};
    unsigned seed = 1;
    int kills = test_thorough() ? 2000 : 60;
    for (int i = 0; i < kills; i++) {
        int victim = i % PROCESSES;
        if (pids[victim] != 0)
            test_kill(pids[victim]);
        pids[victim] = test_child(come_and_go, &crowd);
        uint64_t before = atomic_load(&control_of(&crowd.object)->ledger.attaches);
        uint64_t more = (uint64_t)rand_r(&seed) % 8;
        test_wait_until(atomic_load(&control_of(&crowd.object)->ledger.attaches) >= before + more);
        if (i % 10 == 0)
            check_ledger(&crowd.object);
    }
    for (int i = 0; i < PROCESSES; i++)
        test_kill(pids[i]);
    check_ledger(&crowd.object);

    /* Everybody but us is dead: striking them off leaves one entry, ours. */
    for (uint32_t slot = 0; slot < slots_high(&crowd.object.first); slot++)
        CHECK_OK(members_reap(&crowd.object.first, slot, CLOCK_NEVER));
    check_ledger(&crowd.object);
    CHECK_EQ(taken_entries(&crowd.object), 1);
    CHECK_EQ(atomic_load(&control_of(&crowd.object)->lock.word) & TAG_MASK, 0);
    object_remove(&crowd.object);
}

static struct slots dying;

static void hold_the_lock(void *context)
{
    struct object *object = context;
    struct slots slots = object_join(object);
    object_vanish(&dying); /* what we inherited would keep it alive */
    CHECK_EQ(journal_lock(&slots, CLOCK_NEVER), 0);
    raise(SIGSTOP);
}

TEST(joining_beside_a_stopped_peer_ends_and_leaving_does_too) /* G7, G8 */
{
    struct object object = object_make("x", 0);
    dying = object_join(&object);
    struct slots other = object_join(&object), newcomer = object_guest(&object);
    pid_t pid = test_child(hold_the_lock, &object);
    int status;
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK_ERR(members_join(&newcomer), ETIMEDOUT);
    object_vanish(&dying);
    CHECK_ERR(members_reap(&object.first, dying.slot, clock_deadline(0)), ETIMEDOUT);
    CHECK_CONTAINS(ferry_explain(), "stopped?");
    object_vanish(&newcomer);
    members_leave(&other); /* is found dead later */
    file_close(&other.lock_fd);
    kill(pid, SIGCONT);
    test_wait_ok(pid);
    for (uint32_t slot = 1; slot < 8; slot++)
        CHECK_OK(members_reap(&object.first, slot, CLOCK_NEVER));
    check_ledger(&object);
    CHECK_EQ(taken_entries(&object), 1);
    object_remove(&object);
}

static void sign(void *context)
{
    struct slots *slots = context;
    slots->pid = getpid();
    members_sign(slots);
}

TEST(a_member_entered_by_its_parent_signs_for_itself) /* G11, H4 */
{
    struct object object = object_make("x", 0);
    struct slots child = object_join(&object);
    pid_t pid = test_child(sign, &child);
    test_wait_ok(pid);
    CHECK_EQ(layout_stamp_pid(atomic_load(&control_of(&object)->members[1].joined)), pid);
    object_leave(&child);
    check_ledger(&object);
    object_remove(&object);
}
