/* See notice.h.
 *
 *   sender                                  sleeper
 *   ------                                  -------
 *   mark up                                 bit on the board
 *   look at the boards                      look at all marks, wait for those that are up
 *   nobody: step; mark down                 look at the version once more
 *   sleepers: mark down; step+wake          sleep while the version is as it was
 *   listeners: ring; step(+wake); mark down
 *
 * All of it is sequentially consistent.  Either the sender sees the bit, or the sleeper sees the
 * mark and waits until it is down (the version has stepped, or the sender will wake) or its bearer
 * is dead (nothing happened).  A listener's latch is set before the step, so it may look too early;
 * it sees the mark then and keeps the latch set. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/epoll.h"
#include "os/file.h"
#include "os/futex.h"
#include "shared/board.h"
#include "shared/members.h"
#include "shared/notice.h"

/* Somebody else's mark is up for nanoseconds, unless its bearer cannot run. */
enum { MARK_SPINS = 100, MARK_YIELDS = 4 };

enum { RINGS_TO_REAP = 64 };
static const int64_t MARK_SLICE_NS = 1000000, MARK_SLICE_MOST_NS = 64000000;

uint32_t notice_version(const struct notice *notice)
{
    /* Sequentially consistent with the boards and marks; as an acquire it pairs with the step, so
     * that the data written before it are seen. */
    return atomic_load_explicit(&notice->shared->version, memory_order_seq_cst);
}

void notice_init(struct notice *notice, struct slots *slots, int bell)
{
    *notice = (struct notice){.shared = &slots->control->notice,
                              .mark = &slots->control->members[slots->slot].mark,
                              .slots = slots,
                              .bell = bell,
                              .spin = SPIN_INIT,
                              .latch = -1};
    pthread_mutex_init(&notice->guard, NULL);
    atomic_store_explicit(&notice->given, notice_version(notice), memory_order_relaxed);
}

void notice_deinit(struct notice *notice)
{
    file_close(&notice->latch);
    pthread_mutex_destroy(&notice->guard);
}

void notice_after_fork(struct notice *notice)
{
    notice->mark = &notice->slots->control->members[notice->slots->slot].mark;
    file_close(&notice->latch);
    notice->sleepers = 0;
    atomic_store_explicit(&notice->listening, false, memory_order_relaxed);
}

/* ---- Stepping -------------------------------------------------------------------------------- */

/* People want to know when; four milliseconds of precision cost almost nothing. */
static uint64_t coarse_stamp(const struct slots *slots)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return layout_stamp((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, slots->pid);
}

/* Strikes off the dead among those on a board: when nobody woke although somebody should have, and
 * once in so many rings, which nobody answers. */
static void reap(struct slots *slots, const struct layout_board *board)
{
    uint32_t high = slots_high(slots);
    for (uint32_t slot = 0; slot < high; slot++)
        if (board_has(board, slot) && members_reap(slots, slot, clock_now_ns()) < 0)
            return; /* the books are busy; another notice will find it again */
}

static void ring(struct notice *notice)
{
    bell_ring(notice->bell);
    uint32_t rings = atomic_fetch_add_explicit(&notice->rings, 1, memory_order_relaxed);
    if (rings % RINGS_TO_REAP == RINGS_TO_REAP - 1)
        reap(notice->slots, &notice->slots->control->listeners);
}

/* The commit, and the wake with it if anybody sleeps. */
static void step(struct notice *notice, bool asleep)
{
    _Atomic uint32_t *version = &notice->shared->version;
    int woken;
    if (!asleep)
        atomic_fetch_add_explicit(version, 1, memory_order_seq_cst);
    else if ((woken = futex_add_and_wake(version, 1, INT_MAX)) == 0)
        reap(notice->slots, &notice->slots->control->sleepers);
    else if (woken < 0) { /* no such call: publish, then wake */
        atomic_fetch_add_explicit(version, 1, memory_order_seq_cst);
        futex_wake(version, INT_MAX);
    }
}

