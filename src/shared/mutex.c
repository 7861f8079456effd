/* See mutex.h.  The word: the owner's tag (0: free), UNREPAIRED since an owner died, WAITING while
 * somebody may be asleep.
 *
 *   owner dies holding it        the word keeps its tag; the sentry hears of it, takes it over by
 *                                compare-and-swap and sets UNREPAIRED
 *   dies between unlock and wake it is free; the sentry watches the dead one; there is none yet only while
 *                                all who sleep do so for a moment
 *   owner execs                  its pid lives on, but it closed its description: heard, too
 *   sleeper dies                 nothing of it is left but WAITING: one wake too many
 *   woken, dies before it takes  the others look again by themselves; with nobody else there, nobody is left
 *   a third one barges in        whoever was woken sees the new owner and sleeps again
 *
 * Unlocking takes WAITING away and wakes one.  Who slept and takes the lock sets WAITING again if others are in the lobby, and who
 * finds it taken sets it in any case: so the word has it whenever somebody sleeps whom nobody has woken. */
#include <errno.h>

#include "base/error.h"
#include "shared/mutex.h"

/* A change of the word that fails so often in a row meets no honest members: each of them changes it
 * once and then has it, or sleeps. */
enum { ATTEMPTS = 100 };

void mutex_init(struct mutex *mutex, struct slots *slots, struct mutex_manner manner, int bell)
{
    *mutex = (struct mutex){.shared = &slots->control->mutex,
                            .tag = slots->tag,
                            .manner = manner,
                            .slots = slots,
                            .spin = SPIN_INIT};
    lobby_init(&mutex->lobby, slots, &slots->control->gate.waiters, &mutex->shared->sentry, bell);
}

void mutex_deinit(struct mutex *mutex)
{
    lobby_deinit(&mutex->lobby);
}

void mutex_after_fork(struct mutex *mutex)
{
    mutex->tag = mutex->slots->tag;
    atomic_store_explicit(&mutex->holder, 0, memory_order_relaxed);
    mutex->again = 0;
    lobby_after_fork(&mutex->lobby);
}

static uint32_t load(const struct mutex *mutex)
{
    /* Relaxed: whatever is concluded from it is confirmed by a compare-and-swap. */
    return atomic_load_explicit(&mutex->shared->word, memory_order_relaxed);
}

/* Acquire pairs with the release in mutex_unlock(): we see what the last owner wrote. */
static bool swap(const struct mutex *mutex, uint32_t *expected, uint32_t wanted)
{
    return atomic_compare_exchange_strong_explicit(&mutex->shared->word, expected, wanted,
                                                   memory_order_acquire, memory_order_relaxed);
}

/* ---- Taking ---------------------------------------------------------------------------------- */

int mutex_explain_unrepaired(void)
{
    return fail(-EOWNERDEAD, "the lock is yours, but an earlier owner died holding it: check the "
                             "data, then call the repair function");
}

static int taken(struct mutex *mutex, uint32_t word)
{
    mutex_note_taken(mutex);
    if ((word & MUTEX_UNREPAIRED) == 0)
        return 0;
    return mutex_explain_unrepaired();
}

/* How the lock is ours, coming from the free or dead word that was found. */
static uint32_t claim(struct mutex *mutex, uint32_t word, bool from_lobby)
{
    bool others = from_lobby && lobby_has_others(&mutex->lobby);
    return (word & ~TAG_MASK) | (others ? MUTEX_WAITING : 0) | mutex->tag;
}

/* Takes it if it is free. */
static bool try_free(struct mutex *mutex, bool from_lobby, uint32_t *ret_word)
{
    uint32_t word = load(mutex);
    for (int i = 0; i < ATTEMPTS && (word & TAG_MASK) == 0; i++) {
        uint32_t wanted = claim(mutex, word, from_lobby);
        if (swap(mutex, &word, wanted)) {
            *ret_word = wanted;
            return true;
        }
    }
    *ret_word = word;
    return false;
}

static bool is_condemned(const struct mutex *mutex, uint32_t word)
{
    return mutex->manner.condemnable && (word & TAG_MASK) == MUTEX_CONDEMNED;
}

/* Takes it if it is free or its owner is dead; else *ret_word names the living owner, or is one of
 * too many that nobody owned for long, or condemned.  Asks the kernel. */
static bool try_any(struct mutex *mutex, bool from_lobby, uint32_t *ret_word)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        if (try_free(mutex, from_lobby, ret_word))
            return true;
        uint32_t word = *ret_word;
        if (is_condemned(mutex, word) || slots_is_alive(mutex->slots, word & TAG_MASK))
            return false;
        uint32_t wanted = claim(mutex, word, from_lobby) | MUTEX_UNREPAIRED;
        if (swap(mutex, &word, wanted)) {
            *ret_word = wanted;
            return true;
        }
    }
    return false;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* Sets WAITING beside the living owner we saw; false if the word has moved on. */
static bool announce(struct mutex *mutex, uint32_t *word)
{
    if ((*word & MUTEX_WAITING) != 0)
        return load(mutex) == *word;
    uint32_t wanted = *word | MUTEX_WAITING;
    /* Relaxed: the unlock's compare-and-swap of this very word finds it. */
    if (!atomic_compare_exchange_strong_explicit(&mutex->shared->word, word, wanted,
                                                 memory_order_relaxed, memory_order_relaxed))
        return false;
    *word = wanted;
    return true;
}

