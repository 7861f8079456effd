/* See lock.h.
 *
 * Dying: before the compare-and-swap, nothing happened; after it, the word names us, and the next
 * one who wants the lock asks the kernel and takes it over.  Between the exchange and the wake in
 * lock_release(), a sleeper is left beside a free lock: it looks again within a slice. */
#include <errno.h>

#include "base/error.h"
#include "os/futex.h"
#include "shared/lock.h"
#include "shared/spin.h"

enum { SPINS = 200, PATIENT_SLICES = 10 };
static const int64_t SLICE_NS = 1000000, LONGEST_SLICE_NS = 200000000;

/* As lock_try(). */
static bool swap(struct layout_lock *lock, uint32_t *expected, uint32_t wanted)
{
    return atomic_compare_exchange_strong_explicit(&lock->word, expected, wanted,
                                                   memory_order_seq_cst, memory_order_relaxed);
}

static bool spin(struct layout_lock *lock, slot_tag tag)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t word = 0;
        if (atomic_load_explicit(&lock->word, memory_order_relaxed) == 0 && swap(lock, &word, tag))
            return true;
        spin_relax();
    }
    return false;
}

static int give_up(struct slots *slots, slot_tag owner)
{
    struct layout_entry *entry = slots_entry(slots, slot_of_tag(owner));
    uint64_t joined = entry ? atomic_load_explicit(&entry->joined, memory_order_relaxed) : 0;
    return fail(-ETIMEDOUT,
                "member %u (pid %d) stands in the middle of joining or leaving; is it "
                "stopped?",
                slot_of_tag(owner), layout_stamp_pid(joined));
}

/* One look at a lock that was not free: 0 or 1 if it is ours now.  -EAGAIN: a living owner has it, whose
 * word is written to ret_word; or 0 is, if somebody was faster, who may be a peer that never lets the
 * word stand still. */
static int try_again(struct layout_lock *lock, struct slots *slots, uint32_t *ret_word)
{
    uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
    bool vacant = word == 0 || !slots_is_alive(slots, word & TAG_MASK);
    /* From here on others may sleep, too: keep the bit, one wake too many is harmless. */
    uint32_t expected = word;
    if (vacant && swap(lock, &expected, slots->tag | LOCK_WAITING))
        return word == 0 ? 0 : 1;
    *ret_word = vacant ? 0 : word;
    return -EAGAIN;
}

/* Sleeps for a while, or until the word changes; not at all if it is 0. */
static int doze(struct layout_lock *lock, uint32_t word, int64_t ns)
{
    /* Relaxed: the futex compares the word once more before it sleeps. */
    if (word == 0 ||
        ((word & LOCK_WAITING) == 0 &&
         !atomic_compare_exchange_strong_explicit(&lock->word, &word, word | LOCK_WAITING,
                                                  memory_order_relaxed, memory_order_relaxed)))
        return 0;
    return futex_wait(&lock->word, word | LOCK_WAITING, ns);
}

int lock_take(struct layout_lock *lock, struct slots *slots, deadline end)
{
    uint32_t word = 0;
    if (swap(lock, &word, slots->tag) || spin(lock, slots->tag))
        return 0;
    int r;
    while ((r = try_again(lock, slots, &word)) == -EAGAIN) {
        int64_t left = clock_left_ns(end);
        if (left == 0 && word == 0)
            return fail(-ETIMEDOUT, "the lock on the members' books changes hands all the time, or "
                                    "another member overwrites it");
        if (left == 0)
            return give_up(slots, word & TAG_MASK);
        doze(lock, word, left < SLICE_NS ? left : SLICE_NS);
    }
    return r;
}

static bool is_needless(const struct lock_wait *wait)
{
    return wait->is_needless != NULL && wait->is_needless(wait->context);
}

int lock_take_patiently(struct layout_lock *lock, struct slots *slots, const struct lock_wait *wait)
{
    uint32_t word = 0;
    if (swap(lock, &word, slots->tag) || spin(lock, slots->tag))
        return 0;
    int r;
    for (int64_t slice = SLICE_NS; (r = try_again(lock, slots, &word)) == -EAGAIN; slice *= 2) {
        int64_t left = clock_left_ns(wait->end);
        if (is_needless(wait))
            return 2;
        if (left == 0)
            return -ETIMEDOUT;
        if (slice > LONGEST_SLICE_NS)
            slice = LONGEST_SLICE_NS;
        if (doze(lock, word, left < slice ? left : slice) == -EINTR && wait->interruptible)
            return -EINTR;
    }
    return r;
}

void lock_wake(struct layout_lock *lock)
{
    futex_wake(&lock->word, 1);
}

void lock_pass_on(struct layout_lock *lock, deadline end)
{
    uint32_t word = atomic_exchange_explicit(&lock->word, 0, memory_order_release);
    if ((word & LOCK_WAITING) == 0)
        return;
    futex_wake(&lock->word, 1);
    for (int i = 0; i < PATIENT_SLICES && clock_left_ns(end) > SLICE_NS; i++)
        if (futex_wait(&lock->word, 0, SLICE_NS) != -ETIMEDOUT)
            return;
}

void lock_shout(struct layout_lock *lock)
{
    /* Sequentially consistent: see lock_await_outcome(), and whoever calls it. */
    atomic_fetch_or_explicit(&lock->word, LOCK_LOUD, memory_order_seq_cst);
}

/* The same owner is at it still.  (Or again, which is as good: who took it since has seen the board.) */
static bool is_silent(struct layout_lock *lock, const struct lock_wait *wait, uint32_t *ret_word)
{
    *ret_word = atomic_load_explicit(&lock->word, memory_order_seq_cst);
    return (*ret_word & TAG_MASK) != 0 && (wait->even_loud || (*ret_word & LOCK_LOUD) == 0);
}

int lock_await_outcome(struct layout_lock *lock, struct slots *slots, const struct lock_wait *wait)
{
    uint32_t word;
    if (!is_silent(lock, wait, &word))
        return 0;
    slot_tag owner = word & TAG_MASK;
    for (int i = 0; i < SPINS; i++) {
        if (!is_silent(lock, wait, &word) || (word & TAG_MASK) != owner || is_needless(wait))
            return 0;
        spin_relax();
    }
    for (int64_t slice = SLICE_NS; is_silent(lock, wait, &word) && (word & TAG_MASK) == owner;
         slice *= 2) {
        int64_t left = clock_left_ns(wait->end);
        if (is_needless(wait) || !slots_is_alive(slots, owner))
            return 0;
        if (left == 0)
            return -ETIMEDOUT;
        if (slice > LONGEST_SLICE_NS)
            slice = LONGEST_SLICE_NS;
        if (doze(lock, word, left < slice ? left : slice) == -EINTR && wait->interruptible)
            return -EINTR;
    }
    return 0;
}
