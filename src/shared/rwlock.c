/* See rwlock.h.  Who dies:
 *
 *   a reader, anywhere           leaves marks, which count for nothing once the kernel says that it is dead.  A writer that
 *                                waits for it watches it, and hears of its death as of an unlock
 *   a writer, with the mutex,    had changed nothing: the door is open, or has its tag and DRAINING, and whoever finds
 *   on its way in or out         that opens it, or closes it anew
 *   a writer inside              leaves its tag without DRAINING: whoever finds that makes it UNREPAIRED
 *   who opens the door,          who waits for it watches the one that had closed it, and looks again
 *   before it wakes
 *   who opens it for a dead one  the others watch the dead one, too, or look again by themselves
 *
 * The mutex's own "unrepaired" says no more than that somebody died with it; what that one had done is told by the door. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "os/futex.h"
#include "shared/board.h"
#include "shared/crowd.h"
#include "shared/members.h"
#include "shared/rwlock.h"

/* A change of the door that fails so often in a row meets no honest members. */
enum { ATTEMPTS = 100 };

/* How long a writer leaves the door open, at most, for readers who waited when it was closed last; and how often it looks. */
static const int64_t CHANCE_NS = 2000000, CHANCE_LOOK_NS = 50000;

void rwlock_init(struct rwlock *rwlock, struct slots *slots, int bell, bool interruptible)
{
    struct layout *control = slots->control;
    struct layout_rwlock *shared = &control->gate.rwlock;
    *rwlock = (struct rwlock){.shared = shared,
                              .entry = &control->members[slots->slot],
                              .slots = slots,
                              .interruptible = interruptible,
                              .entering = SPIN_INIT,
                              .draining = SPIN_INIT};
    mutex_init(&rwlock->mutex, slots, (struct mutex_manner){.recursive = false}, bell);
    rwlock->mutex.interruptible = interruptible;
    lobby_init(&rwlock->door, slots, &control->gate.readers, &shared->door_sentry, bell);
    lobby_init(&rwlock->drain, slots, &rwlock->alone, &shared->drain_sentry, bell);
}

void rwlock_deinit(struct rwlock *rwlock)
{
    lobby_deinit(&rwlock->drain);
    lobby_deinit(&rwlock->door);
    mutex_deinit(&rwlock->mutex);
}

void rwlock_hold(struct rwlock *rwlock)
{
    lobby_hold(&rwlock->mutex.lobby);
    lobby_hold(&rwlock->door);
    lobby_hold(&rwlock->drain);
}

void rwlock_let_go(struct rwlock *rwlock)
{
    lobby_let_go(&rwlock->drain);
    lobby_let_go(&rwlock->door);
    lobby_let_go(&rwlock->mutex.lobby);
}

void rwlock_after_fork(struct rwlock *rwlock)
{
    rwlock->entry = &rwlock->slots->control->members[rwlock->slots->slot];
    mutex_after_fork(&rwlock->mutex);
    lobby_after_fork(&rwlock->door);
    lobby_after_fork(&rwlock->drain);
    memset(&rwlock->alone, 0, sizeof(rwlock->alone));
}

/* ---- The door --------------------------------------------------------------------------------- */

static bool is_open(uint32_t door)
{
    return (door & TAG_MASK) == 0;
}

static bool is_condemned(uint32_t door)
{
    return (door & TAG_MASK) == RWLOCK_CONDEMNED;
}

/* What the door is without the one who closed it and died. */
static uint32_t without_dead(uint32_t door)
{
    bool was_inside = !is_open(door) && (door & RWLOCK_DRAINING) == 0;
    return was_inside ? RWLOCK_UNREPAIRED : door & RWLOCK_UNREPAIRED;
}

/* Sequentially consistent: who closes it looks at the marks next, who opens it at who waits.  As an acquire it pairs with the
 * release of the last writer, as a release with the acquire in rwlock_look(). */
static bool swap(struct rwlock *rwlock, uint32_t *expected, uint32_t wanted)
{
    return atomic_compare_exchange_strong_explicit(&rwlock->shared->door, expected, wanted,
                                                   memory_order_seq_cst, memory_order_seq_cst);
}

static bool is_any_reader_waiting(const struct rwlock *rwlock)
{
    return board_any(rwlock->door.board, slots_high(rwlock->slots));
}

/* Behind an opening of the door, or its end. */
static void wake_readers(struct rwlock *rwlock)
{
    if (is_any_reader_waiting(rwlock))
        lobby_wake_all(&rwlock->door, &rwlock->shared->door);
}

static int condemned(void)
{
    return fail(-ENOTRECOVERABLE,
                "a writer died inside, and the next one let go of the lock without having repaired "
                "the data: remove the lock, and make it and the data anew");
}

