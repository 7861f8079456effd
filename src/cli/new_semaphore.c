/* See new_semaphore.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/new_semaphore.h"
#include "cli/output.h"
#include "cli/semaphore.h"

const char *semaphore_request_option(const struct semaphore_request *request)
{
    return request->value_given   ? "--value"
           : request->most_given  ? "--most"
           : request->count_given ? "--count"
           : request->gives_back  ? "--give-back"
                                  : NULL;
}

int semaphore_request_check(const struct semaphore_request *request)
{
    if (request->value > FERRY_SEMAPHORE_MOST || request->most > FERRY_SEMAPHORE_MOST)
        complain("a semaphore has at most %u units", FERRY_SEMAPHORE_MOST);
    else if (request->most_given && request->most == 0)
        complain("a semaphore that may have no units is of no use: --most 1 at least");
    else if (request->most_given && request->value > request->most)
        complain("--value %" PRIu64 " is more than --most %" PRIu64, request->value, request->most);
    else if (request->count_given &&
             (request->count == 0 || request->count > FERRY_SEMAPHORE_SET_MOST))
        complain("a set has 1 to %u semaphores", FERRY_SEMAPHORE_SET_MOST);
    else
        return 0;
    return STATUS_USAGE;
}

int semaphore_request_make(const struct semaphore_request *request, const char *name, unsigned mode,
                           unsigned flags)
{
    ferry_semaphore *semaphore CLEANUP(semaphore_cleanup) = NULL;
    return ferry_semaphore_open(
        &semaphore, name,
        FERRY_SEMAPHORE(.value = (uint32_t)request->value, .most = (uint32_t)request->most,
                        .count = (uint32_t)request->count, .mode = mode,
                        .flags = flags | (request->gives_back ? FERRY_GIVE_BACK : 0)));
}

/* Whatever units it has now. */
struct semaphore_difference semaphore_request_compare(const struct semaphore_request *request,
                                                      const struct ferry_object *object)
{
    struct semaphore_difference other = {""};
    uint64_t count = request->count == 0 && request->gives_back ? 1 : request->count;
    bool wants_set = request->count_given || request->gives_back;
    if (request->most_given && request->most != object->most_value)
        snprintf(other.text, sizeof(other.text), ", it may have %" PRIu32 " units, not %" PRIu64,
                 object->most_value, request->most);
    size_t used = strlen(other.text);
    if (wants_set && object->set_count == 0)
        snprintf(other.text + used, sizeof(other.text) - used, ", it is one by itself, no set");
    else if (wants_set && object->set_count != count)
        snprintf(other.text + used, sizeof(other.text) - used,
                 ", it is a set of %" PRIu32 ", not of %" PRIu64, object->set_count, count);
    return other;
}
