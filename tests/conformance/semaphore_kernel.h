/* The kernel's semaphores and the C library's: what the back ends, and the wrong ones, have in common. */
#ifndef FERRY_CONFORMANCE_SEMAPHORE_KERNEL_H
#define FERRY_CONFORMANCE_SEMAPHORE_KERNEL_H

#include "semaphores.h"

/* This process and its children have semaphores of their own from the first one on, which go with them.  Where that is
 * not allowed, what a failing case has made stays. */
void system_v_make(struct semaphore *semaphore, uint32_t value);
void system_v_open(struct semaphore *semaphore);
void system_v_close(struct semaphore *semaphore);
void system_v_remove(struct semaphore *semaphore);
int system_v_wait(struct semaphore *semaphore, int64_t timeout_ns);
int system_v_post(struct semaphore *semaphore);
uint32_t system_v_value(struct semaphore *semaphore, uint32_t which);
uint32_t system_v_waiters(struct semaphore *semaphore);
int system_v_operate(struct semaphore *semaphore, const struct ferry_semaphore_step *steps,
                     size_t count, int64_t timeout_ns);
void system_v_set(struct semaphore *semaphore, uint32_t which, uint32_t value);

enum {
    SYSTEM_V_CAN = CAN_TIME_OUT | CAN_COUNT_WAITERS | CAN_STEP,
    SYSTEM_V_MOST = 32767,
};

int posix_wait(struct semaphore *semaphore, int64_t timeout_ns);
int posix_post(struct semaphore *semaphore);
uint32_t posix_value(struct semaphore *semaphore, uint32_t which);

#endif
