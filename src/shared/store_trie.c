/* Tries: of all lists of messages, the smallest in some order, at once.
 *
 * They are crit-bit tries: a branch says at which bit its keys differ for the first time, and has two children, a list or
 * another branch each.  Bits grow on the way down, so that a way has at most as many branches as a key has bits, 96,
 * whatever a peer wrote.  A reference is twice the number of a list, and one more if it means the branch that is kept there.
 *
 * So each list has room for one branch of each trie, and in each trie all lists but one use it.  The branch that is kept in a list is
 * always above that list: it is made when the list is inserted, right above it.  When a list goes, the branch above it
 * is not needed any more; if that was kept elsewhere, the one that the leaving list has moves there, and is still above it. */
#include "shared/store_inside.h"

enum { KEY_BITS = 96, NO_BIT = 255 };

struct key {
    uint64_t upper;
    uint32_t lower;
};

static struct key key_of(const struct store_list *list, unsigned trie)
{
    if (trie == TRIE_TYPES)
        return (struct key){list->type, ~list->priority};
    uint32_t urgency = trie == TRIE_FIRSTS ? ~list->priority : list->priority;
    return (struct key){(uint64_t)urgency << 32 | list->first >> 32, (uint32_t)list->first};
}

static bool bit_of(struct key key, uint32_t bit)
{
    return bit < 64 ? key.upper >> (63 - bit) & 1 : key.lower >> (95 - bit) & 1;
}

/* The first bit in which they differ; NO_BIT: none. */
static uint32_t difference(struct key a, struct key b)
{
    if (a.upper != b.upper)
        return (uint32_t)__builtin_clzll(a.upper ^ b.upper);
    return a.lower != b.lower ? 64 + (uint32_t)__builtin_clz(a.lower ^ b.lower) : NO_BIT;
}

static bool is_branch(uint32_t reference)
{
    return (reference & 1) != 0;
}

/* ---- Looking ----------------------------------------------------------------------------------- */

struct branch {
    uint32_t bit;
    uint32_t children[2];
};

/* Reads a branch that must differ at a later bit than `above`, which is -1 at the root. */
static struct branch read_branch(struct pages *pages, unsigned trie, uint32_t reference, int above)
{
    uint32_t list = reference >> 1;
    if (list == 0 || list > pages->store->shape.lists)
        pages->damaged = true;
    if (pages->damaged)
        return (struct branch){NO_BIT, {0, 0}};
    union store_line line;
    uint32_t at = pages->store->shape.lists_at + list;
    line.words[3] = pages_word(pages, at, 3);
    line.words[4 + trie] = pages_word(pages, at, 4 + trie);
    struct branch branch = {line.list.bits[trie],
                            {line.list.children[trie][0], line.list.children[trie][1]}};
    if ((int)branch.bit <= above || branch.bit >= KEY_BITS)
        pages->damaged = true;
    return branch;
}

static uint32_t root_of(struct pages *pages, unsigned trie)
{
    return pages_roots(pages)->tries[trie];
}

/* The list on the side of 0 below that reference. */
static uint32_t leftmost(struct pages *pages, unsigned trie, uint32_t reference, int above)
{
    while (is_branch(reference) && !pages->damaged) {
        struct branch branch = read_branch(pages, trie, reference, above);
        above = (int)branch.bit;
        reference = branch.children[0];
    }
    return pages->damaged ? 0 : reference >> 1;
}

uint32_t trie_first(struct pages *pages, unsigned trie)
{
    return leftmost(pages, trie, root_of(pages, trie), -1);
}

uint32_t trie_second(struct pages *pages, unsigned trie)
{
    uint32_t reference = root_of(pages, trie), other = 0;
    int above = -1, above_other = -1;
    while (is_branch(reference) && !pages->damaged) {
        struct branch branch = read_branch(pages, trie, reference, above);
        above = above_other = (int)branch.bit;
        reference = branch.children[0];
        other = branch.children[1];
    }
    return leftmost(pages, trie, other, above_other);
}

uint32_t trie_of_type(struct pages *pages, uint64_t type)
{
    const struct key key = {type, 0};
    uint32_t reference = root_of(pages, TRIE_TYPES);
    int above = -1;
    while (is_branch(reference) && !pages->damaged) {
        struct branch branch = read_branch(pages, TRIE_TYPES, reference, above);
        if (branch.bit >= 64) /* all below are of one type */
            break;
        above = (int)branch.bit;
        reference = branch.children[bit_of(key, branch.bit)];
    }
    uint32_t list = leftmost(pages, TRIE_TYPES, reference, above);
    return list != 0 && pages_list(pages, list)->type == type ? list : 0;
}

