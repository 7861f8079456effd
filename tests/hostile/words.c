/* See words.h.  Values are absolute and few, so that all of them can be tried everywhere: each is
 * beside a bound that some word of the layout has, or names somebody who is alive, dead, or
 * impossible. */
#include "words.h"

#include <stdio.h>
#include <string.h>

#include <ferry/base.h>

#include "shared/mutex.h"
#include "shared/slots.h"

/* ---- Which words ----------------------------------------------------------------------------- */

/* Of what kind of object words were listed last: in all processes of a run the same. */
static uint32_t listed_kind;

static void add(struct words *words, uint32_t offset, uint32_t width)
{
    if (words->count < WORDS_MOST)
        words->list[words->count++] = (struct word){offset, width};
}

static void add_both_widths(struct words *words, uint32_t offset)
{
    add(words, offset, 8);
    add(words, offset, 4);
    add(words, offset + 4, 4);
}

/* Of an array the first four words and the last two: a pair of them is a record. */
static void add_field(struct words *words, uint32_t base, const struct layout_field *field)
{
    if (field->width == 4)
        add(words, base + field->offset, 4);
    for (uint32_t at = 0; at + 8 <= field->width; at += 8)
        if (at < 32 || at + 16 >= field->width)
            add_both_widths(words, base + field->offset + at);
}

static void add_entry(struct words *words, uint32_t slot)
{
    const struct layout_field *field;
    uint32_t base = (uint32_t)offsetof(struct layout, members[slot]);
    for (size_t i = 0; (field = layout_entry_field(i)) != NULL; i++)
        add_field(words, base, field);
}

void words_list(struct words *ret_words, uint32_t kind)
{
    const struct layout_field *field;
    ret_words->count = 0;
    listed_kind = kind;
    for (size_t i = 0; (field = layout_field(kind, i)) != NULL; i++)
        add_field(ret_words, 0, field);
    for (uint32_t slot = WORDS_PEER; slot <= WORDS_NOBODY; slot++)
        add_entry(ret_words, slot);
    ret_words->named = ret_words->count;
    for (uint32_t at = 0; at < WORDS_IMAGE_BYTES; at += 8)
        add_both_widths(ret_words, at);
}

bool words_is_worth_a_siege(struct word word)
{
    const struct layout_field *field;
    for (size_t i = 0; (field = layout_field(listed_kind, i)) != NULL; i++)
        if (field->offset == word.offset && field->width == 4 && word.width == 4)
            return word.offset >= sizeof(struct layout_identity);
    return word.width == 4 && word.offset == offsetof(struct layout, members[WORDS_PEER].mark);
}

/* ---- Which values ---------------------------------------------------------------------------- */

uint64_t words_load(const void *control, struct word word)
{
    const char *at = (const char *)control + word.offset;
    if (word.width == 8)
        return atomic_load_explicit((const _Atomic uint64_t *)(const void *)at,
                                    memory_order_relaxed);
    return atomic_load_explicit((const _Atomic uint32_t *)(const void *)at, memory_order_relaxed);
}

void words_store(void *control, struct word word, uint64_t value)
{
    char *at = (char *)control + word.offset;
    if (word.width == 8)
        atomic_store_explicit((_Atomic uint64_t *)(void *)at, value, memory_order_relaxed);
    else
        atomic_store_explicit((_Atomic uint32_t *)(void *)at, (uint32_t)value,
                              memory_order_relaxed);
}

struct values {
    uint64_t *list;
    size_t count;
    uint64_t mask;
};

static void put(struct values *values, uint64_t value)
{
    value &= values->mask;
    for (size_t i = 0; i < values->count; i++)
        if (values->list[i] == value)
            return;
    if (values->count < WORDS_VALUES_MOST)
        values->list[values->count++] = value;
}

/* Bounds that counts, indexes, offsets and sizes of this layout have. */
static void put_bounds(struct values *values)
{
    static const uint64_t bounds[] = {LAYOUT_JOURNAL_RECORDS,
                                      64,
                                      LAYOUT_MEMBERS,
                                      1 << TAG_SLOT_BITS,
                                      TAG_MASK,
                                      WORDS_IMAGE_BYTES,
                                      sizeof(struct layout) - 8,
                                      sizeof(struct layout),
                                      UINT32_MAX,
                                      INT32_MAX,
                                      INT64_MAX};
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        put(values, bounds[i] - 1);
        put(values, bounds[i]);
        put(values, bounds[i] + 1);
    }
}

/* Lock words that name the living, the dead, and those who cannot be. */
static void put_tags(struct values *values)
{
    const slot_tag tags[] = {slot_tag_make(WORDS_PEER, 1), slot_tag_make(WORDS_VICTIM, 1),
                             slot_tag_make(WORDS_NOBODY, 1), slot_tag_make(LAYOUT_MEMBERS - 1, 1)};
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        put(values, tags[i]);
        put(values, tags[i] | MUTEX_WAITING);
    }
    put(values, tags[0] | MUTEX_UNREPAIRED);
    put(values, MUTEX_WAITING | MUTEX_UNREPAIRED);
}

