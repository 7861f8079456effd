/* Memory for messages, in extents of 64-byte units (two-level segregated fit).
 *
 * All extents hang together as they lie in memory, free or not; free neighbours are one.  Free ones are in a list by size besides:
 * sizes below 8 units each have one, above that each power of two has eight.  A bit for each list says whether there is
 * anything in it, so that finding, splitting and joining take a bounded number of steps.  What is asked for is cut off from the
 * front of an extent of the smallest size that is sure to do, so that small holes are filled first, and what lies high stays free.
 *
 * Dying: the pages are written as one, or not at all. */
#include "shared/store_inside.h"

enum { OWN_SIZE_LOOKS = 8 };

/* ---- Sizes ------------------------------------------------------------------------------------- */

struct size_class {
    uint32_t level, step;
};

static struct size_class class_of(uint32_t units)
{
    if (units < STORE_STEPS)
        return (struct size_class){0, units};
    uint32_t log = 31 - (uint32_t)__builtin_clz(units);
    return (struct size_class){log - 2, units >> (log - 3) & (STORE_STEPS - 1)};
}

/* The smallest whose extents all have so many units. */
static struct size_class class_that_fits(uint32_t units)
{
    if (units >= STORE_STEPS)
        units += (UINT32_C(1) << (28 - (uint32_t)__builtin_clz(units))) - 1;
    return class_of(units);
}

static const struct store_sizes *sizes_of(struct pages *pages)
{
    return &pages_line(pages, STORE_SIZES)->sizes;
}

/* The first free extent of a class; to be changed. */
static uint32_t *head_of(struct pages *pages, struct size_class class)
{
    if (class.level == 0)
        return &CHANGE(sizes_of(pages), small[class.step]);
    uint32_t index = class.level * STORE_STEPS + class.step;
    const union store_line *line = pages_line(pages, STORE_HEADS + index / STORE_HEADS_A_LINE);
    return &CHANGE(line, heads[index % STORE_HEADS_A_LINE]);
}

/* Which steps a level has. */
static uint32_t steps_of(struct pages *pages, uint32_t level)
{
    union store_line line;
    uint32_t word = (uint32_t)(offsetof(struct store_sizes, steps) + level) / 8;
    line.words[word] = pages_word(pages, STORE_SIZES, word);
    return line.sizes.steps[level];
}

static uint32_t first_of(struct pages *pages, struct size_class class)
{
    union store_line line;
    if (class.level == 0) {
        uint32_t word = (uint32_t)(offsetof(struct store_sizes, small) + 4 * class.step) / 8;
        line.words[word] = pages_word(pages, STORE_SIZES, word);
        return line.sizes.small[class.step];
    }
    uint32_t index = class.level * STORE_STEPS + class.step;
    uint32_t at = index % STORE_HEADS_A_LINE;
    line.words[at / 2] = pages_word(pages, STORE_HEADS + index / STORE_HEADS_A_LINE, at / 2);
    return line.heads[at];
}

/* The first of the classes from this one on that have a free extent; false if none has. */
static bool next_class(struct pages *pages, struct size_class *class)
{
    if (class->level >= STORE_LEVELS)
        return false;
    uint32_t steps = steps_of(pages, class->level) & (UINT32_MAX << class->step);
    if (steps == 0) {
        uint32_t levels =
            PAGES_LOOK(pages, STORE_SIZES, sizes, levels) & (UINT32_MAX << class->level << 1);
        if (levels == 0)
            return false;
        class->level = (uint32_t)__builtin_ctz(levels);
        steps = class->level < STORE_LEVELS ? steps_of(pages, class->level) : 0;
        if (steps == 0) {
            pages->damaged = true;
            return false;
        }
    }
    class->step = (uint32_t)__builtin_ctz(steps);
    return true;
}

/* ---- Lists of free ones ------------------------------------------------------------------------ */

static void list_insert(struct pages *pages, uint32_t number)
{
    const struct store_extent *extent = pages_extent(pages, number);
    struct size_class class = class_of(extent->units);
    if (class.level >= STORE_LEVELS) {
        pages->damaged = true;
        return;
    }
    uint32_t *head = head_of(pages, class);
    CHANGE(extent, previous) = 0;
    CHANGE(extent, next) = *head;
    if (*head != 0)
        CHANGE(pages_extent(pages, *head), previous) = number;
    *head = number;
    /* It was empty, or they are there. */
    if (extent->next != 0)
        return;
    const struct store_sizes *sizes = sizes_of(pages);
    CHANGE(sizes, levels) |= UINT32_C(1) << class.level;
    CHANGE(sizes, steps[class.level]) |= (uint8_t)(1u << class.step);
}

