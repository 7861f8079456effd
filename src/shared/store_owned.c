/* Memory that belongs to members: loaned, being written, being read, taken.
 *
 * All such extents are in one list, so that what the dead had is found without a look at all the others.  The dead are not looked
 * for as long as there is room without them. */
#include "shared/store_inside.h"

static bool is_senders(uint32_t owner)
{
    return (owner & ~TAG_MASK) == 0;
}

void owned_add(struct pages *pages, uint32_t number, uint32_t owner, uint32_t size)
{
    const struct store_books *books = pages_books(pages);
    const struct store_extent *extent = pages_extent(pages, number);
    CHANGE(extent, owner) = owner;
    CHANGE(extent, size) = size;
    CHANGE(extent, older) = 0;
    CHANGE(extent, newer) = books->owned;
    if (books->owned != 0)
        CHANGE(pages_extent(pages, books->owned), older) = number;
    CHANGE(books, owned) = number;
    CHANGE(books, owners)++;
    if (is_senders(owner)) {
        CHANGE(books, held)++;
        CHANGE(books, held_bytes) += size;
    }
}

void owned_remove(struct pages *pages, uint32_t number)
{
    const struct store_books *books = pages_books(pages);
    const struct store_extent *extent = pages_extent(pages, number);
    if (extent->newer != 0)
        CHANGE(pages_extent(pages, extent->newer), older) = extent->older;
    if (extent->older != 0)
        CHANGE(pages_extent(pages, extent->older), newer) = extent->newer;
    else
        CHANGE(books, owned) = extent->newer;
    bool senders = is_senders(extent->owner);
    if ((extent->owner & TAG_MASK) == 0 || books->owners == 0 ||
        (senders && (books->held == 0 || books->held_bytes < extent->size))) {
        pages->damaged = true;
        return;
    }
    CHANGE(books, owners)--;
    if (senders) {
        CHANGE(books, held)--;
        CHANGE(books, held_bytes) -= extent->size;
    }
}

static int reclaim_one(struct store *store, uint32_t number)
{
    struct pages pages;
    pages_init(&pages, store);
    owned_remove(&pages, number);
    memory_free(&pages, number);
    return pages_commit(&pages);
}

int owned_reclaim(struct store *store, slot_tag also)
{
    struct pages pages;
    pages_init(&pages, store);
    const struct store_books *books = pages_books(&pages);
    uint32_t number = books->owned, owners = books->owners;
    slot_tag living = 0; /* the last one that was */
    int reclaimed = 0;
    for (uint32_t i = 0; number != 0 && i < owners && i < store->shape.extents; i++) {
        pages_init(&pages, store); /* so many do not fit */
        struct store_extent extent = *pages_extent(&pages, number);
        if (pages.damaged)
            return flow_damaged();
        slot_tag owner = extent.owner & TAG_MASK;
        if (owner == also || (owner != living && !slots_is_alive(store->slots, owner))) {
            int r = reclaim_one(store, number);
            if (r < 0)
                return r;
            reclaimed++;
        } else {
            living = owner;
        }
        number = extent.newer;
    }
    if (reclaimed > 0) {
        pages_init(&pages, store);
        const struct store_news news = wait_pick_senders(&pages);
        if (news.word != NULL)
            wait_wake(&news);
    }
    return reclaimed;
}
