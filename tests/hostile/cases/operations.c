/* The segment's operations, as a victim calls them. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#define MILLISECOND INT64_C(1000000)

/* How long joining and leaving may wait for a stopped peer: <ferry/segment.h>. */
#define PATIENCE_MS 2000

/* ---- Lock ------------------------------------------------------------------------------------ */

static int lock_now(void *memory)
{
    struct world *world = memory;
    return ferry_segment_lock(world->segment, FERRY_NOW);
}

static int lock_for_a_while(void *memory)
{
    struct world *world = memory;
    return ferry_segment_lock(world->segment, MILLISECOND / 2);
}

static int lock_forever(void *memory)
{
    struct world *world = memory;
    return ferry_segment_lock(world->segment, FERRY_FOREVER);
}

static int unlock(void *memory)
{
    struct world *world = memory;
    return ferry_segment_unlock(world->segment);
}

static int repair(void *memory)
{
    struct world *world = memory;
    return ferry_segment_repaired(world->segment);
}

static void let_go(void *memory)
{
    unlock(memory);
}

const struct hostile_operation lock_operations[] = {
    {.name = "lock-now", .run = lock_now, .finish = let_go},
    {.name = "lock-a-while", .run = lock_for_a_while, .finish = let_go},
    {.name = "lock-forever", .run = lock_forever, .finish = let_go, .endless = true, .dear = true},
    {.name = "unlock", .prepare = lock_now, .run = unlock},
    {.name = "repair", .prepare = lock_now, .run = repair, .finish = let_go},
    {0}};

/* ---- Notice ---------------------------------------------------------------------------------- */

static int notify(void *memory)
{
    struct world *world = memory;
    return ferry_segment_notify(world->segment);
}

static int wait_for_notice(ferry_segment *segment, int64_t timeout_ns)
{
    uint32_t version;
    int r = ferry_segment_version(segment, &version);
    return r < 0 ? r : ferry_segment_wait(segment, &version, timeout_ns);
}

static int wait_now(void *memory)
{
    struct world *world = memory;
    return wait_for_notice(world->segment, FERRY_NOW);
}

static int wait_for_a_while(void *memory)
{
    struct world *world = memory;
    return wait_for_notice(world->segment, MILLISECOND / 10);
}

static int wait_forever(void *memory)
{
    struct world *world = memory;
    return wait_for_notice(world->segment, FERRY_FOREVER);
}

/* ---- Members --------------------------------------------------------------------------------- */

static int open_another(void *memory)
{
    struct world *world = memory;
    return ferry_segment_open(&world->other, NAME, NULL);
}

static int open_to_read(void *memory)
{
    struct world *world = memory;
    return ferry_segment_open(&world->other, NAME, FERRY_SEGMENT(.flags = FERRY_READ));
}

static int close_another(void *memory)
{
    struct world *world = memory;
    world->other = ferry_segment_close(world->other);
    return 0;
}

static void drop_another(void *memory)
{
    close_another(memory);
}

static int ask_for_descriptor(void *memory)
{
    struct world *world = memory;
    return ferry_segment_descriptor(world->other);
}

static int open_and_listen(void *memory)
{
    int r = open_another(memory);
    return r < 0 ? r : ask_for_descriptor(memory);
}

static int quieten(void *memory)
{
    struct world *world = memory;
    return wait_for_notice(world->other, FERRY_NOW);
}

const struct hostile_operation notice_operations[] = {
    {.name = "notify", .run = notify},
    {.name = "wait-now", .run = wait_now},
    {.name = "wait-a-while", .run = wait_for_a_while},
    {.name = "wait-forever", .run = wait_forever, .endless = true, .dear = true},
    {.name = "descriptor",
     .prepare = open_another,
     .run = ask_for_descriptor,
     .finish = drop_another,
     .dear = true},
    {.name = "quieten",
     .prepare = open_and_listen,
     .run = quieten,
     .finish = drop_another,
     .dear = true},
    {0}};

static int hand_over(void *memory)
{
    struct world *world = memory;
    return ferry_segment_hand_over(world->segment, 0, &world->parcel);
}

static int take(void *memory)
{
    struct world *world = memory;
    int r = ferry_segment_take(&world->other, world->parcel);
    if (r == 0)
        world->parcel = -1;
    return r;
}

static void drop_parcel(void *memory)
{
    struct world *world = memory;
    close_another(memory);
    if (world->parcel >= 0)
        close(world->parcel);
    world->parcel = -1;
}

/* The child tries what it inherited, and is gone without a word. */
static int fork_child(void *memory)
{
    pid_t child = fork();
    if (child == 0) {
        notify(memory);
        lock_now(memory);
        unlock(memory);
        _exit(0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status == 0 ? 0 : INT32_MIN; /* which no operation may return */
}

const struct hostile_operation member_operations[] = {
    {.name = "open", .run = open_another, .finish = drop_another, .patience_ms = PATIENCE_MS},
    {.name = "open-to-read",
     .run = open_to_read,
     .finish = drop_another,
     .patience_ms = PATIENCE_MS,
     .dear = true},
    {.name = "close", .prepare = open_another, .run = close_another, .patience_ms = PATIENCE_MS},
    {.name = "fork", .run = fork_child, .patience_ms = PATIENCE_MS, .dear = true},
    {.name = "hand-over", .run = hand_over, .finish = drop_parcel, .patience_ms = PATIENCE_MS},
    {.name = "take",
     .prepare = hand_over,
     .run = take,
     .finish = drop_parcel,
     .patience_ms = PATIENCE_MS},
    {0}};