static void list_remove(struct pages *pages, uint32_t number)
{
    const struct store_extent *extent = pages_extent(pages, number);
    struct size_class class = class_of(extent->units);
    if (class.level >= STORE_LEVELS) {
        pages->damaged = true;
        return;
    }
    if (extent->next != 0)
        CHANGE(pages_extent(pages, extent->next), previous) = extent->previous;
    if (extent->previous != 0) {
        CHANGE(pages_extent(pages, extent->previous), next) = extent->next;
        return;
    }
    *head_of(pages, class) = extent->next;
    if (extent->next != 0)
        return;
    const struct store_sizes *sizes = sizes_of(pages);
    CHANGE(sizes, steps[class.level]) &= (uint8_t) ~(1u << class.step);
    if (sizes->steps[class.level] == 0)
        CHANGE(sizes, levels) &= ~(UINT32_C(1) << class.level);
}

/* A free extent has another place and size now. */
static void resize(struct pages *pages, uint32_t number, uint32_t start, uint32_t units)
{
    const struct store_extent *extent = pages_extent(pages, number);
    struct size_class was = class_of(extent->units), is = class_of(units);
    bool moves = was.level != is.level || was.step != is.step;
    if (moves)
        list_remove(pages, number);
    CHANGE(extent, start) = start;
    CHANGE(extent, units) = units;
    if (moves)
        list_insert(pages, number);
}

/* ---- Numbers of extents ------------------------------------------------------------------------ */

static uint32_t number_alloc(struct pages *pages)
{
    const struct store_books *books = pages_books(pages);
    uint32_t number = books->spare_extent;
    if (number != 0)
        CHANGE(books, spare_extent) = PAGES_LOOK(pages, extent_line(pages, number), extent, next);
    else if (books->fresh_extent <= pages->store->shape.extents)
        number = CHANGE(books, fresh_extent)++;
    else
        return 0;
    /* Whatever is in it, be it of somebody who died before the commit. */
    pages_fresh(pages, extent_line(pages, number));
    return pages->damaged ? 0 : number;
}

static void number_free(struct pages *pages, uint32_t number)
{
    const struct store_extent *extent = pages_extent(pages, number);
    const struct store_books *books = pages_books(pages);
    CHANGE(extent, owner) = STORE_NOBODYS;
    CHANGE(extent, next) = books->spare_extent;
    CHANGE(extent, previous) = 0;
    CHANGE(books, spare_extent) = number;
}

/* ---- Extents ----------------------------------------------------------------------------------- */

/* Is it free, where memory is, and as large as its class says? */
static bool is_sound(struct pages *pages, const struct store_extent *extent)
{
    uint32_t units = pages->store->shape.units;
    return extent->owner == STORE_FREE && extent->units != 0 && extent->units <= units &&
           extent->start <= units - extent->units;
}

/* A free extent of so many units; 0: there is none. */
static uint32_t find(struct pages *pages, uint32_t units)
{
    struct size_class class = class_that_fits(units), own = class_of(units);
    if (next_class(pages, &class)) {
        uint32_t first = first_of(pages, class);
        pages->damaged |= first == 0;
        return first;
    }
    /* All that is left of its own size may do, or not. */
    uint32_t number = own.level < STORE_LEVELS ? first_of(pages, own) : 0;
    for (int i = 0; i < OWN_SIZE_LOOKS && number != 0 && !pages->damaged; i++) {
        const struct store_extent *extent = pages_extent(pages, number);
        if (extent->units >= units)
            return number;
        number = extent->next;
    }
    return 0;
}

bool memory_has(struct pages *pages, uint32_t units)
{
    const struct store_books *books = pages_books(pages);
    bool numbers = books->spare_extent != 0 || books->fresh_extent <= pages->store->shape.extents;
    return numbers && find(pages, units) != 0;
}

