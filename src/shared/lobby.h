/* The lobby: where those wait who are woken by a change of a word, or by a death (DESIGN, law 4).
 *
 * They sleep on the word, which is quick, and each wake is for one of them.  But no futex word changes when a process dies.  So
 * who has waited for a moment becomes the sentry, if there is none: it sleeps on descriptors (vigil.h), by which it hears deaths as
 * well as wakes.  Who waits alone is its own sentry, and nothing else wakes it.  Of several, those who are not look again now
 * and then, all of them together some ten times a second, in case that the sentry was killed along with whom it watched.
 *
 *   waker                                   sentry
 *   -----                                   ------
 *   change the word                         its tag where sentries sign; forget what was heard
 *   look for a sentry                       look at the word once more
 *   wake on the word, or ring               sleep until something is heard
 *
 * Both look after they have written, sequentially consistent: either the waker sees the sentry, or the sentry the change.
 *
 * Dying: a sentry leaves its tag, which whoever waits replaces once it finds it dead; others leave a bit on the board. */
#ifndef FERRY_LOBBY_H
#define FERRY_LOBBY_H

#include <pthread.h>
#include <stdbool.h>

#include "os/clock.h"
#include "shared/slots.h"
#include "shared/vigil.h"

/* One handle's view. */
struct lobby {
    struct slots *slots;
    struct layout_board *board; /* who is in it */
    _Atomic uint32_t *sentry;   /* the tag of the one that keeps the vigil, or 0 */
    int bell;
    _Atomic int closing; /* what a vigil keeps for the next one */
    _Atomic uint32_t wakes;
    pthread_mutex_t guard; /* of what follows */
    unsigned threads;      /* of this process in the lobby */
};

void lobby_init(struct lobby *lobby, struct slots *slots, struct layout_board *board,
                _Atomic uint32_t *sentry, int bell);
void lobby_deinit(struct lobby *lobby);

/* Around a fork, see object.h. */
void lobby_hold(struct lobby *lobby);
void lobby_let_go(struct lobby *lobby);
void lobby_after_fork(struct lobby *lobby);

/* One thread's stay.  It looks at the word, sleeps while that is as it was, looks again … */
struct lobby_stay {
    struct lobby *lobby;
    uint64_t deaths; /* in the ledger when it last looked */
    bool tired;      /* it has slept for a moment already */
    bool is_sentry;  /* and has a vigil */
    struct vigil vigil;
    _Atomic uint32_t *word; /* that it slept on last */
};

struct lobby_stay lobby_enter(struct lobby *lobby);
void lobby_leave(struct lobby_stay *stay);

/* Sleeps while the word is `seen`, at most until `end`.  owner: whose death ends it, too; LOBBY_ANYBODY: that of any member.
 * 0: woken, or the word is another one, or the time is up; 1: look again even if it is not, for somebody may have died; -EINTR: a
 * signal handler ran. */
#define LOBBY_ANYBODY 0
int lobby_sleep(struct lobby_stay *stay, _Atomic uint32_t *word, uint32_t seen, slot_tag owner,
                deadline end);

/* Are others in the lobby?  For who is in it itself. */
bool lobby_has_others(struct lobby *lobby);

/* Behind a change of the word: wakes one who sleeps, or all. */
void lobby_wake(struct lobby *lobby, _Atomic uint32_t *word);
void lobby_wake_all(struct lobby *lobby, _Atomic uint32_t *word);

/* Adds 1 to the word and wakes so many, as one system call but for the sentry; who is killed before that one is rung awake is heard to die. */
void lobby_step(struct lobby *lobby, _Atomic uint32_t *word, int most);

#endif
