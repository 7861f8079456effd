/* Handing a segment to another process: a parcel with a membership in it.
 *
 * In the parcel: a description of the control file that already holds the lock on a slot, another
 * to map, the data for the role, and the bell.  If the parcel is lost, the kernel
 * closes what is in it and the slot is free again; a member comes into being when it is opened.
 *
 * A parcel may come from anybody: nothing in it is believed that the kernel does not confirm. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "ipc/segment.h"
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

static int pack(ferry_segment *segment, unsigned role, int lock_fd, uint32_t slot)
{
    const struct region *region = &segment->object.region;
    CLEANUP(file_close) int control = region_reopen_control(region, segment->object.slots.lock_fd);
    if (control < 0)
        return control;
    CLEANUP(file_close) int data = region_reopen_data(region, role);
    if (data < 0)
        return data;
    CLEANUP(file_close) int bell = region_reopen_bell(region);
    if (bell < 0)
        return bell;
    struct parcel parcel = {.kind = region->identity.kind, .slot = slot};
    memcpy(parcel.magic, MAGIC, sizeof(MAGIC));
    snprintf(parcel.name, sizeof(parcel.name), "%s", region->name);
    const int descriptors[] = {lock_fd, control, data, bell};
    int r = socket_pack(&parcel, sizeof(parcel), descriptors, PARCEL_DESCRIPTORS);
    return r < 0 ? fail_errno(r, "the segment could not be packed") : r;
}

/* A fresh description with a free slot locked, in a parcel; nothing else of it stays open here. */
static int offer(ferry_segment *segment, unsigned role)
{
    struct slots offered = segment->object.slots;
    offered.tag = 0;
    CLEANUP(file_close)
    int lock_fd = region_reopen_control(&segment->object.region, segment->object.slots.lock_fd);
    if (lock_fd < 0)
        return lock_fd;
    offered.lock_fd = lock_fd;
    int r = slots_claim(&offered);
    if (r == -ESTALE)
        return fail(-ENOENT, "the segment is being removed");
    if (r == 0)
        r = members_bury(&offered);
    return r < 0 ? r : pack(segment, role, lock_fd, offered.slot);
}

int ferry_segment_hand_over(ferry_segment *segment, unsigned role, int *ret_descriptor)
{
    int r = object_usable(&segment->object);
    if (r < 0)
        return r;
    if ((role & ~(FERRY_READ | FERRY_WRITE)) != 0)
        return fail(-EINVAL, "a role is FERRY_READ, FERRY_WRITE, or both; 0x%x is not", role);
    role = region_role(role);
    if ((role & ~segment->object.region.role) != 0)
        return fail(-EACCES, "this handle may only read, and so may those it hands the segment to");
    fork_hold();
    r = offer(segment, role);
    fork_unhold();
    if (r < 0)
        return r;
    *ret_descriptor = r;
    return 0;
}

/* The membership in the parcel: the byte must be locked by the description that came with it. */
static int redeem_slot(struct slots *ret_slots, const struct region *region, uint32_t slot)
{
    struct slots slots = {.control = region_control(region),
                          .lock_fd = region->lock_fd,
                          .reserved = LAYOUT_ENTRIES_AT_FIRST,
                          .role = region->role,
                          .pid = getpid(),
                          .namespace = proc_pid_namespace()};
    struct layout_entry *entry = slots_entry(&slots, slot);
    if (entry == NULL || ofd_lock(slots.lock_fd, (off_t)slot, 1) < 0)
        return fail(-EBADMSG, "the membership in the parcel is not valid");
    slots.slot = slot;
    slots.tag = slot_tag_make(slot, atomic_load_explicit(&entry->generation, memory_order_acquire));
    *ret_slots = slots;
    return members_enter(ret_slots);
}

static int check_parcel(struct parcel *parcel)
{
    if (memcmp(parcel->magic, MAGIC, sizeof(MAGIC)) != 0 || parcel->kind != FERRY_KIND_SEGMENT)
        return fail(-EBADMSG, "the descriptor is not a segment that was handed over");
    parcel->name[sizeof(parcel->name) - 1] = '\0';
    if (parcel->name[0] != '\0' && ferry_name_check(parcel->name) < 0)
        return fail_within(-EBADMSG, "the parcel names a segment that cannot be");
    return 0;
}

static int adopt(ferry_segment **ret_segment, const struct parcel *parcel, int descriptors[4])
{
    CLEANUP(region_release) struct region region;
    region_init(&region, NULL);
    int r = region_adopt(&region, parcel->name, descriptors);
    if (r < 0)
        return r;
    if (region.identity.kind != parcel->kind)
        return fail(-EBADMSG, "the parcel and what is in it do not agree");
    struct object object = {.region = region};
    r = redeem_slot(&object.slots, &region, parcel->slot);
    if (r < 0)
        return r;
    region_init(&region, NULL); /* the object's now */
    return segment_new(ret_segment, &object);
}

static int take(ferry_segment **ret_segment, int descriptor)
{
    struct parcel parcel;
    int descriptors[PARCEL_DESCRIPTORS];
    int r = socket_unpack(descriptor, &parcel, sizeof(parcel), descriptors);
    if (r == -EMFILE)
        return fail_errno(r, "the segment could not be taken");
    if (r < 0)
        return fail(r, "the descriptor is not a segment that was handed over, or it has been "
                       "redeemed");
    r = check_parcel(&parcel);
    if (r == 0)
        r = adopt(ret_segment, &parcel, descriptors);
    for (size_t i = 0; i < PARCEL_DESCRIPTORS; i++)
        file_close(&descriptors[i]);
    if (r == 0)
        file_close(&descriptor);
    return r;
}

int ferry_segment_take(ferry_segment **ret_segment, int descriptor)
{
    fork_hold();
    int r = take(ret_segment, descriptor);
    fork_unhold();
    return r;
}
