/* See packing.h. */
#include "packing.h"

#include <string.h>

#include "back_end.h"

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void pages_append(struct packing *packing, uint32_t count)
{
    packing->pages[packing->page_count++] = (struct page){.end = count};
}

static uint32_t pages_write(struct packing *packing, uint32_t count)
{
    uint32_t done = 0, odd = count % PAGE;
    struct page *last = packing->pages + packing->page_count - 1;
    if (odd > 0 && packing->page_count > 0 && last->end + odd <= PAGE) {
        last->end += odd;
        done = odd;
    }
    while (done < count && packing->page_count < PAGES) {
        uint32_t part = smaller(count - done, PAGE);
        pages_append(packing, part);
        done += part;
    }
    return done;
}

static void pages_read(struct packing *packing, uint32_t count)
{
    int empty = 0;
    for (struct page *page = packing->pages; count > 0; page++) {
        uint32_t part = smaller(count, page->end - page->start);
        page->start += part;
        count -= part;
        empty += page->start == page->end;
    }
    packing->page_count -= empty;
    memmove(packing->pages, packing->pages + empty,
            (size_t)packing->page_count * sizeof *packing->pages);
}

static uint32_t ring_write(uint32_t depth, uint32_t count, bool *full, bool full_to_some)
{
    uint32_t free = CAPACITY - depth, least = count <= PAGE ? count : 1;
    if (free < least || (*full && free < PAGE)) {
        *full |= full_to_some || free == 0;
        return 0;
    }
    *full = free < count;
    return smaller(free, count);
}

bool packing_write(struct packing *packing, uint32_t count, uint32_t *ret_written)
{
    struct packing after = *packing;
    uint32_t written = pages_write(&after, count);
    if (ring_write(after.depth, count, &after.full_to_all, false) != written ||
        ring_write(after.depth, count, &after.full_to_some, true) != written)
        return false;
    after.depth += written;
    *packing = after;
    *ret_written = written;
    return true;
}

void packing_read(struct packing *packing, uint32_t count)
{
    pages_read(packing, count);
    packing->depth -= count;
}

bool packing_has_room(const struct packing *packing)
{
    return packing->page_count < PAGES;
}

bool packing_is_clear(const struct packing *packing)
{
    return packing_has_room(packing) == (CAPACITY - packing->depth >= PAGE);
}
