/* See inherit.h.
 *
 *   word    the kernel's: the owner's thread number; WAITERS, then only the kernel may change the owner; OWNER_DIED
 *   owner   thread number and tag of who has it, as it says itself behind taking it, and takes back before it lets go
 *   state   unrepaired since an owner died, condemned
 *
 *   owner dies, others wait      the kernel makes the next one owner, and says OWNER_DIED in the word
 *   owner dies, nobody waits     the word keeps its number.  Who comes next finds the owner's tag dead; or there is none, or another thread's,
 *                                and the kernel says that there is no such thread.  Takes it over by compare-and-swap
 *   dies between taking it and   as above
 *   saying so, or before letting
 *   go and behind saying so
 *   told, dies before it says    the word keeps OWNER_DIED, or the next one finds it dead as well
 *   so in the state
 *
 * Not told apart: a dead thread's number that a stranger's thread has by now, if the dead one was killed within some instructions of taking the lock or
 * letting go.  Then who waits waits for the stranger's end. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>

#include "base/error.h"
#include "os/futex.h"
#include "os/proc.h"
#include "shared/inherit.h"

/* A word that cannot be changed so often in a row is changed by no honest members. */
enum { ATTEMPTS = 1000 };

void inherit_init(struct inherit *inherit, struct mutex *mutex)
{
    struct layout_inherit *shared = &mutex->slots->control->gate.inherit;
    /* Relaxed: written before the object had a name. */
    uint64_t namespace = atomic_load_explicit(&shared->namespace, memory_order_relaxed);
    *inherit = (struct inherit){.shared = shared,
                                .mutex = mutex,
                                .is_foreign = namespace == 0 || namespace != proc_pid_namespace()};
}

void inherit_after_fork(struct inherit *inherit)
{
    inherit_init(inherit, inherit->mutex);
}

static int refuse_foreign(void)
{
    return fail(
        -EOPNOTSUPP,
        "a mutex that lends priorities is for one pid namespace, and it was made in another "
        "one (or /proc is not mounted); make one here, or one without FERRY_INHERIT");
}

/* ---- Words ------------------------------------------------------------------------------------ */

static uint32_t load(const struct inherit *inherit)
{
    /* Relaxed: whatever is concluded from it is confirmed by a compare-and-swap, or by the kernel. */
    return atomic_load_explicit(&inherit->shared->word, memory_order_relaxed);
}

/* Acquire pairs with the release in inherit_unlock(): we see what the last owner wrote. */
static bool swap(struct inherit *inherit, uint32_t *expected, uint32_t wanted)
{
    return atomic_compare_exchange_strong_explicit(&inherit->shared->word, expected, wanted,
                                                   memory_order_acquire, memory_order_relaxed);
}

static uint64_t owner_entry(uint32_t thread, slot_tag tag)
{
    return (uint64_t)thread << 32 | tag;
}

/* What the thread in the word has said of itself: whether it lives, or nothing so far. */
enum life { ALIVE, DEAD, UNKNOWN };

static enum life owner_life(const struct inherit *inherit, uint32_t word)
{
    /* Relaxed: a guess; who takes it over compares the word. */
    uint64_t owner = atomic_load_explicit(&inherit->shared->owner, memory_order_relaxed);
    if (owner >> 32 != (word & FUTEX_TID_MASK) || (uint32_t)owner == 0)
        return UNKNOWN;
    return slots_is_alive(inherit->mutex->slots, (slot_tag)owner) ? ALIVE : DEAD;
}

static uint32_t state(const struct inherit *inherit)
{
    /* Relaxed: with the lock. */
    return atomic_load_explicit(&inherit->shared->state, memory_order_relaxed);
}

static void set_state(struct inherit *inherit, uint32_t wanted)
{
    atomic_store_explicit(&inherit->shared->state, wanted, memory_order_relaxed);
}

/* ---- Letting go ------------------------------------------------------------------------------- */

/* The owner's entry first: who takes the lock writes its own. */
static int release(struct inherit *inherit)
{
    uint32_t word = thread_id();
    atomic_store_explicit(&inherit->shared->owner, 0, memory_order_relaxed);
    /* Release pairs with the acquire in swap(); what the kernel does is ordered. */
    if (atomic_compare_exchange_strong_explicit(&inherit->shared->word, &word, 0,
                                                memory_order_release, memory_order_relaxed))
        return 0;
    return futex_unlock_pi(&inherit->shared->word) == 0
               ? 0
               : fail(-EBADMSG, "the lock was ours, but another member overwrote it");
}

/* ---- Taking ----------------------------------------------------------------------------------- */

/* The word has our number. */
static int taken(struct inherit *inherit, bool owner_died)
{
    struct mutex *mutex = inherit->mutex;
    atomic_store_explicit(&inherit->shared->owner, owner_entry(thread_id(), mutex->tag),
                          memory_order_relaxed);
    if (state(inherit) == INHERIT_CONDEMNED) {
        release(inherit);
        return mutex_explain_condemned();
    }
    if (owner_died) { /* the word says so until the state does */
        set_state(inherit, INHERIT_UNREPAIRED);
        atomic_fetch_and_explicit(&inherit->shared->word, ~(uint32_t)FUTEX_OWNER_DIED,
                                  memory_order_release);
    }
    mutex_note_taken(mutex);
    if (state(inherit) == 0)
        return 0;
    return mutex_explain_unrepaired();
}

