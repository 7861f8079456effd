/* Telling threads apart. */
#ifndef FERRY_THREAD_H
#define FERRY_THREAD_H

#include <pthread.h>
#include <stdint.h>

/* A number or a pointer, and never 0.  Without a system call. */
static inline uintptr_t thread_self(void)
{
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11 &&                                  \
    (defined(__x86_64__) || defined(__aarch64__))
    return (uintptr_t)__builtin_thread_pointer(); /* what pthread_self() returns, without a call */
#else
    return (uintptr_t)pthread_self();
#endif
}

/* In 32 bits: it means something beside others of the same process only. */
static inline uint32_t thread_number(void)
{
    return (uint32_t)(thread_self() >> 6);
}

/* Its number, as the kernel has it; one system call in a thread's life. */
uint32_t thread_id(void);
void thread_after_fork(void);

#endif
