/* Boards: one bit for every member, set by the member itself while it wants to be woken.
 *
 * A bit is absolute, so a dead member's can be cleared by whoever finds it dead; a count could not
 * be repaired.  All accesses are sequentially consistent: announcing and then looking for the
 * others' marks, against marking and then looking for announcements, is Dekker's game, and needs a
 * single order of all four (DESIGN, law 4). */
#ifndef FERRY_BOARD_H
#define FERRY_BOARD_H

#include <stdbool.h>

#include "shared/layout.h"

static inline void board_set(struct layout_board *board, uint32_t slot)
{
    atomic_fetch_or_explicit(&board->words[slot / 64], UINT64_C(1) << slot % 64,
                             memory_order_seq_cst);
}

static inline void board_clear(struct layout_board *board, uint32_t slot)
{
    atomic_fetch_and_explicit(&board->words[slot / 64], ~(UINT64_C(1) << slot % 64),
                              memory_order_seq_cst);
}

static inline bool board_has(const struct layout_board *board, uint32_t slot)
{
    uint64_t word = atomic_load_explicit(&board->words[slot / 64], memory_order_seq_cst);
    return (word >> slot % 64 & 1) != 0;
}

/* Is anybody below `high` on it? */
static inline bool board_any(const struct layout_board *board, uint32_t high)
{
    for (uint32_t i = 0; i < (high + 63) / 64; i++)
        if (atomic_load_explicit(&board->words[i], memory_order_seq_cst) != 0)
            return true;
    return false;
}

/* How many below `high` are. */
static inline unsigned board_count(const struct layout_board *board, uint32_t high)
{
    unsigned members = 0;
    for (uint32_t i = 0; i < (high + 63) / 64; i++)
        members += (unsigned)__builtin_popcountll(
            atomic_load_explicit(&board->words[i], memory_order_seq_cst));
    return members;
}

/* Is anybody but this one? */
static inline bool board_has_others(const struct layout_board *board, uint32_t slot, uint32_t high)
{
    return board_count(board, high) > (board_has(board, slot) ? 1u : 0u);
}

#endif
