/* Sleeping on a word of shared memory, and the one call that changes a word and wakes its sleepers
 * (DESIGN, law 4).  Futexes here are always shared between processes. */
#ifndef FERRY_FUTEX_H
#define FERRY_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

#include "os/clock.h"

/* A time so long that it is no limit.  Behind a signal handler with SA_RESTART, the kernel begins a sleep anew that has none. */
#define FUTEX_AGES INT64_C(1000000000000000000)

/* Sleeps while *word is `expected`, for at most `ns` (INT64_MAX: without limit).
 * 0 when woken, -EAGAIN if the word was different, -ETIMEDOUT, -EINTR. */
int futex_wait(const _Atomic uint32_t *word, uint32_t expected, int64_t ns);

/* Wakes at most `count` sleepers; returns how many. */
int futex_wake(_Atomic uint32_t *word, int count);

/* Adds to *word and wakes at most `most` of those who sleep on it, as one system call: there is no
 * instruction in between at which the caller could be killed.  Returns how many woke.  more: at most 2047, or a power of
 * two.  -EFAULT where there is no memory, and no signal. */
int futex_add_and_wake(_Atomic uint32_t *word, uint32_t more, int most);

/* Sets *lock to 2^exponent, and wakes at most `count` who sleep on *word and, if the top bit of *lock was set, one
 * who sleeps on that; as one system call.  Returns how many woke. */
int futex_set_and_wake_another(_Atomic uint32_t *lock, unsigned exponent, _Atomic uint32_t *word,
                               int count);

/* Locks and unlocks a word by the kernel's rules for priority inheritance: see inherit.c.  0; -ETIMEDOUT, -EDEADLK, -ESRCH,
 * -EAGAIN, -EINTR, -EINVAL … */
int futex_lock_pi(_Atomic uint32_t *word, deadline end);
int futex_unlock_pi(_Atomic uint32_t *word);

#endif
