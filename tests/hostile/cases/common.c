/* See common.h. */
#include "common.h"

#include "shared/layout.h"

void world_make(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_segment_open(
        &world->segment, NAME,
        FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .size_bytes = 4097)));
    world->parcel = -1;
}

void world_drop(void *memory)
{
    struct world *world = memory;
    ferry_segment_close(world->segment);
    CHECK_OK(ferry_remove(NAME));
}

/* A notice for everybody wakes whoever sleeps and rings for whoever waits for the lock.  The version
 * was put back, and must not become what somebody saw before that and waits to see change. */
void world_rescue(void *memory, struct layout *control)
{
    static uint32_t rescues;
    struct world *world = memory;
    atomic_fetch_add(&control->notice.version, ++rescues);
    atomic_store(&control->sleepers.words[0], UINT64_MAX);
    atomic_store(&control->listeners.words[0], UINT64_MAX);
    ferry_segment_notify(world->segment);
}

struct hostile_case segment_case(const char *name, const struct hostile_operation *operations)
{
    return (struct hostile_case){.name = name,
                                 .object = NAME,
                                 .world_bytes = sizeof(struct world),
                                 .setup = world_make,
                                 .teardown = world_drop,
                                 .rescue = world_rescue,
                                 .operations = operations};
}
