/* A queue's descriptor, and notices of arrival.
 *
 * The descriptor is a latch (os/epoll.h), which every ring of the bell sets, and only its owner clears: when it has been
 * told that there is nothing.  A sender rings before it commits a message that comes to an empty queue; so whoever clears its
 * latch waits for who is in the middle of that, and looks once more.  If anybody dies in here, a latch is set for
 * nothing, at worst. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "ipc/queue.h"
#include "os/epoll.h"
#include "os/file.h"
#include "shared/bell.h"
#include "shared/board.h"
#include "shared/lock.h"

static const int64_t OUTCOME_NS = 2000000;

static bool has(const ferry_queue *queue, unsigned role, uint64_t size)
{
    struct flow *flow = (struct flow *)(uintptr_t)&queue->flow;
    const struct ferry_choice any = {.selection = FERRY_ANY};
    return role == FERRY_READ ? flow->engine->has_message(flow, &any)
                              : flow->engine->has_room(flow, size);
}

/* Is there something (removal is something, too), once those are through who may not have seen that we listen, or that the queue is empty?  Also if one of
 * them does not come to an end. */
static bool may_have(ferry_queue *queue, unsigned role, uint64_t size)
{
    struct layout_queue *shared = queue->flow.shared;
    struct layout_lock *lock = role == FERRY_READ ? &shared->in.lock : &shared->out.lock;
    const struct lock_wait wait = {.end = clock_deadline(OUTCOME_NS), .even_loud = true};
    /* A sender that begins after it was waited for rings if it finds nothing there; or somebody has taken that since. */
    uint32_t before = atomic_load_explicit(&shared->out.sequence, memory_order_seq_cst);
    return lock_await_outcome(lock, &queue->object.slots, &wait) < 0 || has(queue, role, size) ||
           atomic_load_explicit(&shared->out.sequence, memory_order_seq_cst) != before ||
           flow_is_going(&queue->flow);
}

/* Clears a latch, unless there is something. */
static void clear_latch(ferry_queue *queue, int latch, unsigned role, uint64_t size)
{
    epoll_latch_clear(latch);
    if (may_have(queue, role, size))
        epoll_latch_set(latch, queue->object.region.bell_fd);
}

static void quieten(ferry_queue *queue, unsigned role, uint64_t size)
{
    pthread_mutex_lock(&queue->guard);
    if (queue->latch >= 0 && queue->latch_role == role) {
        if (role == FERRY_WRITE)
            board_set(&queue->flow.shared->room, queue->object.slots.slot);
        clear_latch(queue, queue->latch, role, size);
    }
    pthread_mutex_unlock(&queue->guard);
}

void queue_quieten(ferry_queue *queue, uint64_t size)
{
    unsigned polls = atomic_load_explicit(&queue->polls, memory_order_relaxed);
    if (polls != 0)
        quieten(queue, polls, size);
}

bool queue_is_empty_for_sure(ferry_queue *queue)
{
    if (!atomic_load_explicit(&queue->is_noticed, memory_order_relaxed))
        return true;
    return !may_have(queue, FERRY_READ, 0);
}

/* Either receivers ring for us, or the latch is set: there may be room for the next one. */
void queue_has_room(ferry_queue *queue)
{
    struct layout_board *room = &queue->flow.shared->room;
    uint32_t slot = queue->object.slots.slot;
    if (!board_has(room, slot))
        return;
    pthread_mutex_lock(&queue->guard);
    board_clear(room, slot);
    epoll_latch_set(queue->latch, queue->object.region.bell_fd);
    pthread_mutex_unlock(&queue->guard);
}

/* From here on, whoever sends to an empty queue rings. */
static void listen_to_messages(ferry_queue *queue)
{
    board_set(&queue->flow.slots->control->listeners, queue->object.slots.slot);
}

static int begin_polling(ferry_queue *queue, unsigned role)
{
    int latch = bell_latch(queue->object.region.bell_fd);
    if (latch < 0)
        return latch;
    queue->latch = latch;
    queue->latch_role = role;
    if (role == FERRY_READ)
        listen_to_messages(queue);
    else
        board_set(&queue->flow.shared->room, queue->object.slots.slot);
    atomic_store_explicit(&queue->polls, role, memory_order_relaxed);
    clear_latch(queue, latch, role, 1);
    return latch;
}

int ferry_queue_descriptor(ferry_queue *queue, unsigned role)
{
    int r = object_usable(&queue->object);
    if (r < 0)
        return r;
    if (role != FERRY_READ && role != FERRY_WRITE)
        return fail(-EINVAL, "a descriptor is for messages or for room: FERRY_READ or FERRY_WRITE");
    if (role == FERRY_WRITE && (queue->flow.shape.flags & FERRY_RENDEZVOUS) != 0)
        return fail(-EOPNOTSUPP,
                    "a queue without a buffer has no room to wait for; send with a timeout");
    if ((queue->object.slots.role & role) == 0)
        return fail(-EBADF, "this handle does not %s, so it has nothing to wait for",
                    role == FERRY_READ ? "receive" : "send");
    pthread_mutex_lock(&queue->guard);
    if (queue->latch < 0)
        r = begin_polling(queue, role);
    else if (queue->latch_role != role)
        r = fail(-EBUSY, "this handle's descriptor is for %s already; open another one",
                 role == FERRY_READ ? "room" : "messages");
    else
        r = queue->latch;
    pthread_mutex_unlock(&queue->guard);
    return r;
}

/* ---- Notices ----------------------------------------------------------------------------------
 *
 * Who has been given one receives until there is nothing.  A sender that looked before the last message was received
 * does not ring for its own; so "nothing" is said when that one is through. */

