/* A message in shared memory, and the C library's condition variable to wait for it: the textbook's
 * way, with a mutex around both.  The signal comes behind the unlocking, so that the one who wakes
 * up finds the mutex free. */
#include <pthread.h>

#include "bench/messages.h"

/* One direction. */
struct mail {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    bool full;
    _Alignas(64) unsigned char message[4096];
};

static struct mail *mail_to(const struct bench_lap *lap, int role)
{
    return (struct mail *)lap->shared + role;
}

static void must(struct bench_lap *lap, int error, const char *call)
{
    if (error)
        bench_fail(lap, "%s: %s", call, strerror(error));
}

static void condition_make(struct bench_lap *lap)
{
    pthread_mutexattr_t of_mutex;
    pthread_mutexattr_init(&of_mutex);
    pthread_mutexattr_setpshared(&of_mutex, PTHREAD_PROCESS_SHARED);
    pthread_condattr_t of_condition;
    pthread_condattr_init(&of_condition);
    pthread_condattr_setpshared(&of_condition, PTHREAD_PROCESS_SHARED);
    for (int role = 0; role < 2; role++) {
        struct mail *mail = mail_to(lap, role);
        must(lap, pthread_mutex_init(&mail->mutex, &of_mutex), "pthread_mutex_init");
        must(lap, pthread_cond_init(&mail->arrived, &of_condition), "pthread_cond_init");
    }
    pthread_condattr_destroy(&of_condition);
    pthread_mutexattr_destroy(&of_mutex);
}

BENCH_INLINE void condition_send(struct bench_lap *lap)
{
    struct mail *mail = mail_to(lap, lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR);
    must(lap, pthread_mutex_lock(&mail->mutex), "pthread_mutex_lock");
    memcpy(mail->message, lap->buffer, lap->size_bytes);
    mail->full = true;
    must(lap, pthread_mutex_unlock(&mail->mutex), "pthread_mutex_unlock");
    must(lap, pthread_cond_signal(&mail->arrived), "pthread_cond_signal");
}

BENCH_INLINE unsigned char *condition_receive(struct bench_lap *lap)
{
    struct mail *mail = mail_to(lap, (int)lap->role);
    must(lap, pthread_mutex_lock(&mail->mutex), "pthread_mutex_lock");
    while (!mail->full)
        must(lap, pthread_cond_wait(&mail->arrived, &mail->mutex), "pthread_cond_wait");
    mail->full = false;
    memcpy(lap->buffer, mail->message, lap->size_bytes);
    must(lap, pthread_mutex_unlock(&mail->mutex), "pthread_mutex_unlock");
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(condition)

const struct bench_side bench_condition = {
    .name = "pthread condition",
    .how = "a mutex and a condition for each direction, shared between processes",
    .family = BENCH_LIBC,
    .waits = BENCH_BLOCK,
    .most_bytes = sizeof(((struct mail *)0)->message),
    .make = condition_make,
    BENCH_SIGNALS(condition),
};
