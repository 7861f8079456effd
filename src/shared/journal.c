/* See journal.h.
 *
 *   dies while noting           commit is 0: nothing happened
 *   dies after the commit       whoever takes the lock over applies the records
 *   dies while applying         the same, from the first record on
 *   dies after retiring         everything happened */
#include <assert.h>

#include "shared/journal.h"
#include "shared/lock.h"

struct journal_book journal_book_of(struct layout *control)
{
    return (struct journal_book){.commit = &control->journal.commit,
                                 .records = control->journal.records,
                                 .capacity = LAYOUT_JOURNAL_RECORDS,
                                 .memory = (char *)control,
                                 .first = sizeof(control->identity),
                                 .end = sizeof(*control)};
}

struct journal journal_begin(const struct journal_book *book)
{
    return (struct journal){.book = *book};
}

void journal_set(struct journal *journal, const _Atomic uint64_t *field, uint64_t value)
{
    assert(journal->count < journal->book.capacity);
    struct layout_record *record = &journal->book.records[journal->count++];
    uint64_t offset = (uint64_t)((uintptr_t)field - (uintptr_t)journal->book.memory);
    /* Relaxed: the commit word publishes them. */
    atomic_store_explicit(&record->offset, offset, memory_order_relaxed);
    atomic_store_explicit(&record->value, value, memory_order_relaxed);
}

/* Applies the first `count` records.  What does not point at a field that may be changed was not written by us and
 * is left out; where it does point, a peer could have written there anyway. */
static void apply(const struct journal_book *book, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < book->capacity; i++) {
        struct layout_record *record = &book->records[i];
        uint64_t offset = atomic_load_explicit(&record->offset, memory_order_relaxed);
        uint64_t value = atomic_load_explicit(&record->value, memory_order_relaxed);
        if (offset < book->first || offset > book->end - sizeof(uint64_t) ||
            offset % sizeof(uint64_t) != 0)
            continue;
        _Atomic uint64_t *field = (_Atomic uint64_t *)(void *)(book->memory + offset);
        /* Sequentially consistent for the sake of `high`, see slots_high(). */
        atomic_store_explicit(field, value, memory_order_seq_cst);
    }
    /* Release: whoever sees a journal at rest sees what it did. */
    atomic_store_explicit(book->commit, 0, memory_order_release);
}

void journal_commit(struct journal *journal)
{
    /* The one store.  Release pairs with the acquire in journal_finish(): who sees the commit word
     * sees the records. */
    atomic_store_explicit(journal->book.commit, journal->count, memory_order_release);
    apply(&journal->book, journal->count);
}

void journal_finish(const struct journal_book *book)
{
    /* Acquire: who sees the commit word sees the records. */
    uint32_t count = atomic_load_explicit(book->commit, memory_order_acquire);
    if (count != 0)
        apply(book, count);
}

int journal_lock(struct slots *slots, deadline end)
{
    int r = lock_take(&slots->control->lock, slots, end);
    if (r == 1) { /* from a dead owner */
        const struct journal_book book = journal_book_of(slots->control);
        journal_finish(&book);
    }
    return r < 0 ? r : 0;
}

void journal_unlock(struct slots *slots)
{
    lock_release(&slots->control->lock);
}
