/* Looking on at a queue with a store.
 *
 * While somebody looks on, a sender writes a copy of its message into a ring of its own, behind the memory of the messages, and with the
 * message commits how far that ring is written (`tapped_to`).  Whoever looks on holds no lock, so senders overwrite what it
 * has not seen; it copies first and asks afterwards: a sender says how far it may write (`claimed`) before it does.
 *
 *   ┌────────┬─────────────────┬────────┬───
 *   │ header │ message, padded │ header │ …      32 bytes, and multiples of 8, running on from the end to the beginning
 *   └────────┴─────────────────┴────────┴───
 *
 * Dying: what was written and not committed is written over. */
#include <errno.h>
#include <string.h>

#include "os/file.h"
#include "shared/members.h"
#include "shared/store_inside.h"

enum { LEAST_BYTES = 1 << 16, PAGE = 4096, ATTEMPTS = 16 };

/* In front of each copy. */
struct sight {
    uint64_t number, type;
    uint32_t size, priority;
    uint64_t reserved;
};

/* How long the ring is: the largest message fits, and some. */
uint64_t tap_bytes(const struct flow_shape *shape)
{
    return (shape->largest + sizeof(struct sight) + LEAST_BYTES + PAGE - 1) / PAGE * PAGE;
}

static unsigned char *ring_of_sights(const struct store *store)
{
    return store->data + store->shape.units * STORE_UNIT;
}

static uint64_t length_of(uint64_t size)
{
    return sizeof(struct sight) + (size + 7) / 8 * 8;
}

/* ---- Senders ----------------------------------------------------------------------------------- */

static void copy_in(const struct store *store, uint64_t position, const void *bytes, size_t count)
{
    uint64_t most = tap_bytes(&store->flow->shape), at = position % most;
    size_t first = count < most - at ? count : (size_t)(most - at);
    memcpy(ring_of_sights(store) + at, bytes, first);
    memcpy(ring_of_sights(store), (const unsigned char *)bytes + first, count - first);
}

/* Memory for the ring, once.  Without it nobody sees anything, and it counts as missed. */
static bool is_backed(struct store *store)
{
    struct store_index *index = store->index;
    if (atomic_load_explicit(&index->tap_backed, memory_order_relaxed) != 0)
        return true;
    struct explanation before;
    explanation_keep(&before);
    int data = region_reopen_data(store->flow->region, FERRY_READ | FERRY_WRITE);
    int r = data < 0 ? data
                     : file_reserve_range(data, store->shape.units * STORE_UNIT,
                                          tap_bytes(&store->flow->shape));
    file_close(&data);
    explanation_restore(&before);
    if (r == 0)
        atomic_store_explicit(&index->tap_backed, 1, memory_order_relaxed);
    return r == 0;
}

void tap_copy(struct pages *pages, const struct store_extent *extent)
{
    struct store *store = pages->store;
    if (!is_backed(store))
        return;
    const struct store_roots *roots = pages_roots(pages);
    uint64_t position = roots->tapped_to, end = position + length_of(extent->size);
    atomic_store_explicit(&store->index->tap_claimed, end, memory_order_relaxed);
    /* Pairs with the fence in is_whole(): who sees what we write now sees the claim. */
    atomic_thread_fence(memory_order_release);
    const struct sight sight = {.number = extent->number,
                                .type = extent->type,
                                .size = extent->size,
                                .priority = extent->priority};
    copy_in(store, position, &sight, sizeof(sight));
    copy_in(store, position + sizeof(sight), store_bytes(store, extent->start), extent->size);
    CHANGE(roots, tapped_to) = end;
}

/* ---- Who looks on ------------------------------------------------------------------------------ */

static void copy_out(const struct store *store, uint64_t position, void *ret_bytes, size_t count)
{
    uint64_t most = tap_bytes(&store->flow->shape), at = position % most;
    size_t first = count < most - at ? count : (size_t)(most - at);
    memcpy(ret_bytes, ring_of_sights(store) + at, first);
    memcpy((unsigned char *)ret_bytes + first, ring_of_sights(store), count - first);
}

