/* See parcel.h.
 *
 * While the membership is in the parcel, the description with its lock holds a second byte, which says so:
 * what a pipe holds is not forgotten then.  A member comes into being when the parcel is opened.  Both
 * bytes are the kernel's to let go of, so a parcel that is lost leaves nothing behind.
 *
 * A parcel may come from anybody: nothing in it is believed that the kernel does not confirm. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "ipc/parcel.h"
#include "os/file.h"
#include "os/ofd.h"
#include "os/proc.h"
#include "os/socket.h"
#include "shared/members.h"

static const char MAGIC[8] = "FERRYp1";

struct parcel {
    char magic[8];
    uint32_t kind;
    uint32_t slot;
    char name[FERRY_NAME_SIZE]; /* "" if anonymous */
};

static_assert((int)PARCEL_DESCRIPTORS == (int)REGION_PARTS, "a region fits in a parcel");

/* What a member with that role says of itself. */
static uint32_t member_role(const struct region *region, unsigned role)
{
    return region_has_ends(region) ? role | LAYOUT_HAS_END : role;
}

/* ---- Packing ---------------------------------------------------------------------------------- */

static int pack(const struct region *region, unsigned role, const struct slots *offered)
{
    int parts[REGION_PARTS];
    int r = region_lend(region, role, parts);
    if (r < 0)
        return r;
    parts[REGION_LOCK] = offered->lock_fd;
    size_t count = REGION_PARTS;
    while (parts[count - 1] < 0)
        count--;
    struct parcel parcel = {.kind = region->identity.kind, .slot = offered->slot};
    memcpy(parcel.magic, MAGIC, sizeof(MAGIC));
    snprintf(parcel.name, sizeof(parcel.name), "%s", region->name);
    r = socket_pack(&parcel, sizeof(parcel), parts, count);
    for (size_t i = REGION_LOCK + 1; i < count; i++)
        file_close(&parts[i]);
    return r < 0 ? fail_errno(r, "the %s could not be packed",
                              ferry_kind_name((int)region->identity.kind))
                 : r;
}

/* A free slot, for who opens the parcel. */
static int offer(struct slots *offered, uint32_t role)
{
    int r = slots_claim(offered);
    if (r == -ESTALE)
        return fail(-ENOENT, "the object is being removed");
    return r < 0 ? r : members_offer(offered, role);
}

int parcel_pack(const struct object *object, unsigned role)
{
    const struct region *region = &object->region;
    struct slots offered = object->slots;
    CLEANUP(file_close) int lock_fd = region_reopen_control(region, region->lock_fd);
    if (lock_fd < 0)
        return lock_fd;
    offered.tag = 0;
    offered.lock_fd = lock_fd;
    int r = offer(&offered, member_role(region, role));
    return r < 0 ? r : pack(region, role, &offered);
}

/* ---- Opening ---------------------------------------------------------------------------------- */

/* The membership in the parcel: the byte must be locked by the description that came with it.  What the
 * object holds was held by the parcel, so it is not forgotten even if nobody else is left. */
static int redeem(struct slots *ret_slots, const struct region *region, uint32_t slot)
{
    struct slots slots = {.control = region_control(region),
                          .lock_fd = region->lock_fd,
                          .reserved = LAYOUT_ENTRIES_AT_FIRST,
                          .role = member_role(region, region->role),
                          .pid = getpid(),
                          .namespace = proc_pid_namespace()};
    struct layout_entry *entry = slots_entry(&slots, slot);
    if (entry == NULL || ofd_lock(slots.lock_fd, (off_t)slot, 1) < 0)
        return fail(-EBADMSG, "the membership in the parcel is not valid");
    slots.slot = slot;
    if (region->identity.kind ==
        FERRY_KIND_QUEUE) /* as it was offered, within what the data allow */
        slots.role &= atomic_load_explicit(&entry->role, memory_order_relaxed);
    slots.tag = slot_tag_make(slot, atomic_load_explicit(&entry->generation, memory_order_acquire));
    *ret_slots = slots;
    int r = members_enter(ret_slots);
    if (r == 0)
        slots_redeem(ret_slots);
    ret_slots->forgets = region_has_ends(region);
    return r;
}

static int adopt(struct object *ret_object, const struct parcel *parcel, int parts[REGION_PARTS])
{
    CLEANUP(region_release) struct region region;
    region_init(&region, NULL);
    int r = region_adopt(&region, parcel->name, parts);
    if (r < 0)
        return r;
    if (region.identity.kind != parcel->kind)
        return fail(-EBADMSG, "the parcel and what is in it do not agree");
    struct object object = {.region = region};
    r = redeem(&object.slots, &region, parcel->slot);
    if (r < 0)
        return r;
    if (region.identity.kind == FERRY_KIND_QUEUE)
        object.region.role = object.slots.role;
    region_init(&region, NULL); /* the object's now */
    *ret_object = object;
    return 0;
}

/* Of a kind that can be handed over. */
static bool is_parcel(const struct parcel *parcel)
{
    return memcmp(parcel->magic, MAGIC, sizeof(MAGIC)) == 0 &&
           strcmp(ferry_kind_name((int)parcel->kind), ferry_kind_name(0)) != 0;
}

static int explain_other(int error, enum ferry_kind kind)
{
    return fail(error, "the descriptor is not a %s that was handed over, or it has been redeemed",
                ferry_kind_name((int)kind));
}

/* Of what kind it is can be told before it is opened. */
static int check_kind(int descriptor, enum ferry_kind kind)
{
    struct parcel parcel;
    int r = socket_look(descriptor, &parcel, sizeof(parcel));
    if (r < 0 || !is_parcel(&parcel))
        return explain_other(-EBADMSG, kind);
    if (parcel.kind == (uint32_t)kind)
        return 0;
    const char *is = ferry_kind_name((int)parcel.kind);
    return fail(-EMEDIUMTYPE, "a %s was handed over, not a %s; take it with ferry_%s_take()", is,
                ferry_kind_name((int)kind), is);
}

static int check_parcel(struct parcel *parcel, enum ferry_kind kind)
{
    if (!is_parcel(parcel) || parcel->kind != (uint32_t)kind)
        return explain_other(-EBADMSG, kind);
    parcel->name[sizeof(parcel->name) - 1] = '\0';
    if (parcel->name[0] != '\0' && ferry_name_check(parcel->name) < 0)
        return fail_within(-EBADMSG, "the parcel names an object that cannot be");
    return 0;
}

int parcel_open(struct object *ret_object, enum ferry_kind kind, int descriptor)
{
    struct parcel parcel;
    int parts[REGION_PARTS];
    int r = check_kind(descriptor, kind);
    if (r < 0)
        return r;
    r = socket_unpack(descriptor, &parcel, sizeof(parcel), parts);
    if (r == -EMFILE)
        return fail_errno(r, "the %s could not be taken", ferry_kind_name((int)kind));
    if (r < 0)
        return explain_other(r, kind);
    r = check_parcel(&parcel, kind);
    if (r == 0)
        r = adopt(ret_object, &parcel, parts);
    for (size_t i = 0; i < REGION_PARTS; i++)
        file_close(&parts[i]);
    return r;
}
