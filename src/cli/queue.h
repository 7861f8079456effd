/* What the verbs for queues have in common: send, receive and tap.
 *
 * A name that is something else is told its own verbs; one that is free is told how to make a queue of it,
 * but by `ferry send`, which does so itself. */
#ifndef FERRY_CLI_QUEUE_H
#define FERRY_CLI_QUEUE_H

#include <stdbool.h>

#include <ferry/ferry.h>

/* A queue that is open, and what it was made for. */
struct queue {
    char name[FERRY_NAME_SIZE];
    ferry_queue *handle;
    uint64_t largest;
    unsigned features; /* FERRY_TYPES, FERRY_PRIORITIES … */
};

/* How it is to be opened. */
struct queue_wish {
    const char *operand;
    unsigned role;     /* FERRY_READ, FERRY_WRITE or FERRY_TAP */
    unsigned features; /* what is needed of it: FERRY_TYPES, FERRY_PRIORITIES */
    bool make;         /* one with these features, if there is nothing of that name */
};

/* 0, or an exit status after a complaint. */
int queue_open(struct queue *ret_queue, const struct queue_wish *wish);

/* For CLEANUP(). */
void queue_cleanup(struct queue *queue);

/* Tells how to make the queue that is not there, or is to be another.  An exit status. */
int queue_complain_missing(const char *name, unsigned features);

/* The options that make a queue with these features: " --typed --priority". */
struct queue_options {
    char text[96];
};
struct queue_options queue_spell(unsigned features);

#endif
