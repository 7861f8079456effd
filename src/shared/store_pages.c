/* The store's lock and its journal (DESIGN, law 1).
 *
 * An operation copies the lines that it needs, each once, and changes the copies.  The words that it changed go into the
 * journal as absolute values, and are committed: by a store to `commit`, if nobody is to be woken.  Else by the very system call that
 * wakes, which lets go of the lock as well: it sets the lock word to LOCK_LOUD, "nobody's, and committed".  So whoever is
 * woken finds no lock in its way, although nobody can be killed between the commit and the wake.  The next one to have
 * the lock applies the records then.
 *
 *   dies with the lock, before the commit     nothing happened
 *   dies behind it, or while applying         who takes the lock over applies all records, again
 *   dies as the one who does that             LOCK_LOUD, or `commit`, is there still, and the next one does
 *   dies when it has retired the journal      everything happened */
#include <errno.h>

#include "base/error.h"
#include "os/futex.h"
#include "shared/lock.h"
#include "shared/store_inside.h"

enum { SPINS = 200 };
static const int64_t SLICE_NS = 1000000, PATIENCE_NS = 1000000;
static const uint32_t WAITING = UINT32_C(1) << 31;
enum { LOUD_EXPONENT = 30 };
static_assert(LOCK_LOUD == UINT32_C(1) << LOUD_EXPONENT, "lock");

/* ---- The lock ---------------------------------------------------------------------------------- */

static _Atomic uint64_t *index_word(struct store_index *index, uint64_t word)
{
    return &index->words[word - STORE_BOOKS * STORE_WORDS];
}

/* Applies the first `count` records of another one.  What does not point behind the journal was not written by us and is left out. */
static void apply(struct store *store, uint32_t count)
{
    struct store_index *index = store->index;
    for (uint32_t i = 0; i < count && i < STORE_RECORDS; i++) {
        /* Relaxed, as all words of the index: whoever has the lock sees what was written with it. */
        uint64_t word = atomic_load_explicit(&index->journal[i].word, memory_order_relaxed);
        uint64_t value = atomic_load_explicit(&index->journal[i].value, memory_order_relaxed);
        if (word >= STORE_BOOKS * STORE_WORDS && word < (uint64_t)store->shape.lines * STORE_WORDS)
            atomic_store_explicit(index_word(index, word), value, memory_order_relaxed);
    }
}

/* A dead owner may not have counted what it did.  For people; with the lock. */
static void repair_counts(struct store *store)
{
    static_assert(offsetof(struct store_books, messages) == 0, "books");
    struct layout_queue *shared = store->flow->shared;
    const uint64_t books = STORE_BOOKS * STORE_WORDS;
    uint64_t numbers = atomic_load_explicit(
        index_word(store->index, books + offsetof(struct store_books, numbers) / 8),
        memory_order_relaxed);
    uint64_t messages =
        (uint32_t)atomic_load_explicit(index_word(store->index, books), memory_order_relaxed);
    atomic_store_explicit(&shared->in.messages, numbers, memory_order_relaxed);
    atomic_store_explicit(&shared->out.messages, numbers - messages, memory_order_relaxed);
}

/* The word that we took the lock with was not 0. */
static void finish(struct store *store, uint32_t word)
{
    struct store_index *index = store->index;
    if ((word & LOCK_LOUD) != 0) {
        apply(store, atomic_load_explicit(&index->records, memory_order_relaxed));
        /* Release: who finds it retired finds it applied. */
        atomic_fetch_and_explicit(&store->lock->word, ~LOCK_LOUD, memory_order_release);
    }
    /* Acquire: pairs with the release in publish().  A dead owner's. */
    uint32_t count = atomic_load_explicit(&index->commit, memory_order_acquire);
    if (count != 0) {
        apply(store, count);
        atomic_store_explicit(&index->commit, 0, memory_order_release);
    }
    if ((word & TAG_MASK) != 0)
        repair_counts(store);
}

/* Makes the lock ours where it has that word.  Acquire pairs with the release in store_unlock(), and with the kernel's
 * change of the word. */
static bool swap(struct store *store, uint32_t word, uint32_t more)
{
    uint32_t wanted = store->slots->tag | (word & ~TAG_MASK) | more;
    if (!atomic_compare_exchange_strong_explicit(&store->lock->word, &word, wanted,
                                                 memory_order_acquire, memory_order_relaxed))
        return false;
    if (word != 0)
        finish(store, word);
    return true;
}

