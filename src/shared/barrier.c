/* See barrier.h.
 *
 *   who comes                                who waits
 *   ---------                                ---------
 *   would it be the last: strikes the dead off
 *   lock                                     spins on the round's number, then sleeps on it
 *   deaths that nobody was told of: ends the round, broken
 *   so many have come: ends it, complete     another number: how did its round end?
 *   else one more has come                   deaths that nobody was told of: lock, ends it, broken
 *   unlock                                   time is up: lock, one fewer has come
 *   ended: wakes all
 *
 * Dying: before the commit, nothing happened; behind it, whoever takes the lock over applies the records.  Before it wakes: the
 * sentry hears of the death, finds the round ended, and wakes the others as it leaves; without a sentry, all who sleep do so for a
 * moment.  In any case it is a death, which breaks the round then under way, and what the dead one counted for goes with that.
 *
 * Whoever finds deaths that nobody was told of is told itself, be it about to come only: so a living one always is, even if all who
 * had come to the round are dead. */
#include <errno.h>

#include "base/error.h"
#include "shared/barrier.h"
#include "shared/board.h"
#include "shared/journal.h"
#include "shared/members.h"

/* How long a member that was stopped with the lock is waited for. */
static const int64_t PATIENCE_NS = 1000000000;

/* Beside results and errors: the dead are to be struck off first; the round goes on. */
enum { UNSURE = 2, GOES_ON = 3 };

void barrier_init(struct barrier *barrier, struct slots *slots, uint32_t made_for, int bell)
{
    struct layout_gate *gate = &slots->control->gate;
    *barrier = (struct barrier){
        .shared = &gate->barrier, .slots = slots, .made_for = made_for, .spin = SPIN_INIT};
    lobby_init(&barrier->lobby, slots, &gate->waiters, &gate->barrier.sentry, bell);
}

void barrier_deinit(struct barrier *barrier)
{
    lobby_deinit(&barrier->lobby);
}

void barrier_after_fork(struct barrier *barrier)
{
    atomic_store_explicit(&barrier->owed, 0, memory_order_relaxed); /* the parent owes it */
    lobby_after_fork(&barrier->lobby);
}

/* ---- Words ------------------------------------------------------------------------------------ */

static uint32_t round_of(uint64_t rounds)
{
    return (uint32_t)rounds;
}

static uint32_t broken_of(uint64_t rounds)
{
    return (uint32_t)(rounds >> 32);
}

/* Acquire pairs with the journal's stores: what everybody did before it came to a round is seen behind its end. */
static uint64_t rounds_now(const struct barrier *barrier)
{
    return atomic_load_explicit(&barrier->shared->rounds, memory_order_acquire);
}

static bool has_ended(const struct barrier *barrier, uint64_t rounds)
{
    return round_of(rounds_now(barrier)) != round_of(rounds);
}

/* The half that is the round's number: what who waits sleeps on. */
static _Atomic uint32_t *number_of(const struct barrier *barrier)
{
    char *rounds = (char *)barrier->shared + offsetof(struct layout_barrier, rounds);
    _Atomic uint32_t *halves = (_Atomic uint32_t *)(void *)rounds;
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? halves + 1 : halves;
}

/* Relaxed: the lock is ours, or it is a guess. */
static uint64_t load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static uint64_t deaths_of(const struct barrier *barrier)
{
    return load(&barrier->slots->control->ledger.deaths);
}

static uint64_t count_of(const struct barrier *barrier)
{
    uint64_t count = load(&barrier->shared->count);
    return count == 0 ? barrier->made_for : count;
}

/* Is there a death that nobody was told of? */
static bool is_news(const struct barrier *barrier)
{
    return deaths_of(barrier) != load(&barrier->shared->told);
}

/* ---- The lock --------------------------------------------------------------------------------- */

static struct journal begin(struct barrier *barrier)
{
    const struct journal_book book = journal_book_of(barrier->slots->control);
    return journal_begin(&book);
}