size_t words_values(const void *control, const void *older, struct word word,
                    uint64_t ret_values[WORDS_VALUES_MOST])
{
    struct values values = {ret_values, 0, word.width == 8 ? UINT64_MAX : UINT32_MAX};
    uint64_t now = words_load(control, word);
    put(&values, now); /* first, so that it is known and can be passed over */
    put(&values, now + 1);
    put(&values, now - 1);
    put(&values, ~now);
    put(&values, 0);
    put(&values, 1);
    put(&values, UINT64_MAX);
    put(&values, UINT64_C(1) << 63);
    put(&values, words_load(older, word));
    if (word.offset >= word.width)
        put(&values, words_load(control, (struct word){word.offset - word.width, word.width}));
    put_tags(&values);
    put_bounds(&values);
    memmove(ret_values, ret_values + 1, (values.count - 1) * sizeof(ret_values[0]));
    return values.count - 1;
}

/* ---- For people ------------------------------------------------------------------------------ */

static bool covers(uint32_t base, const struct layout_field *field, uint32_t offset)
{
    return offset >= base + field->offset && offset < base + field->offset + field->width;
}

void words_describe(struct word word, char *ret_text, size_t size_bytes)
{
    const struct layout_field *field;
    uint32_t table = offsetof(struct layout, members);
    snprintf(ret_text, size_bytes, "unused");
    for (size_t i = 0; (field = layout_field(listed_kind, i)) != NULL; i++)
        if (covers(0, field, word.offset))
            snprintf(ret_text, size_bytes, "%s %s", field->group, field->name);
    if (word.offset < table)
        return;
    uint32_t slot = (word.offset - table) / (uint32_t)sizeof(struct layout_entry);
    snprintf(ret_text, size_bytes, "member %u", slot);
    for (size_t i = 0; (field = layout_entry_field(i)) != NULL; i++)
        if (covers((uint32_t)offsetof(struct layout, members[slot]), field, word.offset))
            snprintf(ret_text, size_bytes, "member %u %s", slot, field->name);
}

/* ---- Backgrounds ----------------------------------------------------------------------------- */

uint64_t words_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

uint64_t words_random_tag(uint64_t *random)
{
    uint64_t number = words_random(random);
    uint32_t slot = WORDS_NOBODY + (uint32_t)(number % (LAYOUT_ENTRIES_AT_FIRST - WORDS_NOBODY));
    return slot_tag_make(slot, (uint32_t)(number >> 32));
}

/* Any offset, but mostly one that points somewhere. */
static uint64_t random_offset(uint64_t *random)
{
    uint64_t number = words_random(random);
    return number % 8 == 0 ? number : (number >> 8) % (sizeof(struct layout) + 64) / 8 * 8;
}

/* The books are a dead member's, who had committed whatever there is in the journal. */
static void dead_holder(struct layout *control, uint64_t *random)
{
    for (uint32_t i = 0; i < LAYOUT_JOURNAL_RECORDS; i++) {
        struct layout_record *record = &control->journal.records[i];
        atomic_store_explicit(&record->offset, random_offset(random), memory_order_relaxed);
        atomic_store_explicit(&record->value, words_random(random), memory_order_relaxed);
    }
    atomic_store_explicit(&control->journal.commit, (uint32_t)words_random(random) % 20,
                          memory_order_relaxed);
    atomic_store_explicit(&control->lock.word, slot_tag_make(WORDS_NOBODY, 1),
                          memory_order_relaxed);
}

/* A full table, of which everybody sleeps, listens, reads and is in the middle of a notice, and the lock is
 * a living peer's. */
static void crowd(struct layout *control, uint64_t *random)
{
    (void)random;
    atomic_store_explicit(&control->ledger.high, LAYOUT_MEMBERS, memory_order_relaxed);
    for (uint32_t i = 0; i < LAYOUT_BOARD_WORDS; i++) {
        atomic_store_explicit(&control->sleepers.words[i], UINT64_MAX, memory_order_relaxed);
        atomic_store_explicit(&control->listeners.words[i], UINT64_MAX, memory_order_relaxed);
    }
    for (uint32_t slot = WORDS_NOBODY; slot < LAYOUT_ENTRIES_AT_FIRST; slot++) {
        struct layout_entry *entry = &control->members[slot];
        atomic_store_explicit(&entry->joined, UINT64_MAX, memory_order_relaxed);
        atomic_store_explicit(&entry->mark, UINT32_MAX, memory_order_relaxed);
        atomic_store_explicit(&entry->holds, UINT32_MAX, memory_order_relaxed);
    }
    atomic_store_explicit(&control->mutex.word, slot_tag_make(WORDS_PEER, 1) | MUTEX_WAITING,
                          memory_order_relaxed);
}

const char *words_background_name(unsigned background)
{
    static const char *const names[WORDS_BACKGROUNDS] = {"calm", "dead-holder", "crowd"};
    return names[background];
}

void words_background(unsigned background, struct layout *control, uint64_t *random)
{
    if (background == 1)
        dead_holder(control, random);
    else if (background == 2)
        crowd(control, random);
}
