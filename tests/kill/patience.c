/* The timer's handler runs in the tracer's only thread; no other may speak to the tracee. */
#include "patience.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

enum { PATIENCE_NS = 10 * 1000 * 1000 };

static struct tracee *volatile paused; /* NULL once it has been let go */
static timer_t timer;

static void run_out(int signal)
{
    (void)signal;
    if (paused)
        tracee_release(paused);
    paused = NULL;
}

int patience_begin(struct tracee *tracee)
{
    struct sigaction action = {.sa_handler = run_out, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
    struct itimerspec once = {.it_value.tv_nsec = PATIENCE_NS};

    paused = tracee;
    if (sigaction(SIGPROF, &action, NULL) < 0 || timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
        return -errno;
    return timer_settime(timer, 0, &once, NULL) < 0 ? -errno : 0;
}

bool patience_end(void)
{
    timer_delete(timer);
    bool let_go = !paused;
    paused = NULL;
    return let_go;
}
