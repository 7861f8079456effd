/* The change notice: a version that anybody steps and anybody waits for (contract H5, G15).
 *
 * The step is one atomic addition, and a sleeper is woken by the very system call that makes it, so
 * nobody can be killed between the two.  docs/design/notice.md has the argument. */
#ifndef FERRY_NOTICE_H
#define FERRY_NOTICE_H

#include <pthread.h>
#include <stdbool.h>

#include <ferry/base.h>

#include "os/clock.h"
#include "shared/bell.h"
#include "shared/slots.h"
#include "shared/spin.h"

struct notice {
    struct layout_notice *shared;
    _Atomic uint32_t *mark; /* ours, in the member table */
    struct slots *slots;
    int bell;
    struct spin spin;
    _Atomic uint32_t rings; /* given through this handle */
    pthread_mutex_t guard;  /* of what follows, which is this process's alone */
    unsigned sleepers;      /* threads asleep through this handle */
    int latch;              /* the caller's descriptor, or -1 */
    _Atomic uint32_t given; /* the version that notice_wait() returned last */
    _Atomic bool listening; /* the latch exists */
};

void notice_init(struct notice *notice, struct slots *slots, int bell);
void notice_deinit(struct notice *notice);

/* Steps the version, and tells everybody. */
void notice_step(struct notice *notice);

uint32_t notice_version(const struct notice *notice);

/* Waits until the version differs from *version and writes the new one there.  -EAGAIN, -ETIMEDOUT,
 * -EINTR if interruptible. */
int notice_wait(struct notice *notice, uint32_t *version, int64_t timeout_ns, bool interruptible);

/* A descriptor that is readable while there is a version that notice_wait() has not returned. */
int notice_descriptor(struct notice *notice);

/* In a fork's child: forget the threads and the latch that stayed with the parent. */
void notice_after_fork(struct notice *notice);

#endif