static int in(uint32_t door)
{
    if ((door & RWLOCK_UNREPAIRED) == 0)
        return 0;
    return fail(-EOWNERDEAD, "the lock is yours, but an earlier writer died holding it: check the "
                             "data; who writes calls the repair function then");
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static void tell_writer(struct rwlock *rwlock)
{
    lobby_step(&rwlock->drain, &rwlock->shared->drain, 1);
}

int rwlock_marked_less(struct rwlock *rwlock, uint32_t marks)
{
    if (marks == 0) /* there was none */
        rwlock_mark(rwlock);
    if (marks <= 1 && (rwlock_look(rwlock) & RWLOCK_DRAINING) != 0)
        tell_writer(rwlock);
    return marks > 0 ? 0 : fail(-EPERM, "this handle does not have the lock for reading");
}

/* In if the door is open; else *ret_door says who closed it. */
static bool try_open(struct rwlock *rwlock, uint32_t *ret_door)
{
    *ret_door = rwlock_look(rwlock);
    if (!is_open(*ret_door))
        return false;
    rwlock_mark(rwlock);
    *ret_door = rwlock_look(rwlock);
    if (is_open(*ret_door))
        return true;
    rwlock_marked_less(rwlock, rwlock_unmark(rwlock));
    return false;
}

/* In if the door is open, or closed by a dead one; else *ret_door names a living one, or is condemned, or one of too many.  Asks
 * the kernel. */
static bool try_any(struct rwlock *rwlock, uint32_t *ret_door)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        if (try_open(rwlock, ret_door))
            return true;
        uint32_t door = *ret_door;
        if (is_condemned(door) || slots_is_alive(rwlock->slots, door & TAG_MASK))
            return false;
        if (swap(rwlock, &door, without_dead(door)))
            wake_readers(rwlock);
    }
    return false;
}

/* We wait since this closing: who closes the door next gives us a chance before. */
static void note_closing(struct rwlock *rwlock)
{
    /* Relaxed: it says who is waited for, and for how long; not who gets in. */
    uint32_t closing = atomic_load_explicit(&rwlock->shared->closings, memory_order_relaxed);
    atomic_store_explicit(&rwlock->entry->since, closing, memory_order_relaxed);
}

static int wait_in(struct rwlock *rwlock, struct lobby_stay *stay, deadline end, uint32_t *ret_door)
{
    while (!try_any(rwlock, ret_door)) {
        uint32_t door = *ret_door;
        if (is_condemned(door))
            return condemned();
        if (clock_left_ns(end) == 0)
            return fail(-ETIMEDOUT, "no writer let go of the lock in time");
        note_closing(rwlock);
        int r = lobby_sleep(stay, &rwlock->shared->door, door, door & TAG_MASK, end);
        if (r == -EINTR && rwlock->interruptible)
            return fail(r, "a signal handler ran during the wait");
    }
    return 0;
}

static int wait_at_door(struct rwlock *rwlock, deadline end, uint32_t *ret_door)
{
    /* Relaxed: for people. */
    atomic_fetch_add_explicit(&rwlock->mutex.shared->waits, 1, memory_order_relaxed);
    struct lobby_stay stay = lobby_enter(&rwlock->door);
    int r = wait_in(rwlock, &stay, end, ret_door);
    lobby_leave(&stay);
    return r;
}

static bool is_ours(const struct rwlock *rwlock)
{
    /* Relaxed: this thread wrote it, or another one some other value. */
    return atomic_load_explicit(&rwlock->mutex.holder, memory_order_relaxed) == thread_self();
}

int rwlock_lock_shared_slowly(struct rwlock *rwlock, int64_t timeout_ns)
{
    uint32_t door = 0;
    if (is_ours(rwlock))
        return fail(-EDEADLK, "this thread has the lock for writing");
    if (atomic_load_explicit(&rwlock->entry->holds, memory_order_relaxed) >= RWLOCK_HOLDS_MOST)
        return fail(-EOVERFLOW, "this handle has taken the lock too often");
    if (timeout_ns == FERRY_NOW) {
        if (!try_any(rwlock, &door))
            return is_condemned(door) ? condemned() : fail(-EAGAIN, "somebody writes");
    } else if (!SPIN_UNTIL(&rwlock->entering, try_open(rwlock, &door))) {
        int r = wait_at_door(rwlock, clock_deadline(timeout_ns), &door);
        if (r < 0)
            return r;
    }
    return in(door);
}

/* ---- Writing: waiting for readers ------------------------------------------------------------- */

/* A look at the marks, one after the other: whose is gone, or dead, while the door is closed, need not be looked at again. */
struct round {
    uint32_t slot, high;
    slot_tag reader; /* whose mark stopped it */
    bool is_busy;    /* the books are: the dead are left to others */
};

