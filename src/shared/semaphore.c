/* See semaphore.h.
 *
 *   who posts                                who is about to sleep
 *   ---------                                ---------------------
 *   none, and asleep or polled? no:          bit on the board
 *     compare-and-swap to one unit more      compare-and-swap: asleep, and the other turn
 *   yes: lock; looks once more;              sleeps while the word is what it wrote
 *     polled: rings;
 *     adds a unit, and wakes one, as one
 *     system call; unlocks
 *
 * All of it is about one word: whichever comes first, the other one's compare, or the kernel's, fails.
 *
 * Only the one that ends "none" wakes.  Units that follow wait for the woken one, or whoever is faster: who takes a unit and
 * leaves another one beside others who sleep wakes one of them.  Who takes one and finds nobody else on the board takes `asleep` away;
 * `turn` makes that fail if somebody announced himself meanwhile.  (If two did, there are two, who look again by themselves.)
 *
 * Dying: before the compare-and-swap or the system call, nothing happened; behind it, it has.  Woken and killed before it took the
 * unit: of several who sleep each looks again now and then (crowd.h), and a lone one was the one that was killed.  With the lock: it
 * is found with its dead owner, and there is nothing to repair.  On the board: a bit too many, for which a post makes a
 * system call that wakes nobody, and strikes it off. */
#include <errno.h>

#include "base/error.h"
#include "os/futex.h"
#include "shared/bell.h"
#include "shared/board.h"
#include "shared/lock.h"
#include "shared/members.h"
#include "shared/semaphore.h"

/* A word that somebody else changes so often in a row is changed by a peer that does nothing else. */
enum { ATTEMPTS = 1 << 16 };

static const int64_t OUTCOME_NS = 2000000;

void semaphore_init(struct semaphore *semaphore, struct slots *slots, uint32_t most, int bell)
{
    struct layout_semaphore *shared = &slots->control->semaphore;
    *semaphore = (struct semaphore){
        .shared = shared, .slots = slots, .most = most, .bell = bell, .spin = SPIN_INIT};
    crowd_init(&semaphore->crowd, slots, &slots->control->sleepers, &shared->lonely);
}

void semaphore_deinit(struct semaphore *semaphore)
{
    crowd_deinit(&semaphore->crowd);
}

void semaphore_after_fork(struct semaphore *semaphore)
{
    crowd_after_fork(&semaphore->crowd);
}

/* Relaxed: whatever is concluded from it is confirmed by a compare-and-swap. */
static uint32_t load(const struct semaphore *semaphore)
{
    return atomic_load_explicit(&semaphore->shared->word, memory_order_relaxed);
}

/* Acquire and release pair with each other: who takes a unit sees what was done before it was posted.  Sequentially consistent, as the
 * board is looked at before and set before. */
static bool swap(struct semaphore *semaphore, uint32_t *expected, uint32_t wanted)
{
    return atomic_compare_exchange_weak_explicit(&semaphore->shared->word, expected, wanted,
                                                 memory_order_seq_cst, memory_order_relaxed);
}

static bool any_asleep(const struct semaphore *semaphore)
{
    return crowd_is_any(semaphore->slots, &semaphore->slots->control->sleepers);
}

/* Nobody was asleep after all, so somebody died on the board. */
static void wake_one(struct semaphore *semaphore)
{
    if (futex_wake(&semaphore->shared->word, 1) == 0)
        crowd_reap(semaphore->slots, &semaphore->slots->control->sleepers);
}

/* ---- Taking ----------------------------------------------------------------------------------- */

/* Not on the board ourselves. */
static bool take_beside_sleepers(struct semaphore *semaphore, uint32_t *word)
{
    bool others = any_asleep(semaphore);
    uint32_t wanted = (*word - SEMAPHORE_UNIT) & (others ? UINT32_MAX : ~SEMAPHORE_ASLEEP);
    if (!swap(semaphore, word, wanted))
        return false;
    if (others && semaphore_units(wanted) > 0)
        wake_one(semaphore);
    return true;
}

static bool take(struct semaphore *semaphore)
{
    uint32_t word = load(semaphore);
    for (int i = 0; i < ATTEMPTS && semaphore_units(word) > 0; i++)
        if ((word & SEMAPHORE_ASLEEP) != 0 ? take_beside_sleepers(semaphore, &word)
                                           : swap(semaphore, &word, word - SEMAPHORE_UNIT))
            return true;
    return false;
}

/* Says that somebody sleeps; false if there is a unit. */
static bool announce(struct semaphore *semaphore, uint32_t *ret_word)
{
    uint32_t word = load(semaphore);
    for (int i = 0; i < ATTEMPTS && semaphore_units(word) == 0; i++) {
        *ret_word = (word ^ SEMAPHORE_TURN) | SEMAPHORE_ASLEEP;
        if (swap(semaphore, &word, *ret_word))
            return true;
    }
    return false;
}

/* Whoever slept alone so far is to know that it does no longer. */
static void join(struct semaphore *semaphore)
{
    if (crowd_join(&semaphore->crowd) == 0)
        return;
    atomic_fetch_xor_explicit(&semaphore->shared->word, SEMAPHORE_TURN, memory_order_seq_cst);
    futex_wake(&semaphore->shared->word, 1);
    crowd_told(&semaphore->crowd);
}

