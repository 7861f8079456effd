/* Looking at a barrier, and at who waits there.  See look.h. */
#include "ipc/look.h"
#include "shared/board.h"

void look_at_barrier(struct look *look)
{
    struct ferry_object *object = &look->object;
    const struct layout_gate *gate = &look->control->gate;
    uint64_t rounds = RELAXED(gate->barrier.rounds), count = RELAXED(gate->barrier.count);
    object->wait_count = RELAXED(gate->barrier.waits);
    object->barrier_count = count == 0 ? RELAXED(gate->count) : (uint32_t)count;
    object->arrived_count = (uint32_t)RELAXED(gate->barrier.arrived);
    object->round = (uint32_t)rounds;
    object->broken_count = (uint32_t)(rounds >> 32);
}

void look_at_barrier_member(const struct look *look, struct ferry_member *member)
{
    member->waiting = board_has(&look->control->gate.waiters, member->slot);
    member->thread = RELAXED(look->control->members[member->slot].thread);
}