/* So many arrivals of ours to that round are to be taken back. */
static void owe(struct barrier *barrier, uint64_t rounds)
{
    uint64_t owed = load(&barrier->owed), more;
    do
        more = owed >> 32 == round_of(rounds) ? owed + 1 : (uint64_t)round_of(rounds) << 32 | 1;
    while (!atomic_compare_exchange_weak_explicit(&barrier->owed, &owed, more, memory_order_relaxed,
                                                  memory_order_relaxed));
}

static void settle(struct barrier *barrier)
{
    uint64_t owed = atomic_exchange_explicit(&barrier->owed, 0, memory_order_relaxed);
    uint64_t arrived = load(&barrier->shared->arrived), fewer = (uint32_t)owed;
    if (fewer == 0 || owed >> 32 != round_of(rounds_now(barrier)))
        return;
    struct journal journal = begin(barrier);
    journal_set(&journal, &barrier->shared->arrived, arrived > fewer ? arrived - fewer : 0);
    journal_commit(&journal);
}

static int lock(struct barrier *barrier)
{
    int r = journal_lock(barrier->slots, clock_deadline(PATIENCE_NS));
    if (r == 0 && load(&barrier->owed) != 0)
        settle(barrier);
    return r;
}

static void unlock(struct barrier *barrier)
{
    journal_unlock(barrier->slots);
}

/* What was found, with the lock. */
struct state {
    uint64_t rounds, arrived, count, deaths;
    bool is_news;
};

/* -EBADMSG.  As many as it is for have come only while there is a death to be told of. */
static int look(const struct barrier *barrier, struct state *ret_state)
{
    struct state state = {.rounds = rounds_now(barrier),
                          .arrived = load(&barrier->shared->arrived),
                          .count = count_of(barrier),
                          .deaths = deaths_of(barrier),
                          .is_news = is_news(barrier)};
    if (state.count == 0 || state.count > FERRY_BARRIER_MOST ||
        state.arrived >= FERRY_BARRIER_MOST || (state.arrived >= state.count && !state.is_news))
        return fail(-EBADMSG, "another member has overwritten the barrier's books; remove the "
                              "barrier and make it anew");
    *ret_state = state;
    return 0;
}

/* Locks, and looks.  Locked if 0. */
static int lock_and_look(struct barrier *barrier, struct state *ret_state)
{
    int r = lock(barrier);
    if (r < 0)
        return r;
    r = look(barrier, ret_state);
    if (r < 0)
        unlock(barrier);
    return r;
}

/* ---- Steps.  With the lock -------------------------------------------------------------------- */

/* The number last: who sees another one sees what goes with it. */
static void note_end(struct barrier *barrier, struct journal *journal, const struct state *state,
                     bool is_broken)
{
    struct layout_barrier *shared = barrier->shared;
    uint32_t round = round_of(state->rounds), broken = broken_of(state->rounds);
    if (is_broken) {
        journal_set(journal, &shared->broken[broken % LAYOUT_BROKEN_ROUNDS], round);
        journal_set(journal, &shared->told, state->deaths);
        broken++;
    }
    journal_set(journal, &shared->arrived, 0);
    journal_set(journal, &shared->rounds, (uint64_t)broken << 32 | (uint32_t)(round + 1));
}

static void end_round(struct barrier *barrier, const struct state *state, bool is_broken)
{
    struct journal journal = begin(barrier);
    note_end(barrier, &journal, state, is_broken);
    journal_commit(&journal);
}

static void set_arrived(struct barrier *barrier, uint64_t arrived)
{
    struct journal journal = begin(barrier);
    journal_set(&journal, &barrier->shared->arrived, arrived);
    journal_commit(&journal);
}

/* ---- Ends ------------------------------------------------------------------------------------- */

/* Behind an end. */
static void wake_all(struct barrier *barrier)
{
    /* Sequentially consistent, as is the number before it: either we see who is about to sleep, or it sees the number. */
    if (board_any(barrier->lobby.board, slots_high(barrier->slots)))
        lobby_wake_all(&barrier->lobby, number_of(barrier));
}

