/* See mutex.h.  The word: the owner's tag (0: free), UNREPAIRED since an owner died, WAITING while
 * somebody may be asleep.
 *
 *   owner dies holding it        the word keeps its tag; pidfds become readable; the first to look
 *                                takes it over by compare-and-swap and sets UNREPAIRED
 *   dies between unlock and ring it is free, and everybody asleep watches the dead one's pidfd
 *   owner execs                  its pid lives on, but it closed its description: heard, too
 *   sleeper dies                 nothing of it is left but WAITING: one ring too many
 *   a third one barges in        the unlock before rang the sleepers awake: they see the new owner
 *                                and watch that one
 *
 * A ring wakes every sleeper and each looks for itself; none depends on another to pass it on. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/pidfd.h"
#include "shared/mutex.h"
#include "shared/vigil.h"

/* A change of the word that fails so often in a row meets no honest members: each of them changes it
 * once and then has it, or sleeps. */
enum { ATTEMPTS = 100 };

void mutex_init(struct mutex *mutex, struct slots *slots, int bell)
{
    *mutex = (struct mutex){.shared = &slots->control->mutex,
                            .tag = slots->tag,
                            .slots = slots,
                            .bell = bell,
                            .spin = SPIN_INIT,
                            .closing = -1};
}

void mutex_deinit(struct mutex *mutex)
{
    int closing = atomic_exchange_explicit(&mutex->closing, -1, memory_order_acq_rel);
    file_close(&closing);
}

void mutex_after_fork(struct mutex *mutex)
{
    mutex->tag = mutex->slots->tag;
    atomic_store_explicit(&mutex->holder, 0, memory_order_relaxed);
    mutex_deinit(mutex); /* the watch is the parent's */
}

/* A number or a pointer, and never 0. */
static uintptr_t this_thread(void)
{
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11 &&                                  \
    (defined(__x86_64__) || defined(__aarch64__))
    return (uintptr_t)__builtin_thread_pointer(); /* what pthread_self() returns, without a call */
#else
    return (uintptr_t)pthread_self();
#endif
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

static int taken(struct mutex *mutex, uint32_t word)
{
    /* Relaxed: only the owner counts, and only this thread asks who holds it. */
    _Atomic uint64_t *count = &mutex->shared->taken;
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    atomic_store_explicit(&mutex->holder, this_thread(), memory_order_relaxed);
    if ((word & MUTEX_UNREPAIRED) == 0)
        return 0;
    return fail(-EOWNERDEAD, "the lock is yours, but an earlier owner died holding it: check the "
                             "data, then call the repair function");
}

/* Takes it if it is free. */
static bool try_free(struct mutex *mutex, uint32_t *ret_word)
{
    uint32_t word = load(mutex);
    for (int i = 0; i < ATTEMPTS && (word & TAG_MASK) == 0; i++) {
        uint32_t wanted = word | mutex->tag;
        if (swap(mutex, &word, wanted)) {
            *ret_word = wanted;
            return true;
        }
    }
    *ret_word = word;
    return false;
}

/* Takes it if it is free or its owner is dead; else *ret_word names the living owner, or is one of
 * too many that nobody owned for long.  Asks the kernel. */
static bool try_any(struct mutex *mutex, uint32_t *ret_word)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        if (try_free(mutex, ret_word))
            return true;
        uint32_t word = *ret_word;
        if (slots_is_alive(mutex->slots, word & TAG_MASK))
            return false;
        uint32_t wanted = (word & MUTEX_WAITING) | MUTEX_UNREPAIRED | mutex->tag;
        if (swap(mutex, &word, wanted)) {
            *ret_word = wanted;
            return true;
        }
    }
    return false;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* A pidfd of the owner, or -errno.  Its pid comes from shared memory, so it proves nothing: at
 * worst we watch the wrong process. */
static int watch(struct mutex *mutex, slot_tag owner)
{
    struct layout_entry *entry = slots_entry(mutex->slots, slot_of_tag(owner));
    if (entry == NULL)
        return -ENOMEM;
    uint64_t namespace = atomic_load_explicit(&entry->namespace, memory_order_relaxed);
    uint64_t joined = atomic_load_explicit(&entry->joined, memory_order_relaxed);
    if (namespace == 0 || namespace != mutex->slots->namespace)
        return -EXDEV;
    return pidfd_of(layout_stamp_pid(joined));
}

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

/* One sleep beside the living owner in `word`.  0 or -EINTR. */
static int sleep_once(struct mutex *mutex, struct vigil *vigil, uint32_t word, deadline end)
{
    vigil_hush(vigil);
    if (!announce(mutex, &word))
        return 0;
    slot_tag owner = word & TAG_MASK;
    CLEANUP(file_close) int owner_fd = vigil_doubts(vigil) ? -1 : watch(mutex, owner);
    /* Had it died before we watched, the pidfd could be a stranger's. */
    if (!slots_is_alive(mutex->slots, owner))
        return 0;
    return vigil_sleep(vigil, owner_fd, clock_left_ns(end));
}

