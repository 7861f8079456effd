/* The memory of an unbounded store: files as large as the limit, of which only the beginning has memory, and of the index a
 * beginning for extents and one for lists.
 *
 * Messages go where it is lowest (store_memory.c).  A sender whose extent reaches beyond what has memory reserves more, with the
 * lock; a receiver that finds much free memory at the end gives it back.
 *
 * Dying: what was reserved and not noted is reserved once more; what was noted as given back before it was, is reserved once
 * more, too, by whoever needs it. */
#include "os/file.h"
#include "shared/store_inside.h"

/* Lines of the index get memory by the chunk; one message needs few new ones. */
enum { CHUNK_LINES = 1024, FRESH_MOST = 8 };

enum { PAGE = 4096, PIECE_PAGES = 256, KEPT_PAGES = 256, MUCH_PAGES = 1024, LOOKS = 8 };

static bool grows(const struct store *store)
{
    return (store->flow->shape.flags & FERRY_UNBOUNDED) != 0;
}

static uint32_t pages_of(uint64_t units)
{
    return (uint32_t)((units * STORE_UNIT + PAGE - 1) / PAGE);
}

/* ---- The index --------------------------------------------------------------------------------- */

/* Has memory for the lines up to `end` of a kind that begins with line `begin`; *known is how far this handle knows of some. */
static int reserve_lines(const struct store *store, _Atomic uint32_t *known, uint32_t begin,
                         uint32_t end)
{
    /* Relaxed: with the lock; and to reserve twice does no harm. */
    uint32_t from = atomic_load_explicit(known, memory_order_relaxed);
    if (end <= from)
        return 0;
    if (from < begin)
        from = begin / CHUNK_LINES * CHUNK_LINES;
    uint32_t to = (end + CHUNK_LINES - 1) / CHUNK_LINES * CHUNK_LINES, most = store->shape.lines;
    to = to < most ? to : most;
    int r = file_reserve_range(store->slots->lock_fd,
                               sizeof(struct layout) + (uint64_t)from * STORE_LINE_BYTES,
                               (uint64_t)(to - from) * STORE_LINE_BYTES);
    if (r == 0)
        atomic_store_explicit(known, to, memory_order_relaxed);
    return r;
}

uint64_t backing_first_index_bytes(void)
{
    return (uint64_t)CHUNK_LINES * STORE_LINE_BYTES;
}

int backing_reserve_index(struct pages *pages)
{
    struct store *store = pages->store;
    const struct store_books *books = pages_books(pages);
    uint32_t lists_at = store->shape.lists_at;
    int r = reserve_lines(store, &store->extents_known, STORE_EXTENTS,
                          STORE_EXTENTS + books->fresh_extent + FRESH_MOST);
    return r < 0 ? r
                 : reserve_lines(store, &store->lists_known, lists_at,
                                 lists_at + books->fresh_list + FRESH_MOST);
}

/* ---- The data ---------------------------------------------------------------------------------- */

static int reserve(const struct store *store, uint32_t from, uint32_t to)
{
    return file_reserve_range(store->flow->data, (uint64_t)from * PAGE,
                              (uint64_t)(to - from) * PAGE);
}

int backing_reserve(struct pages *pages, uint32_t number)
{
    const struct store *store = pages->store;
    const struct store_extent *extent = pages_extent(pages, number);
    const struct store_roots *roots = pages_roots(pages);
    uint32_t all = pages_of(store->shape.units);
    uint32_t to = pages_of((uint64_t)extent->start + extent->units);
    if (to <= roots->backed)
        return 0;
    to = (to + PIECE_PAGES - 1) / PIECE_PAGES * PIECE_PAGES;
    to = to < all ? to : all;
    int r = reserve(store, roots->backed, to);
    if (r == 0)
        CHANGE(roots, backed) = to;
    return r;
}

void backing_trim(struct store *store)
{
    struct pages pages;
    if (!grows(store) || store_lock(store, 0) < 0)
        return;
    pages_init(&pages, store);
    const struct store_roots *roots = pages_roots(&pages);
    uint32_t used = pages_of(memory_end(&pages)), from = used + KEPT_PAGES, to = roots->backed;
    struct explanation before;
    explanation_keep(&before);
    if (!pages.damaged && to <= pages_of(store->shape.units) && to > used + MUCH_PAGES) {
        int data = store->flow->data;
        CHANGE(roots, backed) = from;
        if (data >= 0 && pages_commit(&pages) == 0)
            file_give_back(data, (uint64_t)from * PAGE, (uint64_t)(to - from) * PAGE);
    }
    explanation_restore(&before);
    store_unlock(store);
}
