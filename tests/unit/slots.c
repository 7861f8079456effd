/* Who is who, and who is alive (DESIGN, law 2). */
#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sched.h>
#include <sys/resource.h>

#include "object.h"
#include "os/ofd.h"

static uint32_t generation(const struct object *object, uint32_t slot)
{
    return atomic_load(&region_control(&object->region)->members[slot].generation);
}

TEST(a_tag_names_slot_and_generation)
{
    CHECK_EQ(slot_of_tag(slot_tag_make(0, 1)), 0);
    CHECK_EQ(slot_of_tag(slot_tag_make(4095, 77)), 4095);
    CHECK(slot_tag_make(5, 1) != slot_tag_make(5, 2));
    CHECK(slot_tag_make(5, 1) != slot_tag_make(6, 1));
    CHECK_EQ(slot_tag_make(5, 3), slot_tag_make(5, 3 + (1 << 17))); /* the lowest 17 bits */
    for (uint32_t slot = 0; slot < LAYOUT_MEMBERS; slot++)
        CHECK(slot_tag_make(slot, 0) != 0 && slot_tag_make(slot, UINT32_MAX) <= TAG_MASK);
    CHECK(slot_of_tag(0) >= LAYOUT_MEMBERS);
}

TEST(the_creator_has_slot_0_and_others_the_next) /* H3 */
{
    struct object object = object_make("x", 0);
    CHECK_EQ(object.first.slot, 0);
    CHECK_EQ(object.first.tag, slot_tag_make(0, 1));
    struct slots second = object_join(&object), third = object_join(&object);
    CHECK_EQ(second.slot, 1);
    CHECK_EQ(third.slot, 2);
    CHECK_EQ(slots_high(&third), 3);
    object_leave(&second);
    second = object_join(&object);
    CHECK_EQ(second.slot, 1);
    CHECK_EQ(generation(&object, 1), 2);
    CHECK_EQ(slots_high(&third), 3);
    object_leave(&second);
    object_leave(&third);
    object_remove(&object);
}

TEST(a_member_is_alive_until_its_description_is_closed)
{
    struct object object = object_make("x", 0);
    struct slots other = object_join(&object);
    slot_tag tag = other.tag;
    CHECK(slots_is_alive(&object.first, tag));
    CHECK(slots_is_alive(&other, tag)); /* one knows of oneself */
    CHECK(slots_is_alive(&other, object.first.tag));
    object_vanish(&other);
    CHECK(!slots_is_alive(&object.first, tag));
    object_remove(&object);
}

TEST(a_successor_in_the_slot_does_not_bring_a_member_back)
{
    struct object object = object_make("x", 0);
    struct slots other = object_join(&object);
    slot_tag tag = other.tag;
    object_leave(&other);
    other = object_join(&object);
    CHECK_EQ(other.slot, slot_of_tag(tag));
    CHECK(!slots_is_alive(&object.first, tag));
    CHECK(slots_is_alive(&object.first, other.tag));
    CHECK(!slots_is_alive(&other, tag));
    object_leave(&other);
    object_remove(&object);
}

TEST(nobody_and_nonsense_are_not_alive) /* G9 */
{
    struct object object = object_make("x", 0);
    CHECK(!slots_is_alive(&object.first, 0));
    CHECK(!slots_is_alive(&object.first, slot_tag_make(0, 2)));
    CHECK(!slots_is_alive(&object.first, slot_tag_make(4095, 0)));
    for (slot_tag tag = LAYOUT_MEMBERS + 1; tag < 1 << TAG_SLOT_BITS; tag++)
        CHECK(!slots_is_alive(&object.first, tag));
    CHECK(slots_entry(&object.first, LAYOUT_MEMBERS) == NULL);
    CHECK(slots_entry(&object.first, UINT32_MAX) == NULL);
    object_remove(&object);
}

TEST(high_is_bounded_whatever_the_memory_says) /* G9 */
{
    struct object object = object_make("x", 0);
    atomic_store(&region_control(&object.region)->ledger.high, UINT64_MAX);
    CHECK_EQ(slots_high(&object.first), LAYOUT_MEMBERS);
    object_remove(&object);
}

TEST(an_entry_that_claims_to_be_taken_is_used_when_no_other_is_left) /* G9 */
{
    struct object object = object_make("x", 0);
    struct layout *control = region_control(&object.region);
    for (uint32_t slot = 0; slot < LAYOUT_MEMBERS; slot++)
        atomic_store(&slots_entry(&object.first, slot)->joined, 1);
    CHECK(control->members[4095].joined == 1);
    struct slots other = object_join(&object);
    CHECK_EQ(other.slot, 1);
    object_leave(&other);
    object_remove(&object);
}

