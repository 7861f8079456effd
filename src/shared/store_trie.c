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

enum { KEY_BITS = TRIE_KEY_BITS, NO_BIT = 255 };

/* The word of a list in which a trie's branch has its bit, and the first in which one has its children. */
enum { BITS_WORD = offsetof(struct store_list, bits) / 8, CHILDREN_WORD = 4 };

static struct trie_key key_at(unsigned trie, uint64_t type, uint32_t priority, uint64_t first)
{
    if (trie == TRIE_TYPES)
        return (struct trie_key){type, ~priority};
    uint32_t urgency = trie == TRIE_FIRSTS ? ~priority : priority;
    return (struct trie_key){(uint64_t)urgency << 32 | first >> 32, (uint32_t)first};
}

static struct trie_key key_of(const struct store_list *list, unsigned trie)
{
    return key_at(trie, list->type, list->priority, list->first);
}

static inline bool bit_of(struct trie_key key, uint32_t bit)
{
    return bit < 64 ? key.upper >> (63 - bit) & 1 : key.lower >> (95 - bit) & 1;
}

/* The first bit in which they differ; NO_BIT: none. */
static uint32_t difference(struct trie_key a, struct trie_key b)
{
    if (a.upper != b.upper)
        return (uint32_t)__builtin_clzll(a.upper ^ b.upper);
    return a.lower != b.lower ? 64 + (uint32_t)__builtin_clz(a.lower ^ b.lower) : NO_BIT;
}

static inline bool is_branch(uint32_t reference)
{
    return (reference & 1) != 0;
}

/* ---- Looking ----------------------------------------------------------------------------------- */

struct branch {
    uint32_t bit;
    uint32_t children[2];
};

/* Reads a branch that must differ at a later bit than `above`, which is -1 at the root.  Two words, each once. */
static inline struct branch read_branch(struct pages *pages, unsigned trie, uint32_t reference,
                                        int above)
{
    uint32_t at = list_line(pages, reference >> 1);
    union store_line line;
    if (at != 0 && pages->places[at % PAGES_HASHES] == 0) {
        const _Atomic uint64_t *words = store_words(pages->store, at);
        line.words[BITS_WORD] = atomic_load_explicit(&words[BITS_WORD], memory_order_relaxed);
        line.words[CHILDREN_WORD + trie] =
            atomic_load_explicit(&words[CHILDREN_WORD + trie], memory_order_relaxed);
    } else {
        line.words[BITS_WORD] = pages_word_slowly(pages, at, BITS_WORD);
        line.words[CHILDREN_WORD + trie] = pages_word_slowly(pages, at, CHILDREN_WORD + trie);
    }
    struct branch branch = {line.list.bits[trie],
                            {line.list.children[trie][0], line.list.children[trie][1]}};
    if ((int)branch.bit <= above || branch.bit >= KEY_BITS)
        pages->damaged = true;
    return branch;
}

static uint32_t root_of(struct pages *pages, unsigned trie)
{
    static_assert(offsetof(struct store_roots, tries) == 0, "two to a word");
    union store_line line;
    line.words[trie / 2] = pages_word(pages, STORE_ROOTS, trie / 2);
    return line.roots.tries[trie];
}

/* Goes down to where a key is, or would be. */
static inline __attribute__((always_inline)) void go(struct pages *pages, unsigned trie,
                                                     struct trie_key key, struct trie_way *way)
{
    uint32_t reference = root_of(pages, trie), depth = 0;
    int above = -1;
    for (; is_branch(reference); depth++) {
        struct branch branch = read_branch(pages, trie, reference, above);
        if (pages->damaged)
            break;
        bool side = bit_of(key, branch.bit);
        way->lists[depth] = reference >> 1;
        way->bits[depth] = (uint8_t)branch.bit;
        way->sides[depth] = side;
        above = (int)branch.bit;
        reference = side ? branch.children[1] : branch.children[0];
    }
    way->key = key;
    way->depth = depth;
    way->leaf = pages->damaged ? 0 : reference >> 1;
}

/* That way is known until the trie changes. */
static const struct trie_way *descend(struct pages *pages, unsigned trie, struct trie_key key)
{
    struct trie_way *way = &pages->way[trie];
    pages->ways |= 1u << trie;
    /* Three times the same, for each with the words where it finds its branches. */
    if (trie == TRIE_TYPES)
        go(pages, TRIE_TYPES, key, way);
    else if (trie == TRIE_FIRSTS)
        go(pages, TRIE_FIRSTS, key, way);
    else
        go(pages, TRIE_LOWS, key, way);
    return way;
}

/* The way that was gone last, if it leads to that key, or to that list; else it is gone now. */
static const struct trie_way *way_to_key(struct pages *pages, unsigned trie, struct trie_key key)
{
    const struct trie_way *way = &pages->way[trie];
    bool is_known = (pages->ways >> trie & 1) != 0 && difference(way->key, key) == NO_BIT;
    return is_known ? way : descend(pages, trie, key);
}

static const struct trie_way *way_to_list(struct pages *pages, unsigned trie, uint32_t number)
{
    const struct trie_way *way = &pages->way[trie];
    if ((pages->ways >> trie & 1) == 0 || way->leaf != number)
        way = descend(pages, trie, key_of(pages_list(pages, number), trie));
    if (way->leaf != number)
        pages->damaged = true;
    return way;
}

