/* Bytes in a pipe of 65,536, as the kernel packs them, and as a ring has them.
 *
 * The kernel has sixteen pages.  A write goes to the end of the last page if its odd bytes fit there as
 * a whole, and otherwise begins a new one; a page is free again when all of it has been read.  A ring has
 * bytes; one that was found full has room again when 4,096 of them are free.  What is "found full": that
 * nothing fits, or also that something did not?  Both are answered here. */
#ifndef FERRY_CONFORMANCE_PACKING_H
#define FERRY_CONFORMANCE_PACKING_H

#include <stdbool.h>
#include <stdint.h>

enum { PAGES = 16 };

struct page {
    uint32_t start, end;
};

struct packing {
    struct page pages[PAGES];
    int page_count;
    uint32_t depth;
    bool full_to_all;  /* the ring, once nothing fits */
    bool full_to_some; /* the ring, once something did not */
};

/* What a write that does not wait puts in.  false: that is not the same for all. */
bool packing_write(struct packing *packing, uint32_t count, uint32_t *ret_written);

/* Takes what is there. */
void packing_read(struct packing *packing, uint32_t count);

/* Does a writer that has found no room go on? */
bool packing_has_room(const struct packing *packing);

/* That is the same for all. */
bool packing_is_clear(const struct packing *packing);

#endif
