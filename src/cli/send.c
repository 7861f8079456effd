/* ferry send: messages into a queue.
 *
 * Each message goes in whole or not at all, whenever this is killed: those before it have been sent. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/feed.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/queue.h"
#include "cli/text.h"

/* So many lines that have come at once are sent at once. */
enum { BATCH = 64 };

struct request {
    uint64_t type, priority;
    bool type_given, priority_given;
    bool by_record, as_json;
    int64_t timeout_ns;
    uint64_t sent; /* so far */
};

/* ---- Complaints -------------------------------------------------------------------------------- */

static int complain_full(const struct queue *queue, const struct request *request)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(queue->name);
    if (queue->features & FERRY_RENDEZVOUS)
        complain(
            "nobody received from the queue \"%s\" in time: %s messages were sent, the rest was "
            "not; start a receiver: ferry receive %s",
            queue->name, phrase_count(request->sent).text, quoted);
    else
        complain(
            "the queue \"%s\" had no room in time: %s messages were sent, the rest was not; see "
            "what is in it: ferry show %s",
            queue->name, phrase_count(request->sent).text, quoted);
    return STATUS_NOTHING;
}

static int complain_removed(const struct queue *queue, const struct request *request)
{
    complain("the queue \"%s\" was removed: %s messages were sent, the rest was not", queue->name,
             phrase_count(request->sent).text);
    return STATUS_FAILED;
}

static int complain_of(const struct queue *queue, const struct request *request, ssize_t error)
{
    if (error == -EAGAIN || error == -ETIMEDOUT)
        return complain_full(queue, request);
    return error == -EIDRM ? complain_removed(queue, request) : report((int)error);
}

/* ---- Sending ----------------------------------------------------------------------------------- */

static int send_all(struct queue *queue, struct request *request,
                    const struct ferry_message *messages, int count)
{
    while (count > 0) {
        ssize_t n =
            ferry_queue_send_batch(queue->handle, messages, (size_t)count, request->timeout_ns);
        if (n < 0)
            return complain_of(queue, request, n);
        request->sent += (uint64_t)n;
        messages += n;
        count -= (int)n;
    }
    return STATUS_DONE;
}

static int complain_long_text(const struct queue *queue, const struct request *request,
                              const char *text)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(queue->name);
    complain(
        "a text of %s bytes is longer than the largest message of the queue \"%s\", %s bytes; %s "
        "before it were sent; make a queue for larger ones: ferry rm %s; ferry new queue %s%s "
        "--max %s",
        phrase_count(strlen(text)).text, queue->name, phrase_count(queue->largest).text,
        phrase_count(request->sent).text, quoted, quoted, queue_spell(queue->features).text,
        phrase_size(strlen(text)).text);
    return STATUS_FAILED;
}

static int send_texts(struct queue *queue, struct request *request, int count, char **texts)
{
    int status = STATUS_DONE;
    for (int i = 0; i < count && status == STATUS_DONE; i++) {
        struct ferry_message message = {.bytes = texts[i],
                                        .size_bytes = strlen(texts[i]),
                                        .type = request->type,
                                        .priority = (uint32_t)request->priority};
        status = message.size_bytes > queue->largest ? complain_long_text(queue, request, texts[i])
                                                     : send_all(queue, request, &message, 1);
    }
    return status;
}

/* In JSON each message may say its type and priority; if it does not, they are those of the options. */
static void address(const struct request *request, struct ferry_message *message)
{
    if (message->type == 0)
        message->type = request->type;
    if (message->priority == 0)
        message->priority = (uint32_t)request->priority;
}

static int send_input(struct queue *queue, struct request *request)
{
    struct feed feed CLEANUP(feed_free) = {.form = request->by_record ? FEED_RECORDS
                                                   : request->as_json ? FEED_JSON
                                                                      : FEED_LINES,
                                           .queue = queue->name,
                                           .largest = queue->largest,
                                           .features = queue->features};
    struct ferry_message messages[BATCH];
    for (;;) {
        int count = feed_take(&feed, messages, BATCH);
        if (count <= 0)
            return count < 0 ? STATUS_FAILED : STATUS_DONE;
        for (int i = 0; i < count; i++)
            address(request, &messages[i]);
        int status = send_all(queue, request, messages, count);
        if (status)
            return status;
    }
}

static int check(const struct request *request, int texts)
{
    if (request->by_record && request->as_json)
        complain("--records and --json are two forms of standard input; choose one");
    else if (texts > 0 && (request->by_record || request->as_json))
        complain("--records and --json are for standard input; leave the TEXT out");
    else if (request->priority > UINT32_MAX)
        complain("--priority: a priority is less than 4294967296");
    else
        return 0;
    return STATUS_USAGE;
}

static int run(int argc, char **argv)
{
    struct request request = {.timeout_ns = FERRY_FOREVER};
    const struct option options[] = {
        {.name = "type", .number = &request.type, .given = &request.type_given},
        {.name = "priority", .number = &request.priority, .given = &request.priority_given},
        {.name = "timeout", .duration = &request.timeout_ns},
        {.name = "records", .flag = &request.by_record},
        {.name = "json", .flag = &request.as_json},
        {0},
    };
    int count = options_parse(&verb_send, options, argc, argv);
    if (count < 0 || check(&request, count - 1) != 0)
        return STATUS_USAGE;
    struct queue queue CLEANUP(queue_cleanup) = {0};
    const struct queue_wish wish = {.operand = argv[0],
                                    .role = FERRY_WRITE,
                                    .features = (request.type_given ? FERRY_TYPES : 0) |
                                                (request.priority_given ? FERRY_PRIORITIES : 0),
                                    .make = true};
    int status = queue_open(&queue, &wish);
    if (status)
        return status;
    return count > 1 ? send_texts(&queue, &request, count - 1, argv + 1)
                     : send_input(&queue, &request);
}

const struct verb verb_send = {
    .name = "send",
    .summary = "send messages to a queue",
    .operands = "NAME [TEXT…]",
    .least_operands = 1,
    .most_operands = INT_MAX,
    .help = "Sends each TEXT as a message, or else each line of standard input, without its\n"
            "line end, as soon as it is there.  Waits while the queue has no room, unless\n"
            "the queue was made to refuse or to drop then.  Messages stay in the queue when\n"
            "this has ended.  If there is nothing of that name, it makes a queue, with types\n"
            "or priorities if one is given.\n"
            "\n"
            "Options\n"
            "  --type N        the messages' type, which receivers may choose by\n"
            "  --priority N    their priority: the highest is received first\n"
            "  --timeout TIME  how long each waits for room: 100ms, 2s; 0: not at all\n"
            "                  (default: forever)\n"
            "  --records       standard input has, for each message, its size in four bytes,\n"
            "                  little-endian, and then the message\n"
            "  --json          a line has {\"text\": \"hello\", \"type\": 3, \"priority\": 1}, or\n"
            "                  \"base64\" in place of \"text\"\n"
            "\n"
            "Examples\n"
            "  ferry send jobs 'cc -c a.c' 'cc -c b.c'\n"
            "  find . -name '*.jpg' | ferry send pictures --type 2\n"
            "\n"
            "Exit status: 0 all sent, or dropped by the queue's policy; 1 failed; 2 wrong\n"
            "usage; 3 there was no room in time.\n",
    .run = run,
};
