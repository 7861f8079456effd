/* What `ferry new` asks for in a mutex or what stands on one, and how an existing one differs from it. */
#ifndef FERRY_CLI_NEW_LOCK_H
#define FERRY_CLI_NEW_LOCK_H

#include <ferry/ferry.h>

#include "cli/options.h"

struct lock_request {
    bool recursive;    /* mutex */
    bool inherits;     /* mutex: lends its owner priorities */
    const char *mutex; /* condition: its mutex's name, or NULL */
    uint64_t count;    /* barrier: of so many; 0: not given */
};

/* A complaint about an option that is for another kind; NULL if none was given. */
const char *lock_request_stray(const struct lock_request *request, enum ferry_kind kind);

/* Is what was asked for sound?  0, or STATUS_USAGE after a complaint. */
int lock_request_check(const struct lock_request *request, enum ferry_kind kind);

/* Makes it.  As ferry_mutex_open(), which gets these flags. */
int lock_request_make(const struct lock_request *request, enum ferry_kind kind, const char *name,
                      unsigned mode, unsigned flags);

/* What of an existing one is not as it was asked for: ", it is not recursive"; "" if all is. */
struct lock_difference {
    char text[320];
};
struct lock_difference lock_request_compare(const struct lock_request *request,
                                            const struct ferry_object *object);

#endif
