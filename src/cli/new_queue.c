/* See new_queue.h.
 *
 * Sizes that were not given may be what they are; what a queue does, and what it does not, has to be as asked. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/new_queue.h"
#include "cli/output.h"
#include "cli/queue.h"
#include "cli/spelling.h"
#include "cli/text.h"

static const char *const overflow_words[] = {
    [FERRY_OVERFLOW_BLOCK] = "block",
    [FERRY_OVERFLOW_REFUSE] = "refuse",
    [FERRY_OVERFLOW_DROP_OLDEST] = "drop-oldest",
    [FERRY_OVERFLOW_DROP_NEWEST] = "drop-newest",
};
enum { OVERFLOWS = sizeof(overflow_words) / sizeof(overflow_words[0]) };

const char *queue_overflow_word(unsigned overflow)
{
    return overflow < OVERFLOWS ? overflow_words[overflow] : "unknown";
}

/* The policy of that name; OVERFLOWS if there is none. */
static unsigned find_overflow(const char *word)
{
    unsigned overflow = 0;
    while (overflow < OVERFLOWS && strcmp(overflow_words[overflow], word) != 0)
        overflow++;
    return overflow;
}

static unsigned overflow_of(const struct queue_request *request)
{
    return request->overflow ? find_overflow(request->overflow) : FERRY_OVERFLOW_BLOCK;
}

static unsigned features_of(const struct queue_request *request)
{
    return (request->typed ? FERRY_TYPES : 0) | (request->priority ? FERRY_PRIORITIES : 0) |
           (request->rendezvous ? FERRY_RENDEZVOUS : 0) |
           (request->unbounded ? FERRY_UNBOUNDED : 0);
}

const char *queue_request_option(const struct queue_request *request)
{
    return request->messages_given   ? "--messages"
           : request->bytes_given    ? "--bytes"
           : request->largest_given  ? "--max"
           : request->overflow_given ? "--overflow"
           : request->typed          ? "--typed"
           : request->priority       ? "--priority"
           : request->rendezvous     ? "--rendezvous"
           : request->unbounded      ? "--unbounded"
                                     : NULL;
}

static int complain_overflow(const char *word)
{
    struct guess guess = guess_start(word);
    for (unsigned i = 0; i < OVERFLOWS; i++)
        guess_consider(&guess, overflow_words[i]);
    complain("--overflow: there is no policy \"%s\"%s%s%s; the policies are: block refuse "
             "drop-oldest drop-newest",
             word, guess.best ? "; did you mean \"" : "", guess.best ? guess.best : "",
             guess.best ? "\"?" : "");
    return STATUS_USAGE;
}

int queue_request_check(const struct queue_request *request)
{
    if (overflow_of(request) == OVERFLOWS)
        return complain_overflow(request->overflow);
    if (request->rendezvous && request->unbounded)
        complain("--rendezvous has no buffer, and --unbounded a large one; choose one");
    else if (request->messages_given && request->messages == 0)
        complain("--messages: a queue holds at least one; for none in between, --rendezvous");
    else if (request->bytes_given && request->bytes == 0)
        complain("--bytes: a queue holds at least one byte, as in 64K or 1M");
    else if (request->largest_given && request->largest == 0)
        complain("--max: messages have at least one byte of room, as in 8K");
    else
        return 0;
    return STATUS_USAGE;
}

int queue_request_make(const struct queue_request *request, const char *name, unsigned mode,
                       unsigned flags)
{
    ferry_queue *queue;
    int r = ferry_queue_open(&queue, name,
                             FERRY_QUEUE(.messages = request->messages, .bytes = request->bytes,
                                         .largest = request->largest, .mode = mode,
                                         .overflow = overflow_of(request),
                                         .flags = flags | features_of(request)));
    if (r == 0)
        ferry_queue_close(queue);
    return r;
}

/* ---- Comparing --------------------------------------------------------------------------------- */

static __attribute__((format(printf, 2, 3))) void add(struct queue_difference *difference,
                                                      const char *format, ...)
{
    size_t used = strlen(difference->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(difference->text + used, sizeof(difference->text) - used, format, arguments);
    va_end(arguments);
}

static void compare_sizes(const struct queue_request *request, const struct ferry_object *object,
                          struct queue_difference *difference)
{
    if (request->messages_given && request->messages != object->capacity_messages)
        add(difference, ", it holds %s messages, not %s",
            phrase_count(object->capacity_messages).text, phrase_count(request->messages).text);
    if (request->bytes_given && request->bytes != object->capacity_bytes)
        add(difference, ", it holds %s of messages, not %s",
            phrase_size(object->capacity_bytes).text, phrase_size(request->bytes).text);
    if (request->largest_given && request->largest != object->largest_bytes)
        add(difference, ", its largest message has %s, not %s",
            phrase_size(object->largest_bytes).text, phrase_size(request->largest).text);
}

static void compare_feature(bool wanted, bool there, const char *what,
                            struct queue_difference *difference)
{
    if (wanted != there)
        add(difference, ", it %s %s", there ? "has" : "has no", what);
}

struct queue_difference queue_request_compare(const struct queue_request *request,
                                              const struct ferry_object *object)
{
    struct queue_difference difference = {""};
    unsigned flags = object->queue_flags;
    compare_sizes(request, object, &difference);
    compare_feature(request->typed, flags & FERRY_TYPES, "types", &difference);
    compare_feature(request->priority, flags & FERRY_PRIORITIES, "priorities", &difference);
    compare_feature(!request->rendezvous, !(flags & FERRY_RENDEZVOUS), "buffer", &difference);
    compare_feature(!request->unbounded, !(flags & FERRY_UNBOUNDED), "bound", &difference);
    if (overflow_of(request) != object->overflow)
        add(&difference, ", its policy is %s, not %s", queue_overflow_word(object->overflow),
            queue_overflow_word(overflow_of(request)));
    return difference;
}
