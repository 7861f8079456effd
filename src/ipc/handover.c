/* Handing objects to other processes, kind by kind: which roles a handle may give, and the handle that
 * comes of a parcel.  The parcels are the same for all, see parcel.h. */
#include <errno.h>

#include "base/error.h"
#include "ipc/barrier.h"
#include "ipc/condition.h"
#include "ipc/mutex.h"
#include "ipc/parcel.h"
#include "ipc/pipe.h"
#include "ipc/queue.h"
#include "ipc/rwlock.h"
#include "ipc/segment.h"
#include "ipc/semaphore.h"
#include "os/file.h"

static int check_role(unsigned role)
{
    if ((role & ~(FERRY_READ | FERRY_WRITE)) == 0)
        return 0;
    return fail(-EINVAL, "a role is FERRY_READ, FERRY_WRITE, or both; 0x%x is not", role);
}

static int hand_over(const struct object *object, unsigned role, int *ret_descriptor)
{
    fork_hold();
    int r = parcel_pack(object, role);
    fork_unhold();
    if (r < 0)
        return r;
    *ret_descriptor = r;
    return 0;
}

/* From the first lock on a byte until the handle follows forks, none may happen.  The descriptor stays the caller's. */
static int take(enum ferry_kind kind, int descriptor, object_adopt *adopt, void *ret_handle)
{
    struct object object;
    fork_hold();
    int r = parcel_open(&object, kind, descriptor);
    if (r == 0)
        r = adopt(&object, ret_handle);
    fork_unhold();
    return r;
}

/* ---- Segments --------------------------------------------------------------------------------- */

int ferry_segment_hand_over(ferry_segment *segment, unsigned role, int *ret_descriptor)
{
    int r = object_usable(&segment->object);
    if (r == 0)
        r = check_role(role);
    if (r < 0)
        return r;
    role = region_role(role);
    if ((role & ~segment->object.region.role) != 0)
        return fail(-EACCES, "this handle may only read, and so may those it hands the segment to");
    return hand_over(&segment->object, role, ret_descriptor);
}

int ferry_segment_take(ferry_segment **ret_segment, int descriptor)
{
    int r = take(FERRY_KIND_SEGMENT, descriptor, segment_new, ret_segment);
    if (r == 0)
        file_close(&descriptor);
    return r;
}

/* ---- Pipes ------------------------------------------------------------------------------------ */

/* The ends that there are. */
static unsigned ends_of(const struct region *region)
{
    return (region->read_end >= 0 ? FERRY_READ : 0) | (region->write_end >= 0 ? FERRY_WRITE : 0);
}

int ferry_pipe_hand_over(ferry_pipe *pipe, unsigned role, int *ret_descriptor)
{
    int r = object_usable(&pipe->object);
    if (r == 0)
        r = check_role(role);
    if (r < 0)
        return r;
    unsigned ends = ends_of(&pipe->object.region);
    if (role == 0)
        role = ends;
    if (role == 0)
        return fail(-EBADF, "this handle has no end of the pipe; hand over one that has");
    if ((role & ~ends) != 0)
        return fail(
            -EBADF,
            "this end of the pipe only %s, and so does who gets it; hand over a handle that "
            "has the other one",
            ends == FERRY_READ ? "reads" : "writes");
    return hand_over(&pipe->object, role, ret_descriptor);
}

int ferry_pipe_take(ferry_pipe **ret_pipe, int descriptor)
{
    ferry_pipe *pipe;
    int r = take(FERRY_KIND_PIPE, descriptor, pipe_new, &pipe);
    if (r < 0)
        return r;
    /* Who looked for a writer just between the parcel and the member looks again. */
    pipe_arrive(pipe, pipe->object.region.write_end >= 0);
    file_close(&descriptor);
    *ret_pipe = pipe;
    return 0;
}

/* ---- Queues ----------------------------------------------------------------------------------- */