TEST(whoever_removes_an_abandoned_object_holds_all_bytes_and_nobody_joins) /* G5 */
{
    struct object object = object_make("x", 0);
    struct slots newcomer = object_guest(&object), remover = object_guest(&object);
    file_close(&object.region.lock_fd);
    CHECK_EQ(ofd_lock(remover.lock_fd, 0, LAYOUT_REMOVAL_BYTE + 1), 0);
    CHECK_EQ(slots_claim(&newcomer), -ESTALE);
    file_close(&remover.lock_fd);
    CHECK_EQ(slots_claim(&newcomer), 0);
    object_vanish(&newcomer);
    object_remove(&object);
}

TEST(removing_the_name_does_not_keep_members_children_out) /* G6, G11 */
{
    struct object object = object_make("x", 0);
    struct slots remover = object_guest(&object), child = object_guest(&object);
    CHECK_EQ(ofd_lock(remover.lock_fd, LAYOUT_REMOVAL_BYTE, 1), 0);
    /* Slot 0 is taken by the creator though its entry, as if just claimed, does not say so. */
    atomic_store(&region_control(&object.region)->members[0].joined, 0);
    CHECK_EQ(slots_claim(&child), 0);
    CHECK_EQ(child.slot > 0, 1);
    object_vanish(&child);
    file_close(&remover.lock_fd);
    object_remove(&object);
}

TEST_LONG(all_4096_slots_can_be_taken_and_no_more, 60) /* H3, G10 */
{
    struct rlimit limit = {LAYOUT_MEMBERS + 64, LAYOUT_MEMBERS + 64};
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        SKIP("4,160 descriptors take root, or a higher hard limit");
    struct object object = object_make("x", 0);
    struct slots *slots = calloc(LAYOUT_MEMBERS, sizeof(*slots));
    static bool taken[LAYOUT_MEMBERS];
    slots[0] = object.first;
    for (uint32_t i = 1; i < LAYOUT_MEMBERS; i++)
        slots[i] = object_join(&object);
    for (uint32_t i = 0; i < LAYOUT_MEMBERS; i++) {
        CHECK(!taken[slots[i].slot]);
        taken[slots[i].slot] = true;
        CHECK(slots_is_alive(&object.first, slots[i].tag));
    }
    struct slots one_more = object_guest(&object);
    CHECK_ERR(slots_claim(&one_more), EUSERS);
    CHECK_CONTAINS(ferry_explain(), "4096 members");
    CHECK_CONTAINS(ferry_explain(), "leave first");

    /* One dies: its slot is the next one's. */
    uint32_t gap = slots[1234].slot;
    object_vanish(&slots[1234]);
    CHECK_OK(members_join(&one_more));
    CHECK_EQ(one_more.slot, gap);
    object_leave(&one_more);
    for (uint32_t i = 1; i < LAYOUT_MEMBERS; i++)
        if (i != 1234)
            object_vanish(&slots[i]);
    free(slots);
    object_remove(&object);
}

TEST(a_table_that_cannot_grow_says_so) /* G10: an error, not a SIGBUS */
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
        SKIP("mounting a small tmpfs takes root");
    CHECK_ERRNO(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CHECK_ERRNO(mount("small", test_root(), "tmpfs", 0, "size=12k"));
    struct object object = object_make("x", 0); /* two pages of control, one of data */
    CHECK(slots_entry(&object.first, LAYOUT_ENTRIES_AT_FIRST - 1) != NULL);
    CHECK(slots_entry(&object.first, LAYOUT_ENTRIES_AT_FIRST) == NULL);
    CHECK_CONTAINS(ferry_explain(), "table of members");
    CHECK_CONTAINS(ferry_explain(), "ferry rm");

    struct slots others[LAYOUT_ENTRIES_AT_FIRST];
    for (uint32_t i = 1; i < LAYOUT_ENTRIES_AT_FIRST; i++)
        others[i] = object_join(&object);
    struct slots one_more = object_guest(&object);
    CHECK_ERR(members_join(&one_more), ENOSPC);
    CHECK_CONTAINS(ferry_explain(), "ferry rm");
    /* Somebody leaves: there is room again. */
    object_leave(&others[9]);
    CHECK_OK(members_join(&one_more));
    object_leave(&one_more);
    for (uint32_t i = 1; i < LAYOUT_ENTRIES_AT_FIRST; i++)
        if (i != 9)
            object_leave(&others[i]);
    object_remove(&object);
}
