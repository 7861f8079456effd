/* The journal: several 64-bit fields of shared memory change as one (DESIGN, law 1).
 *
 *     const struct journal_book book = journal_book_of(slots->control);
 *     struct journal journal = journal_begin(&book);
 *     journal_set(&journal, &ledger->attaches, attaches + 1);
 *     journal_set(&journal, &entry->joined, stamp);
 *     journal_commit(&journal);
 *
 * The records hold absolute values, so applying them twice is the same as once, and recovery may
 * itself be killed anywhere.  Each book goes with a lock, and only who holds that may use it. */
#ifndef FERRY_JOURNAL_H
#define FERRY_JOURNAL_H

#include "os/clock.h"
#include "shared/slots.h"

/* Where a journal lies, and which bytes of the memory it may change. */
struct journal_book {
    _Atomic uint32_t *commit; /* so many records are to be applied; 0 at rest */
    struct layout_record *records;
    uint32_t capacity;
    char *memory; /* what offsets are from */
    uint64_t first, end;
};

struct journal {
    struct journal_book book;
    uint32_t count;
};

/* The book in the control memory, which goes with the inner lock. */
struct journal_book journal_book_of(struct layout *control);

/* Takes the inner lock and finishes what a dead owner had committed.  -ETIMEDOUT. */
int journal_lock(struct slots *slots, deadline end);
void journal_unlock(struct slots *slots);

struct journal journal_begin(const struct journal_book *book);

/* Notes that *field, anywhere in the book's memory, is to become value. */
void journal_set(struct journal *journal, const _Atomic uint64_t *field, uint64_t value);

/* From here on it has happened. */
void journal_commit(struct journal *journal);

/* Does again what has been committed and perhaps not done yet.  With the book's lock taken over from a dead
 * owner, or in a private copy. */
void journal_finish(const struct journal_book *book);

#endif
