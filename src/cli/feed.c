/* See feed.h.
 *
 * All is read into one buffer, which grows to what a message may take at most: what fills it and is still no whole
 * message is too long for one. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/feed.h"
#include "cli/operand.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/queue.h"
#include "cli/text.h"

enum { HEADER = 4, LEAST_SIZE = 1 << 16 };

/* The longest line that is looked at.  A byte of text may be six of JSON, \u0000; and there are keys around it. */
static uint64_t longest_line(const struct feed *feed)
{
    return feed->form == FEED_JSON ? 6 * feed->largest + 4096 : feed->largest;
}

void feed_free(struct feed *feed)
{
    free(feed->bytes);
    feed->bytes = NULL;
}

/* ---- Complaints ------------------------------------------------------------------------------- */

static const char *unit(const struct feed *feed)
{
    return feed->form == FEED_RECORDS ? "record" : "line";
}

/* A size for which there is room, as far as is known how much is needed. */
static uint64_t cure(const struct feed *feed)
{
    uint64_t larger = 2 * feed->largest;
    while (larger < feed->fault_size)
        larger *= 2;
    return larger;
}

static void complain_large(const struct feed *feed, const char *number)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(feed->queue);
    complain(
        "%s %s is longer than the largest message of the queue \"%s\", %s bytes; those before it "
        "were sent; make a queue for larger ones: ferry rm %s; ferry new queue %s%s --max %s",
        unit(feed), number, feed->queue, phrase_count(feed->largest).text, quoted, quoted,
        queue_spell(feed->features).text, phrase_size(cure(feed)).text);
}

static int complain_fault(const struct feed *feed)
{
    struct phrase number = phrase_count(feed->number + 1);
    if (feed->fault == FEED_TOO_LARGE)
        complain_large(feed, number.text);
    else if (feed->fault == FEED_TORN)
        complain("standard input ends within record %s; those before it were sent", number.text);
    else
        complain(
            "line %s is no message: %s; those before it were sent; write {\"text\": \"hello\", "
            "\"type\": 3, \"priority\": 1}, or \"base64\" in place of \"text\"",
            number.text, feed->fault_reason);
    return -1;
}

/* ---- What is in the buffer -------------------------------------------------------------------- */

/* Each says what is at the start of the buffer: true for a whole message.  If not, all of it is not there yet,
 * or there is a fault. */

static bool find_line(struct feed *feed, struct ferry_message *ret_message)
{
    char *line = feed->bytes + feed->start;
    size_t rest = feed->end - feed->start;
    const char *newline = rest > 0 ? memchr(line, '\n', rest) : NULL;
    size_t length = newline ? (size_t)(newline - line) : rest;
    bool is_whole = newline != NULL || (feed->ended && rest > 0);
    if (length > longest_line(feed)) {
        feed->fault = FEED_TOO_LARGE;
        feed->fault_size = length;
    }
    if (!is_whole || feed->fault)
        return false;
    *ret_message = (struct ferry_message){.bytes = line, .size_bytes = length};
    feed->start += length + (newline != NULL);
    return true;
}

static bool find_record(struct feed *feed, struct ferry_message *ret_message)
{
    const unsigned char *header = (unsigned char *)feed->bytes + feed->start;
    size_t rest = feed->end - feed->start;
    uint64_t length = rest < HEADER ? 0
                                    : header[0] | (uint64_t)header[1] << 8 |
                                          (uint64_t)header[2] << 16 | (uint64_t)header[3] << 24;
    bool is_whole = rest >= HEADER && rest - HEADER >= length;
    feed->fault_size = length;
    if (length > feed->largest)
        feed->fault = FEED_TOO_LARGE;
    else if (!is_whole && feed->ended && rest > 0)
        feed->fault = FEED_TORN;
    if (!is_whole || feed->fault)
        return false;
    *ret_message = (struct ferry_message){.bytes = feed->bytes + feed->start + HEADER,
                                          .size_bytes = (size_t)length};
    feed->start += HEADER + (size_t)length;
    return true;
}

/* What the queue would refuse is told here, where the line's number is known. */
static const char *parse(const struct feed *feed, const struct ferry_message *line,
                         struct ferry_message *ret_message)
{
    const char *reason = message_parse(line->bytes, line->size_bytes, ret_message);
    if (reason)
        return reason;
    if (ret_message->type != 0 && !(feed->features & FERRY_TYPES))
        return "it has a type, and the queue has none";
    if (ret_message->priority != 0 && !(feed->features & FERRY_PRIORITIES))
        return "it has a priority, and the queue has none";
    return NULL;
}

static bool find_json(struct feed *feed, struct ferry_message *ret_message)
{
    struct ferry_message line;
    if (!find_line(feed, &line))
        return false;
    feed->fault_reason = parse(feed, &line, ret_message);
    feed->fault_size = ret_message->size_bytes;
    if (feed->fault_reason)
        feed->fault = FEED_NO_JSON;
    else if (ret_message->size_bytes > feed->largest)
        feed->fault = FEED_TOO_LARGE;
    return feed->fault == FEED_FINE;
}

static bool find(struct feed *feed, struct ferry_message *ret_message)
{
    switch (feed->form) {
    case FEED_RECORDS:
        return find_record(feed, ret_message);
    case FEED_JSON:
        return find_json(feed, ret_message);
    default:
        return find_line(feed, ret_message);
    }
}

/* ---- Reading ---------------------------------------------------------------------------------- */

/* Room for more, at the end of the buffer. */
static void make_room(struct feed *feed)
{
    size_t rest = feed->end - feed->start;
    if (rest > 0)
        memmove(feed->bytes, feed->bytes + feed->start, rest);
    feed->start = 0;
    feed->end = rest;
    if (feed->end < feed->size)
        return;
    feed->size = feed->size ? 2 * feed->size : LEAST_SIZE;
    feed->bytes = expect_memory(realloc(feed->bytes, feed->size));
}

/* 0, also at the end of standard input; -1 after a complaint. */
static int read_more(struct feed *feed)
{
    make_room(feed);
    for (;;) {
        ssize_t n = read(STDIN_FILENO, feed->bytes + feed->end, feed->size - feed->end);
        if (n >= 0) {
            feed->end += (size_t)n;
            feed->ended = n == 0;
            return 0;
        }
        if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = STDIN_FILENO, .events = POLLIN}, 1, -1);
        } else if (errno != EINTR) {
            complain("standard input could not be read: %s", strerror(errno));
            return -1;
        }
    }
}

int feed_take(struct feed *feed, struct ferry_message *ret_messages, int most)
{
    for (;;) {
        int count = 0;
        while (count < most && !feed->fault && find(feed, &ret_messages[count]))
            count++;
        if (count == 0 && feed->fault)
            return complain_fault(feed);
        feed->number += (uint64_t)count;
        if (count > 0 || feed->ended)
            return count;
        if (read_more(feed) < 0)
            return -1;
    }
}
