/* A planted fault: the owner in a lock's word is checked, and then read again. */
#define slots_is_alive slots_is_alive_soundly
#include "shared/slots.c"
#undef slots_is_alive

bool slots_is_alive(struct slots *slots, slot_tag tag);

bool slots_is_alive(struct slots *slots, slot_tag tag)
{
    struct layout *control = slots->control;
    if (slot_of_tag(tag) >= LAYOUT_MEMBERS || slot_of_tag(tag) == slots->slot)
        return slots_is_alive_soundly(slots, tag);
    uint32_t word = atomic_load_explicit(&control->mutex.word, memory_order_relaxed);
    const struct layout_entry *entry = &control->members[slot_of_tag(word & TAG_MASK)];
    uint32_t generation = atomic_load_explicit(&entry->generation, memory_order_acquire);
    return slot_tag_make(slot_of_tag(tag), generation) == tag && slots_is_alive_soundly(slots, tag);
}
