/* What `ferry new queue` asks for, and how an existing queue differs from it. */
#ifndef FERRY_CLI_NEW_QUEUE_H
#define FERRY_CLI_NEW_QUEUE_H

#include <ferry/ferry.h>

#include "cli/options.h"

struct queue_request {
    uint64_t messages, bytes, largest;
    bool messages_given, bytes_given, largest_given;
    const char *overflow; /* a word; NULL: block */
    bool overflow_given;
    bool typed, priority, rendezvous, unbounded;
};

/* Which option that is for queues was given, as it was written; NULL if none was. */
const char *queue_request_option(const struct queue_request *request);

/* Is what was asked for sound?  0, or STATUS_USAGE after a complaint. */
int queue_request_check(const struct queue_request *request);

/* Makes the queue.  As ferry_queue_open(), which gets these flags. */
int queue_request_make(const struct queue_request *request, const char *name, unsigned mode,
                       unsigned flags);

/* What of an existing queue is not as it was asked for: ", it holds 8 messages, not 1,024"; "" if all is. */
struct queue_difference {
    char text[320];
};
struct queue_difference queue_request_compare(const struct queue_request *request,
                                              const struct ferry_object *object);

/* The word for a policy, enum ferry_overflow. */
const char *queue_overflow_word(unsigned overflow);

#endif