static int broken(void)
{
    return fail_often(-EOWNERDEAD, "a member of the barrier died, and the round is broken: replace "
                                   "it, or set another count, and come again");
}

/* How the round ended that was under way when `rounds` was seen.  Who comes so late that too many were broken since is told of a
 * death. */
static int verdict(const struct barrier *barrier, uint64_t rounds)
{
    uint64_t now = rounds_now(barrier);
    uint32_t first = broken_of(rounds), since = broken_of(now) - first;
    if (since == 0)
        return 0;
    if (round_of(now) == round_of(rounds) + 1)
        return broken();
    for (uint32_t i = 0; i < since && i < LAYOUT_BROKEN_ROUNDS; i++) {
        const _Atomic uint64_t *number =
            &barrier->shared->broken[(first + i) % LAYOUT_BROKEN_ROUNDS];
        /* Acquire: before the look below. */
        if (round_of(atomic_load_explicit(number, memory_order_acquire)) == round_of(rounds))
            return broken();
    }
    /* While it is fewer, none of what we read was written over. */
    return broken_of(rounds_now(barrier)) - first < LAYOUT_BROKEN_ROUNDS ? 0 : broken();
}

/* ---- Coming ----------------------------------------------------------------------------------- */

/* With the lock: 0, come to the round under way in *ret_rounds; 1, as the last one; -EOWNERDEAD, -EAGAIN; UNSURE. */
static int come(struct barrier *barrier, const struct state *state, bool is_reaped, bool now)
{
    if (state->is_news) {
        end_round(barrier, state, true);
        return -EOWNERDEAD;
    }
    bool is_last = state->arrived + 1 >= state->count;
    if ((is_last || now) && !is_reaped)
        return UNSURE;
    if (is_last)
        end_round(barrier, state, false);
    else if (!now)
        set_arrived(barrier, state->arrived + 1);
    return is_last ? 1 : now ? -EAGAIN : 0;
}

static int arrive_once(struct barrier *barrier, bool is_reaped, bool now, uint64_t *ret_rounds)
{
    struct state state;
    int r = lock_and_look(barrier, &state);
    if (r < 0)
        return r;
    r = come(barrier, &state, is_reaped, now);
    unlock(barrier);
    *ret_rounds = state.rounds;
    if (r == 1 || r == -EOWNERDEAD)
        wake_all(barrier);
    return r == -EOWNERDEAD ? broken() : r;
}

