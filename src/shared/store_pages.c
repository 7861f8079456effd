/* The store's lock and its journal (DESIGN, law 1).
 *
 * An operation copies the lines that it needs, each once, and changes the copies.  What differs in the end goes into the
 * journal as absolute values, and is committed: by a store to `commit`, if nobody is to be woken.  Else by the very system call that
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

/* Applies the first `count` records.  What does not point behind the journal was not written by us and is left out. */
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

int store_lock(struct store *store, deadline end)
{
    if (swap(store, 0, 0) || spin(store))
        return 0;
    int r = lock_slowly(store, end == 0 ? clock_deadline(PATIENCE_NS) : end);
    return r == -ETIMEDOUT && end == 0 ? -EBUSY : r;
}

void store_unlock(struct store *store)
{
    /* Release pairs with the acquire in swap(). */
    uint32_t word = atomic_exchange_explicit(&store->lock->word, 0, memory_order_release);
    if ((word & WAITING) != 0)
        futex_wake(&store->lock->word, 1);
}

/* ---- Lines ------------------------------------------------------------------------------------- */

static _Atomic uint64_t *line_words(struct pages *pages, uint32_t line)
{
    return index_word(pages->store->index, (uint64_t)line * STORE_WORDS);
}

/* Its place among the copies, or PAGES_MOST. */
static uint32_t place_of(const struct pages *pages, uint32_t line)
{
    uint32_t place = pages->places[line % PAGES_MOST];
    if (place == 0)
        return PAGES_MOST;
    if (pages->lines[place - 1] == line)
        return place - 1;
    place = 0;
    while (place < pages->count && pages->lines[place] != line)
        place++;
    return place < pages->count ? place : PAGES_MOST;
}

union store_line *pages_fetch(struct pages *pages, uint32_t line)
{
    uint32_t place = place_of(pages, line);
    if (place < PAGES_MOST)
        return &pages->now[place];
    place = pages->count;
    /* The last place is for what makes no sense. */
    if (line < STORE_BOOKS || line >= pages->store->shape.lines || place == PAGES_MOST - 1) {
        pages->damaged = true;
        pages->now[PAGES_MOST - 1] = (union store_line){.words = {0}};
        return &pages->now[PAGES_MOST - 1];
    }
    const _Atomic uint64_t *words = line_words(pages, line);
#pragma GCC unroll 8
    for (int i = 0; i < STORE_WORDS; i++)
        pages->now[place].words[i] = atomic_load_explicit(&words[i], memory_order_relaxed);
    pages->lines[place] = line;
    pages->places[line % PAGES_MOST] = (uint8_t)(place + 1);
    pages->count++;
    return &pages->now[place];
}

uint64_t pages_word(struct pages *pages, uint32_t line, uint32_t word)
{
    uint32_t place = place_of(pages, line);
    if (place < PAGES_MOST)
        return pages->now[place].words[word];
    if (line >= STORE_BOOKS && line < pages->store->shape.lines)
        return atomic_load_explicit(&line_words(pages, line)[word], memory_order_relaxed);
    pages->damaged = true;
    return 0;
}

void pages_mark_fresh(struct pages *pages, uint32_t line)
{
    uint32_t place = place_of(pages, line);
    if (place < PAGES_MOST)
        pages->fresh |= UINT64_C(1) << place;
}

/* ---- Commit ------------------------------------------------------------------------------------ */

static void note(struct store_record *record, uint64_t word, uint64_t value)
{
    /* Relaxed: the commit publishes them. */
    atomic_store_explicit(&record->word, word, memory_order_relaxed);
    atomic_store_explicit(&record->value, value, memory_order_relaxed);
}

/* Writes what differs from that line into the journal, behind `count` records.  How many there are now. */
static uint32_t note_line(struct pages *pages, uint32_t place, uint32_t count)
{
    struct store_record *journal = pages->store->index->journal;
    const _Atomic uint64_t *words = line_words(pages, pages->lines[place]);
    const uint64_t *now = pages->now[place].words;
    uint64_t first = (uint64_t)pages->lines[place] * STORE_WORDS;
    unsigned changed = 0; /* a bit for each; without branches, which no processor could foresee */
#pragma GCC unroll 8
    for (unsigned i = 0; i < STORE_WORDS; i++)
        changed |= (unsigned)(atomic_load_explicit(&words[i], memory_order_relaxed) != now[i]) << i;
    for (; changed != 0; changed &= changed - 1) {
        unsigned i = (unsigned)__builtin_ctz(changed);
        note(&journal[count++], first + i, now[i]);
    }
    return count;
}

/* Nothing leads to that line: it is written at once, but for the word by which it is found by who needs such a line. */
static uint32_t note_fresh_line(struct pages *pages, uint32_t place, uint32_t count)
{
    _Atomic uint64_t *words = line_words(pages, pages->lines[place]);
    const uint64_t *now = pages->now[place].words;
#pragma GCC unroll 8
    for (uint32_t i = 0; i < STORE_WORDS; i++)
        if (i != STORE_CHAIN_WORD)
            atomic_store_explicit(&words[i], now[i], memory_order_relaxed);
    uint64_t first = (uint64_t)pages->lines[place] * STORE_WORDS;
    note(&pages->store->index->journal[count], first + STORE_CHAIN_WORD, now[STORE_CHAIN_WORD]);
    return count + 1;
}

/* How many records. */
static uint32_t note_all(struct pages *pages)
{
    uint32_t count = 0;
    static_assert((PAGES_MOST - 1) * STORE_WORDS < STORE_RECORDS, "all of them fit, and one more");
    for (uint32_t place = 0; place < pages->count; place++)
        count = (pages->fresh >> place & 1) != 0 ? note_fresh_line(pages, place, count)
                                                 : note_line(pages, place, count);
    return count;
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
    apply(pages->store, count);
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
