/* ferry receive: messages out of a queue.
 *
 * A message is taken out when standard output can take it, and is written at once.  If that fails all the same, it is put
 * back, behind the others.  Killed in between, it takes the message along, as any receiver does. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/outlet.h"
#include "cli/output.h"
#include "cli/queue.h"
#include "cli/text.h"

/* Standard output is broken, and nothing is to be said about it: the command dies of SIGPIPE. */
enum { STATUS_BROKEN = -1 };

struct request {
    struct ferry_choice choice;
    bool peek, follow;
    uint64_t count;
    bool count_given;
    int64_t timeout_ns;
    bool may_die; /* of SIGPIPE */
};

/* ---- Complaints -------------------------------------------------------------------------------- */

static int complain_none(const struct queue *queue, const struct request *request, uint64_t done)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(queue->name);
    const char *which = request->choice.selection == FERRY_ANY ? "" : " of these types";
    if (done > 0)
        complain(
            "%s of %s messages%s came to the queue \"%s\" in time; see who uses it: ferry show %s",
            phrase_count(done).text, phrase_count(request->count).text, which, queue->name, quoted);
    else
        complain("no message%s came to the queue \"%s\" in time; see who uses it: ferry show %s",
                 which, queue->name, quoted);
    return STATUS_NOTHING;
}

static int complain_removed(const struct queue *queue)
{
    complain("the queue \"%s\" was removed, and there is nothing left in it", queue->name);
    return STATUS_FAILED;
}

/* Standard output failed; and so did something else, if `and` says so. */
static int complain_output(const struct request *request, int error, const char *and)
{
    bool is_quiet = error == -EPIPE && request->may_die;
    if (!is_quiet || and[0])
        complain("standard output could not be written: %s%s", strerror(-error), and);
    return is_quiet ? STATUS_BROKEN : STATUS_FAILED;
}

/* ---- Receiving --------------------------------------------------------------------------------- */

/* Sends it again, through a handle that may. */
static bool put_back(const struct queue *queue, const struct ferry_message *message)
{
    struct queue back CLEANUP(queue_cleanup) = {0};
    int r = ferry_queue_open(&back.handle, queue->name, FERRY_QUEUE(.flags = FERRY_WRITE));
    return r == 0 && ferry_queue_send_message(back.handle, message, FERRY_NOW) == 0;
}

static int complain_unwritten(const struct queue *queue, const struct request *request, int error,
                              const struct ferry_message *message)
{
    if (request->peek)
        return complain_output(request, error, "");
    if (put_back(queue, message))
        return complain_output(request, error,
                               error == -EPIPE && request->may_die
                                   ? ""
                                   : "; the message is in the queue again, at its end");
    return complain_output(request, error,
                           "; the message was taken out and could not be put back: it is lost");
}

/* The next message of choice, once standard output takes it: its size; or as the library's. */
static ssize_t take(struct queue *queue, const struct request *request, struct outlet *outlet,
                    struct ferry_message *ret_message)
{
    int64_t left_ns = request->timeout_ns;
    for (;;) {
        if (outlet_await() < 0)
            return -EPIPE;
        *ret_message =
            (struct ferry_message){.bytes = outlet->room, .size_bytes = (size_t)queue->largest};
        int64_t slice_ns = outlet_slice(outlet, left_ns);
        ssize_t n =
            ferry_queue_receive_message(queue->handle, ret_message, &request->choice, slice_ns);
        if (n != -ETIMEDOUT || slice_ns == left_ns)
            return n;
        if (left_ns != FERRY_FOREVER)
            left_ns -= slice_ns;
    }
}

/* It ended before all were there that were asked for. */
static int end(const struct queue *queue, const struct request *request, uint64_t done,
               ssize_t error)
{
    switch (error) {
    case -EAGAIN:
    case -ETIMEDOUT:
        return request->follow && done > 0 ? STATUS_DONE : complain_none(queue, request, done);
    case -EIDRM:
        return complain_removed(queue);
    case -EPIPE:
        return complain_output(request, -EPIPE, "");
    default:
        return report((int)error);
    }
}

static int receive_all(struct queue *queue, const struct request *request, struct outlet *outlet)
{
    for (uint64_t done = 0; done < request->count; done++) {
        struct ferry_message message;
        ssize_t n = take(queue, request, outlet, &message);
        if (n < 0)
            return end(queue, request, done, n);
        int error = outlet_put(outlet, &message);
        if (error < 0)
            return complain_unwritten(queue, request, error, &message);
    }
    return STATUS_DONE;
}

