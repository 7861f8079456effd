/* The kernel's System V semaphores: semop(2), with a set of one or of several.
 *
 * Its codes differ: EAGAIN is also that the time is up, ERANGE that there would be too many units, EFBIG that there is no
 * such semaphore. */
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

#include "semaphore_kernel.h"

enum { STEPS_MOST = 16 };

static void prepare(void)
{
    static bool is_prepared;
    if (!is_prepared)
        unshare(CLONE_NEWIPC);
    is_prepared = true;
}

void system_v_make(struct semaphore *semaphore, uint32_t value)
{
    prepare();
    semaphore->id = semget(IPC_PRIVATE, (int)semaphore->count, 0600);
    CHECK_ERRNO(semaphore->id);
    for (uint32_t i = 0; i < semaphore->count; i++)
        system_v_set(semaphore, i, value);
}

/* A number is all that there is to a handle. */
void system_v_open(struct semaphore *semaphore)
{
    (void)semaphore;
}

void system_v_close(struct semaphore *semaphore)
{
    (void)semaphore;
}

void system_v_remove(struct semaphore *semaphore)
{
    CHECK_ERRNO(semctl(semaphore->id, 0, IPC_RMID));
}

static int result(int returned, int64_t timeout_ns)
{
    if (returned >= 0)
        return 0;
    switch (errno) {
    case EAGAIN:
        return timeout_ns == FERRY_NOW ? -EAGAIN : -ETIMEDOUT;
    case ERANGE:
        return -EOVERFLOW;
    case EFBIG:
        return -EINVAL;
    default:
        return -errno;
    }
}

int system_v_operate(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                     size_t count, int64_t timeout_ns)
{
    struct sembuf theirs[STEPS_MOST];
    CHECK(count <= STEPS_MOST);
    for (size_t i = 0; i < count; i++)
        theirs[i] = (struct sembuf){
            .sem_num = (unsigned short)steps[i].which,
            .sem_op = (short)steps[i].change,
            .sem_flg = (short)((timeout_ns == FERRY_NOW ? IPC_NOWAIT : 0) |
                               ((steps[i].flags & FERRY_GIVE_BACK) != 0 ? SEM_UNDO : 0))};
    if (timeout_ns <= 0)
        return result(semop(semaphore->id, theirs, count), timeout_ns);
    const struct timespec patience = {.tv_sec = (time_t)(timeout_ns / 1000000000),
                                      .tv_nsec = (long)(timeout_ns % 1000000000)};
    return result(semtimedop(semaphore->id, theirs, count, &patience), timeout_ns);
}

int system_v_wait(struct semaphore *semaphore, int64_t timeout_ns)
{
    return SEMAPHORE_OPERATE(semaphore, timeout_ns, {0, -1, 0});
}

int system_v_post(struct semaphore *semaphore)
{
    return SEMAPHORE_OPERATE(semaphore, FERRY_FOREVER, {0, 1, 0});
}

uint32_t system_v_value(struct semaphore *semaphore, uint32_t which)
{
    int value = semctl(semaphore->id, (int)which, GETVAL);
    CHECK_ERRNO(value);
    return (uint32_t)value;
}

uint32_t system_v_waiters(struct semaphore *semaphore)
{
    int count = semctl(semaphore->id, 0, GETNCNT);
    CHECK_ERRNO(count);
    return (uint32_t)count;
}

void system_v_set(struct semaphore *semaphore, uint32_t which, uint32_t value)
{
    CHECK_ERRNO(semctl(semaphore->id, (int)which, SETVAL, (int)value));
}

const struct semaphore_back_end system_v = {.name = "system_v",
                                            .can = SYSTEM_V_CAN,
                                            .most = SYSTEM_V_MOST,
                                            .make = system_v_make,
                                            .open = system_v_open,
                                            .close = system_v_close,
                                            .remove = system_v_remove,
                                            .wait = system_v_wait,
                                            .post = system_v_post,
                                            .value = system_v_value,
                                            .waiters = system_v_waiters,
                                            .operate = system_v_operate,
                                            .set = system_v_set};
