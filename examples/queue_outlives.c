/* A queue outlives its users: what was sent is received by who comes later, also when the sender was killed.  It
 * is there until it is removed; who waits for it then is told.
 *
 *     queue_outlives NAME
 *
 * On the command line: ferry send NAME hello; ferry receive NAME; ferry rm NAME */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

static int complain(const char *what)
{
    fprintf(stderr, "queue_outlives: %s: %s\n", what, ferry_explain());
    return 1;
}

/* In a child, which does not come to its end. */
static int send_and_die(const char *name)
{
    ferry_queue *queue;
    if (ferry_queue_open(&queue, name, FERRY_QUEUE(.flags = FERRY_CREATE | FERRY_WRITE)) < 0)
        return complain("cannot make the queue");
    ferry_queue_send(queue, "the last words", 14, FERRY_FOREVER);
    return raise(SIGKILL);
}

static int receive(const char *name)
{
    ferry_queue *queue;
    char bytes[64];
    if (ferry_queue_open(&queue, name, FERRY_QUEUE(.flags = FERRY_READ)) < 0)
        return complain("cannot open the queue");
    ssize_t size = ferry_queue_receive(queue, bytes, sizeof(bytes), FERRY_FOREVER);
    printf("received: \"%.*s\"\n", size > 0 ? (int)size : 0, bytes);
    ferry_queue_close(queue);
    return 0;
}

/* In a child. */
static int wait_for_more(ferry_queue *queue)
{
    char bytes[64];
    ssize_t size = ferry_queue_receive(queue, bytes, sizeof(bytes), FERRY_FOREVER);
    printf("who waited for more: %s\n", size == -EIDRM ? "-EIDRM" : "something else");
    return 0;
}

static bool somebody_waits(const char *name)
{
    struct ferry_member members[8];
    int count = ferry_look_members(name, members, 8);
    for (int i = 0; i < count && i < 8; i++)
        if (members[i].waiting)
            return true;
    return false;
}

static int remove_it(const char *name)
{
    ferry_queue *queue;
    if (ferry_queue_open(&queue, name, FERRY_QUEUE(.flags = FERRY_READ)) < 0)
        return complain("cannot open the queue");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        return wait_for_more(queue);
    while (!somebody_waits(name))
        usleep(1000);
    if (ferry_remove(name) < 0)
        return complain("cannot remove it");
    waitpid(child, NULL, 0);
    ferry_queue_close(queue);
    int r = ferry_queue_open(&queue, name, FERRY_QUEUE(.flags = FERRY_READ));
    printf("who comes now: %s\n", r == -ENOENT ? "-ENOENT" : "something else");
    return 0;
}

int main(int argc, char **argv)
{
    int status;
    if (argc != 2) {
        fprintf(stderr, "usage: queue_outlives NAME\n");
        return 2;
    }
    pid_t child = fork();
    if (child == 0)
        return send_and_die(argv[1]);
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        printf("the sender died of signal %d\n", WTERMSIG(status));
    return receive(argv[1]) || remove_it(argv[1]);
}
