/* Messages onto standard output, for `ferry receive` and `ferry tap`: on a line each, as records, or as lines of JSON.
 *
 * Each is one write(), so that who reads a pipe sees whole messages, at once. */
#ifndef FERRY_CLI_OUTLET_H
#define FERRY_CLI_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ferry/ferry.h>

struct outlet {
    bool by_record;  /* its size in four bytes, little-endian, and then it */
    bool as_json;    /* {"text":"hello","type":0,"priority":0}, or "base64" if it is not UTF-8 */
    bool has_reader; /* standard output is a pipe or a socket */
    char *room;      /* for a message; there is more before and behind it */
    char *memory, *json;
    size_t json_size;
};

/* Makes room for messages of up to so many bytes.  0, or -errno if standard output cannot be written anyway. */
int outlet_start(struct outlet *outlet, uint64_t largest);

/* For CLEANUP(). */
void outlet_free(struct outlet *outlet);

/* Writes the message, which is in `room`.  0, or -errno. */
int outlet_put(struct outlet *outlet, const struct ferry_message *message);

/* Waits until standard output takes something.  0, or -EPIPE: nobody reads it any more. */
int outlet_await(void);

/* For how long to wait for a message, `left_ns` being left, before looking whether anybody still reads standard output. */
int64_t outlet_slice(const struct outlet *outlet, int64_t left_ns);

#endif
