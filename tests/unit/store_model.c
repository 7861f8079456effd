/* The store against a plain list: random sends, receptions of every selection, drops, loans and takes, and after each of them the
 * same answers; in the end all memory is one again. */
#include <errno.h>
#include <stdio.h>

#include "store.h"

enum { MOST = 64, SIZE_MOST = 5000, STEPS = 30000 };

struct entry {
    uint64_t type;
    uint32_t priority, size, seed;
};

/* In order of arrival. */
struct model {
    struct entry entries[MOST];
    uint32_t count;
    uint64_t bytes;
};

struct play {
    struct store_object *of;
    struct flow *flow;
    struct model model;
    uint64_t random;
    uint32_t seeds, crowded;
};

static uint32_t draw(struct play *play, uint32_t below)
{
    play->random = play->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(play->random >> 33) % below;
}

static void fill(unsigned char *bytes, const struct entry *entry)
{
    for (uint32_t i = 0; i < entry->size; i++)
        bytes[i] = (unsigned char)(entry->seed * 31 + i * 7);
}

static void check_filled(const unsigned char *bytes, const struct entry *entry)
{
    for (uint32_t i = 0; i < entry->size; i++)
        if (bytes[i] != (unsigned char)(entry->seed * 31 + i * 7))
            CHECK_EQ(bytes[i], (unsigned char)(entry->seed * 31 + i * 7));
}

static bool suits(const struct entry *entry, unsigned selection, uint64_t type)
{
    return selection == FERRY_ANY || (selection == FERRY_OF_TYPE && entry->type == type) ||
           (selection == FERRY_UP_TO && entry->type <= type) ||
           (selection == FERRY_EXCEPT && entry->type != type);
}

/* Which one is next; -1: none. */
static int model_find(const struct model *model, unsigned selection, uint64_t type)
{
    int found = -1;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct entry *entry = &model->entries[i],
                           *best = &model->entries[found < 0 ? 0 : found];
        if (!suits(entry, selection, type))
            continue;
        bool lower = selection == FERRY_UP_TO && entry->type != best->type
                         ? entry->type < best->type
                         : entry->priority > best->priority;
        if (found < 0 || lower)
            found = (int)i;
    }
    return found;
}

static int model_oldest(const struct model *model, bool ranks)
{
    int found = model->count > 0 ? 0 : -1;
    for (uint32_t i = 1; ranks && i < model->count; i++)
        if (model->entries[i].priority < model->entries[found].priority)
            found = (int)i;
    return found;
}

static struct entry model_remove(struct model *model, int at)
{
    struct entry entry = model->entries[at];
    model->count--;
    model->bytes -= entry.size;
    memmove(&model->entries[at], &model->entries[at + 1],
            (model->count - (uint32_t)at) * sizeof(entry));
    return entry;
}

static struct entry draw_entry(struct play *play)
{
    unsigned flags = play->of->shape.flags;
    static const uint64_t types[] = {0, 1, 2, 3, 1000, UINT64_MAX, UINT64_C(1) << 40};
    uint32_t size = draw(play, 4) == 0 ? draw(play, SIZE_MOST + 1) : draw(play, 300);
    return (struct entry){.type = (flags & FERRY_TYPES) != 0 ? types[draw(play, 7)] : 0,
                          .priority =
                              (flags & FERRY_PRIORITIES) != 0 ? draw(play, 4) * 1000000000u : 0,
                          .size = size,
                          .seed = ++play->seeds};
}