int ferry_queue_hand_over(ferry_queue *queue, unsigned role, int *ret_descriptor)
{
    int r = object_usable(&queue->object);
    if (r == 0)
        r = check_role(role);
    if (r < 0)
        return r;
    unsigned own = queue->object.slots.role;
    if (role == 0)
        role = own & (FERRY_READ | FERRY_WRITE);
    if (role == 0 || (role & ~own) != 0)
        return fail(-EACCES, queue->taps ? "this handle looks on; hand over one that takes part"
                             : (own & FERRY_WRITE) == 0
                                 ? "this handle may not send, nor may those it hands the queue to"
                                 : "this handle may not receive, nor may those it hands the queue "
                                   "to");
    if (((role & FERRY_WRITE) != 0 && (own & LAYOUT_SOLE_SENDER) != 0) ||
        ((role & FERRY_READ) != 0 && (own & LAYOUT_SOLE_RECEIVER) != 0))
        return fail(-EBUSY, "this handle is alone on its side; hand over another role, or a handle "
                            "that was opened without FERRY_SOLE_SENDER and FERRY_SOLE_RECEIVER");
    return hand_over(&queue->object, role, ret_descriptor);
}

int ferry_queue_take(ferry_queue **ret_queue, int descriptor)
{
    ferry_queue *queue = NULL;
    int r = take(FERRY_KIND_QUEUE, descriptor, queue_new, &queue);
    if (r == 0)
        r = queue_check_alone(&queue->object.slots);
    if (r < 0) {
        ferry_queue_close(queue);
        return r;
    }
    file_close(&descriptor);
    *ret_queue = queue;
    return 0;
}

/* ---- What has one role only ------------------------------------------------------------------- */

static int hand_over_whole(struct object *object, int *ret_descriptor)
{
    int r = object_usable(object);
    return r < 0 ? r : hand_over(object, FERRY_READ | FERRY_WRITE, ret_descriptor);
}

static int take_whole(enum ferry_kind kind, int descriptor, object_adopt *adopt, void *ret_handle)
{
    int r = take(kind, descriptor, adopt, ret_handle);
    if (r == 0)
        file_close(&descriptor);
    return r;
}

int ferry_semaphore_hand_over(ferry_semaphore *semaphore, int *ret_descriptor)
{
    return hand_over_whole(&semaphore->object, ret_descriptor);
}

int ferry_semaphore_take(ferry_semaphore **ret_semaphore, int descriptor)
{
    return take_whole(FERRY_KIND_SEMAPHORE, descriptor, semaphore_new, ret_semaphore);
}

int ferry_mutex_hand_over(ferry_mutex *mutex, int *ret_descriptor)
{
    return hand_over_whole(&mutex->object, ret_descriptor);
}

int ferry_mutex_take(ferry_mutex **ret_mutex, int descriptor)
{
    return take_whole(FERRY_KIND_MUTEX, descriptor, mutex_new, ret_mutex);
}

int ferry_condition_hand_over(ferry_condition *condition, int *ret_descriptor)
{
    return hand_over_whole(&condition->object, ret_descriptor);
}

int ferry_condition_take(ferry_condition **ret_condition, ferry_mutex *mutex, int descriptor)
{
    ferry_condition *condition = NULL;
    int r = take(FERRY_KIND_CONDITION, descriptor, condition_new, &condition);
    if (r == 0)
        r = condition_bind(condition, mutex);
    if (r < 0) {
        ferry_condition_close(condition);
        return r;
    }
    file_close(&descriptor);
    *ret_condition = condition;
    return 0;
}

int ferry_rwlock_hand_over(ferry_rwlock *rwlock, int *ret_descriptor)
{
    return hand_over_whole(&rwlock->object, ret_descriptor);
}

int ferry_rwlock_take(ferry_rwlock **ret_rwlock, int descriptor)
{
    return take_whole(FERRY_KIND_RWLOCK, descriptor, rwlock_new, ret_rwlock);
}

int ferry_barrier_hand_over(ferry_barrier *barrier, int *ret_descriptor)
{
    return hand_over_whole(&barrier->object, ret_descriptor);
}

int ferry_barrier_take(ferry_barrier **ret_barrier, int descriptor)
{
    return take_whole(FERRY_KIND_BARRIER, descriptor, barrier_new, ret_barrier);
}
