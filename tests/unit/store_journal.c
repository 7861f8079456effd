/* The store's journal: whatever had been applied when its owner died, in the end all of it is. */
#include <errno.h>

#include "shared/lock.h"
#include "store.h"

enum { MESSAGES = 64 };

struct image {
    uint64_t *words;
    size_t count; /* from the books on */
};

static struct image image_of(const struct flow *flow)
{
    const struct store *store = store_of(flow);
    size_t count = (store->shape.lines - STORE_BOOKS) * (size_t)STORE_WORDS;
    struct image image = {malloc(count * 8), count};
    CHECK(image.words != NULL);
    for (size_t i = 0; i < count; i++)
        image.words[i] = atomic_load(&store->index->words[i]);
    return image;
}

/* What the last operation wrote into the journal: how many records. */
static uint32_t records_of(struct store_index *index)
{
    uint32_t count = 0;
    while (count < STORE_RECORDS && atomic_load(&index->journal[count].word) != 0)
        count++;
    return count;
}

static void forget_records(struct store_index *index)
{
    for (uint32_t i = 0; i < STORE_RECORDS; i++)
        atomic_store(&index->journal[i].word, 0);
}

static void send(struct flow *flow)
{
    CHECK_OK(store_send(flow, "12345678", 8, 5, 3));
}

static void receive(struct flow *flow)
{
    char bytes[100];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    CHECK_OK(store_receive(flow, &message, FERRY_EXCEPT, 5, 0));
}

static void drop(struct flow *flow)
{
    CHECK_EQ(flow->engine->drop_oldest(flow, CLOCK_NEVER), 1);
}

/* Puts the index where it was when the owner had committed and applied `applied` records, in the order given. */
static void rewind_to(struct store_index *index, const struct image *before,
                      const struct image *after, uint32_t records, uint32_t applied)
{
    for (size_t i = 0; i < after->count; i++)
        atomic_store(&index->words[i], after->words[i]);
    for (uint32_t i = applied; i < records; i++) {
        size_t word = (size_t)atomic_load(&index->journal[i].word) - STORE_BOOKS * STORE_WORDS;
        CHECK(word < before->count);
        atomic_store(&index->words[word], before->words[word]);
    }
}

static void check_replay(struct store_object *of, const struct image *before,
                         const struct image *after, bool loud)
{
    struct store *store = store_of(&of->first);
    struct store_index *index = store->index;
    uint32_t records = records_of(index);
    CHECK(records > 0);
    for (uint32_t applied = 0; applied <= records; applied++) {
        struct slots dead = object_join(&of->object);
        rewind_to(index, before, after, records, applied);
        atomic_store(&store->lock->word, loud ? LOCK_LOUD : dead.tag);
        atomic_store(loud ? &index->records : &index->commit, records);
        object_vanish(&dead);
        CHECK_OK(store_lock(store, CLOCK_NEVER));
        store_unlock(store);
        CHECK_EQ(atomic_load(&store->lock->word), 0);
        CHECK_EQ(atomic_load(&index->commit), 0);
        for (size_t i = 0; i < after->count; i++)
            if (atomic_load(&index->words[i]) != after->words[i])
                CHECK_EQ(atomic_load(&index->words[i]), after->words[i]);
    }
}

static void replay(void (*operation)(struct flow *flow))
{
    struct store_object *of =
        store_object_make((struct flow_shape){.flags = FERRY_TYPES | FERRY_PRIORITIES,
                                              .overflow = FERRY_OVERFLOW_DROP_OLDEST,
                                              .messages = MESSAGES,
                                              .bytes = 10000,
                                              .largest = 1000});
    for (uint32_t i = 0; i < 20; i++)
        CHECK_OK(store_send(&of->first, "abcdefgh", i % 9, i % 6, i % 4));
    for (int i = 0; i < 12; i++) {
        struct image before = image_of(&of->first);
        forget_records(store_of(&of->first)->index);
        operation(&of->first);
        struct image after = image_of(&of->first);
        check_replay(of, &before, &after, false);
        check_replay(of, &before, &after, true);
        free(before.words);
        free(after.words);
    }
    store_object_remove(of);
}

TEST(a_send_is_done_again) /* G8 */
{
    replay(send);
}

TEST(a_reception_is_done_again) /* G8 */
{
    replay(receive);
}

TEST(a_drop_is_done_again) /* G8 */
{
    replay(drop);
}

TEST(what_was_not_committed_did_not_happen) /* G8 */
{
    struct store_object *of = store_object_make(
        (struct flow_shape){.flags = FERRY_TYPES, .messages = 8, .bytes = 1000, .largest = 1000});
    struct store *store = store_of(&of->first);
    send(&of->first);
    struct image before = image_of(&of->first);
    struct slots dead = object_join(&of->object);
    struct pages *pages = malloc(sizeof(*pages));
    CHECK(pages != NULL);
    pages_init(pages, store);
    CHECK(memory_alloc(pages, 3) != 0);
    free(pages);
    atomic_store(&store->lock->word, dead.tag);
    object_vanish(&dead);
    CHECK_OK(store_lock(store, CLOCK_NEVER));
    store_unlock(store);
    for (size_t i = 0; i < before.count; i++)
        CHECK_EQ(atomic_load(&store->index->words[i]), before.words[i]);
    free(before.words);
    store_object_remove(of);
}

/* A line that nothing leads to is written before the commit. */
TEST(what_the_dead_left_in_fresh_lines_is_in_nobodys_way) /* G8 */
{
    struct store_object *of = store_object_make(
        (struct flow_shape){.flags = FERRY_TYPES, .messages = 8, .bytes = 1000, .largest = 1000});
    struct store *store = store_of(&of->first);
    const uint32_t lines[] = {STORE_EXTENTS + 2, store->shape.lists_at + 1};
    for (size_t i = 0; i < 2; i++)
        for (uint32_t word = 0; word < STORE_WORDS; word++)
            if (word != STORE_CHAIN_WORD)
                atomic_store(&store->index->words[(lines[i] - STORE_BOOKS) * STORE_WORDS + word],
                             UINT64_MAX);
    send(&of->first);
    send(&of->first);
    char bytes[100];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    CHECK_EQ(store_receive(&of->first, &message, FERRY_OF_TYPE, 5, 0), 8);
    message.size_bytes = sizeof(bytes);
    CHECK_EQ(store_receive(&of->first, &message, FERRY_ANY, 0, 0), 8);
    store_object_remove(of);
}

TEST(records_that_point_elsewhere_are_left_out) /* G11 */
{
    struct store_object *of = store_object_make(
        (struct flow_shape){.flags = 0, .messages = 8, .bytes = 1000, .largest = 1000});
    struct store *store = store_of(&of->first);
    static const uint64_t wild[] = {
        0, 1, STORE_BOOKS * STORE_WORDS - 1, UINT64_MAX, UINT64_MAX / 8, UINT64_C(1) << 61};
    for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        atomic_store(&store->index->journal[i].word, wild[i]);
        atomic_store(&store->index->journal[i].value, UINT64_MAX);
    }
    atomic_store(&store->index->records, UINT32_MAX);
    atomic_store(&store->lock->word, LOCK_LOUD);
    struct image before = image_of(&of->first);
    CHECK_OK(store_lock(store, CLOCK_NEVER));
    store_unlock(store);
    for (size_t i = 0; i < before.count; i++)
        CHECK_EQ(atomic_load(&store->index->words[i]), before.words[i]);
    free(before.words);
    store_object_remove(of);
}
