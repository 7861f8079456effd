/* Looking at locks: who has them, who waits for them.  See look.h. */
#include <string.h>

#include <ferry/mutex.h>

#include "base/name.h"
#include "ipc/look.h"
#include "shared/board.h"
#include "shared/inherit.h"
#include "shared/rwlock.h"

static void describe_owner(struct look *look, slot_tag tag)
{
    struct ferry_object *object = &look->object;
    uint32_t slot = slot_of_tag(tag);
    if (slot >= look->high)
        return;
    struct layout_entry *owner = &look->control->members[slot];
    bool current = slot_tag_make(slot, RELAXED(owner->generation)) == tag;
    object->lock_owner_pid = current ? layout_stamp_pid(RELAXED(owner->joined)) : 0;
    object->lock_owner_dead = !current || !look_is_alive(look, slot);
}

/* Marks of the living alone count, see rwlock.h. */
static uint64_t count_readers(const struct look *look)
{
    uint64_t readers = 0;
    for (uint32_t slot = 0; slot < look->high; slot++) {
        uint32_t holds = RELAXED(look->control->members[slot].holds);
        if (holds > 0 && look_is_alive(look, slot))
            readers += holds;
    }
    return readers;
}

static bool is_rwlock(const struct look *look)
{
    return look->object.kind == FERRY_KIND_RWLOCK;
}

/* What says who has it: of an rwlock, the door; its mutex is the writers' business. */
/* Of one that lends priorities, as it would be in a mutex's word. */
static uint32_t inherit_word(const struct layout_inherit *inherit)
{
    uint32_t state = RELAXED(inherit->state);
    return state == INHERIT_CONDEMNED ? MUTEX_CONDEMNED
                                      : ((uint32_t)RELAXED(inherit->owner) & TAG_MASK) |
                                            (state == INHERIT_UNREPAIRED ? MUTEX_UNREPAIRED : 0);
}

static bool lends_priorities(const struct look *look)
{
    return look->object.kind == FERRY_KIND_MUTEX &&
           (RELAXED(look->control->gate.flags) & FERRY_INHERIT) != 0;
}

static uint32_t word_of(const struct look *look)
{
    const struct layout *control = look->control;
    if (lends_priorities(look))
        return inherit_word(&control->gate.inherit);
    return is_rwlock(look) ? RELAXED(control->gate.rwlock.door) : RELAXED(control->mutex.word);
}

static_assert(RWLOCK_UNREPAIRED == MUTEX_UNREPAIRED && RWLOCK_CONDEMNED == MUTEX_CONDEMNED,
              "both words are read alike");

void look_at_lock(struct look *look)
{
    struct ferry_object *object = &look->object;
    const struct layout_mutex *mutex = &look->control->mutex;
    uint32_t word = word_of(look);
    slot_tag tag = word & TAG_MASK;
    bool is_mutex = object->kind == FERRY_KIND_MUTEX;
    object->lock_count = RELAXED(mutex->taken);
    object->wait_count = RELAXED(mutex->waits);
    object->unrepaired = (word & MUTEX_UNREPAIRED) != 0;
    object->condemned = object->kind != FERRY_KIND_SEGMENT && tag == MUTEX_CONDEMNED;
    object->recursive = is_mutex && (RELAXED(look->control->gate.flags) & FERRY_RECURSIVE) != 0;
    object->inherits = lends_priorities(look);
    object->lock_thread = RELAXED(mutex->thread);
    object->reader_count = is_rwlock(look) ? count_readers(look) : 0;
    describe_owner(look, tag);
}

void look_at_condition(struct look *look)
{
    struct ferry_object *object = &look->object;
    const struct layout_gate *gate = &look->control->gate;
    object->wait_count = RELAXED(gate->condition.waits);
    object->sleeper_count = board_count(&gate->waiters, look->high);
    memcpy(object->mutex_name, gate->condition.mutex_name, FERRY_NAME_SIZE);
    object->mutex_name[FERRY_NAME_SIZE - 1] = '\0';
    if (!name_is_valid(object->mutex_name)) /* anonymous, or a peer wrote nonsense */
        object->mutex_name[0] = '\0';
}

static void look_at_reader(const struct look *look, struct ferry_member *member)
{
    const struct layout *control = look->control;
    uint32_t slot = member->slot, door = word_of(look);
    member->read_holds = RELAXED(control->members[slot].holds);
    member->wants_lock |= board_has(&control->gate.readers, slot) ||
                          (member->holds_lock && (door & RWLOCK_DRAINING) != 0);
}

void look_at_lock_member(const struct look *look, struct ferry_member *member)
{
    struct layout *control = look->control;
    uint32_t slot = member->slot;
    struct layout_entry *entry = &control->members[slot];
    member->holds_lock =
        (word_of(look) & TAG_MASK) == slot_tag_make(slot, RELAXED(entry->generation));
    member->wants_lock = board_has(&control->gate.waiters, slot);
    member->thread = RELAXED(entry->thread);
    member->for_children = (RELAXED(entry->role) & LAYOUT_FOR_CHILDREN) != 0;
    if (is_rwlock(look))
        look_at_reader(look, member);
}
