/* What `ferry new semaphore` asks for, and how an existing semaphore differs from it. */
#ifndef FERRY_CLI_NEW_SEMAPHORE_H
#define FERRY_CLI_NEW_SEMAPHORE_H

#include <ferry/ferry.h>

#include "cli/options.h"

struct semaphore_request {
    uint64_t value, most, count;
    bool value_given, most_given, count_given;
    bool gives_back;
};

/* Which option that is for semaphores was given, as it was written; NULL if none was. */
const char *semaphore_request_option(const struct semaphore_request *request);

/* Is what was asked for sound?  0, or STATUS_USAGE after a complaint. */
int semaphore_request_check(const struct semaphore_request *request);

/* Makes it.  As ferry_semaphore_open(), which gets these flags. */
int semaphore_request_make(const struct semaphore_request *request, const char *name, unsigned mode,
                           unsigned flags);

/* What of an existing one is not as it was asked for: ", it may have 5 units, not 6"; "" if all is. */
struct semaphore_difference {
    char text[192];
};
struct semaphore_difference semaphore_request_compare(const struct semaphore_request *request,
                                                      const struct ferry_object *object);

#endif
