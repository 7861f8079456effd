/* What parties do with a queue, each a whole operation with its entries in the books. */
#ifndef KILL_CASES_QUEUE_ACTS_H
#define KILL_CASES_QUEUE_ACTS_H

#include "queue_world.h"

act send_one, send_three, send_loan, return_loan, send_now;
act receive_one, receive_three, receive_now_one, receive_truncated, receive_too_small, peek,
    take_one;
act receive_of_type, receive_up_to, receive_except; /* of 2 */

/* Within a second. */
act send_soon, receive_soon;

/* Sends, and says in the books of what it takes away that these may go. */
act send_dropping;

/* The survivor's last message, of the lowest priority; and somebody who receives until that one comes. */
enum { LAST = SURVIVOR * NUMBERS_EACH + NUMBERS_EACH - 2 };
act send_last, receive_to_last;

/* For a sleep that ends by itself. */
act nothing;

/* Fill it as far as it goes. */
act fill;

/* Spins that never paid are left out: what is tried is the way to sleep. */
act calm_receiver, calm_sender;

#endif