/* Who was never below `high` so far will see the closed door.  -ENOSPC: there is no memory to look into. */
static int begin_round(struct rwlock *rwlock, struct round *ret_round)
{
    *ret_round = (struct round){.high = slots_high(rwlock->slots)};
    bool all_backed =
        ret_round->high == 0 || slots_entry(rwlock->slots, ret_round->high - 1) != NULL;
    return all_backed ? 0 : -ENOSPC;
}

/* Goes on until somebody alive has marks; false: that is `reader`.  asks: whether it is alive is asked of the kernel, and a dead
 * one struck off. */
static bool has_drained(struct rwlock *rwlock, struct round *round, bool asks)
{
    for (; round->slot < round->high; round->slot++) {
        struct layout_entry *entry = &rwlock->slots->control->members[round->slot];
        /* The generation first: marks seen behind it are of that member, or of a later one. */
        uint32_t generation = atomic_load_explicit(&entry->generation, memory_order_acquire);
        if (atomic_load_explicit(&entry->holds, memory_order_seq_cst) == 0)
            continue;
        round->reader = slot_tag_make(round->slot, generation);
        if (!asks || slots_is_alive(rwlock->slots, round->reader))
            return false;
        if (!round->is_busy)
            round->is_busy = members_reap(rwlock->slots, round->slot, clock_now_ns()) < 0;
    }
    return true;
}

static int drain_in(struct rwlock *rwlock, struct lobby_stay *stay, struct round *round,
                    deadline end)
{
    _Atomic uint32_t *word = &rwlock->shared->drain;
    for (;;) {
        /* Before the marks: who takes one away behind this look steps it. */
        uint32_t seen = atomic_load_explicit(word, memory_order_seq_cst);
        if (has_drained(rwlock, round, true))
            return 0;
        if (clock_left_ns(end) == 0)
            return fail(-ETIMEDOUT, "the readers did not let go of the lock in time");
        int r = lobby_sleep(stay, word, seen, round->reader, end);
        if (r == -EINTR && rwlock->interruptible)
            return fail(r, "a signal handler ran during the wait");
    }
}

/* Waits until all who were in when the door was closed are out. */
static int drain(struct rwlock *rwlock, deadline end)
{
    struct round round;
    int r = begin_round(rwlock, &round);
    /* The dead are not worth a spin. */
    if (r < 0 || has_drained(rwlock, &round, true) ||
        SPIN_UNTIL(&rwlock->draining, has_drained(rwlock, &round, false)))
        return r;
    atomic_fetch_add_explicit(&rwlock->mutex.shared->waits, 1, memory_order_relaxed);
    struct lobby_stay stay = lobby_enter(&rwlock->drain);
    r = drain_in(rwlock, &stay, &round, end);
    lobby_leave(&stay);
    return r;
}

/* ---- Writing: letting readers in first -------------------------------------------------------- */

/* Does this one wait since the last closing?  Who was stopped, and has missed one since, does not. */
static bool is_owed(struct rwlock *rwlock, uint32_t slot)
{
    struct layout_entry *entry =
        board_has(rwlock->door.board, slot) ? slots_entry(rwlock->slots, slot) : NULL;
    return entry != NULL &&
           atomic_load_explicit(&entry->since, memory_order_relaxed) ==
               atomic_load_explicit(&rwlock->shared->closings, memory_order_relaxed);
}

static bool is_any_owed(struct rwlock *rwlock)
{
    uint32_t high = is_any_reader_waiting(rwlock) ? slots_high(rwlock->slots) : 0;
    for (uint32_t slot = 0; slot < high; slot++)
        if (is_owed(rwlock, slot))
            return true;
    return false;
}

