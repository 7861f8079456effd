/* Makers and takers with a monitor: a mutex guards a ring of eight places, and two conditions tell that one is filled, or free.
 *
 *     monitor_buffer
 *
 * One taker is killed again and again, wherever it is just then, and begun anew; what it had half done with the mutex, the next one that
 * gets that puts right.
 *
 * On the command line: ferry new condition filled --mutex buffer; ferry wait filled & ferry post filled */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

enum { PLACES = 8, MAKERS = 2, TAKERS = 2, EACH = 2000, KILLS = 20 };

/* Each number only grows, and one store changes it: so what a dead one leaves is always whole. */
struct buffer {
    volatile uint64_t made, taken;
    uint64_t places[PLACES];
    volatile uint64_t sum; /* of what was taken */
};

struct monitor {
    struct buffer *buffer;
    ferry_mutex *mutex;
    ferry_condition *filled, *freed;
};

static int complain(const char *what)
{
    fprintf(stderr, "monitor_buffer: %s: %s\n", what, ferry_explain());
    return 1;
}

/* The sum of what was taken follows from how much was: items are numbered. */
static int repair(struct monitor *monitor)
{
    uint64_t taken = monitor->buffer->taken;
    monitor->buffer->sum = taken * (taken + 1) / 2;
    return ferry_mutex_repaired(monitor->mutex);
}

static int enter(struct monitor *monitor)
{
    int r = ferry_mutex_lock(monitor->mutex, FERRY_FOREVER);
    return r == -EOWNERDEAD ? repair(monitor) : r;
}

static int await(struct monitor *monitor, ferry_condition *condition)
{
    int r = ferry_condition_wait(condition, FERRY_FOREVER);
    return r == -EOWNERDEAD ? repair(monitor) : r;
}

static int make(struct monitor *monitor)
{
    struct buffer *buffer = monitor->buffer;
    int r = enter(monitor);
    while (r >= 0 && buffer->made - buffer->taken == PLACES)
        r = await(monitor, monitor->freed);
    if (r < 0)
        return r;
    buffer->places[buffer->made % PLACES] = buffer->made + 1;
    buffer->made++;
    ferry_condition_signal(monitor->filled);
    return ferry_mutex_unlock(monitor->mutex);
}

/* 1: that was the last one. */
static int take(struct monitor *monitor)
{
    struct buffer *buffer = monitor->buffer;
    int r = enter(monitor);
    while (r >= 0 && buffer->made == buffer->taken && buffer->taken < MAKERS * EACH)
        r = await(monitor, monitor->filled);
    if (r < 0)
        return r;
    if (buffer->taken < MAKERS * EACH) {
        uint64_t item = buffer->places[buffer->taken % PLACES];
        buffer->taken++;
        buffer->sum += item;
        ferry_condition_signal(monitor->freed);
    }
    int last = buffer->taken == MAKERS * EACH;
    if (last)
        ferry_condition_broadcast(monitor->filled);
    r = ferry_mutex_unlock(monitor->mutex);
    return r < 0 ? r : last;
}

static int make_all(struct monitor *monitor)
{
    for (int i = 0; i < EACH; i++)
        if (make(monitor) < 0)
            return complain("a maker");
    return 0;
}

static int take_all(struct monitor *monitor)
{
    int r;
    while ((r = take(monitor)) == 0)
        ;
    return r < 0 ? complain("a taker") : 0;
}

static pid_t start(int (*work)(struct monitor *monitor), struct monitor *monitor)
{
    pid_t child = fork();
    if (child == 0)
        _exit(work(monitor));
    return child;
}

/* Kills the taker and begins another one.  It may have ended by itself. */
static pid_t replace(pid_t taker, struct monitor *monitor)
{
    kill(taker, SIGKILL);
    waitpid(taker, NULL, 0);
    return start(take_all, monitor);
}

static int open_all(struct monitor *monitor, ferry_segment **ret_segment)
{
    if (ferry_segment_open(ret_segment, NULL, FERRY_SEGMENT(.size_bytes = sizeof(struct buffer))) <
            0 ||
        ferry_mutex_open(&monitor->mutex, NULL, NULL) < 0 ||
        ferry_condition_open(&monitor->filled, NULL, monitor->mutex, NULL) < 0 ||
        ferry_condition_open(&monitor->freed, NULL, monitor->mutex, NULL) < 0)
        return complain("cannot begin");
    monitor->buffer = ferry_segment_data(*ret_segment);
    return 0;
}

int main(void)
{
    struct monitor monitor;
    ferry_segment *segment;
    if (open_all(&monitor, &segment) != 0)
        return 1;
    for (int i = 0; i < MAKERS; i++)
        start(make_all, &monitor);
    for (int i = 1; i < TAKERS; i++)
        start(take_all, &monitor);
    pid_t victim = start(take_all, &monitor);
    for (int i = 0; i < KILLS; i++)
        victim = replace(victim, &monitor);
    int status, failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    enter(&monitor);
    uint64_t all = MAKERS * EACH;
    bool right = monitor.buffer->sum == all * (all + 1) / 2;
    printf("%llu made, %llu taken, %s\n", (unsigned long long)monitor.buffer->made,
           (unsigned long long)monitor.buffer->taken,
           right ? "none lost and none twice" : "but not these");
    ferry_mutex_unlock(monitor.mutex);
    return failed != 0 || !right;
}
