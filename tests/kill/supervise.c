/* Neither process trusts the other to end: the runner dies with its supervisor, and the supervisor
 * kills a runner that shows no sign of life, victims included. */
#include "supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "where.h"

struct progress *progress_new(void)
{
    void *memory = mmap(NULL, sizeof(struct progress), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

struct progress *progress_free(struct progress *progress)
{
    if (progress)
        munmap(progress, sizeof(*progress));
    return NULL;
}

/* Waits until the runner has ended.  False: it has shown no sign of life for bound_ms, or for up to
 * twice that. */
static bool watch(pid_t runner, struct progress *progress, unsigned bound_ms)
{
    struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, runner, 0), .events = POLLIN};
    unsigned long beats;
    int r;
    do {
        beats = atomic_load_explicit(&progress->beats, memory_order_relaxed);
        r = poll(&ended, 1, (int)bound_ms);
    } while ((r < 0 && errno == EINTR) ||
             (r == 0 && beats != atomic_load_explicit(&progress->beats, memory_order_relaxed)));
    close(ended.fd);
    return r > 0;
}

static void describe_end(const struct progress *progress, int status, bool hangs, unsigned bound_ms,
                         char *ret_text, size_t size_bytes)
{
    if (hangs)
        snprintf(ret_text, size_bytes, "%s has not ended within %u ms", progress->doing, bound_ms);
    else if (progress->reason[0])
        snprintf(ret_text, size_bytes, "%s", progress->reason);
    else if (WIFSIGNALED(status))
        snprintf(ret_text, size_bytes, "%s died of signal %d (%s)", progress->doing,
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(ret_text, size_bytes, "%s exited with status %d", progress->doing,
                 WEXITSTATUS(status));
}

/* One sentence: what was done to the victim, where, and how that ended. */
static void describe_failure(struct progress *progress, const char *end)
{
    char place[128], first[64] = "", of[32] = "";
    where_describe(progress->address, place, sizeof(place));
    if (progress->wreck)
        snprintf(first, sizeof(first), "first victim killed after %zu, second ", progress->wreck);
    if (progress->report.instructions)
        snprintf(of, sizeof(of), " of %zu", progress->report.instructions);
    snprintf(progress->report.failure, sizeof(progress->report.failure),
             "%s%s%s after instruction %zu%s, at %s: %s", first, progress->deed,
             progress->point.asleep ? " asleep" : "", progress->point.instruction, of, place, end);
}

int supervise(struct progress *progress, void (*body)(void *context), void *context,
              unsigned bound_ms)
{
    fflush(NULL);
    pid_t runner = fork();
    if (runner < 0)
        return -errno;
    if (runner == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        body(context);
        progress->finished = true;
        _exit(EXIT_SUCCESS);
    }

    int status = 0;
    char end[192];
    bool hangs = !watch(runner, progress, bound_ms);
    if (hangs)
        kill(runner, SIGKILL);
    while (waitpid(runner, &status, 0) < 0 && errno == EINTR)
        ;
    if (progress->finished)
        return 0;
    describe_end(progress, status, hangs, bound_ms, end, sizeof(end));
    describe_failure(progress, end);
    return -ECANCELED;
}
