/* A queue with types: each receiver takes what is for it, whatever came before.  One type, the lowest type up
 * to a bound, any but one; and with a type for each client, one queue carries the answers to all of them.
 *
 *     queue_types
 *
 * On the command line: ferry send types two --type 2; ferry send types one --type 1;
 * ferry receive types --max-type 9 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

enum { CLIENTS = 3, REQUEST = 1 };

static int complain(const char *what)
{
    fprintf(stderr, "queue_types: %s: %s\n", what, ferry_explain());
    return 1;
}

static int send(ferry_queue *queue, uint64_t type, const char *text)
{
    const struct ferry_message message = {
        .bytes = (void *)(uintptr_t)text, .size_bytes = strlen(text), .type = type};
    return ferry_queue_send_message(queue, &message, FERRY_FOREVER);
}

static void receive(ferry_queue *queue, const char *what, unsigned selection, uint64_t type)
{
    char bytes[64];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    const struct ferry_choice choice = {.selection = selection, .type = type};
    ssize_t size = ferry_queue_receive_message(queue, &message, &choice, FERRY_NOW);
    if (size < 0)
        printf("%s: nothing\n", what);
    else
        printf("%s: \"%.*s\", type %llu\n", what, (int)size, bytes,
               (unsigned long long)message.type);
}

static int choose(void)
{
    ferry_queue *queue;
    if (ferry_queue_open(&queue, NULL, FERRY_QUEUE(.flags = FERRY_TYPES)) < 0)
        return complain("cannot make a queue");
    send(queue, 5, "first");
    send(queue, 2, "second");
    send(queue, 7, "third");
    send(queue, 2, "fourth");
    receive(queue, "of type 7", FERRY_OF_TYPE, 7);
    receive(queue, "of the lowest up to 6", FERRY_UP_TO, 6);
    receive(queue, "any but type 5", FERRY_EXCEPT, 5);
    receive(queue, "of type 3", FERRY_OF_TYPE, 3);
    receive(queue, "any", FERRY_ANY, 0);
    ferry_queue_close(queue);
    return 0;
}

/* In a child: asks, and waits for the answer that is its own. */
static int ask(ferry_queue *requests, ferry_queue *answers, int number)
{
    char text[32], bytes[32];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    snprintf(text, sizeof(text), "%d", number);
    if (send(requests, REQUEST, text) < 0)
        return complain("cannot ask");
    const struct ferry_choice mine = {.selection = FERRY_OF_TYPE, .type = (uint64_t)number};
    ssize_t size = ferry_queue_receive_message(answers, &message, &mine, FERRY_FOREVER);
    snprintf(text, sizeof(text), "answer to %d", number);
    return size == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)size) == 0 ? 0 : 1;
}

/* Answers the last to ask first: each gets its own all the same. */
static int answer(ferry_queue *requests, ferry_queue *answers)
{
    int numbers[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        char bytes[32] = "";
        if (ferry_queue_receive(requests, bytes, sizeof(bytes) - 1, FERRY_FOREVER) < 0 ||
            sscanf(bytes, "%d", &numbers[i]) != 1)
            return complain("cannot receive");
    }
    for (int i = CLIENTS - 1; i >= 0; i--) {
        char text[32];
        snprintf(text, sizeof(text), "answer to %d", numbers[i]);
        if (send(answers, (uint64_t)numbers[i], text) < 0)
            return complain("cannot answer");
    }
    return 0;
}

static int serve(void)
{
    ferry_queue *requests, *answers;
    int status, right = 0;
    if (ferry_queue_open(&requests, NULL, FERRY_QUEUE(.flags = FERRY_TYPES)) < 0 ||
        ferry_queue_open(&answers, NULL, FERRY_QUEUE(.flags = FERRY_TYPES)) < 0)
        return complain("cannot make a queue");
    fflush(stdout);
    for (int i = 1; i <= CLIENTS; i++)
        if (fork() == 0)
            _exit(ask(requests, answers, i));
    if (answer(requests, answers) != 0)
        return 1;
    while (wait(&status) > 0)
        right += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("%d clients, %d answers that were their own\n", CLIENTS, right);
    ferry_queue_close(requests);
    ferry_queue_close(answers);
    return 0;
}

int main(void)
{
    return choose() || serve();
}
