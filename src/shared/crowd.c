/* See crowd.h.
 *
 * Dying: on the board, a bit is left, for which wakers make a system call that wakes nobody, until one of them or another
 * sleeper strikes it off. */
#include <errno.h>

#include "os/futex.h"
#include "shared/board.h"
#include "shared/crowd.h"
#include "shared/members.h"

static const int64_t SECOND_LOOK_NS = 100000000;

/* So many asleep at once are rare enough to ask the kernel whether they live. */
enum { MANY = 8 };

void crowd_init(struct crowd *crowd, struct slots *slots, struct layout_board *board,
                _Atomic uint32_t *lonely)
{
    *crowd = (struct crowd){.slots = slots, .board = board, .lonely = lonely};
    pthread_mutex_init(&crowd->guard, NULL);
}

void crowd_deinit(struct crowd *crowd)
{
    pthread_mutex_destroy(&crowd->guard);
}

void crowd_after_fork(struct crowd *crowd)
{
    crowd->threads = 0;
}

unsigned crowd_count(struct crowd *crowd)
{
    unsigned members = board_count(crowd->board, slots_high(crowd->slots));
    pthread_mutex_lock(&crowd->guard);
    unsigned more = crowd->threads > 1 ? crowd->threads - 1 : 0;
    pthread_mutex_unlock(&crowd->guard);
    return members + more;
}

slot_tag crowd_join(struct crowd *crowd)
{
    pthread_mutex_lock(&crowd->guard);
    if (crowd->threads++ == 0)
        board_set(crowd->board, crowd->slots->slot);
    pthread_mutex_unlock(&crowd->guard);
    return atomic_load_explicit(crowd->lonely, memory_order_seq_cst);
}

void crowd_told(struct crowd *crowd)
{
    atomic_store_explicit(crowd->lonely, 0, memory_order_seq_cst);
}

void crowd_leave(struct crowd *crowd)
{
    slot_tag own = crowd->slots->tag;
    pthread_mutex_lock(&crowd->guard);
    if (--crowd->threads == 0) {
        atomic_compare_exchange_strong_explicit(crowd->lonely, &own, 0, memory_order_seq_cst,
                                                memory_order_relaxed);
        board_clear(crowd->board, crowd->slots->slot);
    }
    pthread_mutex_unlock(&crowd->guard);
}

int64_t crowd_patience(struct crowd *crowd)
{
    unsigned sleepers = crowd_count(crowd);
    if (sleepers <= 1) {
        atomic_store_explicit(crowd->lonely, crowd->slots->tag, memory_order_seq_cst);
        sleepers = crowd_count(crowd);
    } else if (sleepers > MANY) { /* or each that died would make the others more patient */
        crowd_reap(crowd->slots, crowd->board);
        sleepers = crowd_count(crowd);
    }
    return sleepers <= 1 ? INT64_MAX : SECOND_LOOK_NS * (int64_t)sleepers;
}

int crowd_sleep(struct crowd *crowd, _Atomic uint32_t *word, uint32_t seen, int64_t patience_ns,
                deadline end)
{
    int64_t left = clock_left_ns(end);
    if (left == 0)
        return -ETIMEDOUT;
    int r = futex_wait(word, seen, left < patience_ns ? left : patience_ns);
    if (r == -ETIMEDOUT && patience_ns <= left) {
        crowd_reap(crowd->slots, crowd->board);
        return 0;
    }
    return r == -EAGAIN || r > 0 ? 0 : r;
}

void crowd_reap(struct slots *slots, const struct layout_board *board)
{
    uint32_t high = slots_high(slots);
    for (uint32_t slot = 0; slot < high; slot++)
        if (board_has(board, slot) && members_reap(slots, slot, clock_now_ns()) < 0)
            return; /* the books are busy; another one will find it again */
}