/* ---- Changing ---------------------------------------------------------------------------------- */

/* The way down to where a key is, or would be: the lists whose branches were passed, and on which side. */
struct way {
    uint32_t depth;
    uint32_t leaf;
    uint32_t lists[KEY_BITS];
    uint8_t bits[KEY_BITS], sides[KEY_BITS];
};

static void descend(struct pages *pages, unsigned trie, struct key key, struct way *way)
{
    uint32_t reference = root_of(pages, trie);
    int above = -1;
    way->depth = 0;
    while (is_branch(reference) && !pages->damaged) {
        struct branch branch = read_branch(pages, trie, reference, above);
        if (pages->damaged)
            break;
        bool side = bit_of(key, branch.bit);
        way->lists[way->depth] = reference >> 1;
        way->bits[way->depth] = (uint8_t)branch.bit;
        way->sides[way->depth++] = side;
        above = (int)branch.bit;
        reference = branch.children[side];
    }
    way->leaf = pages->damaged ? 0 : reference >> 1;
}

/* The reference that leads to the branch at that depth of the way, or at its end to the list. */
static uint32_t *reference_at(struct pages *pages, unsigned trie, const struct way *way,
                              uint32_t depth)
{
    if (depth == 0)
        return &pages_roots(pages)->tries[trie];
    struct store_list *list = pages_list(pages, way->lists[depth - 1]);
    return &list->children[trie][way->sides[depth - 1]];
}

uint32_t trie_exact(struct pages *pages, uint64_t type, uint32_t priority)
{
    const struct key key = {type, ~priority};
    struct way way;
    descend(pages, TRIE_TYPES, key, &way);
    if (way.leaf == 0)
        return 0;
    struct store_list *list = pages_list(pages, way.leaf);
    return difference(key_of(list, TRIE_TYPES), key) == NO_BIT ? way.leaf : 0;
}

void trie_insert(struct pages *pages, unsigned trie, uint32_t number)
{
    struct store_list *list = pages_list(pages, number);
    struct key key = key_of(list, trie);
    struct way way;
    descend(pages, trie, key, &way);
    if (way.leaf == 0) {
        *reference_at(pages, trie, &way, way.depth) = number << 1;
        pages->damaged |= way.depth != 0;
        return;
    }
    uint32_t bit = difference(key_of(pages_list(pages, way.leaf), trie), key);
    if (bit == NO_BIT) {
        pages->damaged = true;
        return;
    }
    uint32_t depth = 0;
    while (depth < way.depth && way.bits[depth] < bit)
        depth++;
    uint32_t *reference = reference_at(pages, trie, &way, depth);
    bool side = bit_of(key, bit);
    list->bits[trie] = (uint8_t)bit;
    list->children[trie][side] = number << 1;
    list->children[trie][!side] = *reference;
    *reference = number << 1 | 1;
}

/* The branch that is kept in list `from` moves to list `to`. */
static void move_branch(struct pages *pages, unsigned trie, const struct way *way, uint32_t from,
                        uint32_t to)
{
    for (uint32_t depth = 0; depth < way->depth; depth++) {
        if (way->lists[depth] != from)
            continue;
        struct store_list *source = pages_list(pages, from), *target = pages_list(pages, to);
        target->bits[trie] = source->bits[trie];
        target->children[trie][0] = source->children[trie][0];
        target->children[trie][1] = source->children[trie][1];
        *reference_at(pages, trie, way, depth) = to << 1 | 1;
        return;
    }
}

void trie_remove(struct pages *pages, unsigned trie, uint32_t number)
{
    struct way way;
    descend(pages, trie, key_of(pages_list(pages, number), trie), &way);
    if (way.leaf != number) {
        pages->damaged = true;
        return;
    }
    if (way.depth == 0) {
        pages_roots(pages)->tries[trie] = 0;
        return;
    }
    uint32_t last = way.depth - 1, parent = way.lists[last];
    uint32_t rest = pages_list(pages, parent)->children[trie][!way.sides[last]];
    *reference_at(pages, trie, &way, last) = rest;
    if (parent != number) {
        /* Not those at `last`: that branch is no more. */
        way.depth = last;
        move_branch(pages, trie, &way, number, parent);
    }
}
