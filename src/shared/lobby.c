/* See lobby.h. */
#include <errno.h>
#include <limits.h>

#include "base/cleanup.h"
#include "os/file.h"
#include "os/futex.h"
#include "os/pidfd.h"
#include "os/thread.h"
#include "shared/bell.h"
#include "shared/board.h"
#include "shared/crowd.h"
#include "shared/lobby.h"
#include "shared/members.h"

/* How long everybody sleeps on the word first: most waits are shorter, and a vigil takes some descriptors.  Not shorter than a tick,
 * or the processor's timer would have to be set for it, which costs more than the rest of the sleep. */
static const int64_t FIRST_NAP_NS = 4000000;

/* How often the others look again, all together. */
static const int64_t SECOND_LOOK_NS = 100000000;

/* Of so many wakes one is for the sentry rather than for who sleeps on the word, lest it wait for ever. */
enum { SENTRYS_TURN = 4 };

void lobby_init(struct lobby *lobby, struct slots *slots, struct layout_board *board,
                _Atomic uint32_t *sentry, int bell)
{
    *lobby = (struct lobby){
        .slots = slots, .board = board, .sentry = sentry, .bell = bell, .closing = -1};
    pthread_mutex_init(&lobby->guard, NULL);
}

static void forget_watch(struct lobby *lobby)
{
    int closing = atomic_exchange_explicit(&lobby->closing, -1, memory_order_acq_rel);
    file_close(&closing);
}

void lobby_deinit(struct lobby *lobby)
{
    forget_watch(lobby);
    pthread_mutex_destroy(&lobby->guard);
}

void lobby_hold(struct lobby *lobby)
{
    pthread_mutex_lock(&lobby->guard);
}

void lobby_let_go(struct lobby *lobby)
{
    pthread_mutex_unlock(&lobby->guard);
}

void lobby_after_fork(struct lobby *lobby)
{
    lobby->threads = 0;
    forget_watch(lobby); /* it is the parent's */
}

/* ---- Coming and going ------------------------------------------------------------------------- */

static uint64_t deaths_of(const struct lobby *lobby)
{
    /* Acquire pairs with the journal's release: what the dead one did before is seen. */
    return atomic_load_explicit(&lobby->slots->control->ledger.deaths, memory_order_acquire);
}

struct lobby_stay lobby_enter(struct lobby *lobby)
{
    struct slots *slots = lobby->slots;
    pthread_mutex_lock(&lobby->guard);
    if (lobby->threads++ == 0)
        board_set(lobby->board, slots->slot);
    /* Relaxed: for people. */
    atomic_store_explicit(&slots->control->members[slots->slot].thread, thread_number(),
                          memory_order_relaxed);
    pthread_mutex_unlock(&lobby->guard);
    return (struct lobby_stay){.lobby = lobby, .deaths = deaths_of(lobby)};
}

bool lobby_has_others(struct lobby *lobby)
{
    pthread_mutex_lock(&lobby->guard);
    bool others = lobby->threads > 1;
    pthread_mutex_unlock(&lobby->guard);
    return others || board_has_others(lobby->board, lobby->slots->slot, slots_high(lobby->slots));
}

static slot_tag sentry_of(const struct lobby *lobby)
{
    return atomic_load_explicit(lobby->sentry, memory_order_seq_cst);
}

