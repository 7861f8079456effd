/* The floor under everything that sleeps: a word in shared memory, and the kernel to sleep on it.
 * Nothing protects against a death in between; that is what makes it the floor. */
#include <linux/futex.h>
#include <sys/syscall.h>

#include "bench/messages.h"

/* One direction: a line with the word, behind it the message. */
struct mail {
    uint32_t full;
    uint32_t waiting;
    unsigned char reserved[56];
    unsigned char message[4096];
};

static struct mail *mail_to(struct bench_lap *lap, enum bench_role role)
{
    return (struct mail *)lap->shared + role;
}

static enum bench_role other(enum bench_role role)
{
    return role == BENCH_NEAR ? BENCH_FAR : BENCH_NEAR;
}

BENCH_INLINE void futex_send(struct bench_lap *lap)
{
    struct mail *mail = mail_to(lap, other(lap->role));
    memcpy(mail->message, lap->buffer, lap->size_bytes);
    __atomic_store_n(&mail->full, 1, __ATOMIC_RELEASE); /* pairs with futex_receive() */
    syscall(SYS_futex, &mail->full, FUTEX_WAKE, 1, NULL, NULL, 0);
}

BENCH_INLINE unsigned char *futex_receive(struct bench_lap *lap)
{
    struct mail *mail = mail_to(lap, lap->role);
    while (!__atomic_load_n(&mail->full, __ATOMIC_ACQUIRE))
        syscall(SYS_futex, &mail->full, FUTEX_WAIT, 0, NULL, NULL, 0);
    mail->full = 0; /* the other writes it only when it has the answer */
    memcpy(lap->buffer, mail->message, lap->size_bytes);
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(futex)

const struct bench_side bench_futex = {
    .name = "bare futex",
    .how = "a word in shared memory, FUTEX_WAKE and FUTEX_WAIT",
    .family = BENCH_FLOOR,
    .waits = BENCH_BLOCK,
    .most_bytes = sizeof(((struct mail *)0)->message),
    BENCH_SIGNALS(futex),
};