/* Leaves the door open until they are in; for a moment at most, since they may be stopped. */
static void let_readers_in(struct rwlock *rwlock, deadline end)
{
    crowd_reap(rwlock->slots, rwlock->door.board);
    _Atomic uint32_t *word = &rwlock->shared->drain;
    deadline limit = clock_deadline(CHANCE_NS);
    if (end < limit)
        limit = end;
    while (is_any_owed(rwlock) && clock_left_ns(limit) > 0)
        futex_wait(word, atomic_load_explicit(word, memory_order_relaxed), CHANCE_LOOK_NS);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

/* With the mutex, nobody alive can have closed it. */
static int close_door(struct rwlock *rwlock)
{
    struct layout_rwlock *shared = rwlock->shared;
    /* Relaxed: we have the mutex. */
    uint32_t closings = atomic_load_explicit(&shared->closings, memory_order_relaxed);
    atomic_store_explicit(&shared->closings, closings + 1, memory_order_relaxed);
    uint32_t door = atomic_load_explicit(&shared->door, memory_order_relaxed);
    for (int i = 0; i < ATTEMPTS && !is_condemned(door); i++)
        if (swap(rwlock, &door, without_dead(door) | RWLOCK_DRAINING | rwlock->mutex.tag))
            return 0;
    return is_condemned(door)
               ? condemned()
               : fail(-EBADMSG, "another member changes the lock's door all the time");
}

/* Behind the closed door, with no reader left: from here on our death is one inside. */
static int step_in(struct rwlock *rwlock)
{
    _Atomic uint32_t *word = &rwlock->shared->door;
    /* Relaxed: nobody but us changes it now; who finds us dead asks the kernel first. */
    uint32_t door = atomic_load_explicit(word, memory_order_relaxed) & RWLOCK_UNREPAIRED;
    atomic_store_explicit(word, door | rwlock->mutex.tag, memory_order_relaxed);
    return in(door);
}

/* Opens what we have closed, to be left like that. */
static int open_door(struct rwlock *rwlock, uint32_t door, uint32_t left)
{
    bool done = (door & TAG_MASK) == rwlock->mutex.tag && swap(rwlock, &door, left);
    wake_readers(rwlock);
    return done ? 0 : fail(-EBADMSG, "the lock was ours, but another member overwrote it");
}

/* It was no use to close it. */
static void reopen(struct rwlock *rwlock)
{
    uint32_t door = rwlock_look(rwlock);
    open_door(rwlock, door, without_dead(door));
}

static int go_in(struct rwlock *rwlock, deadline end)
{
    if (is_any_reader_waiting(rwlock))
        let_readers_in(rwlock, end);
    int r = close_door(rwlock);
    if (r < 0)
        return r;
    r = drain(rwlock, end);
    if (r == 0)
        return step_in(rwlock);
    reopen(rwlock);
    return r;
}

/* 0, or -EAGAIN: somebody alive has marks; or -ENOSPC. */
static int look_for_readers(struct rwlock *rwlock)
{
    struct round round;
    int r = begin_round(rwlock, &round);
    if (r < 0 || has_drained(rwlock, &round, true))
        return r;
    return fail(-EAGAIN, "somebody reads");
}

/* Does not close the door on anybody who is in, or has a right to be: but that counts once, since it may be stopped. */
static int go_in_now(struct rwlock *rwlock)
{
    struct layout_rwlock *shared = rwlock->shared;
    int r = look_for_readers(rwlock);
    if (r < 0)
        return r;
    if (is_any_reader_waiting(rwlock))
        crowd_reap(rwlock->slots, rwlock->door.board);
    if (is_any_owed(rwlock)) {
        atomic_fetch_add_explicit(&shared->closings, 1, memory_order_relaxed);
        return fail(-EAGAIN, "somebody waits to read, and is first");
    }
    r = close_door(rwlock);
    if (r < 0)
        return r;
    r = look_for_readers(rwlock);
    if (r == 0)
        return step_in(rwlock);
    reopen(rwlock);
    return r;
}

int rwlock_lock(struct rwlock *rwlock, int64_t timeout_ns)
{
    deadline end = timeout_ns == FERRY_NOW ? 0 : clock_deadline(timeout_ns);
    int r = mutex_lock(&rwlock->mutex, timeout_ns);
    if (r == -EOWNERDEAD)
        r = mutex_repaired(&rwlock->mutex);
    if (r < 0)
        return r;
    r = timeout_ns == FERRY_NOW ? go_in_now(rwlock) : go_in(rwlock, end);
    if (r < 0 && r != -EOWNERDEAD)
        mutex_unlock(&rwlock->mutex);
    return r;
}

static int not_ours(void)
{
    return fail(-EPERM, "this thread does not have the lock for writing");
}

int rwlock_unlock(struct rwlock *rwlock)
{
    if (!is_ours(rwlock))
        return not_ours();
    /* Nobody but us changes it while we are inside; so this is what it will be replaced for. */
    uint32_t door = rwlock_look(rwlock);
    bool whole = (door & RWLOCK_UNREPAIRED) == 0;
    int r = open_door(rwlock, door, whole ? 0 : RWLOCK_CONDEMNED);
    int unlocked = mutex_unlock(&rwlock->mutex);
    return r < 0 ? r : unlocked;
}

int rwlock_repaired(struct rwlock *rwlock)
{
    if (!is_ours(rwlock))
        return not_ours();
    /* Relaxed: opening it orders it. */
    atomic_fetch_and_explicit(&rwlock->shared->door, ~RWLOCK_UNREPAIRED, memory_order_relaxed);
    return 0;
}

void rwlock_abandon(struct rwlock *rwlock)
{
    if (atomic_exchange_explicit(&rwlock->entry->holds, 0, memory_order_seq_cst) > 0)
        rwlock_marked_less(rwlock, 1);
    uint32_t door = rwlock_look(rwlock);
    if ((door & TAG_MASK) == rwlock->mutex.tag)
        open_door(rwlock, door, without_dead(door));
    mutex_abandon(&rwlock->mutex);
}
