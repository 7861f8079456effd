/* A queue with priorities: the highest comes first, and among equals the order is that of sending.
 *
 *     queue_priority
 *
 * On the command line: ferry send tasks sweep --priority 1; ferry send tasks fire --priority 9;
 * ferry receive tasks */
#include <stdio.h>
#include <string.h>

#include <ferry/ferry.h>

static int complain(const char *what)
{
    fprintf(stderr, "queue_priority: %s: %s\n", what, ferry_explain());
    return 1;
}

int main(void)
{
    static const struct {
        const char *text;
        uint32_t priority;
    } tasks[] = {{"sweep", 1}, {"cook", 5}, {"fire", 9}, {"dust", 1}, {"serve", 5}};
    ferry_queue *queue;
    if (ferry_queue_open(&queue, NULL, FERRY_QUEUE(.flags = FERRY_PRIORITIES)) < 0)
        return complain("cannot make a queue");

    for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        const struct ferry_message message = {.bytes = (void *)(uintptr_t)tasks[i].text,
                                              .size_bytes = strlen(tasks[i].text),
                                              .priority = tasks[i].priority};
        if (ferry_queue_send_message(queue, &message, FERRY_FOREVER) < 0)
            return complain("cannot send");
    }
    char bytes[64];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    ssize_t size;
    while ((size = ferry_queue_receive_message(queue, &message, NULL, FERRY_NOW)) >= 0) {
        printf("%u %.*s\n", message.priority, (int)size, bytes);
        message.size_bytes = sizeof(bytes);
    }
    ferry_queue_close(queue);
    return 0;
}
