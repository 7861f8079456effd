/* Looking at one object, and removing names: the public side of look.c and sweep.c. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ferry/queue.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "ipc/look.h"
#include "ipc/object.h"
#include "ipc/segment.h"
#include "os/file.h"
#include "os/proc.h"
#include "shared/board.h"
#include "shared/members.h"
#include "shared/slots.h"
#include "shared/sweep.h"

static int check_object_size(const struct ferry_object *object)
{
    if (object->object_bytes == sizeof(*object))
        return 0;
    return fail(-EINVAL,
                "object_bytes is %zu and this library knows %zu; set it to sizeof(struct "
                "ferry_object)",
                object->object_bytes, sizeof(*object));
}

int ferry_look(const char *name, struct ferry_object *ret_object)
{
    CLEANUP(look_release) struct look look = {.fd = -1};
    int r = check_object_size(ret_object);
    if (r == 0)
        r = look_open(&look, name);
    if (r == 0)
        *ret_object = look.object;
    return r;
}

int ferry_segment_look(ferry_segment *segment, struct ferry_object *ret_object)
{
    int r = object_usable(&segment->object);
    if (r == 0)
        r = check_object_size(ret_object);
    if (r < 0)
        return r;
    CLEANUP(look_release) struct look look = {.fd = -1};
    r = look_as_member(&look, segment->object.region.name, segment->object.slots.lock_fd,
                       segment->object.slots.slot);
    if (r == 0)
        *ret_object = look.object;
    return r;
}

/* Is this the tag of who uses the slot now? */
static bool is_tag_of(struct layout *control, uint32_t slot, const struct layout_lock *lock)
{
    return (RELAXED(lock->word) & TAG_MASK) ==
           slot_tag_make(slot, RELAXED(control->members[slot].generation));
}

static void describe_end(struct layout *control, struct ferry_member *member)
{
    const struct layout_stream *stream = &control->stream;
    uint32_t slot = member->slot;
    bool has_end = (RELAXED(control->members[slot].role) & LAYOUT_HAS_END) != 0;
    /* A reader has its end at once, and sleeps until a writer arrives. */
    member->opening = member->role != 0 && (!has_end || board_has(&control->sleepers, slot));
    member->waiting =
        has_end && (board_has(&stream->readers, slot) || board_has(&stream->writers, slot));
    member->holds_lock =
        is_tag_of(control, slot, &stream->in.lock) || is_tag_of(control, slot, &stream->out.lock);
}

/* Of one who is asleep for messages. */
static void describe_choice(const struct layout_entry *entry, struct ferry_member *member)
{
    uint32_t wants = RELAXED(entry->wants);
    if (wants == FERRY_ANY || wants > FERRY_EXCEPT) /* or for several things */
        return;
    member->selection = wants;
    member->type = RELAXED(entry->type);
}

/* Who sends, receives, or waits for that. */
static void describe_user(struct layout *control, struct ferry_member *member)
{
    const struct layout_queue *queue = &control->queue;
    uint32_t slot = member->slot;
    member->waiting = board_has(&queue->receivers, slot) || board_has(&queue->senders, slot) ||
                      board_has(&queue->room, slot) || board_has(&control->listeners, slot);
    member->holds_lock =
        is_tag_of(control, slot, &queue->in.lock) || is_tag_of(control, slot, &queue->out.lock);
    if (board_has(&queue->receivers, slot))
        describe_choice(&control->members[slot], member);
}

static struct ferry_member describe_member(struct look *look, uint32_t slot, uint64_t namespace)
{
    struct layout *control = look->control;
    struct layout_entry *entry = &control->members[slot];
    uint64_t joined = RELAXED(entry->joined);
    struct ferry_member member = {
        .slot = slot,
        .pid = layout_stamp_pid(joined),
        .alive = look_is_alive(look, slot),
        .same_pid_namespace = namespace != 0 && RELAXED(entry->namespace) == namespace,
        .role = RELAXED(entry->role) & (FERRY_READ | FERRY_WRITE),
        .joined_unix_ms = layout_stamp_unix_ms(joined),
        .waiting = board_has(&control->sleepers, slot),
    };
    if (look_has_lock(&look->object))
        look_at_lock_member(look, &member);
    if (look->object.kind == FERRY_KIND_CONDITION)
        member.waiting = board_has(&control->gate.waiters, slot);
    if (look->object.kind == FERRY_KIND_PIPE)
        describe_end(control, &member);
    if (look->object.kind == FERRY_KIND_QUEUE)
        describe_user(control, &member);
    if (look->object.kind == FERRY_KIND_BARRIER)
        look_at_barrier_member(look, &member);
    if (member.alive && member.same_pid_namespace)
        proc_command(member.pid, member.command, sizeof(member.command));
    return member;
}

