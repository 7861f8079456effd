/* A planted fault: the journal without its commit word.  Values go straight to where they belong, so
 * whoever dies in between has done half.  The kill harness must notice. */
#include "shared/journal.h"
#include "shared/lock.h"

struct journal_book journal_book_of(struct layout *control)
{
    return (struct journal_book){.memory = (char *)control};
}

struct journal journal_begin(const struct journal_book *book)
{
    return (struct journal){.book = *book};
}

void journal_set(struct journal *journal, const _Atomic uint64_t *field, uint64_t value)
{
    uintptr_t offset = (uintptr_t)field - (uintptr_t)journal->book.memory;
    _Atomic uint64_t *target = (_Atomic uint64_t *)(void *)(journal->book.memory + offset);
    atomic_store_explicit(target, value, memory_order_seq_cst);
}

void journal_commit(struct journal *journal)
{
    (void)journal;
}

void journal_finish(const struct journal_book *book)
{
    (void)book;
}

int journal_lock(struct slots *slots, deadline end)
{
    int r = lock_take(&slots->control->lock, slots, end);
    return r < 0 ? r : 0;
}

void journal_unlock(struct slots *slots)
{
    lock_release(&slots->control->lock);
}