int mutex_explain_condemned(void)
{
    return fail(-ENOTRECOVERABLE,
                "an owner died holding the lock, and the next one let go of it without having "
                "repaired the data: remove the mutex, and make it and the data anew");
}

static int wait_in(struct mutex *mutex, struct lobby_stay *stay, deadline end, uint32_t *ret_word)
{
    while (!try_any(mutex, true, ret_word)) {
        uint32_t word = *ret_word;
        if (is_condemned(mutex, word))
            return mutex_explain_condemned();
        if (clock_left_ns(end) == 0)
            return fail(-ETIMEDOUT, "the lock was not free in time");
        if (!announce(mutex, &word))
            continue;
        int r = lobby_sleep(stay, &mutex->shared->word, word, word & TAG_MASK, end);
        if (r == -EINTR && mutex->interruptible)
            return fail(r, "a signal handler ran during the wait");
    }
    return 0;
}

static int wait_for_it(struct mutex *mutex, deadline end, uint32_t *ret_word)
{
    atomic_fetch_add_explicit(&mutex->shared->waits, 1, memory_order_relaxed);
    struct lobby_stay stay = lobby_enter(&mutex->lobby);
    int r = wait_in(mutex, &stay, end, ret_word);
    lobby_leave(&stay);
    return r;
}

int mutex_lock_once_more(struct mutex *mutex)
{
    if (!mutex->manner.recursive)
        return fail(-EDEADLK, "this thread has the lock already");
    if (mutex->again == UINT32_MAX)
        return fail(-EOVERFLOW, "this thread has taken the lock too often");
    mutex->again++;
    return 0;
}

int mutex_lock_slowly(struct mutex *mutex, int64_t timeout_ns)
{
    uint32_t word = 0;
    if (atomic_load_explicit(&mutex->holder, memory_order_relaxed) == thread_self())
        return mutex_lock_once_more(mutex);
    if (timeout_ns == FERRY_NOW) {
        if (!try_any(mutex, false, &word))
            return is_condemned(mutex, word) ? mutex_explain_condemned()
                                             : fail(-EAGAIN, "somebody has the lock");
    } else if (!SPIN_UNTIL(&mutex->spin, try_free(mutex, false, &word))) {
        int r = wait_for_it(mutex, clock_deadline(timeout_ns), &word);
        if (r < 0)
            return r;
    }
    return taken(mutex, word);
}

/* ---- Letting go ------------------------------------------------------------------------------ */

/* Do we have it?  Only our own memory is believed. */
int mutex_check_holder(const struct mutex *mutex)
{
    if (atomic_load_explicit(&mutex->holder, memory_order_relaxed) == thread_self())
        return 0;
    return fail(-EPERM, "this thread does not have the lock");
}

/* The word without its owner; condemned if it was to be repaired, unless it is left to others to do so. */
static uint32_t without_owner(const struct mutex *mutex, uint32_t word, bool is_left)
{
    if (is_left)
        return MUTEX_UNREPAIRED;
    if (mutex->manner.condemnable && (word & MUTEX_UNREPAIRED) != 0)
        return MUTEX_CONDEMNED;
    return word & MUTEX_UNREPAIRED;
}

/* Makes the word free and wakes whoever waits. */
static int release(struct mutex *mutex, uint32_t word, bool is_left)
{
    bool done = false;
    uint32_t wanted = 0;
    for (int i = 0; i < ATTEMPTS && !done && (word & TAG_MASK) == mutex->tag; i++) {
        wanted = without_owner(mutex, word, is_left);
        /* As a release it pairs with the acquire in swap(); sequentially consistent, since who wakes looks for a sentry next. */
        done = atomic_compare_exchange_strong_explicit(&mutex->shared->word, &word, wanted,
                                                       memory_order_seq_cst, memory_order_relaxed);
    }
    if (!done)
        return fail(-EBADMSG, "the lock was ours, but another member overwrote it");
    if (is_condemned(mutex, wanted))
        lobby_wake_all(&mutex->lobby, &mutex->shared->word);
    else if ((word & MUTEX_WAITING) != 0)
        lobby_wake(&mutex->lobby, &mutex->shared->word);
    return 0;
}

int mutex_release(struct mutex *mutex, uint32_t word)
{
    return release(mutex, word, false);
}

int mutex_unlock_slowly(struct mutex *mutex)
{
    int r = mutex_check_holder(mutex);
    if (r == 0)
        mutex->again--;
    return r;
}

void mutex_abandon(struct mutex *mutex)
{
    if ((load(mutex) & TAG_MASK) == mutex->tag)
        release(mutex, load(mutex), true);
}

int mutex_repaired(struct mutex *mutex)
{
    int r = mutex_check_holder(mutex);
    if (r < 0)
        return r;
    /* Relaxed: whoever reads it takes the lock, which orders it. */
    atomic_fetch_and_explicit(&mutex->shared->word, ~MUTEX_UNREPAIRED, memory_order_relaxed);
    return 0;
}