static int wait_with(struct mutex *mutex, struct vigil *vigil, deadline end, bool interruptible,
                     uint32_t *ret_word)
{
    while (!try_any(mutex, ret_word)) {
        if (clock_left_ns(end) == 0)
            return fail(-ETIMEDOUT, "the lock was not free in time");
        int r = sleep_once(mutex, vigil, *ret_word, end);
        if (r == -EINTR && interruptible)
            return fail(r, "a signal handler ran during the wait");
    }
    return 0;
}

static int wait_for_it(struct mutex *mutex, deadline end, bool interruptible, uint32_t *ret_word)
{
    atomic_fetch_add_explicit(&mutex->shared->waits, 1, memory_order_relaxed);
    struct vigil vigil = vigil_begin(mutex->bell, mutex->slots->lock_fd, &mutex->closing);
    int r = wait_with(mutex, &vigil, end, interruptible, ret_word);
    vigil_end(&vigil);
    return r;
}

/* Apart, so that the way through mutex_lock() has no registers to save: each would be a store that
 * the locked instruction waits for. */
__attribute__((noinline)) static int lock_slowly(struct mutex *mutex, int64_t timeout_ns,
                                                 bool interruptible)
{
    uint32_t word = 0;
    if (atomic_load_explicit(&mutex->holder, memory_order_relaxed) == this_thread())
        return fail(-EDEADLK, "this thread has the lock already");
    if (timeout_ns == FERRY_NOW) {
        if (!try_any(mutex, &word))
            return fail(-EAGAIN, "somebody has the lock");
    } else if (!SPIN_UNTIL(&mutex->spin, try_free(mutex, &word))) {
        int r = wait_for_it(mutex, clock_deadline(timeout_ns), interruptible, &word);
        if (r < 0)
            return r;
    }
    return taken(mutex, word);
}

int mutex_lock(struct mutex *mutex, int64_t timeout_ns, bool interruptible)
{
    uint32_t word = 0;
    if (swap(mutex, &word, mutex->tag))
        return taken(mutex, 0);
    return lock_slowly(mutex, timeout_ns, interruptible);
}

/* ---- Letting go ------------------------------------------------------------------------------ */

/* Do we have it?  Only our own memory is believed. */
static int check_holder(struct mutex *mutex)
{
    if (atomic_load_explicit(&mutex->holder, memory_order_relaxed) == this_thread())
        return 0;
    return fail(-EPERM, "this thread does not have the lock");
}

/* Makes the word free, with `mark` in it, and wakes whoever waits.  Apart as lock_slowly() is. */
__attribute__((noinline)) static int release(struct mutex *mutex, uint32_t word, uint32_t mark)
{
    bool done = false;
    for (int i = 0; i < ATTEMPTS && !done && (word & TAG_MASK) == mutex->tag; i++)
        /* Release pairs with the acquire in swap(). */
        done = atomic_compare_exchange_strong_explicit(&mutex->shared->word, &word,
                                                       (word & MUTEX_UNREPAIRED) | mark,
                                                       memory_order_release, memory_order_relaxed);
    if (!done)
        return fail(-EBADMSG, "the lock was ours, but another member overwrote it");
    if ((word & MUTEX_WAITING) != 0)
        bell_ring(mutex->bell);
    return 0;
}

int mutex_unlock(struct mutex *mutex)
{
    int r = check_holder(mutex);
    if (r < 0)
        return r;
    /* Before the word: behind it, the next holder may be another thread of ours. */
    atomic_store_explicit(&mutex->holder, 0, memory_order_relaxed);
    /* Guessing that nobody waits saves a look.  Release pairs with the acquire in swap(). */
    uint32_t word = mutex->tag;
    if (atomic_compare_exchange_strong_explicit(&mutex->shared->word, &word, 0,
                                                memory_order_release, memory_order_relaxed))
        return 0;
    return release(mutex, word, 0);
}

void mutex_abandon(struct mutex *mutex)
{
    if ((load(mutex) & TAG_MASK) == mutex->tag)
        release(mutex, load(mutex), MUTEX_UNREPAIRED);
}

int mutex_repaired(struct mutex *mutex)
{
    int r = check_holder(mutex);
    if (r < 0)
        return r;
    /* Relaxed: whoever reads it takes the lock, which orders it. */
    atomic_fetch_and_explicit(&mutex->shared->word, ~MUTEX_UNREPAIRED, memory_order_relaxed);
    return 0;
}