static bool replace_sentry(struct lobby *lobby, slot_tag old, slot_tag new)
{
    return atomic_compare_exchange_strong_explicit(lobby->sentry, &old, new, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

/* Becomes the sentry, if there is none alive. */
static bool stand(struct lobby_stay *stay)
{
    struct lobby *lobby = stay->lobby;
    slot_tag sentry = sentry_of(lobby);
    if (stay->is_sentry && sentry == lobby->slots->tag)
        return true;
    if (sentry != 0 && slots_is_alive(lobby->slots, sentry))
        return false;
    if (!replace_sentry(lobby, sentry, lobby->slots->tag))
        return false;
    if (!stay->is_sentry)
        stay->vigil = vigil_begin(lobby->bell, lobby->slots->lock_fd, &lobby->closing);
    stay->is_sentry = true;
    return true;
}

void lobby_leave(struct lobby_stay *stay)
{
    struct lobby *lobby = stay->lobby;
    if (stay->is_sentry) {
        replace_sentry(lobby, lobby->slots->tag, 0);
        vigil_end(&stay->vigil);
        if (lobby_has_others(lobby)) /* one of them is to be the next */
            futex_wake(stay->word, 1);
    }
    pthread_mutex_lock(&lobby->guard);
    if (--lobby->threads == 0)
        board_clear(lobby->board, lobby->slots->slot);
    pthread_mutex_unlock(&lobby->guard);
}

/* ---- Sleeping --------------------------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long who is not the sentry sleeps before it looks again.  Whoever died on the board does not count any more: else each death made
 * all that are left more patient. */
static int64_t patience(struct lobby *lobby)
{
    crowd_reap(lobby->slots, lobby->board);
    unsigned sleepers = board_count(lobby->board, slots_high(lobby->slots));
    pthread_mutex_lock(&lobby->guard);
    sleepers += lobby->threads; /* one too many, and other processes' threads are not known */
    pthread_mutex_unlock(&lobby->guard);
    return SECOND_LOOK_NS * (int64_t)sleepers;
}

/* On the word alone.  1: not woken for that long. */
static int nap(const _Atomic uint32_t *word, uint32_t seen, int64_t most_ns, int64_t left_ns)
{
    int r = futex_wait(word, seen, least(most_ns, left_ns));
    if (r == -ETIMEDOUT)
        return most_ns <= left_ns;
    return r == -EINTR ? r : 0;
}

/* A pidfd of the owner, or -errno.  Its pid comes from shared memory, so it proves nothing: at
 * worst we watch the wrong process. */
static int watch(struct slots *slots, slot_tag owner)
{
    struct layout_entry *entry = slots_entry(slots, slot_of_tag(owner));
    if (entry == NULL)
        return -ENOMEM;
    uint64_t namespace = atomic_load_explicit(&entry->namespace, memory_order_relaxed);
    uint64_t joined = atomic_load_explicit(&entry->joined, memory_order_relaxed);
    if (namespace == 0 || namespace != slots->namespace)
        return -EXDEV;
    return pidfd_of(layout_stamp_pid(joined));
}

/* Until that owner dies. */
static int watch_owner(struct lobby_stay *stay, slot_tag owner, int64_t left_ns)
{
    struct slots *slots = stay->lobby->slots;
    CLEANUP(file_close) int owner_fd = vigil_doubts(&stay->vigil) ? -1 : watch(slots, owner);
    /* Had it died before we watched, the pidfd could be a stranger's. */
    if (!slots_is_alive(slots, owner))
        return 1;
    return vigil_sleep(&stay->vigil, owner_fd, left_ns);
}

/* Has anybody died since the stay began, or since it was last asked? */
static bool hears_of_death(struct lobby_stay *stay)
{
    if (!members_reap_all(stay->lobby->slots))
        vigil_distrust(&stay->vigil);
    uint64_t deaths = deaths_of(stay->lobby);
    bool news = deaths != stay->deaths;
    stay->deaths = deaths;
    return news;
}

/* Until anybody dies. */
static int watch_all(struct lobby_stay *stay, int64_t left_ns)
{
    /* Who is gone by now was heard, if at all, before the vigil was hushed. */
    return hears_of_death(stay) ? 1 : vigil_sleep(&stay->vigil, VIGIL_ANYBODY, left_ns);
}

static int keep_vigil(struct lobby_stay *stay, const _Atomic uint32_t *word, uint32_t seen,
                      slot_tag owner, int64_t left_ns)
{
    if (owner == LOBBY_ANYBODY)
        vigil_deepen(&stay->vigil);
    vigil_hush(&stay->vigil);
    if (atomic_load_explicit(word, memory_order_seq_cst) != seen)
        return 0;
    return owner == LOBBY_ANYBODY ? watch_all(stay, left_ns) : watch_owner(stay, owner, left_ns);
}

int lobby_sleep(struct lobby_stay *stay, _Atomic uint32_t *word, uint32_t seen, slot_tag owner,
                deadline end)
{
    int64_t left_ns = clock_left_ns(end);
    stay->word = word;
    if (!stay->tired) {
        int r = nap(word, seen, FIRST_NAP_NS, left_ns);
        stay->tired = r == 1;
        return r == 1 ? 0 : r;
    }
    if (stand(stay))
        return keep_vigil(stay, word, seen, owner, left_ns);
    return nap(word, seen, patience(stay->lobby), left_ns);
}

/* ---- Waking ----------------------------------------------------------------------------------- */

static bool is_sentrys_turn(struct lobby *lobby, slot_tag sentry)
{
    /* Relaxed: it need not be exact. */
    uint32_t wakes = atomic_fetch_add_explicit(&lobby->wakes, 1, memory_order_relaxed);
    return wakes % SENTRYS_TURN == SENTRYS_TURN - 1 && slots_is_alive(lobby->slots, sentry);
}

void lobby_wake(struct lobby *lobby, _Atomic uint32_t *word)
{
    slot_tag sentry = sentry_of(lobby);
    if (sentry == 0)
        futex_wake(word, 1);
    else if (is_sentrys_turn(lobby, sentry) || futex_wake(word, 1) == 0)
        bell_ring(lobby->bell);
}

void lobby_wake_all(struct lobby *lobby, _Atomic uint32_t *word)
{
    futex_wake(word, INT_MAX);
    if (sentry_of(lobby) != 0)
        bell_ring(lobby->bell);
}

void lobby_step(struct lobby *lobby, _Atomic uint32_t *word, int most)
{
    int woken = futex_add_and_wake(word, 1, most);
    if (woken < 0) { /* no such call: publish, then wake */
        atomic_fetch_add_explicit(word, 1, memory_order_seq_cst);
        woken = futex_wake(word, most);
    }
    slot_tag sentry = sentry_of(lobby);
    if (sentry != 0 && (woken < most || is_sentrys_turn(lobby, sentry)))
        bell_ring(lobby->bell);
}