static bool spin(struct store *store)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t word = atomic_load_explicit(&store->lock->word, memory_order_relaxed);
        if ((word & TAG_MASK) == 0 && swap(store, word, 0))
            return true;
        spin_relax();
    }
    return false;
}

static int give_up(struct store *store, uint32_t word)
{
    if ((word & TAG_MASK) == 0)
        return fail(-ETIMEDOUT, "the queue's lock changes hands all the time, or another member "
                                "overwrites it");
    uint32_t slot = slot_of_tag(word & TAG_MASK);
    struct layout_entry *entry = slots_entry(store->slots, slot);
    uint64_t joined = entry ? atomic_load_explicit(&entry->joined, memory_order_relaxed) : 0;
    return fail(-ETIMEDOUT,
                "member %u (pid %d) stands in the middle of sending or receiving; is it stopped?",
                slot, layout_stamp_pid(joined));
}

static int lock_slowly(struct store *store, deadline end)
{
    _Atomic uint32_t *lock = &store->lock->word;
    for (;;) {
        uint32_t word = atomic_load_explicit(lock, memory_order_relaxed);
        bool vacant = (word & TAG_MASK) == 0 || !slots_is_alive(store->slots, word & TAG_MASK);
        /* From here on others may sleep, too: keep the bit, one wake too many is harmless. */
        if (vacant && swap(store, word, WAITING))
            return 0;
        int64_t left = clock_left_ns(end);
        if (left == 0)
            return give_up(store, word);
        if (vacant)
            continue;
        uint32_t waiting = word | WAITING;
        /* Relaxed: the futex compares the word once more before it sleeps. */
        if (word == waiting ||
            atomic_compare_exchange_strong_explicit(lock, &word, waiting, memory_order_relaxed,
                                                    memory_order_relaxed))
            futex_wait(lock, waiting, left < SLICE_NS ? left : SLICE_NS);
    }
}

int store_lock_slowly(struct store *store, deadline end)
{
    if (spin(store))
        return 0;
    int r = lock_slowly(store, end == 0 ? clock_deadline(PATIENCE_NS) : end);
    return r == -ETIMEDOUT && end == 0 ? -EBUSY : r;
}

void store_wake_for_lock(struct store *store)
{
    futex_wake(&store->lock->word, 1);
}

/* ---- Lines ------------------------------------------------------------------------------------- */

/* Its place among the copies; 0: it has none. */
static inline uint32_t place_of(const struct pages *pages, uint32_t line)
{
    uint32_t place = pages->places[line % PAGES_HASHES];
    if (place == 0 || pages->copies[place].number == line)
        return place;
    for (place = pages->count - 1; place > 0 && pages->copies[place].number != line; place--)
        ;
    return place;
}

static const union store_line *nonsense(struct pages *pages)
{
    pages->damaged = true;
    pages->copies[0] = (struct store_copy){.number = UINT32_MAX};
    return &pages->copies[0].line;
}

/* A place for a line that has none; 0: there is no such line, or too many of them. */
static inline uint32_t place_for(struct pages *pages, uint32_t line)
{
    uint32_t place = pages->count;
    if (line == 0 || place == PAGES_MOST)
        return 0;
    pages->places[line % PAGES_HASHES] = (uint8_t)place;
    pages->count++;
    return place;
}

const union store_line *pages_fetch(struct pages *pages, uint32_t line)
{
    uint32_t place = place_of(pages, line);
    if (place != 0)
        return &pages->copies[place].line;
    place = place_for(pages, line);
    if (place == 0)
        return nonsense(pages);
    pages_copy(pages, place, line);
    return &pages->copies[place].line;
}

const union store_line *pages_fresh(struct pages *pages, uint32_t line)
{
    /* What something leads to is not fresh. */
    uint32_t place = place_of(pages, line) == 0 ? place_for(pages, line) : 0;
    if (place == 0)
        return nonsense(pages);
    pages->copies[place] =
        (struct store_copy){.number = line, .changed = 0xFF, .loose = PAGES_FRESH};
    return &pages->copies[place].line;
}

