/* See condition.h.
 *
 *   teller                                  waiter, with the mutex
 *   ------                                  ------
 *   change the data, with the mutex         in the lobby; read the sequence
 *   look who is in the lobby                let go of the mutex
 *   step the sequence and wake              sleep while it is what was read
 *
 * A teller that dies before the step leaves a waiter asleep, and so does one that was woken and dies before it looks: so
 * whoever hears of any member's death tells all. */
#include <errno.h>
#include <limits.h>

#include "shared/board.h"
#include "shared/condition.h"

void condition_init(struct condition *condition, struct slots *slots, int bell)
{
    *condition = (struct condition){.shared = &slots->control->gate.condition};
    lobby_init(&condition->lobby, slots, &slots->control->gate.waiters, &condition->shared->sentry,
               bell);
}

void condition_deinit(struct condition *condition)
{
    lobby_deinit(&condition->lobby);
}

static uint32_t sequence(const struct condition *condition)
{
    return atomic_load_explicit(&condition->shared->sequence, memory_order_seq_cst);
}

void condition_tell(struct condition *condition, bool all)
{
    struct lobby *lobby = &condition->lobby;
    if (board_any(lobby->board, slots_high(lobby->slots)))
        lobby_step(lobby, &condition->shared->sequence, all ? INT_MAX : 1);
}

struct condition_wait condition_begin(struct condition *condition)
{
    struct condition_wait wait = {.stay = lobby_enter(&condition->lobby)};
    atomic_fetch_add_explicit(&condition->shared->waits, 1, memory_order_relaxed); /* for people */
    wait.seen = sequence(condition);
    return wait;
}

static int sleep_on(struct condition *condition, struct condition_wait *wait, deadline end)
{
    for (;;) {
        int r =
            lobby_sleep(&wait->stay, &condition->shared->sequence, wait->seen, LOBBY_ANYBODY, end);
        if (sequence(condition) != wait->seen)
            return 0;
        if (r == -EINTR && condition->interruptible)
            return r;
        if (r == 1)
            return 1;
        if (clock_left_ns(end) == 0)
            return -ETIMEDOUT;
    }
}

int condition_sleep(struct condition *condition, struct condition_wait *wait, int64_t timeout_ns)
{
    int r = sleep_on(condition, wait, clock_deadline(timeout_ns));
    bool heard_of_death = r == 1 && wait->stay.is_sentry;
    lobby_leave(&wait->stay);
    if (heard_of_death)
        condition_tell(condition, true);
    return r;
}