/* Takes it over from a dead owner. */
static bool take_over(struct inherit *inherit, uint32_t word)
{
    return swap(inherit, &word, thread_id() | (uint32_t)FUTEX_OWNER_DIED);
}

/* Without the kernel, which alone may change the owner while others wait.  1 taken, 2 taken over; 0: somebody has it. */
static int try_once(struct inherit *inherit)
{
    uint32_t word = load(inherit);
    if ((word & ~(uint32_t)FUTEX_OWNER_DIED) == 0)
        return swap(inherit, &word, word | thread_id()) ? 1 + (word != 0) : 0;
    bool is_dead = (word & FUTEX_WAITERS) == 0 && owner_life(inherit, word) == DEAD;
    return is_dead && take_over(inherit, word) ? 2 : 0;
}

/* What the kernel says of a lock that somebody has.  1 taken, 2 taken over, 0 try again, or -errno. */
static int ask_kernel(struct inherit *inherit, deadline end)
{
    uint32_t before = load(inherit);
    int r;
    while ((r = futex_lock_pi(&inherit->shared->word, end)) == -EAGAIN && clock_left_ns(end) > 0)
        sched_yield(); /* the owner is about to end */
    if (r == 0)
        return (load(inherit) & FUTEX_OWNER_DIED) != 0 ? 2 : 1;
    if (r ==
        -ESRCH) /* there is no such thread, nor anybody who waits for it, whatever the word says */
        return take_over(inherit, before) ? 2 : 0;
    if (r == -EAGAIN)
        return -ETIMEDOUT;
    return r == -EINTR ? 0 : r;
}

static int explain(int r)
{
    switch (r) {
    case -ETIMEDOUT:
        return fail(r, "the lock was not free in time");
    case -EDEADLK:
        return fail(r, "to wait would never end: this thread, or one that waits for this thread, "
                       "has the lock");
    case -ENOMEM:
        return fail(r, "the kernel has no memory to wait with");
    case -ENOSYS:
        return fail(-EOPNOTSUPP, "this kernel does not lend priorities (CONFIG_FUTEX_PI)");
    default: /* -EINVAL, -EPERM: the word does not agree with what the kernel knows */
        return fail(-EBADMSG, "another member overwrote the lock");
    }
}

static int wait_for_it(struct inherit *inherit, deadline end)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        int r = try_once(inherit);
        if (r == 0)
            r = ask_kernel(inherit, end);
        if (r != 0)
            return r;
    }
    return -EBADMSG;
}

/* In the lobby, so that tools see who waits. */
static int wait_seen(struct inherit *inherit, deadline end)
{
    struct mutex *mutex = inherit->mutex;
    atomic_fetch_add_explicit(&mutex->shared->waits, 1, memory_order_relaxed);
    struct lobby_stay stay = lobby_enter(&mutex->lobby);
    int r = wait_for_it(inherit, end);
    lobby_leave(&stay);
    return r;
}

/* Without waiting: who is known to live need not be asked about. */
static int try_kernel(struct inherit *inherit)
{
    if (owner_life(inherit, load(inherit)) == ALIVE)
        return -EAGAIN;
    int r = ask_kernel(inherit, clock_now_ns());
    return r == 0 || r == -ETIMEDOUT ? -EAGAIN : r;
}

static int lock_slowly(struct inherit *inherit, int64_t timeout_ns)
{
    if (mutex_check_own(inherit->mutex))
        return mutex_lock_once_more(inherit->mutex);
    int r = try_once(inherit);
    if (r == 0)
        r = timeout_ns == FERRY_NOW ? try_kernel(inherit)
                                    : wait_seen(inherit, clock_deadline(timeout_ns));
    if (r == -EAGAIN)
        return fail(r, "somebody has the lock");
    return r < 0 ? explain(r) : taken(inherit, r == 2);
}

int inherit_lock(struct inherit *inherit, int64_t timeout_ns)
{
    uint32_t word = 0;
    if (inherit->is_foreign)
        return refuse_foreign();
    if (swap(inherit, &word, thread_id()))
        return taken(inherit, false);
    return lock_slowly(inherit, timeout_ns);
}

int inherit_unlock(struct inherit *inherit)
{
    struct mutex *mutex = inherit->mutex;
    int r = mutex_check_holder(mutex);
    if (r < 0)
        return r;
    if (mutex->again > 0) {
        mutex->again--;
        return 0;
    }
    atomic_store_explicit(&mutex->holder, 0, memory_order_relaxed);
    if (state(inherit) == INHERIT_UNREPAIRED)
        set_state(inherit, INHERIT_CONDEMNED);
    return release(inherit);
}

int inherit_repaired(struct inherit *inherit)
{
    int r = mutex_check_holder(inherit->mutex);
    if (r == 0)
        set_state(inherit, 0);
    return r;
}

/* Only the thread that has it can let go of it.  Of another one's the kernel takes care when that ends; and until then, whoever finds
 * this member gone takes the lock over if nobody waits. */
void inherit_abandon(struct inherit *inherit)
{
    if (!mutex_check_own(inherit->mutex))
        return;
    set_state(inherit, INHERIT_UNREPAIRED);
    release(inherit);
}