void notice_step(struct notice *notice)
{
    struct slots *slots = notice->slots;
    struct layout *control = slots->control;
    _Atomic uint32_t *mark = notice->mark;

    /* Relaxed: for people. */
    atomic_store_explicit(&control->notice.changed, coarse_stamp(slots), memory_order_relaxed);
    atomic_fetch_add_explicit(mark, 1, memory_order_seq_cst);
    uint32_t high = slots_high(slots);
    bool asleep = board_any(&control->sleepers, high);
    if (board_any(&control->listeners, high)) {
        ring(notice);
        step(notice, asleep);
        atomic_fetch_sub_explicit(mark, 1, memory_order_seq_cst);
    } else if (asleep) {
        /* Down before the system call: on one core the sleeper runs at once. */
        atomic_fetch_sub_explicit(mark, 1, memory_order_seq_cst);
        step(notice, true);
    } else {
        step(notice, false);
        atomic_fetch_sub_explicit(mark, 1, memory_order_seq_cst);
    }
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static bool mark_is_up(struct notice *notice, uint32_t slot)
{
    struct layout_entry *entry = slots_entry(notice->slots, slot);
    return entry != NULL && atomic_load_explicit(&entry->mark, memory_order_seq_cst) != 0;
}

/* Waits until this mark is down, its bearer is dead, or the version has stepped anyway.
 * -ETIMEDOUT if none of that comes in time, -EINTR if a signal handler ran. */
static int settle_one(struct notice *notice, uint32_t slot, uint32_t seen, deadline end)
{
    int64_t slice = MARK_SLICE_NS;
    for (int i = 0; mark_is_up(notice, slot) && notice_version(notice) == seen; i++) {
        if (i < MARK_SPINS) {
            spin_relax();
        } else if (i < MARK_SPINS + MARK_YIELDS) {
            sched_yield();
        } else if (slot != notice->slots->slot && !slots_is_locked(notice->slots, slot)) {
            members_reap(notice->slots, slot, clock_now_ns()); /* if not now, another time */
            return 0;
        } else {
            int64_t left = clock_left_ns(end);
            if (left == 0)
                return -ETIMEDOUT;
            if (futex_wait(&notice->shared->version, seen, left < slice ? left : slice) == -EINTR)
                return -EINTR;
            slice = slice < MARK_SLICE_MOST_NS ? slice * 2 : slice;
        }
    }
    return 0;
}

/* Waits for everybody who may have looked for sleepers before we were on the board.  A mark costs time
 * even if its bearer is dead, and a peer may have raised all of them. */
static int settle(struct notice *notice, uint32_t seen, deadline end)
{
    uint32_t high = slots_high(notice->slots);
    for (uint32_t slot = 0; slot < high; slot++) {
        if (!mark_is_up(notice, slot))
            continue;
        int r = settle_one(notice, slot, seen, end);
        if (r < 0 || clock_left_ns(end) == 0)
            return r < 0 ? r : -ETIMEDOUT;
    }
    return 0;
}

static void announce(struct notice *notice)
{
    pthread_mutex_lock(&notice->guard);
    if (notice->sleepers++ == 0)
        board_set(&notice->slots->control->sleepers, notice->slots->slot);
    pthread_mutex_unlock(&notice->guard);
}

static void withdraw(struct notice *notice)
{
    pthread_mutex_lock(&notice->guard);
    if (--notice->sleepers == 0)
        board_clear(&notice->slots->control->sleepers, notice->slots->slot);
    pthread_mutex_unlock(&notice->guard);
}

/* A handler that runs is to end the sleep. */
static int64_t at_most(int64_t ns, bool interruptible)
{
    return interruptible && ns > FUTEX_AGES ? FUTEX_AGES : ns;
}

/* Sleeps until the version is not `seen`. */
static int sleep_while(struct notice *notice, uint32_t seen, deadline end, bool interruptible)
{
    announce(notice);
    int r = 0;
    while (r == 0 && notice_version(notice) == seen) {
        r = settle(notice, seen, end);
        int64_t left = clock_left_ns(end);
        if (r == 0)
            r = left > 0 ? futex_wait(&notice->shared->version, seen, at_most(left, interruptible))
                         : -ETIMEDOUT;
        if (r == -EAGAIN || (r == -EINTR && !interruptible))
            r = 0;
    }
    withdraw(notice);
    return notice_version(notice) != seen ? 0 : r;
}

/* Nothing newer than `seen` has been found: clears the caller's latch.  It was set before the step
 * it tells of, so if somebody is in the middle of one, it stays set until the outcome is known. */
static void quieten(struct notice *notice, uint32_t seen)
{
    deadline soon = clock_deadline(MARK_SLICE_NS);
    if (settle(notice, seen, soon) < 0)
        return;
    epoll_latch_clear(notice->latch);
    if (notice_version(notice) != seen || settle(notice, seen, soon) < 0 ||
        notice_version(notice) != seen)
        epoll_latch_set(notice->latch, notice->bell);
}

int notice_wait(struct notice *notice, uint32_t *version, int64_t timeout_ns, bool interruptible)
{
    uint32_t seen = *version;
    bool listening = atomic_load_explicit(&notice->listening, memory_order_acquire);
    if (notice_version(notice) == seen && timeout_ns == FERRY_NOW) {
        if (listening)
            quieten(notice, seen);
        return fail(-EAGAIN, "nothing has changed since version %u", seen);
    }
    int r = 0;
    deadline end = clock_deadline(timeout_ns);
    if (!SPIN_UNTIL(&notice->spin, notice_version(notice) != seen))
        r = sleep_while(notice, seen, end, interruptible);
    if (r == -EINTR)
        return fail(r, "a signal handler ran during the wait");
    if (r < 0)
        return fail(r, "nothing changed in time; the version is still %u", seen);
    *version = notice_version(notice);
    atomic_store_explicit(&notice->given, *version, memory_order_relaxed);
    if (listening)
        quieten(notice, *version);
    return 0;
}

/* ---- Listening ------------------------------------------------------------------------------- */

static int listen_up(struct notice *notice)
{
    notice->latch = bell_latch(notice->bell);
    if (notice->latch < 0)
        return TAKE_FD(notice->latch);
    board_set(&notice->slots->control->listeners, notice->slots->slot);
    atomic_store_explicit(&notice->listening, true, memory_order_release);
    uint32_t given = atomic_load_explicit(&notice->given, memory_order_relaxed);
    quieten(notice, given);
    return 0;
}

int notice_descriptor(struct notice *notice)
{
    pthread_mutex_lock(&notice->guard);
    int r = notice->latch < 0 ? listen_up(notice) : 0;
    if (r == 0)
        r = notice->latch;
    pthread_mutex_unlock(&notice->guard);
    return r;
}