/* Nobody who is known to be dead counts in a complete round: so the last one looks, and who does not stay. */
static int arrive(struct barrier *barrier, bool now, uint64_t *ret_rounds)
{
    bool looks = now || load(&barrier->shared->arrived) + 1 >= count_of(barrier);
    if (looks)
        members_reap_all(barrier->slots);
    int r = arrive_once(barrier, looks, now, ret_rounds);
    if (r != UNSURE)
        return r;
    members_reap_all(barrier->slots);
    return arrive_once(barrier, true, now, ret_rounds);
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

static int explain(int r)
{
    if (r == -ETIMEDOUT)
        return fail_often(r, "not all had come to the barrier in time");
    return r == -EINTR ? fail_often(r, "a signal handler ran during the wait") : r;
}

/* With the lock: breaks our round if somebody died, else takes our arrival back if there is a reason. */
static int change(struct barrier *barrier, const struct state *state, int why)
{
    if (state->is_news)
        end_round(barrier, state, true);
    else if (why == 0)
        return GOES_ON;
    else if (state->arrived > 0)
        set_arrived(barrier, state->arrived - 1);
    return state->is_news ? -EOWNERDEAD : why;
}

/* Somebody may have died, or there is a reason to leave.  How it ended for us, or GOES_ON. */
static int look_up(struct barrier *barrier, uint64_t rounds, int why)
{
    struct state state;
    int r = lock_and_look(barrier, &state);
    if (r == -ETIMEDOUT)
        owe(barrier, rounds);
    if (r < 0)
        return r;
    bool is_ours = round_of(state.rounds) == round_of(rounds);
    r = is_ours ? change(barrier, &state, why) : 0;
    unlock(barrier);
    if (r == -EOWNERDEAD)
        wake_all(barrier);
    if (!is_ours || r == -EOWNERDEAD)
        return verdict(barrier, rounds);
    return explain(r);
}

/* Sleeps until the round has ended, or we leave it.  *ret_alarmed: it looked again without having been woken. */
static int wait_in(struct barrier *barrier, struct lobby_stay *stay, uint64_t rounds, deadline end,
                   bool *ret_alarmed)
{
    int slept = 0;
    while (!has_ended(barrier, rounds)) {
        int why = slept == -EINTR && barrier->interruptible ? slept
                  : clock_left_ns(end) == 0                 ? -ETIMEDOUT
                                                            : 0;
        if (why != 0 || is_news(barrier)) {
            int r = look_up(barrier, rounds, why);
            if (r != GOES_ON)
                return r;
        }
        slept = lobby_sleep(stay, number_of(barrier), round_of(rounds), LOBBY_ANYBODY, end);
        *ret_alarmed = slept == 1;
        if (*ret_alarmed) /* the sentry may be one that was stopped */
            members_reap_all(barrier->slots);
    }
    return verdict(barrier, rounds);
}

/* Who ended the round may have died before it woke anybody: the sentry, and who looks by itself, do it then. */
static int wait_asleep(struct barrier *barrier, uint64_t rounds, deadline end)
{
    atomic_fetch_add_explicit(&barrier->shared->waits, 1, memory_order_relaxed); /* for people */
    struct lobby_stay stay = lobby_enter(&barrier->lobby);
    bool alarmed = false;
    int r = wait_in(barrier, &stay, rounds, end, &alarmed);
    bool was_sentry = stay.is_sentry;
    lobby_leave(&stay);
    if (was_sentry || alarmed)
        wake_all(barrier);
    return r;
}

int barrier_wait(struct barrier *barrier, int64_t timeout_ns)
{
    deadline end = clock_deadline(timeout_ns);
    uint64_t rounds = 0;
    int r = arrive(barrier, timeout_ns == FERRY_NOW, &rounds);
    if (r == -EAGAIN)
        return fail_often(r, "not all have come to the barrier");
    if (r != 0)
        return r;
    if (SPIN_UNTIL(&barrier->spin, has_ended(barrier, rounds)))
        return verdict(barrier, rounds);
    return wait_asleep(barrier, rounds, end);
}

/* ---- How many --------------------------------------------------------------------------------- */

int barrier_set_count(struct barrier *barrier, uint32_t count)
{
    struct state state;
    members_reap_all(barrier->slots);
    int r = lock_and_look(barrier, &state);
    if (r < 0)
        return r;
    bool completes = !state.is_news && state.arrived >= count;
    struct journal journal = begin(barrier);
    journal_set(&journal, &barrier->shared->count, count);
    if (completes)
        note_end(barrier, &journal, &state, false);
    journal_commit(&journal);
    unlock(barrier);
    if (completes || state.is_news) /* one of those who wait breaks the round */
        wake_all(barrier);
    return completes ? 1 : 0;
}

int barrier_count(struct barrier *barrier, uint32_t *ret_count, uint32_t *ret_arrived)
{
    struct state state;
    int r = lock_and_look(barrier, &state);
    if (r < 0)
        return r;
    unlock(barrier);
    if (ret_count != NULL)
        *ret_count = (uint32_t)state.count;
    if (ret_arrived != NULL)
        *ret_arrived = (uint32_t)state.arrived;
    return 0;
}

void barrier_settle(struct barrier *barrier)
{
    if (load(&barrier->owed) != 0 && lock(barrier) == 0)
        unlock(barrier);
}
