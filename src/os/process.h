/* Is this still the process that opened the handles?
 *
 * fork() is seen coming (pthread_atfork), a bare clone() is not: a page that the kernel wipes in
 * every new address space tells.  One load a call. */
#ifndef FERRY_PROCESS_H
#define FERRY_PROCESS_H

#include <stdatomic.h>
#include <stdint.h>

/* The page's word; hidden, so that reading it takes no call. */
extern _Atomic uint32_t *process_known;

/* A number for this process: 0 in a child that was made behind our back, until that begins to use
 * Ferry itself; then another one than its parent's.  fork's own children keep their parent's. */
static inline uint32_t process_number(void)
{
    /* Relaxed: written before any handle exists, and by fork's own child before it goes on. */
    return atomic_load_explicit(process_known, memory_order_relaxed);
}

/* The same, after making an unknown process a known one.  Never 0. */
uint32_t process_begin(void);

/* The same page's place for the number of this process's pid namespace, which it has for life: 0
 * until somebody stores it.  NULL where there is no such page. */
extern _Atomic uint64_t *process_namespace;

/* Declares a fork child that has been taken care of to be known, by its parent's number. */
void process_after_fork(void);

#endif
