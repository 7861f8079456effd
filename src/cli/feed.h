/* Messages out of standard input, for `ferry send`: one a line, one a record, or one a line of JSON.
 *
 * A line is a message without its line end; so is what stands behind the last one.
 * A record is four bytes, little-endian, that say how many bytes follow, and these.
 * In JSON a line is an object, see parse.h. */
#ifndef FERRY_CLI_FEED_H
#define FERRY_CLI_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ferry/ferry.h>

enum feed_form { FEED_LINES, FEED_RECORDS, FEED_JSON };

/* Why what comes next is no message. */
enum feed_fault { FEED_FINE, FEED_TOO_LARGE, FEED_TORN, FEED_NO_JSON };

struct feed {
    enum feed_form form;
    const char *queue; /* for complaints: its name, … */
    uint64_t largest;  /* … how many bytes a message may have, … */
    unsigned features; /* … and what it was made for */
    uint64_t number;   /* of messages that were given out */
    char *bytes;       /* what was read; from `start` on not given out yet */
    size_t start, end, size;
    bool ended;
    enum feed_fault fault; /* to be told of once those before it have been sent */
    uint64_t fault_size;
    const char *fault_reason;
};

/* The next messages, at most so many: waits for the first alone.  How many there are, 0 at the end of standard input, or
 * -1 after a complaint: then all before it have been given out.  The bytes stay as they are until the next call. */
int feed_take(struct feed *feed, struct ferry_message *ret_messages, int most);

void feed_free(struct feed *feed);

#endif