static void play_send(struct play *play)
{
    static unsigned char bytes[SIZE_MOST];
    struct model *model = &play->model;
    const struct flow_shape *shape = &play->of->shape;
    struct entry entry = draw_entry(play);
    fill(bytes, &entry);
    bool fits = model->count < shape->messages && model->bytes + entry.size <= shape->bytes;
    int r;
    if (draw(play, 4) == 0) {
        void *loan;
        r = play->flow->engine->try_loan(play->flow, &loan, entry.size, CLOCK_NEVER);
        if (r == 0) {
            memcpy(loan, bytes, entry.size);
            uint64_t ticket;
            const struct ferry_message message = {.bytes = loan,
                                                  .size_bytes = entry.size,
                                                  .type = entry.type,
                                                  .priority = entry.priority};
            CHECK_OK(play->flow->engine->try_send_loan(play->flow, &message, CLOCK_NEVER, &ticket));
        }
    } else {
        r = store_send(play->flow, bytes, entry.size, entry.type, entry.priority);
    }
    /* Between messages of so many sizes there may be no hole that is large enough, once in a great while. */
    bool crowded = fits && r == -EAGAIN && model->bytes > shape->bytes / 2;
    play->crowded += crowded;
    CHECK(crowded || r == (fits ? 0 : -EAGAIN));
    if (r == 0) {
        model->entries[model->count++] = entry;
        model->bytes += entry.size;
    }
}

static void check_entry(const struct ferry_message *message, const struct entry *entry)
{
    CHECK_EQ(message->size_bytes, entry->size);
    CHECK_EQ(message->type, entry->type);
    CHECK_EQ(message->priority, entry->priority);
    check_filled(message->bytes, entry);
}

static void play_receive(struct play *play)
{
    static unsigned char bytes[SIZE_MOST];
    struct model *model = &play->model;
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    struct entry wanted = draw_entry(play);
    struct ferry_choice choice = {.selection = draw(play, 4), .type = wanted.type};
    if ((play->of->shape.flags & FERRY_TYPES) == 0)
        choice = (struct ferry_choice){0};
    int at = model_find(model, choice.selection, choice.type);
    uint32_t kind = draw(play, 8);
    const struct flow_engine *engine = play->flow->engine;
    if (kind == 0) {
        ssize_t n = engine->try_take(play->flow, &message, &choice, CLOCK_NEVER);
        CHECK_EQ(n, at < 0 ? -EAGAIN : (ssize_t)model->entries[at].size);
        if (n >= 0) {
            struct entry entry = model_remove(model, at);
            check_entry(&message, &entry);
            CHECK_OK(engine->release(play->flow, message.bytes, CLOCK_NEVER));
        }
        return;
    }
    choice.flags = kind == 1 ? FERRY_PEEK : 0;
    if (kind == 2 && at >= 0 && model->entries[at].size > 0) {
        message.size_bytes = model->entries[at].size - 1;
        CHECK_ERR(engine->try_receive(play->flow, &message, &choice, CLOCK_NEVER), EMSGSIZE);
        return;
    }
    ssize_t n = engine->try_receive(play->flow, &message, &choice, CLOCK_NEVER);
    CHECK_EQ(n, at < 0 ? -EAGAIN : (ssize_t)model->entries[at].size);
    if (at < 0)
        return;
    check_entry(&message, &model->entries[at]);
    if (kind != 1)
        model_remove(model, at);
}

static void play_drop(struct play *play)
{
    const struct flow_shape *shape = &play->of->shape;
    bool ranks = (shape->flags & FERRY_PRIORITIES) != 0;
    int at = model_oldest(&play->model, ranks);
    CHECK_EQ(play->flow->engine->drop_oldest(play->flow, CLOCK_NEVER), at >= 0);
    if (at >= 0)
        model_remove(&play->model, at);
}

static void check_measure(struct play *play)
{
    struct ferry_queue_statistics statistics;
    CHECK_OK(play->flow->engine->measure(play->flow, &statistics));
    CHECK_EQ(statistics.messages, play->model.count);
    CHECK_EQ(statistics.bytes, play->model.bytes);
    CHECK_EQ(statistics.oldest_age_ns >= 0, play->model.count > 0);
}