/* With the lock, so that what is committed has been applied: how far senders are, and how many messages there were. */
static int look_at_senders(struct store *store, deadline end, uint64_t *ret_position,
                           uint64_t *ret_numbers)
{
    int r = store_lock(store, end);
    if (r < 0)
        return r;
    struct pages pages;
    pages_init(&pages, store);
    *ret_position = pages_roots(&pages)->tapped_to;
    *ret_numbers = pages_books(&pages)->numbers;
    store_unlock(store);
    return pages.damaged ? flow_damaged() : 0;
}

int store_tap_begin(struct flow *flow)
{
    struct store *store = store_of(flow);
    flow_tap_begin(flow);
    int r = look_at_senders(store, clock_deadline(MEMBERS_PATIENCE_NS), &store->tap_position,
                            &store->tap_number);
    return r == -ETIMEDOUT
               ? fail(r, "somebody stands in the middle of using the queue; is it stopped?")
               : r;
}

static bool is_whole(const struct store *store)
{
    /* Pairs with the fence in tap_copy(). */
    atomic_thread_fence(memory_order_acquire);
    uint64_t claimed = atomic_load_explicit(&store->index->tap_claimed, memory_order_relaxed);
    return (int64_t)(claimed - store->tap_position) <= (int64_t)tap_bytes(&store->flow->shape);
}

/* 1: it was whole; 0: it was not. */
static int copy_whole(struct store *store, struct ferry_message *message, struct sight *ret_sight)
{
    copy_out(store, store->tap_position, ret_sight, sizeof(*ret_sight));
    if (!is_whole(store))
        return 0;
    if (ret_sight->size > store->flow->shape.largest)
        return flow_damaged();
    if (ret_sight->size > message->size_bytes)
        return fail(-EMSGSIZE, "the next message has %u bytes, and %zu are too few for it",
                    ret_sight->size, message->size_bytes);
    copy_out(store, store->tap_position + sizeof(*ret_sight), message->bytes, ret_sight->size);
    return is_whole(store);
}

/* Goes on where senders are; what lies between is missed. */
static void skip(struct store *store, uint64_t position, uint64_t numbers)
{
    if (numbers > store->tap_number)
        store->tap_missed += numbers - store->tap_number;
    store->tap_number = numbers;
    store->tap_position = position;
}

static ssize_t see(struct store *store, struct ferry_message *message)
{
    uint64_t position, numbers;
    struct sight sight;
    for (int i = 0; i < ATTEMPTS; i++) {
        int r = look_at_senders(store, 0, &position, &numbers);
        if (r < 0)
            return r == -EBUSY ? -EAGAIN : r;
        if (position == store->tap_position) {
            skip(store, position, numbers); /* what was sent while nobody said that he looks on */
            return -EAGAIN;
        }
        r = copy_whole(store, message, &sight);
        if (r < 0)
            return r;
        if (r == 0) {
            skip(store, position, numbers);
            continue;
        }
        if (sight.number > store->tap_number + 1)
            store->tap_missed += sight.number - store->tap_number - 1;
        store->tap_number = sight.number;
        store->tap_position += length_of(sight.size);
        message->size_bytes = sight.size;
        message->type = sight.type;
        message->priority = sight.priority;
        return (ssize_t)sight.size;
    }
    return -EAGAIN;
}

ssize_t store_try_tap(struct flow *flow, struct ferry_message *message, uint64_t *ret_missed)
{
    struct store *store = store_of(flow);
    flow_tap_begin(flow);
    pthread_mutex_lock(&store->guard);
    ssize_t n = see(store, message);
    if (n >= 0 || n == -EAGAIN)
        *ret_missed = store->tap_missed;
    pthread_mutex_unlock(&store->guard);
    return n;
}

int tap_has_sight(struct store *store, deadline end)
{
    uint64_t position, numbers;
    flow_tap_begin(store->flow);
    int r = look_at_senders(store, end, &position, &numbers);
    pthread_mutex_lock(&store->guard);
    bool has = position != store->tap_position;
    pthread_mutex_unlock(&store->guard);
    return r < 0 ? r : has;
}
