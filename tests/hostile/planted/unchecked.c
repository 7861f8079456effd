/* A planted fault: the slot in a lock word is used as an index without a look at the table's size. */
#define slots_is_alive slots_is_alive_soundly
#include "shared/slots.c"
#undef slots_is_alive

bool slots_is_alive(struct slots *slots, slot_tag tag);

bool slots_is_alive(struct slots *slots, slot_tag tag)
{
    uint32_t slot = slot_of_tag(tag);
    if (slots->tag != 0 && slot == slots->slot)
        return tag == slots->tag;
    const struct layout_entry *entry = &slots->control->members[slot];
    uint32_t generation = atomic_load_explicit(&entry->generation, memory_order_acquire);
    return slot_tag_make(slot, generation) == tag && slots_is_locked(slots, slot);
}