/* Everything has been received: all memory is one extent again, and all lists and other extents are nobody's. */
static void check_whole(struct flow *flow)
{
    struct store *store = store_of(flow);
    CHECK_OK(store_lock(store, CLOCK_NEVER));
    struct pages pages;
    pages_init(&pages, store);
    const struct store_books *books = pages_books(&pages);
    CHECK_EQ(books->messages, 0);
    CHECK_EQ(books->held, 0);
    CHECK_EQ(books->bytes, 0);
    CHECK_EQ(books->held_bytes, 0);
    CHECK_EQ(books->oldest, 0);
    CHECK_EQ(books->newest, 0);
    CHECK_EQ(books->owners, 0);
    for (unsigned trie = 0; trie < STORE_TRIES; trie++)
        CHECK_EQ(pages_roots(&pages)->tries[trie], 0);
    uint32_t spare = 0, lists = 0;
    for (uint32_t i = books->spare_extent; i != 0; spare++) {
        union store_line line = {.words[2] = pages_word(&pages, STORE_EXTENTS + i, 2)};
        i = line.extent.next;
    }
    for (uint32_t i = books->spare_list; i != 0; lists++) {
        union store_line line = {.words[2] = pages_word(&pages, store->shape.lists_at + i, 2)};
        i = line.list.head;
    }
    CHECK_EQ(spare + 2, books->fresh_extent);
    CHECK_EQ(lists + 1, books->fresh_list);
    CHECK(memory_has(&pages, store->shape.units));
    CHECK(!pages.damaged);
    store_unlock(store);
}

static void play_all(unsigned flags, uint32_t messages, uint64_t bytes, uint64_t seed)
{
    bool drops = (flags & FERRY_PRIORITIES) != 0 && seed % 2 == 0;
    struct store_object *of = store_object_make(
        (struct flow_shape){.flags = flags,
                            .overflow = drops ? FERRY_OVERFLOW_DROP_OLDEST : FERRY_OVERFLOW_BLOCK,
                            .messages = messages,
                            .bytes = bytes,
                            .largest = SIZE_MOST < bytes ? SIZE_MOST : bytes});
    struct play *play = calloc(1, sizeof(*play));
    CHECK(play != NULL);
    *play = (struct play){.of = of, .flow = &of->first, .random = seed};
    int steps = test_thorough() ? STEPS * 20 : STEPS;
    for (int i = 0; i < steps; i++) {
        /* Now it fills, now it empties. */
        bool fills = i / 500 % 2 == 0;
        uint32_t what = draw(play, 16);
        if (what < (fills ? 9u : 5u))
            play_send(play);
        else if (what < 15)
            play_receive(play);
        else if (drops || (flags & FERRY_PRIORITIES) == 0)
            play_drop(play);
        check_measure(play);
    }
    CHECK(play->crowded <= (uint32_t)steps / 1000);
    while (play->model.count > 0)
        play_receive(play);
    check_whole(&of->first);
    free(play);
    store_object_remove(of);
}

TEST_LONG(in_order, 60) /* Q1 Q3 Q4 */
{
    play_all(0, MOST, 65536, 1);
    play_all(0, 1, SIZE_MOST, 2);
}

TEST_LONG(by_type, 60) /* Q2 */
{
    play_all(FERRY_TYPES, MOST, 65536, 3);
    play_all(FERRY_TYPES, MOST, 65536, 4);
}

TEST_LONG(by_priority, 60) /* Q1 Q2 */
{
    play_all(FERRY_PRIORITIES, MOST, 65536, 5);
    play_all(FERRY_PRIORITIES, MOST, 65536, 6);
}

TEST_LONG(by_type_and_priority, 120) /* Q2 */
{
    play_all(FERRY_TYPES | FERRY_PRIORITIES, MOST, 65536, 7);
    play_all(FERRY_TYPES | FERRY_PRIORITIES, MOST, 65536, 8);
    play_all(FERRY_TYPES | FERRY_PRIORITIES, 7, 65536, 10);
}
