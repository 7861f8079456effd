/* The timer's handler runs in the tracer's only thread, which is the survivor; no other may speak to the tracee.  Whether the
 * survivor slept is told by how often it has given up the processor of its own accord: the handler ends a sleep, and what
 * waits goes to sleep anew. */
#include "patience.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>

enum { LOOK_NS = 500 * 1000, LOOKS = 20, ASLEEP = 2 };

static struct tracee *volatile paused; /* NULL once it has been let go */
static timer_t timer;
static volatile long sleeps;            /* of the survivor, as of the last look */
static volatile unsigned looks, asleep; /* so many; so many of the last ones found it asleep */

static long count_sleeps(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

static void look(int signal)
{
    (void)signal;
    int saved = errno;
    long now = count_sleeps();
    looks++;
    asleep = now == sleeps ? 0 : asleep + 1;
    sleeps = now;
    if (paused && (asleep >= ASLEEP || looks >= LOOKS)) {
        tracee_release(paused);
        paused = NULL;
    }
    errno = saved;
}

int patience_begin(struct tracee *tracee)
{
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
    const struct itimerspec again_and_again = {.it_value.tv_nsec = LOOK_NS,
                                               .it_interval.tv_nsec = LOOK_NS};

    paused = tracee;
    looks = asleep = 0;
    sleeps = count_sleeps();
    if (sigaction(SIGPROF, &action, NULL) < 0 || timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
        return -errno;
    return timer_settime(timer, 0, &again_and_again, NULL) < 0 ? -errno : 0;
}

bool patience_end(void)
{
    timer_delete(timer);
    bool let_go = !paused;
    paused = NULL;
    return let_go;
}
