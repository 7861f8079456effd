/* See queue.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/kinds.h"
#include "cli/operand.h"
#include "cli/output.h"
#include "cli/queue.h"
#include "cli/text.h"
#include "cli/verb.h"

struct queue_options queue_spell(unsigned features)
{
    struct queue_options options;
    snprintf(options.text, sizeof(options.text), "%s%s%s%s",
             features & FERRY_TYPES ? " --typed" : "",
             features & FERRY_PRIORITIES ? " --priority" : "",
             features & FERRY_RENDEZVOUS ? " --rendezvous" : "",
             features & FERRY_UNBOUNDED ? " --unbounded" : "");
    return options;
}

void queue_cleanup(struct queue *queue)
{
    queue->handle = ferry_queue_close(queue->handle);
}

/* ---- Complaints -------------------------------------------------------------------------------- */

int queue_complain_missing(const char *name, unsigned features)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    complain("there is no queue \"%s\"; make it: ferry new queue %s%s", name, quoted,
             queue_spell(features).text);
    return STATUS_NOTHING;
}

/* It has not what is needed of it. */
static int complain_features(const struct queue *queue, unsigned needed)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(queue->name);
    unsigned lacking = needed & ~queue->features;
    const char *what = lacking & FERRY_TYPES ? "types" : "priorities";
    complain("the queue \"%s\" has no %s; make one that has: ferry rm %s; ferry new queue %s%s",
             queue->name, what, quoted, quoted, queue_spell(queue->features | needed).text);
    return STATUS_FAILED;
}

/* ---- Opening ----------------------------------------------------------------------------------- */

/* Opens what is there, or else makes it.  Others may make and remove the name all the while. */
static int open_or_make(struct queue *queue, const struct queue_wish *wish)
{
    enum { ROUNDS = 100 };
    int r = -ENOENT;
    for (int round = 0; round < ROUNDS; round++) {
        r = ferry_queue_open(&queue->handle, queue->name, FERRY_QUEUE(.flags = wish->role));
        if (r != -ENOENT || !wish->make)
            return r;
        r = ferry_queue_open(
            &queue->handle, queue->name,
            FERRY_QUEUE(.flags = wish->role | wish->features | FERRY_CREATE | FERRY_EXCLUSIVE));
        if (r != -EEXIST && r != -EMEDIUMTYPE)
            return r;
    }
    return r;
}

static int learn(struct queue *queue)
{
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof(statistics)};
    int r = ferry_queue_statistics(queue->handle, &statistics);
    if (r < 0)
        return report(r);
    queue->largest = statistics.largest_bytes;
    queue->features = statistics.flags;
    return 0;
}

int queue_open(struct queue *ret_queue, const struct queue_wish *wish)
{
    struct queue queue = {0};
    int kind, status = operand_find(wish->operand, queue.name, &kind);
    if (status)
        return status;
    if (kind != 0 && kind != FERRY_KIND_QUEUE)
        return complain_other_kind(queue.name, kind, "queue");
    int r = open_or_make(&queue, wish);
    if (r == -ENOENT)
        return queue_complain_missing(queue.name, wish->features);
    if (r < 0)
        return report(r);
    status = learn(&queue);
    if (status == 0 && (wish->features & ~queue.features) != 0)
        status = complain_features(&queue, wish->features);
    if (status) {
        queue_cleanup(&queue);
        return status;
    }
    *ret_queue = queue;
    return 0;
}
