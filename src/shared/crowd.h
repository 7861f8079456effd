/* Those who sleep on a word until there is a message, or room (DESIGN, law 4).
 *
 * Each member that sleeps is on a board, so that whoever changes the word looks for it.  A lone sleeper sleeps until it is
 * woken.  Of several, the one that is woken may be killed before it takes what it was woken for; so each of several looks
 * again now and then, all together some ten times a second.  Who sleeps alone says so (`lonely`), and whoever joins it
 * changes its word and wakes it, so that it does so no longer.
 *
 *   who is alone                            who joins
 *   ------------                            ---------
 *   loads its word                          bit on the board
 *   lonely = its tag                        looks at lonely
 *   counts once more who is on the board    somebody: changes that one's word, wakes it; lonely = 0
 *   looks once more for what it waits for
 *   sleeps while the word is as it was
 *
 * All of it is sequentially consistent: either the one counts the other, or is told of it. */
#ifndef FERRY_CROWD_H
#define FERRY_CROWD_H

#include <pthread.h>
#include <stdbool.h>

#include "os/clock.h"
#include "shared/board.h"
#include "shared/slots.h"

/* One handle's part. */
struct crowd {
    struct slots *slots;
    struct layout_board *board;
    _Atomic uint32_t *lonely;
    pthread_mutex_t guard;
    unsigned threads; /* of this handle, on the board */
};

void crowd_init(struct crowd *crowd, struct slots *slots, struct layout_board *board,
                _Atomic uint32_t *lonely);
void crowd_deinit(struct crowd *crowd);
void crowd_after_fork(struct crowd *crowd); /* the threads stayed with the parent */

/* Is anybody on the board?  Sequentially consistent, as is joining it. */
static inline bool crowd_is_any(const struct slots *slots, const struct layout_board *board)
{
    return board_any(board, slots_high(slots));
}

/* Joins those who sleep.  Returns who sleeps alone so far, 0 for nobody: that one's word is to be changed, by CROWD_STEP, and
 * it is to be woken, and then it is told. */
slot_tag crowd_join(struct crowd *crowd);
void crowd_told(struct crowd *crowd);
void crowd_leave(struct crowd *crowd);

/* What is added to the word of who sleeps alone; its lower half counts what it sleeps for. */
#define CROWD_STEP (UINT32_C(1) << 16)

/* How long to sleep at most before another look: for ever, if alone.  To be asked once the word is loaded, and before the
 * last look at what it is about: of who comes and goes behind this, that look sees what he was woken for and left. */
int64_t crowd_patience(struct crowd *crowd);

/* Sleeps while *word is `seen`, for as long as patience says.  0: woken, or time for another look; -ETIMEDOUT: it is `end`;
 * -EINTR. */
int crowd_sleep(struct crowd *crowd, _Atomic uint32_t *word, uint32_t seen, int64_t patience_ns,
                deadline end);

/* How many sleep: each thread of ours, and of others each member. */
unsigned crowd_count(struct crowd *crowd);

/* Strikes those off who died on the board. */
void crowd_reap(struct slots *slots, const struct layout_board *board);

#endif
