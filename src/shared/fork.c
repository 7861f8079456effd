/* See fork.h.  The list is the process's own; its guard is held across the fork, so that the child
 * gets it whole. */
#include <pthread.h>
#include <stddef.h>

#include "os/process.h"
#include "shared/fork.h"

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct fork_handle *first;

static void before(void)
{
    pthread_mutex_lock(&guard);
    for (struct fork_handle *handle = first; handle != NULL; handle = handle->next)
        handle->before(handle);
}

static void in_parent(void)
{
    for (struct fork_handle *handle = first; handle != NULL; handle = handle->next)
        handle->in_parent(handle);
    pthread_mutex_unlock(&guard);
}

static void in_child(void)
{
    process_set_known();
    for (struct fork_handle *handle = first; handle != NULL; handle = handle->next)
        handle->in_child(handle);
    pthread_mutex_unlock(&guard);
}

int fork_follow(struct fork_handle *handle)
{
    int r = process_watch_forks(before, in_parent, in_child);
    if (r < 0)
        return r;
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
    if (handle->previous == NULL && first != handle) { /* never got on it */
        pthread_mutex_unlock(&guard);
        return;
    }
    if (handle->next != NULL)
        handle->next->previous = handle->previous;
    if (handle->previous != NULL)
        handle->previous->next = handle->next;
    else
        first = handle->next;
    pthread_mutex_unlock(&guard);
}
