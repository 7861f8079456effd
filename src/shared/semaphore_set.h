/* Sets of semaphores, and semaphores whose units come back when their holder dies (contract E3, E4; docs/design/semaphore.md).
 *
 * Several steps, each on one of up to 256 semaphores, happen as one or not at all; so they go through a journal, with a lock.  It lies
 * behind the members in the control file:
 *
 *       0 ┌──────────────────────────────────────────────┐
 *         │ commit    so many records; 0 at rest         │
 *      64 ├──────────────────────────────────────────────┤
 *         │ records   520                                │
 *    8384 ├──────────────────────────────────────────────┤
 *         │ values    256: epoch above, units below      │
 *   10432 ├──────────────────────────────────────────────┤
 *         │ debtors   one bit a member: its row counts   │
 *   12288 ├──────────────────────────────────────────────┤
 *         │ rows      one a member: its tag, and for     │
 *         │           each semaphore what to give back   │
 *         └──────────────────────────────────────────────┘
 *
 * Who may write: all of it whoever has semaphore.lock, through the journal; but a commit word that is not 0 when the lock is taken over from a
 * dead owner means that the records are to be applied.
 *
 * What a member is to give back counts while its epoch is that of the value: to set a value begins a new one, and voids what all
 * members owe.  A row counts for the member whose tag it has, dead or alive.  Rows have memory from their first use on. */
#ifndef FERRY_SEMAPHORE_SET_H
#define FERRY_SEMAPHORE_SET_H

#include <stdbool.h>

#include <ferry/semaphore.h>

#include "shared/crowd.h"
#include "shared/journal.h"
#include "shared/slots.h"

enum { SET_MOST = 256, SET_RECORDS = 520 };

struct set_index {
    _Atomic uint32_t commit;
    uint32_t reserved1[15];
    struct layout_record records[SET_RECORDS];
    _Atomic uint64_t values[SET_MOST];
    struct layout_board debtors;
    uint64_t reserved2[168];
};
static_assert(offsetof(struct set_index, values) == 8384, "set");
static_assert(sizeof(struct set_index) == 12288, "set");

/* One handle's view. */
struct semaphore_set {
    struct layout_semaphore *shared;
    struct set_index *index;
    struct slots *slots;
    uint32_t count, most; /* private copies */
    int bell;
    bool interruptible;
    struct journal_book book;
    struct crowd crowd;
    _Atomic int closing;                 /* see vigil.h */
    _Atomic uint32_t rings;              /* given through this handle */
    uint64_t backed[LAYOUT_BOARD_WORDS]; /* rows that have memory.  With the lock */
};

/* How much memory a set of so many needs behind the members, and how much of it from the start. */
uint64_t semaphore_set_bytes(uint32_t count);
uint64_t semaphore_set_first_bytes(void);

/* Its journal, with so many bytes of rows behind it. */
struct journal_book semaphore_set_book(struct set_index *index, uint64_t row_bytes);

/* Writes what a new set begins with. */
int semaphore_set_begin(int control_fd, uint32_t count, uint32_t value);

void semaphore_set_init(struct semaphore_set *set, struct slots *slots, uint32_t count,
                        uint32_t most, int bell);
void semaphore_set_deinit(struct semaphore_set *set);
void semaphore_set_after_fork(struct semaphore_set *set);

/* All steps, in order, or none.  0, -EAGAIN, -ETIMEDOUT, -EINTR, -EOVERFLOW, -ENOSPC, -EBADMSG. */
int semaphore_set_operate(struct semaphore_set *set, const struct ferry_semaphore_step *steps,
                          size_t count, int64_t timeout_ns);

/* The units now; what the dead owe is given back before. */
int semaphore_set_values(struct semaphore_set *set, uint32_t *ret_values, size_t count);

/* Sets one, for good: nobody owes it anything any more. */
int semaphore_set_value(struct semaphore_set *set, uint32_t which, uint32_t value);

/* Gives back what this member owes.  As it leaves. */
void semaphore_set_settle(struct semaphore_set *set);

#endif
