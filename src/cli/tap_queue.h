/* What goes into a queue, for `ferry tap`. */
#ifndef FERRY_CLI_TAP_QUEUE_H
#define FERRY_CLI_TAP_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct tap_request {
    uint64_t count; /* end after so much */
    int64_t timeout_ns;
    bool by_record, as_json;
};

/* An exit status. */
int tap_queue(const char *name, const struct tap_request *request);

#endif
