/* See fork.h.  Everything here is the process's own.  Both mutexes are held across a fork, so that
 * the child gets the list whole; its only thread is the one that took them.  (A reader-writer lock
 * would not do for the window: its writer is known by a number that the child does not have.) */
#include <pthread.h>
#include <stddef.h>

#include "base/error.h"
#include "os/process.h"
#include "os/thread.h"
#include "shared/fork.h"

static pthread_mutex_t window = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t nobody_holds = PTHREAD_COND_INITIALIZER;
static unsigned holders; /* threads between fork_hold() and fork_unhold() */
static unsigned forkers; /* threads that wait for them to be none, and go first */

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct fork_handle *first;
static int watching; /* 0, or why forks cannot be watched */

static void before(void)
{
    pthread_mutex_lock(&window);
    forkers++;
    while (holders > 0)
        pthread_cond_wait(&nobody_holds, &window);
    forkers--;
    pthread_mutex_lock(&guard);
    for (struct fork_handle *handle = first; handle != NULL; handle = handle->next)
        handle->before(handle);
}

static void in_parent(void)
{
    for (struct fork_handle *handle = first; handle != NULL; handle = handle->next)
        handle->in_parent(handle);
    pthread_mutex_unlock(&guard);
    pthread_cond_broadcast(&nobody_holds);
    pthread_mutex_unlock(&window);
}

static void in_child(void)
{
    process_after_fork();
    thread_after_fork();
    for (struct fork_handle *handle = first; handle != NULL; handle = handle->next)
        handle->in_child(handle);
    forkers = 0;
    pthread_cond_init(&nobody_holds, NULL); /* who waited on it stayed with the parent */
    pthread_mutex_unlock(&guard);
    pthread_mutex_unlock(&window);
}

/* As the library is loaded: there is no other thread yet that could fork meanwhile. */
__attribute__((constructor)) static void watch(void)
{
    watching = -pthread_atfork(before, in_parent, in_child);
}

int fork_follow(struct fork_handle *handle)
{
    if (watching < 0)
        return fail_errno(watching, "fork cannot be watched");
    pthread_mutex_lock(&guard);
    handle->previous = NULL;
    handle->next = first;
    if (first != NULL)
        first->previous = handle;
    first = handle;
    pthread_mutex_unlock(&guard);
    return 0;
}

void fork_drop(struct fork_handle *handle)
{
    pthread_mutex_lock(&guard);
    if (handle->next != NULL)
        handle->next->previous = handle->previous;
    if (handle->previous != NULL)
        handle->previous->next = handle->next;
    else if (first == handle)
        first = handle->next;
    pthread_mutex_unlock(&guard);
}

void fork_hold(void)
{
    pthread_mutex_lock(&window);
    while (forkers > 0)
        pthread_cond_wait(&nobody_holds, &window);
    holders++;
    pthread_mutex_unlock(&window);
}

void fork_unhold(void)
{
    pthread_mutex_lock(&window);
    if (--holders == 0)
        pthread_cond_broadcast(&nobody_holds);
    pthread_mutex_unlock(&window);
}