uint64_t pages_word_slowly(struct pages *pages, uint32_t line, uint32_t word)
{
    uint32_t place = place_of(pages, line);
    if (place != 0)
        return pages->copies[place].line.words[word];
    if (line != 0)
        return atomic_load_explicit(&store_words(pages->store, line)[word], memory_order_relaxed);
    pages->damaged = true;
    return 0;
}

/* ---- Commit ------------------------------------------------------------------------------------ */

static void note(struct store_record *record, uint64_t word, uint64_t value)
{
    /* Relaxed: the commit publishes them. */
    atomic_store_explicit(&record->word, word, memory_order_relaxed);
    atomic_store_explicit(&record->value, value, memory_order_relaxed);
}

/* Nothing leads to these words: they are written at once, and are none that were changed any more. */
static void write_loose(_Atomic uint64_t *words, struct store_copy *copy)
{
    uint64_t loose = copy->changed & copy->loose;
    copy->changed &= (uint16_t)~copy->loose;
    if (loose == PAGES_FRESH) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < STORE_WORDS; i++)
            if (i != STORE_CHAIN_WORD)
                atomic_store_explicit(&words[i], copy->line.words[i], memory_order_relaxed);
        return;
    }
    for (; loose != 0; loose &= loose - 1) {
        uint64_t i = (uint64_t)__builtin_ctzll(loose);
        atomic_store_explicit(&words[i], copy->line.words[i], memory_order_relaxed);
    }
}

/* Writes what was changed into the journal: how many records. */
static uint32_t note_all(struct pages *pages)
{
    static_assert((PAGES_MOST - 1) * STORE_WORDS < STORE_RECORDS, "all of them fit, and one more");
    struct store *store = pages->store;
    struct store_record *journal = store->index->journal, *record = journal;
    struct store_copy *copy = &pages->copies[PAGES_BOOKS], *end = &pages->copies[pages->count];
    for (; copy < end; copy++) {
        if (copy->loose != 0)
            write_loose(store_words(store, copy->number), copy);
        uint64_t first = (uint64_t)copy->number * STORE_WORDS;
        for (uint64_t changed = copy->changed; changed != 0; changed &= changed - 1) {
            uint64_t i = (uint64_t)__builtin_ctzll(changed);
            note(record++, first + i, copy->line.words[i]);
        }
    }
    return (uint32_t)(record - journal);
}

/* The same as apply() for what we have noted ourselves. */
static void apply_all(const struct pages *pages)
{
    const struct store *store = pages->store;
    const struct store_copy *copy = &pages->copies[PAGES_BOOKS];
    for (const struct store_copy *end = &pages->copies[pages->count]; copy < end; copy++) {
        _Atomic uint64_t *words = store_words(store, copy->number);
        for (uint64_t changed = copy->changed; changed != 0; changed &= changed - 1) {
            uint64_t i = (uint64_t)__builtin_ctzll(changed);
            atomic_store_explicit(&words[i], copy->line.words[i], memory_order_relaxed);
        }
    }
}

static int check(const struct pages *pages)
{
    return pages->damaged ? flow_damaged() : 0;
}

static void publish(struct pages *pages)
{
    struct store_index *index = pages->store->index;
    uint32_t count = note_all(pages);
    /* The one store.  Release pairs with the acquire in finish(): who sees it sees the records. */
    atomic_store_explicit(&index->commit, count, memory_order_release);
    apply_all(pages);
    /* Release: who finds it retired finds it applied. */
    atomic_store_explicit(&index->commit, 0, memory_order_release);
}

int pages_commit(struct pages *pages)
{
    int r = check(pages);
    if (r == 0)
        publish(pages);
    return r;
}

int pages_commit_and_unlock(struct pages *pages, const struct store_news *news)
{
    struct store *store = pages->store;
    int r = check(pages);
    if (r < 0 || news->word == NULL) {
        if (r == 0)
            publish(pages);
        store_unlock(store);
        return r;
    }
    uint32_t count = note_all(pages);
    /* Relaxed: the kernel's change of the lock word is behind all that went before it. */
    atomic_store_explicit(&store->index->records, count, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    r = futex_set_and_wake_another(&store->lock->word, LOUD_EXPONENT, news->word, news->count);
    if (r >= 0) {
        wait_note_woken(news);
        return r;
    }
    publish(pages); /* no such call: publish, then wake */
    store_unlock(store);
    return wait_wake(news);
}