/* Cuts so many units from the front of a free extent. */
static uint32_t cut(struct pages *pages, uint32_t rest, uint32_t units)
{
    uint32_t number = number_alloc(pages);
    if (number == 0)
        return 0;
    const struct store_extent *extent = pages_extent(pages, number);
    const struct store_extent *from = pages_extent(pages, rest);
    CHANGE(extent, start) = from->start;
    CHANGE(extent, units) = units;
    CHANGE(extent, before) = from->before;
    CHANGE(extent, after) = rest;
    if (from->before != 0)
        CHANGE(pages_extent(pages, from->before), after) = number;
    CHANGE(from, before) = number;
    resize(pages, rest, from->start + units, from->units - units);
    return number;
}

uint32_t memory_alloc(struct pages *pages, uint32_t units)
{
    uint32_t number = find(pages, units);
    if (number == 0)
        return 0;
    const struct store_extent *extent = pages_extent(pages, number);
    if (!is_sound(pages, extent) || extent->units < units) {
        pages->damaged = true;
        return 0;
    }
    if (extent->units > units)
        number = cut(pages, number, units);
    else
        list_remove(pages, number);
    /* What is nobody's may have been somebody's in a spoilt index. */
    const struct store_extent *got = pages_extent(pages, number);
    if (got->units != units || got->start > pages->store->shape.units - units)
        pages->damaged = true;
    return pages->damaged ? 0 : number;
}

/* Makes of two neighbours one, which is the free one that is given, and was in its list. */
static void join(struct pages *pages, uint32_t free, uint32_t other)
{
    const struct store_extent *into = pages_extent(pages, free), *from = pages_extent(pages, other);
    if (pages->damaged || !is_sound(pages, into)) {
        pages->damaged = true;
        return;
    }
    if (into->before == other && from->start + from->units == into->start) {
        CHANGE(into, before) = from->before;
        if (from->before != 0)
            CHANGE(pages_extent(pages, from->before), after) = free;
        resize(pages, free, from->start, from->units + into->units);
    } else if (into->after == other && into->start + into->units == from->start) {
        CHANGE(into, after) = from->after;
        if (from->after != 0)
            CHANGE(pages_extent(pages, from->after), before) = free;
        resize(pages, free, into->start, into->units + from->units);
    } else {
        pages->damaged = true;
    }
    number_free(pages, other);
}

static bool is_free(struct pages *pages, uint32_t number)
{
    return number != 0 &&
           PAGES_LOOK(pages, extent_line(pages, number), extent, owner) == STORE_FREE;
}

void memory_free(struct pages *pages, uint32_t number)
{
    const struct store_extent *extent = pages_extent(pages, number);
    uint32_t before = extent->before, after = extent->after, units = pages->store->shape.units;
    if (extent->units == 0 || extent->units > units || extent->start > units - extent->units) {
        pages->damaged = true;
        return;
    }
    bool joins_after = is_free(pages, after), joins_before = is_free(pages, before);
    if (joins_after)
        join(pages, after, number);
    if (joins_before && joins_after) {
        list_remove(pages, before);
        join(pages, after, before);
    } else if (joins_before) {
        join(pages, before, number);
    } else if (!joins_after) {
        CHANGE(extent, owner) = STORE_FREE;
        list_insert(pages, number);
    }
}

uint32_t memory_end(struct pages *pages)
{
    const struct store_sizes *sizes = sizes_of(pages);
    uint32_t end = pages->store->shape.units;
    if (sizes->levels == 0)
        return end;
    /* If it is much, it is of the greatest size. */
    struct size_class class = {31 - (uint32_t)__builtin_clz(sizes->levels), 0};
    if (class.level >= STORE_LEVELS || sizes->steps[class.level] == 0)
        return end;
    class.step = 31 - (uint32_t)__builtin_clz(sizes->steps[class.level]);
    uint32_t number = first_of(pages, class);
    for (int i = 0; i < OWN_SIZE_LOOKS && number != 0 && !pages->damaged; i++) {
        const struct store_extent *extent = pages_extent(pages, number);
        if (extent->after == 0 && is_sound(pages, extent))
            return extent->start;
        number = extent->next;
    }
    return end;
}

void memory_begin(union store_line *sizes, uint32_t units)
{
    struct size_class class = class_of(units); /* whole pages, so none of the first level */
    uint32_t index = class.level * STORE_STEPS + class.step;
    sizes->sizes.levels = UINT32_C(1) << class.level;
    sizes->sizes.steps[class.level] = (uint8_t)(1u << class.step);
    union store_line *heads = sizes + (STORE_HEADS - STORE_SIZES);
    heads[index / STORE_HEADS_A_LINE].heads[index % STORE_HEADS_A_LINE] = 1;
}
