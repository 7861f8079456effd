/* The memory of an unbounded store: a file as large as the limit, of which only the beginning has memory.
 *
 * Messages go where it is lowest (store_memory.c).  A sender whose extent reaches beyond what has memory reserves more, with the
 * lock; a receiver that finds much free memory at the end gives it back.
 *
 * Dying: what was reserved and not noted is reserved once more; what was noted as given back before it was, is reserved once
 * more, too, by whoever needs it. */
#include "base/cleanup.h"
#include "os/file.h"
#include "shared/store_inside.h"

enum { PAGE = 4096, PIECE_PAGES = 256, KEPT_PAGES = 256, MUCH_PAGES = 1024, LOOKS = 8 };

static bool grows(const struct store *store)
{
    return (store->flow->shape.flags & FERRY_UNBOUNDED) != 0;
}

static uint32_t pages_of(uint64_t units)
{
    return (uint32_t)((units * STORE_UNIT + PAGE - 1) / PAGE);
}

static int reserve(const struct store *store, uint32_t from, uint32_t to)
{
    CLEANUP(file_close)
    int data = region_reopen_data(store->flow->region, FERRY_READ | FERRY_WRITE);
    return data < 0 ? data
                    : file_reserve_range(data, (uint64_t)from * PAGE, (uint64_t)(to - from) * PAGE);
}

int backing_reserve(struct pages *pages, uint32_t number)
{
    const struct store *store = pages->store;
    if (!grows(store))
        return 0;
    const struct store_extent *extent = pages_extent(pages, number);
    struct store_roots *roots = pages_roots(pages);
    uint32_t all = pages_of(store->shape.units);
    uint32_t to = pages_of((uint64_t)extent->start + extent->units);
    if (to <= roots->backed)
        return 0;
    to = (to + PIECE_PAGES - 1) / PIECE_PAGES * PIECE_PAGES;
    to = to < all ? to : all;
    int r = reserve(store, roots->backed, to);
    if (r == 0)
        roots->backed = to;
    return r;
}

void backing_trim(struct store *store)
{
    struct pages pages;
    if (!grows(store) || store_lock(store, 0) < 0)
        return;
    pages_init(&pages, store);
    struct store_roots *roots = pages_roots(&pages);
    uint32_t used = pages_of(memory_end(&pages)), from = used + KEPT_PAGES, to = roots->backed;
    struct explanation before;
    explanation_keep(&before);
    if (!pages.damaged && to <= pages_of(store->shape.units) && to > used + MUCH_PAGES) {
        CLEANUP(file_close)
        int data = region_reopen_data(store->flow->region, FERRY_READ | FERRY_WRITE);
        roots->backed = from;
        if (data >= 0 && pages_commit(&pages) == 0)
            file_give_back(data, (uint64_t)from * PAGE, (uint64_t)(to - from) * PAGE);
    }
    explanation_restore(&before);
    store_unlock(store);
}
