/* How much a queue buffers, and what happens to a message for which it has no room.
 *
 *     queue_buffering
 *
 * None: a message is sent when it has been received.  Bounded: so many; then the sender waits, or is refused, or
 * the oldest or this one is dropped.  Unbounded: as many as come, up to a limit of memory.
 *
 * On the command line: ferry new queue small --messages 3 --overflow drop-oldest; seq 10 | ferry send small;
 * ferry receive small --follow --timeout 0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

static int complain(const char *what)
{
    fprintf(stderr, "queue_buffering: %s: %s\n", what, ferry_explain());
    return 1;
}

/* Sends "1", "2" … until one is not taken, but at most so many: how many were. */
static int send_numbers(ferry_queue *queue, int count, int *ret_error)
{
    char text[16];
    for (int i = 0; i < count; i++) {
        int length = snprintf(text, sizeof(text), "%d", i + 1);
        int r = ferry_queue_send(queue, text, (size_t)length, FERRY_NOW);
        *ret_error = r < 0 ? r : 0;
        if (r < 0)
            return i;
    }
    return count;
}

static void print_rest(ferry_queue *queue)
{
    char bytes[16];
    ssize_t size;
    while ((size = ferry_queue_receive(queue, bytes, sizeof(bytes), FERRY_NOW)) >= 0)
        printf(" %.*s", (int)size, bytes);
    putchar('\n');
}

static int overflow(const char *what, unsigned policy)
{
    ferry_queue *queue;
    int error;
    if (ferry_queue_open(&queue, NULL, FERRY_QUEUE(.messages = 3, .overflow = policy)) < 0)
        return complain("cannot make a queue");
    int count = send_numbers(queue, 5, &error);
    printf("bounded to 3, %s: %d of 5 went in%s; there are", what, count,
           error == -EAGAIN ? ", then -EAGAIN" : "");
    print_rest(queue);
    ferry_queue_close(queue);
    return 0;
}

/* The sender waits until there is room: a child receives. */
static int block(void)
{
    ferry_queue *queue;
    char bytes[16];
    int status;
    if (ferry_queue_open(&queue, NULL, FERRY_QUEUE(.messages = 3)) < 0)
        return complain("cannot make a queue");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 1000; i++)
            if (ferry_queue_receive(queue, bytes, sizeof(bytes), FERRY_FOREVER) < 0)
                _exit(1);
        _exit(0);
    }
    for (int i = 0; i < 1000; i++)
        if (ferry_queue_send(queue, "x", 1, FERRY_FOREVER) < 0)
            return complain("cannot send");
    waitpid(child, &status, 0);
    printf("bounded to 3, block: 1000 of 1000 arrived: %s\n", status == 0 ? "yes" : "no");
    ferry_queue_close(queue);
    return 0;
}

static int rendezvous(void)
{
    ferry_queue *queue;
    char bytes[16];
    int status;
    if (ferry_queue_open(&queue, NULL, FERRY_QUEUE(.flags = FERRY_RENDEZVOUS)) < 0)
        return complain("cannot make a queue");
    int r = ferry_queue_send(queue, "x", 1, 10000000);
    printf("none, nobody receives: %s\n", r == -ETIMEDOUT ? "-ETIMEDOUT" : "something else");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(ferry_queue_receive(queue, bytes, sizeof(bytes), FERRY_FOREVER) == 1 ? 0 : 1);
    r = ferry_queue_send(queue, "y", 1, FERRY_FOREVER);
    waitpid(child, &status, 0);
    printf("none, somebody receives: %s\n", r == 0 && status == 0 ? "sent" : "something else");
    ferry_queue_close(queue);
    return 0;
}

static int unbounded(void)
{
    ferry_queue *queue;
    static const char bytes[8192];
    if (ferry_queue_open(&queue, NULL, FERRY_QUEUE(.flags = FERRY_UNBOUNDED)) < 0)
        return complain("cannot make a queue");
    int count = 0;
    while (count < 5000 && ferry_queue_send(queue, bytes, sizeof(bytes), FERRY_NOW) == 0)
        count++;
    printf("unbounded: %d messages of %zu bytes went in\n", count, sizeof(bytes));
    ferry_queue_close(queue);
    return 0;
}

int main(void)
{
    return rendezvous() || overflow("block", FERRY_OVERFLOW_BLOCK) || block() ||
           overflow("refuse", FERRY_OVERFLOW_REFUSE) ||
           overflow("drop oldest", FERRY_OVERFLOW_DROP_OLDEST) ||
           overflow("drop newest", FERRY_OVERFLOW_DROP_NEWEST) || unbounded();
}