static void *give_notices(void *context)
{
    ferry_queue *queue = context;
    struct queue_notice *notice = &queue->notice;
    struct pollfd either[2] = {{.fd = notice->latch, .events = POLLIN},
                               {.fd = notice->stop, .events = POLLIN}};
    for (;;) {
        if (poll(either, 2, -1) < 0 && errno != EINTR)
            break;
        if (either[1].revents != 0)
            break;
        if ((either[0].revents & POLLIN) == 0)
            continue;
        epoll_latch_clear(notice->latch);
        if (may_have(queue, FERRY_READ, 0))
            notice->function(queue, notice->context);
    }
    return NULL;
}

/* The thread takes no signals: handlers are the program's business, and run in its threads. */
static int start_thread(ferry_queue *queue)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&queue->notice.thread, NULL, give_notices, queue);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    queue->notice.runs = error == 0;
    return error != 0 ? fail_errno(-error, "no thread could be started for notices") : 0;
}

static int begin_calls(ferry_queue *queue, const struct ferry_arrival *arrival)
{
    struct queue_notice *notice = &queue->notice;
    notice->function = arrival->function;
    notice->context = arrival->context;
    notice->latch = bell_latch(queue->object.region.bell_fd);
    if (notice->latch < 0)
        return TAKE_FD(notice->latch);
    notice->stop = eventfd(0, EFD_CLOEXEC);
    if (notice->stop < 0)
        return fail_errno(-errno, "no descriptor to end the notices with");
    listen_to_messages(queue);
    return start_thread(queue);
}

static void end_calls(ferry_queue *queue)
{
    struct queue_notice *notice = &queue->notice;
    const uint64_t one = 1;
    if (notice->runs && write(notice->stop, &one, sizeof(one)) == sizeof(one))
        pthread_join(notice->thread, NULL);
    notice->runs = false;
    file_close(&notice->latch);
    file_close(&notice->stop);
}

/* In a child of fork the bell's description is its parent's, too, and so would be who gets the signals. */
static int own_bell(ferry_queue *queue)
{
    int *bell = &queue->object.region.bell_fd;
    if (!queue->lent_bell)
        return 0;
    CLEANUP(file_close) int own = bell_reopen(*bell);
    if (own < 0)
        return own;
    if (dup3(own, *bell, O_CLOEXEC) < 0)
        return fail_errno(-errno, "the bell could not be replaced");
    queue->lent_bell = false;
    return 0;
}

static int begin_signals(ferry_queue *queue, int signal)
{
    int r = own_bell(queue), bell = queue->object.region.bell_fd;
    if (r < 0)
        return r;
    int flags = fcntl(bell, F_GETFL);
    if (flags < 0 || fcntl(bell, F_SETOWN, getpid()) < 0 || fcntl(bell, F_SETSIG, signal) < 0 ||
        fcntl(bell, F_SETFL, flags | O_ASYNC) < 0)
        return fail_errno(-errno, "the kernel does not send signal %d for this", signal);
    queue->signals = true;
    listen_to_messages(queue);
    if (has(queue, FERRY_READ, 0)) /* what came just before */
        kill(getpid(), signal);
    return 0;
}

static void end_signals(ferry_queue *queue)
{
    int bell = queue->object.region.bell_fd;
    if (queue->signals)
        fcntl(bell, F_SETFL, fcntl(bell, F_GETFL) & ~O_ASYNC);
    queue->signals = false;
}

/* With the guard of the notices. */
static int notify(ferry_queue *queue, const struct ferry_arrival *arrival)
{
    int r = 0;
    end_signals(queue);
    end_calls(queue);
    atomic_store_explicit(&queue->is_noticed, arrival->signal != 0 || arrival->function != NULL,
                          memory_order_relaxed);
    if (arrival->signal != 0)
        r = begin_signals(queue, arrival->signal);
    if (r == 0 && arrival->function != NULL)
        r = begin_calls(queue, arrival);
    if (r < 0) {
        end_signals(queue);
        end_calls(queue);
    }
    return r;
}

int ferry_queue_notify(ferry_queue *queue, const struct ferry_arrival *arrival)
{
    const struct ferry_arrival none = {0};
    if (arrival == NULL)
        arrival = &none;
    int r = object_usable(&queue->object);
    if (r < 0)
        return r;
    if ((queue->object.slots.role & FERRY_READ) == 0)
        return fail(-EBADF, "this handle does not receive; open one with FERRY_READ");
    if (arrival->signal < 0 || arrival->signal > SIGRTMAX || arrival->signal == SIGKILL ||
        arrival->signal == SIGSTOP)
        return fail(-EINVAL, "%d is not a signal that can be handled", arrival->signal);
    if (queue->notice.runs && pthread_equal(queue->notice.thread, pthread_self()))
        return fail(-EDEADLK, "a notice cannot end itself; do it in another thread");
    pthread_mutex_lock(&queue->notice_guard);
    r = notify(queue, arrival);
    pthread_mutex_unlock(&queue->notice_guard);
    return r;
}

void queue_stop_polling(ferry_queue *queue)
{
    if (object_is_ours(&queue->object)) {
        end_signals(queue);
        end_calls(queue);
    }
    file_close(&queue->latch);
}

/* Descriptor and thread stay with the parent. */
void queue_poll_after_fork(ferry_queue *queue)
{
    file_close(&queue->latch);
    file_close(&queue->notice.latch);
    file_close(&queue->notice.stop);
    queue->notice.runs = false;
    queue->signals = false;
    pthread_mutex_init(&queue->notice_guard, NULL); /* whoever had it stayed with the parent */
    atomic_store_explicit(&queue->is_noticed, false, memory_order_relaxed);
    queue->lent_bell = true;
    atomic_store_explicit(&queue->polls, 0, memory_order_relaxed);
}
