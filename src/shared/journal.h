/* The journal: several 64-bit fields of the control memory change as one (DESIGN, law 1).
 *
 *     struct journal journal = journal_begin(slots->control);
 *     journal_set(&journal, &ledger->attaches, attaches + 1);
 *     journal_set(&journal, &entry->joined, stamp);
 *     journal_commit(&journal);
 *
 * The records hold absolute values, so applying them twice is the same as once, and recovery may
 * itself be killed anywhere.  Only the holder of the inner lock may use it. */
#ifndef FERRY_JOURNAL_H
#define FERRY_JOURNAL_H

#include "os/clock.h"
#include "shared/slots.h"

struct journal {
    struct layout *control;
    uint32_t count;
};

/* Takes the inner lock and finishes what a dead owner had committed.  -ETIMEDOUT. */
int journal_lock(struct slots *slots, deadline end);
void journal_unlock(struct slots *slots);

struct journal journal_begin(struct layout *control);

/* Notes that *field, anywhere in the control memory, is to become value. */
void journal_set(struct journal *journal, const _Atomic uint64_t *field, uint64_t value);

/* Does again what has been committed and perhaps not done yet.  With the lock taken over from a dead
 * owner, or in a private copy. */
void journal_finish(struct layout *control);

/* From here on it has happened. */
void journal_commit(struct journal *journal);

#endif