static const struct trie_key LEAST = {0, 0};

uint32_t trie_first(struct pages *pages, unsigned trie)
{
    return way_to_key(pages, trie, LEAST)->leaf;
}

/* The first one on the other side of the last branch on the way to the first. */
uint32_t trie_second(struct pages *pages, unsigned trie)
{
    const struct trie_way *way = way_to_key(pages, trie, LEAST);
    if (way->depth == 0 || pages->damaged)
        return 0;
    int above = way->bits[way->depth - 1];
    uint32_t reference = pages_list(pages, way->lists[way->depth - 1])->children[trie][1];
    while (is_branch(reference) && !pages->damaged) {
        struct branch branch = read_branch(pages, trie, reference, above);
        above = (int)branch.bit;
        reference = branch.children[0];
    }
    return pages->damaged ? 0 : reference >> 1;
}

uint32_t trie_of_type(struct pages *pages, uint64_t type)
{
    uint32_t list = way_to_key(pages, TRIE_TYPES, (struct trie_key){type, 0})->leaf;
    return list != 0 && pages_list(pages, list)->type == type ? list : 0;
}

uint32_t trie_exact(struct pages *pages, uint64_t type, uint32_t priority)
{
    const struct trie_key key = {type, ~priority};
    uint32_t list = way_to_key(pages, TRIE_TYPES, key)->leaf;
    if (list == 0)
        return 0;
    return difference(key_of(pages_list(pages, list), TRIE_TYPES), key) == NO_BIT ? list : 0;
}

/* ---- Changing ---------------------------------------------------------------------------------- */

static void forget_way(struct pages *pages, unsigned trie)
{
    pages->ways &= ~(1u << trie);
}

/* The reference that leads to the branch at that depth of the way, or at its end to the list; to be changed. */
static uint32_t *reference_at(struct pages *pages, unsigned trie, const struct trie_way *way,
                              uint32_t depth)
{
    if (depth == 0)
        return &CHANGE(pages_roots(pages), tries[trie]);
    const struct store_list *list = pages_list(pages, way->lists[depth - 1]);
    return &CHANGE(list, children[trie][way->sides[depth - 1]]);
}

void trie_insert(struct pages *pages, unsigned trie, uint32_t number)
{
    const struct store_list *list = pages_list(pages, number);
    struct trie_key key = key_of(list, trie);
    const struct trie_way *way = way_to_key(pages, trie, key);
    forget_way(pages, trie);
    if (way->leaf == 0) {
        *reference_at(pages, trie, way, way->depth) = number << 1;
        pages->damaged |= way->depth != 0;
        return;
    }
    uint32_t bit = difference(key_of(pages_list(pages, way->leaf), trie), key);
    if (bit == NO_BIT) {
        pages->damaged = true;
        return;
    }
    uint32_t depth = way->depth;
    while (depth > 0 && way->bits[depth - 1] >= bit)
        depth--;
    uint32_t *reference = reference_at(pages, trie, way, depth);
    bool side = bit_of(key, bit);
    CHANGE(list, bits[trie]) = (uint8_t)bit;
    CHANGE(list, children[trie][side]) = number << 1;
    CHANGE(list, children[trie][!side]) = *reference;
    *reference = number << 1 | 1;
}

/* The branch that is kept in list `from`, above that depth of the way, moves to list `to`. */
static void move_branch(struct pages *pages, unsigned trie, const struct trie_way *way,
                        uint32_t depth, uint32_t from, uint32_t to)
{
    while (depth-- > 0) {
        if (way->lists[depth] != from)
            continue;
        const struct store_list *source = pages_list(pages, from), *target = pages_list(pages, to);
        CHANGE(target, bits[trie]) = source->bits[trie];
        CHANGE(target, children[trie][0]) = source->children[trie][0];
        CHANGE(target, children[trie][1]) = source->children[trie][1];
        *reference_at(pages, trie, way, depth) = to << 1 | 1;
        return;
    }
}

void trie_remove(struct pages *pages, unsigned trie, uint32_t number)
{
    const struct trie_way *way = way_to_list(pages, trie, number);
    forget_way(pages, trie);
    if (pages->damaged)
        return;
    if (way->depth == 0) {
        CHANGE(pages_roots(pages), tries[trie]) = 0;
        return;
    }
    uint32_t last = way->depth - 1, parent = way->lists[last];
    uint32_t rest = pages_list(pages, parent)->children[trie][!way->sides[last]];
    *reference_at(pages, trie, way, last) = rest;
    if (parent != number) /* not those at `last`: that branch is no more */
        move_branch(pages, trie, way, last, number, parent);
}

bool trie_stays(struct pages *pages, unsigned trie, uint32_t number, uint64_t first)
{
    const struct store_list *list = pages_list(pages, number);
    const struct trie_way *way = way_to_list(pages, trie, number);
    uint32_t bit = difference(key_of(list, trie), key_at(trie, list->type, list->priority, first));
    return way->depth == 0 || way->bits[way->depth - 1] < bit;
}