int ferry_look_members(const char *name, struct ferry_member *ret_members, size_t capacity)
{
    CLEANUP(look_release) struct look look = {.fd = -1};
    int r = look_open(&look, name);
    if (r < 0)
        return r;
    uint64_t namespace = proc_pid_namespace();
    size_t count = 0;
    for (uint32_t slot = 0; slot < look.high; slot++) {
        if (RELAXED(look.control->members[slot].joined) == 0)
            continue;
        if (count < capacity)
            ret_members[count] = describe_member(&look, slot, namespace);
        count++;
    }
    return (int)count;
}

/* ---- Raw ------------------------------------------------------------------------------------- */

struct raw {
    const struct look *look;
    int (*each)(const struct ferry_field *field, void *context);
    void *context;
};

static int tell_field(const struct raw *raw, const struct layout_field *field, const char *group,
                      uint64_t base)
{
    struct ferry_field told = {.offset = base + field->offset,
                               .width_bytes = field->width,
                               .group = group,
                               .name = field->name,
                               .meaning = field->meaning};
    size_t width = field->width < sizeof(told.value) ? field->width : sizeof(told.value);
    const char *bytes = (const char *)raw->look->control + told.offset;
    uint32_t narrow;
    if (width == sizeof(narrow)) { /* so that the value is right on either byte order */
        memcpy(&narrow, bytes, sizeof(narrow));
        told.value = narrow;
    } else {
        memcpy(&told.value, bytes, width);
    }
    return raw->each(&told, raw->context);
}

static int tell_entry(const struct raw *raw, uint32_t slot)
{
    char group[32];
    snprintf(group, sizeof(group), "member %u", slot);
    uint64_t base = offsetof(struct layout, members) + slot * sizeof(struct layout_entry);
    int r = 0;
    const struct layout_field *field;
    for (size_t i = 0; r == 0 && (field = layout_entry_field(i)) != NULL; i++)
        r = tell_field(raw, field, group, base);
    return r;
}

int ferry_look_raw(const char *name, int (*each)(const struct ferry_field *field, void *context),
                   void *context)
{
    CLEANUP(look_release) struct look look = {.fd = -1};
    int r = look_open(&look, name);
    if (r < 0)
        return r;
    if (look.control == NULL)
        return fail(-EBADMSG, "\"%s\" cannot be drawn: %.160s", name, look.object.damage);
    const struct raw raw = {.look = &look, .each = each, .context = context};
    const struct layout_field *field;
    for (size_t i = 0; r == 0 && (field = layout_field((uint32_t)look.object.kind, i)) != NULL; i++)
        r = tell_field(&raw, field, field->group, 0);
    for (uint32_t slot = 0; r == 0 && slot < look.high; slot++)
        if (RELAXED(look.control->members[slot].joined) != 0)
            r = tell_entry(&raw, slot);
    return r;
}

/* ---- The dead ---------------------------------------------------------------------------------- */

/* In place of a handle: while we are a member, between fork_hold() and fork_unhold(). */
static int reap(struct object *object, void *ret_deaths)
{
    const _Atomic uint64_t *deaths = &object->slots.control->ledger.deaths;
    uint64_t before = RELAXED(*deaths);
    bool all = members_reap_all(&object->slots);
    *(uint64_t *)ret_deaths = RELAXED(*deaths) - before;
    members_leave(&object->slots);
    region_release(&object->region);
    return all ? 0
               : fail(-EBUSY,
                      "somebody was stopped in the middle of joining or leaving; try again");
}

int ferry_reap(const char *name)
{
    CLEANUP(look_release) struct look look = {.fd = -1};
    int r = look_open(&look, name);
    if (r < 0)
        return r;
    if (look.object.damaged)
        return fail(-EBADMSG, "\"%s\": %s", name, look.object.damage);
    if (look.object.anonymous || look.object.removed)
        return fail(-EOPNOTSUPP, "\"%s\" has no name by which it could be joined", name);
    const struct region_request request = {
        .name = look.object.label, .kind = (enum ferry_kind)look.object.kind, .flags = FERRY_READ};
    uint64_t deaths = 0;
    r = object_open(&request, reap, &deaths);
    return r < 0 ? r : (int)(deaths < INT_MAX ? deaths : INT_MAX);
}

/* ---- Removing -------------------------------------------------------------------------------- */

int ferry_remove(const char *name)
{
    sweep_sometimes(); /* first, so that what is explained is the removal */
    return sweep_remove(name);
}

int ferry_sweep(void)
{
    return sweep_root();
}