static int receive(const char *operand, const struct request *request, struct outlet *outlet)
{
    struct queue queue CLEANUP(queue_cleanup) = {0};
    const struct queue_wish wish = {.operand = operand,
                                    .role = FERRY_READ,
                                    .features =
                                        request->choice.selection == FERRY_ANY ? 0 : FERRY_TYPES};
    int status = queue_open(&queue, &wish);
    if (status)
        return status;
    int error = outlet_start(outlet, queue.largest);
    return error < 0 ? complain_output(request, error, "") : receive_all(&queue, request, outlet);
}

/* ---- The command line -------------------------------------------------------------------------- */

struct selections {
    uint64_t type, most, except;
    bool has_type, has_most, has_except;
};

static int choose(struct request *request, const struct selections *selections)
{
    if (selections->has_type + selections->has_most + selections->has_except > 1) {
        complain("--type, --max-type and --except exclude one another; choose one");
        return STATUS_USAGE;
    }
    struct ferry_choice *choice = &request->choice;
    if (selections->has_type)
        *choice = (struct ferry_choice){.selection = FERRY_OF_TYPE, .type = selections->type};
    if (selections->has_most)
        *choice = (struct ferry_choice){.selection = FERRY_UP_TO, .type = selections->most};
    if (selections->has_except)
        *choice = (struct ferry_choice){.selection = FERRY_EXCEPT, .type = selections->except};
    choice->flags = request->peek ? FERRY_PEEK : 0;
    return 0;
}

static int check(struct request *request, const struct outlet *outlet)
{
    if (request->peek && (request->follow || request->count_given)) {
        complain(
            "--peek goes with neither --follow nor --count: the same message would come again");
        return STATUS_USAGE;
    }
    if (outlet->by_record && outlet->as_json) {
        complain("--records and --json are two forms of output; choose one");
        return STATUS_USAGE;
    }
    if (!request->count_given)
        request->count = request->follow ? UINT64_MAX : 1;
    return 0;
}

static int run(int argc, char **argv)
{
    struct request request = {.timeout_ns = FERRY_FOREVER};
    struct outlet outlet CLEANUP(outlet_free) = {0};
    struct selections selections = {0};
    const struct option options[] = {
        {.name = "count", .number = &request.count, .given = &request.count_given},
        {.name = "follow", .flag = &request.follow},
        {.name = "timeout", .duration = &request.timeout_ns},
        {.name = "type", .number = &selections.type, .given = &selections.has_type},
        {.name = "max-type", .number = &selections.most, .given = &selections.has_most},
        {.name = "except", .number = &selections.except, .given = &selections.has_except},
        {.name = "peek", .flag = &request.peek},
        {.name = "records", .flag = &outlet.by_record},
        {.name = "json", .flag = &outlet.as_json},
        {0},
    };
    if (options_parse(&verb_receive, options, argc, argv) < 0 || check(&request, &outlet) != 0 ||
        choose(&request, &selections) != 0)
        return STATUS_USAGE;
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    request.may_die = before == SIG_DFL;
    int status = receive(argv[0], &request, &outlet);
    signal(SIGPIPE, before);
    if (status != STATUS_BROKEN)
        return status;
    raise(SIGPIPE);
    return STATUS_FAILED;
}

const struct verb verb_receive = {
    .name = "receive",
    .summary = "receive messages from a queue",
    .operands = "NAME",
    .least_operands = 1,
    .most_operands = 1,
    .help = "Waits for the next message, takes it out of the queue, and writes it on a line\n"
            "of its own.  Others may receive beside: each message goes to one.\n"
            "\n"
            "Options\n"
            "  --count N       so many messages, not one\n"
            "  --follow        one after the other, each written at once, until none has come\n"
            "                  for the timeout\n"
            "  --timeout TIME  how long to wait for each: 100ms, 2s; 0: not at all (default:\n"
            "                  forever)\n"
            "  --type N        only messages of this type\n"
            "  --max-type N    of the lowest type there is, if that is at most N\n"
            "  --except N      only messages of other types\n"
            "  --peek          leave it in the queue\n"
            "  --records       write its size in four bytes, little-endian, and then it\n"
            "  --json          a line is {\"text\":\"hello\",\"type\":0,\"priority\":0}, or has\n"
            "                  \"base64\" if it is not UTF-8\n"
            "\n"
            "Examples\n"
            "  ferry receive jobs\n"
            "  ferry receive jobs --follow --timeout 2s | while read -r job; do $job; done\n"
            "\n"
            "Exit status: 0 received, with --follow at least one; 1 failed; 2 wrong usage;\n"
            "3 no such queue, or no message came in time.\n",
    .run = run,
};
