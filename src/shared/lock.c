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

enum { SPINS = 200 };
static const int64_t SLICE_NS = 1000000;
static const uint32_t WAITING = UINT32_C(1) << 31;

/* Acquire pairs with the release in lock_release(): we see what the last owner wrote. */
static bool swap(struct layout_lock *lock, uint32_t *expected, uint32_t wanted)
{
    return atomic_compare_exchange_strong_explicit(&lock->word, expected, wanted,
                                                   memory_order_acquire, memory_order_relaxed);
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

/* Sleeps for a slice, or until the word changes. */
static void doze(struct layout_lock *lock, uint32_t word, int64_t left)
{
    /* Relaxed: the futex compares the word once more before it sleeps. */
    if ((word & WAITING) != 0 ||
        atomic_compare_exchange_strong_explicit(&lock->word, &word, word | WAITING,
                                                memory_order_relaxed, memory_order_relaxed))
        futex_wait(&lock->word, word | WAITING, left < SLICE_NS ? left : SLICE_NS);
}

int lock_take(struct layout_lock *lock, struct slots *slots, deadline end)
{
    uint32_t free = 0;
    if (swap(lock, &free, slots->tag) || spin(lock, slots->tag))
        return 0;
    for (;;) {
        uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
        slot_tag owner = word & TAG_MASK;
        bool vacant = word == 0 || !slots_is_alive(slots, owner);
        /* From here on others may sleep, too: keep the bit, one wake too many is harmless. */
        uint32_t expected = word;
        if (vacant && swap(lock, &expected, slots->tag | WAITING))
            return word == 0 ? 0 : 1;
        /* Also when somebody was faster: it may be a peer who never lets the word stand still. */
        int64_t left = clock_left_ns(end);
        if (left == 0 && vacant)
            return fail(-ETIMEDOUT, "the lock on the members' books changes hands all the time, or "
                                    "another member overwrites it");
        if (left == 0)
            return give_up(slots, owner);
        if (!vacant)
            doze(lock, word, left);
    }
}

void lock_release(struct layout_lock *lock)
{
    /* Release pairs with the acquire in swap(). */
    uint32_t word = atomic_exchange_explicit(&lock->word, 0, memory_order_release);
    if ((word & WAITING) != 0)
        futex_wake(&lock->word, 1);
}