/* Once.  0: there may be a unit. */
static int sleep_for_one(struct semaphore *semaphore, deadline end)
{
    uint32_t word;
    join(semaphore);
    int r = 0;
    if (announce(semaphore, &word)) {
        int64_t patience_ns = crowd_patience(&semaphore->crowd);
        if (semaphore->interruptible && patience_ns > FUTEX_AGES)
            patience_ns = FUTEX_AGES;
        r = crowd_sleep(&semaphore->crowd, &semaphore->shared->word, word, patience_ns, end);
    }
    crowd_leave(&semaphore->crowd);
    return r == -EINTR && !semaphore->interruptible ? 0 : r;
}

static int explain(int error)
{
    return fail(error,
                error == -EINTR ? "a signal handler ran during the wait" : "nobody posted in time");
}

__attribute__((noinline)) static int wait_slowly(struct semaphore *semaphore, int64_t timeout_ns)
{
    if (timeout_ns == FERRY_NOW)
        return fail(-EAGAIN, "the semaphore is at 0");
    if (SPIN_UNTIL(&semaphore->spin, take(semaphore)))
        return 0;
    deadline end = clock_deadline(timeout_ns);
    /* Relaxed: for people. */
    atomic_fetch_add_explicit(&semaphore->shared->sleeps, 1, memory_order_relaxed);
    for (;;) {
        int r = sleep_for_one(semaphore, end);
        if (take(semaphore))
            return 0;
        if (r < 0)
            return explain(r);
    }
}

int semaphore_wait(struct semaphore *semaphore, int64_t timeout_ns)
{
    return take(semaphore) ? 0 : wait_slowly(semaphore, timeout_ns);
}

/* ---- Giving ----------------------------------------------------------------------------------- */

/* Is there somebody who has to be told of the first unit? */
static bool is_to_be_told(uint32_t word)
{
    return semaphore_units(word) == 0 && (word & (SEMAPHORE_ASLEEP | SEMAPHORE_POLLED)) != 0;
}

static int refuse(const struct semaphore *semaphore)
{
    return fail(-EOVERFLOW, "the semaphore is at %u, the most it may be", semaphore->most);
}

/* With the lock, so only we can end "none".  Rings; or notes that nobody polls any more. */
static void ring(struct semaphore *semaphore)
{
    if (board_any(&semaphore->slots->control->listeners, slots_high(semaphore->slots)))
        bell_ring(semaphore->bell);
    else
        atomic_fetch_and_explicit(&semaphore->shared->word, ~SEMAPHORE_POLLED,
                                  memory_order_seq_cst);
}

/* 0; -EOVERFLOW; 1: nobody is to be told any more. */
static int post_locked(struct semaphore *semaphore)
{
    uint32_t word = load(semaphore);
    if (!is_to_be_told(word))
        return 1;
    if ((word & SEMAPHORE_POLLED) != 0)
        ring(semaphore);
    /* The commit. */
    if (futex_add_and_wake(&semaphore->shared->word, SEMAPHORE_UNIT, 1) == 0 &&
        (word & SEMAPHORE_ASLEEP) != 0)
        crowd_reap(semaphore->slots, &semaphore->slots->control->sleepers);
    return 0;
}

static int post_and_tell(struct semaphore *semaphore)
{
    const struct lock_wait wait = {.end = clock_deadline(MEMBERS_PATIENCE_NS)};
    int r = lock_take_patiently(&semaphore->shared->lock, semaphore->slots, &wait);
    if (r < 0)
        return fail(r, "another member stands in the middle of posting; is it stopped?");
    r = post_locked(semaphore);
    lock_release(&semaphore->shared->lock);
    return r;
}

int semaphore_post(struct semaphore *semaphore)
{
    uint32_t word = load(semaphore);
    for (int i = 0; i < ATTEMPTS; i++) {
        if (semaphore_units(word) >= semaphore->most)
            return refuse(semaphore);
        if (is_to_be_told(word)) {
            int r = post_and_tell(semaphore);
            if (r <= 0)
                return r;
            word = load(semaphore);
        } else if (swap(semaphore, &word, word + SEMAPHORE_UNIT)) {
            return 0;
        }
    }
    return fail(-EBADMSG, "another member changes the semaphore all the time");
}

uint32_t semaphore_value(const struct semaphore *semaphore)
{
    return semaphore_units(load(semaphore));
}

/* ---- Polling ---------------------------------------------------------------------------------- */

/* With the lock: whoever has it may be just noting that nobody polls. */
int semaphore_listen(struct semaphore *semaphore)
{
    const struct lock_wait wait = {.end = clock_deadline(MEMBERS_PATIENCE_NS)};
    board_set(&semaphore->slots->control->listeners, semaphore->slots->slot);
    int r = lock_take_patiently(&semaphore->shared->lock, semaphore->slots, &wait);
    if (r < 0)
        return fail(r, "another member stands in the middle of posting; is it stopped?");
    atomic_fetch_or_explicit(&semaphore->shared->word, SEMAPHORE_POLLED, memory_order_seq_cst);
    lock_release(&semaphore->shared->lock);
    return 0;
}

bool semaphore_may_have(struct semaphore *semaphore)
{
    const struct lock_wait wait = {.end = clock_deadline(OUTCOME_NS), .even_loud = true};
    return lock_await_outcome(&semaphore->shared->lock, semaphore->slots, &wait) < 0 ||
           semaphore_units(load(semaphore)) > 0;
}
