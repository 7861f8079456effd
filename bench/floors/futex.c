/* The floor under everything that sleeps: the futex.  Nothing protects against a death in between.
 *
 * On two cores a word that changes lets two that are awake pass each other by without a sleep, for
 * as long as nothing disturbs them, and is then a slow spin.  There the word never changes: who waits
 * sleeps until it is woken, and who wakes tries until the kernel says that somebody was.  On one core
 * the other cannot be awake, and trying again would only keep it from running. */
#include <linux/futex.h>
#include <sys/syscall.h>

#include "bench/messages.h"

/* One direction. */
struct mail {
    uint32_t full; /* on two cores always 0: to sleep on */
    unsigned char message[4092];
};

static struct mail *mail_to(struct bench_lap *lap, enum bench_role role)
{
    return (struct mail *)lap->shared + role;
}

static bool on_one_core(const struct bench_lap *lap)
{
    return lap->cpu[BENCH_NEAR] == lap->cpu[BENCH_FAR];
}

static long wake(struct mail *mail)
{
    return syscall(SYS_futex, &mail->full, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static long wait(struct mail *mail)
{
    return syscall(SYS_futex, &mail->full, FUTEX_WAIT, 0, NULL, NULL, 0);
}

BENCH_INLINE void futex_send(struct bench_lap *lap)
{
    struct mail *mail = mail_to(lap, lap->role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR);
    memcpy(mail->message, lap->buffer, lap->size_bytes);
    if (on_one_core(lap)) {
        __atomic_store_n(&mail->full, 1, __ATOMIC_RELEASE); /* pairs with futex_receive() */
        wake(mail);
        return;
    }
    while (wake(mail) == 0) /* not asleep yet */
        bench_relax();
}

BENCH_INLINE unsigned char *futex_receive(struct bench_lap *lap)
{
    struct mail *mail = mail_to(lap, lap->role);
    if (on_one_core(lap))
        while (!__atomic_exchange_n(&mail->full, 0, __ATOMIC_ACQUIRE))
            wait(mail);
    else
        while (wait(mail) != 0)
            continue; /* interrupted, not woken */
    memcpy(lap->buffer, mail->message, lap->size_bytes);
    return lap->buffer;
}

static void futex_tell(struct bench_lap *lap, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        wake(mail_to(lap, BENCH_FAR));
}

BENCH_MESSAGE_LOOPS(futex)

const struct bench_side bench_futex = {
    .name = "bare futex",
    .how = "FUTEX_WAKE and FUTEX_WAIT; on two cores each really sleeps whenever it waits",
    .family = BENCH_FLOOR,
    .waits = BENCH_BLOCK,
    .most_bytes = sizeof(((struct mail *)0)->message),
    BENCH_ROUND_TRIPS(futex),
    .signal_alone = {futex_tell, NULL, NULL},
};
