/* See tap_queue.h.  Nothing is taken, so nothing is lost if standard output breaks: SIGPIPE may have its way. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/operand.h"
#include "cli/outlet.h"
#include "cli/output.h"
#include "cli/queue.h"
#include "cli/tap_queue.h"
#include "cli/text.h"
#include "cli/verb.h"

struct tap {
    struct queue queue;
    struct outlet outlet;
    uint64_t seen, missed; /* messages, so far */
};

static void tap_cleanup(struct tap *tap)
{
    queue_cleanup(&tap->queue);
    outlet_free(&tap->outlet);
}

/* Whose reader has gone ends as if it had written to it: of SIGPIPE, where that is not ignored. */
static int complain_output(int error)
{
    if (error == -EPIPE)
        raise(SIGPIPE);
    complain("standard output could not be written: %s", strerror(-error));
    return STATUS_FAILED;
}

/* What went by unseen is said where it is missing. */
static void tell_of_gap(struct tap *tap, uint64_t missed)
{
    if (missed == tap->missed)
        return;
    complain("%s messages went by too fast to be seen", phrase_count(missed - tap->missed).text);
    tap->missed = missed;
}

/* The next message that is sent: its size; or as the library's; -EPIPE: nobody reads standard output any more. */
static ssize_t look(struct tap *tap, int64_t timeout_ns, struct ferry_message *ret_message)
{
    int64_t left_ns = timeout_ns;
    uint64_t missed = tap->missed;
    for (;;) {
        if (outlet_await() < 0)
            return -EPIPE;
        *ret_message = (struct ferry_message){.bytes = tap->outlet.room,
                                              .size_bytes = (size_t)tap->queue.largest};
        int64_t slice_ns = outlet_slice(&tap->outlet, left_ns);
        ssize_t n = ferry_queue_tap(tap->queue.handle, ret_message, &missed, slice_ns);
        tell_of_gap(tap, missed);
        if (n != -ETIMEDOUT || slice_ns == left_ns)
            return n;
        if (left_ns != FERRY_FOREVER)
            left_ns -= slice_ns;
    }
}

static int end(const struct tap *tap, ssize_t error)
{
    switch (error) {
    case -EAGAIN:
    case -ETIMEDOUT:
        if (tap->seen > 0)
            return STATUS_DONE;
        complain("nothing was sent to the queue \"%s\" in time", tap->queue.name);
        return STATUS_NOTHING;
    case -EIDRM:
        complain("the queue \"%s\" was removed", tap->queue.name);
        return STATUS_FAILED;
    case -EPIPE:
        return complain_output(-EPIPE);
    default:
        return report((int)error);
    }
}

static int follow(struct tap *tap, const struct tap_request *request)
{
    for (; tap->seen < request->count; tap->seen++) {
        struct ferry_message message;
        ssize_t n = look(tap, request->timeout_ns, &message);
        if (n < 0)
            return end(tap, n);
        int error = outlet_put(&tap->outlet, &message);
        if (error < 0)
            return complain_output(error);
    }
    return STATUS_DONE;
}

int tap_queue(const char *name, const struct tap_request *request)
{
    struct tap tap CLEANUP(tap_cleanup) = {
        .outlet = {.by_record = request->by_record, .as_json = request->as_json}};
    if (request->by_record && request->as_json) {
        complain("--records and --json are two forms of output; choose one");
        return STATUS_USAGE;
    }
    int status = queue_open(&tap.queue, &(struct queue_wish){.operand = name, .role = FERRY_TAP});
    if (status)
        return status;
    int error = outlet_start(&tap.outlet, tap.queue.largest);
    return error < 0 ? complain_output(error) : follow(&tap, request);
}
