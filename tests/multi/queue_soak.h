/* Queues under load: what senders, receivers and the judge have in common.
 *
 * Each sender and each receiver has a lane in shared memory, which outlives it.  Before a call the lane says how many messages
 * the call may move (`intent`), behind it that they have been moved.  So when a participant is killed the judge
 * knows which messages it had in hand: of these, and of no others, nothing can be said. */
#ifndef FERRY_TEST_QUEUE_SOAK_H
#define FERRY_TEST_QUEUE_SOAK_H

#include "support.h"

enum {
    SENDERS = 4,
    RECEIVERS = 4,
    LOOKERS = 1,
    PARTIES = SENDERS + RECEIVERS + LOOKERS,
    MOST = 1 << 22, /* messages of a lane */
    BATCH = 8,
    HELD = 4, /* taken, or on loan, at a time */
    TYPES = 4,
    PRIORITIES = 4,
    POISON = 1000, /* the lane of a message that ends a receiver */
};

/* What is known of a message. */
enum { RECEIVED = 1, TWICE = 2, PERHAPS = 0x80 };

struct shape {
    const char *name;
    unsigned flags, overflow;
    uint32_t messages;
    uint64_t bytes;
    uint32_t largest;
};

struct lane {
    _Alignas(128) _Atomic uint32_t next; /* senders: the number of the next message */
    _Atomic uint32_t intent;             /* how many the call that is going on may move */
    _Atomic uint64_t dropped;
    pid_t pid;
};

struct world {
    const struct shape *shape;
    _Atomic bool stop;        /* senders */
    _Atomic uint64_t in_hand; /* what the killed may have taken with them */
    _Atomic uint64_t kills;
    struct lane lanes[PARTIES];
    _Atomic uint8_t known[SENDERS][MOST];
};

/* At the start of each message; what follows is made of `sum`. */
struct head {
    uint32_t lane, number, size, sum;
};

void make_message(void *ret_bytes, uint32_t lane, uint32_t number, uint32_t size);
struct head check_message(const void *bytes, size_t size);

ferry_queue *open_for(const struct world *world, unsigned flags);

/* Notes that a message was received.  Once is right. */
void note_received(struct world *world, const struct head *head);

/* Bodies of participants. */
void send_all_the_time(struct world *world, uint32_t lane, uint32_t seed);
void receive_all_the_time(struct world *world, struct lane *lane, uint32_t seed);
void look_all_the_time(struct world *world, uint32_t seed);

#endif
