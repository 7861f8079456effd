/* See vigil.h. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <time.h>

#include "os/clock.h"
#include "os/epoll.h"
#include "os/file.h"
#include "os/inotify.h"
#include "shared/bell.h"
#include "shared/vigil.h"

/* How often to look again where an end cannot be heard, or only a death; or where all members would have to be listened to. */
static const int64_t DEAF_SLICE_NS = 5000000, HALF_DEAF_SLICE_NS = 100000000;

/* After a sign that the kernel does not confirm yet: from this slice on, each twice as long. */
static const int64_t DOUBT_FIRST_NS = 100000, DOUBT_LAST_NS = 400000000;

struct vigil vigil_begin(int bell, int lock_fd, _Atomic int *kept)
{
    return (struct vigil){
        .bell = bell, .lock_fd = lock_fd, .kept = kept, .latch = bell_latch(bell), .closing = -1};
}

void vigil_deepen(struct vigil *vigil)
{
    if (vigil->closing < 0)
        vigil->closing = atomic_exchange_explicit(vigil->kept, -1, memory_order_acquire);
    if (vigil->closing < 0)
        vigil->closing = inotify_on_close(vigil->lock_fd);
}

void vigil_end(struct vigil *vigil)
{
    int none = -1;
    if (vigil->closing >= 0 &&
        atomic_compare_exchange_strong_explicit(vigil->kept, &none, vigil->closing,
                                                memory_order_release, memory_order_relaxed))
        vigil->closing = -1;
    file_close(&vigil->closing);
    file_close(&vigil->latch);
}

void vigil_hush(struct vigil *vigil)
{
    if (vigil->latch >= 0)
        epoll_latch_clear(vigil->latch);
    if (vigil->closing >= 0 && !inotify_drain(vigil->closing))
        file_close(&vigil->closing); /* it heard of its own end: the next one is made anew */
}

/* How long to sleep at most before looking again, given what can be heard. */
static int64_t slice(const struct vigil *vigil, int owner_fd)
{
    if (vigil->doubt_ns > 0)
        return vigil->doubt_ns;
    bool is_half_deaf = owner_fd >= 0 || owner_fd == VIGIL_ANYBODY;
    if (vigil->latch < 0 || owner_fd == -ESRCH || (!is_half_deaf && vigil->closing < 0))
        return DEAF_SLICE_NS;
    return vigil->closing < 0 ? HALF_DEAF_SLICE_NS : INT64_MAX;
}

enum { RUNG, SIGN, NOTHING };

/* Waits for one of them, passing over those that are not there: a process that may have no
 * descriptors may not even ask poll() about absent ones. */
static int poll_some(struct pollfd watched[3], int64_t ns)
{
    struct pollfd *there[3], dense[3];
    nfds_t count = 0;
    for (int i = 0; i < 3; i++) {
        if (watched[i].fd < 0)
            continue;
        there[count] = &watched[i];
        dense[count++] = watched[i];
    }
    struct timespec limit;
    int r = ppoll(dense, count, clock_timespec(&limit, ns), NULL);
    for (nfds_t i = 0; r > 0 && i < count; i++)
        there[i]->revents = dense[i].revents;
    return r < 0 ? -errno : r;
}

/* Sleeps until the bell rings, there is a sign that the owner is gone, or the time is up. */
static int doze(const struct vigil *vigil, int owner_fd, int64_t left_ns)
{
    struct pollfd watched[] = {{.fd = vigil->latch, .events = POLLIN},
                               {.fd = owner_fd, .events = POLLIN},
                               {.fd = vigil->closing, .events = POLLIN}};
    int64_t most = slice(vigil, owner_fd);
    int r = poll_some(watched, left_ns < most ? left_ns : most);
    if (r < 0 && r != -EINTR) { /* then as if deaf */
        struct timespec nap;
        r = clock_nanosleep(CLOCK_MONOTONIC, 0,
                            clock_timespec(&nap, left_ns < DEAF_SLICE_NS ? left_ns : DEAF_SLICE_NS),
                            NULL);
        return r == EINTR ? -EINTR : NOTHING;
    }
    if (r <= 0)
        return r < 0 ? r : NOTHING;
    return watched[1].revents != 0 || watched[2].revents != 0 ? SIGN : RUNG;
}

void vigil_distrust(struct vigil *vigil)
{
    if (vigil->doubt_ns == 0)
        vigil->doubt_ns = DOUBT_FIRST_NS;
}

static void note(struct vigil *vigil, int heard)
{
    if (heard == SIGN)
        vigil->doubt_ns = DOUBT_FIRST_NS;
    else if (heard == NOTHING && vigil->doubt_ns != 0)
        vigil->doubt_ns = vigil->doubt_ns < DOUBT_LAST_NS ? vigil->doubt_ns * 2 : 0;
}

int vigil_sleep(struct vigil *vigil, int owner_fd, int64_t left_ns)
{
    int r = doze(vigil, owner_fd, left_ns);
    if (r < 0)
        return r;
    note(vigil, r);
    if (r == NOTHING)
        vigil_deepen(vigil);
    return 0;
}
