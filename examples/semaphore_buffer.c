/* Producers and consumers: a buffer of eight places in a segment, and three semaphores.
 *
 *     semaphore_buffer
 *
 * `empty` has a unit for each free place and `full` one for each that is taken, so who puts in waits while there is no room and
 * who takes out while there is nothing; `door` has one unit, for whoever is at the buffer.  The order matters: who waited for
 * room with the door's unit in hand would keep everybody out who could make some.
 *
 * (A queue does all this by itself: see queue_buffering.c.) */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

enum { PLACES = 8, PRODUCERS = 3, CONSUMERS = 2, ITEMS = 1000, LAST = -1 };

/* In a segment. */
struct buffer {
    int places[PLACES];
    int in, out; /* counts, from which the places follow */
    int most;    /* items that there were at once */
    int taken[PRODUCERS * ITEMS];
};

static struct buffer *buffer;
static ferry_semaphore *empty, *full, *door;

static int complain(const char *what)
{
    fprintf(stderr, "semaphore_buffer: %s: %s\n", what, ferry_explain());
    return 1;
}

static void take(ferry_semaphore *semaphore)
{
    if (ferry_semaphore_wait(semaphore, FERRY_FOREVER) < 0)
        _exit(complain("cannot wait"));
}

static void give(ferry_semaphore *semaphore)
{
    if (ferry_semaphore_post(semaphore) < 0)
        _exit(complain("cannot post"));
}

static void put(int item)
{
    take(empty);
    take(door);
    buffer->places[buffer->in++ % PLACES] = item;
    if (buffer->most < buffer->in - buffer->out)
        buffer->most = buffer->in - buffer->out;
    give(door);
    give(full);
}

static int get(void)
{
    take(full);
    take(door);
    int item = buffer->places[buffer->out++ % PLACES];
    give(door);
    give(empty);
    return item;
}

static int produce(int producer)
{
    for (int i = 0; i < ITEMS; i++)
        put(producer * ITEMS + i);
    return 0;
}

static int consume(void)
{
    for (int item; (item = get()) != LAST;)
        buffer->taken[item]++; /* nobody else has this one */
    return 0;
}

/* All producers first, to find that there is no room; then the consumers, and behind the last item of all an end for each. */
static void run(void)
{
    uint32_t waiting = 0;
    pid_t producers[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++)
        if ((producers[i] = fork()) == 0)
            _exit(produce(i));
    for (; waiting < PRODUCERS; ferry_semaphore_waiters(empty, &waiting))
        usleep(1000);
    printf("%d items are there, and %u producers wait for room\n", buffer->in, waiting);
    fflush(stdout);
    for (int i = 0; i < CONSUMERS; i++)
        if (fork() == 0)
            _exit(consume());
    for (int i = 0; i < PRODUCERS; i++)
        waitpid(producers[i], NULL, 0);
    for (int i = 0; i < CONSUMERS; i++)
        put(LAST);
    while (wait(NULL) > 0)
        continue;
}

int main(void)
{
    ferry_segment *segment;
    if (ferry_segment_open(&segment, NULL, FERRY_SEGMENT(.size_bytes = sizeof(*buffer))) < 0)
        return complain("cannot make a segment");
    if (ferry_semaphore_open(&empty, NULL, FERRY_SEMAPHORE(.value = PLACES)) < 0 ||
        ferry_semaphore_open(&full, NULL, FERRY_SEMAPHORE(.value = 0)) < 0 ||
        ferry_semaphore_open(&door, NULL, FERRY_SEMAPHORE(.value = 1)) < 0)
        return complain("cannot make a semaphore");
    buffer = ferry_segment_data(segment);

    run();
    int once = 0;
    for (int i = 0; i < PRODUCERS * ITEMS; i++)
        once += buffer->taken[i] == 1;
    printf("%d of %d items were taken once; there were never more than %d\n", once,
           PRODUCERS * ITEMS, buffer->most);
    return once != PRODUCERS * ITEMS;
}
