/* Runs a program as if the kernel were Linux 5.10, the oldest that Ferry supports:
 *
 *     like-5.10 [--old-policy] PROGRAM ARGUMENT...
 *
 * A seccomp filter, which the program and its children cannot take off, answers what came later as
 * that kernel would: system calls with ENOSYS (the numbers from 441 on, on every machine), new flags
 * of older calls with EINVAL or whatever they got then.  What hides behind a pointer the filter
 * cannot see.
 *
 * With --old-policy it is also as in a container whose rules were written before Linux 5.1: what they
 * do not know, pidfds among it, is forbidden (EPERM). */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The first call that 5.10 did not have: epoll_pwait2. */
enum { FIRST_NEWER_CALL = 441 };

/* The first call that an old container's rules did not have: pidfd_send_signal. */
enum { FIRST_UNKNOWN_CALL = 424 };

/* How an argument gives away that the call is newer: it equals a value, has one of some bits, or
 * lies in a range. */
enum sign { EQUALS, HAS_BITS, FROM };

struct newer {
    unsigned call, argument;
    enum sign sign;
    unsigned value;
    int answer;
};

static const struct newer newer[] = {
    {SYS_linkat, 4, HAS_BITS, AT_EMPTY_PATH, ENOENT}, /* 6.10, without privileges */
    {SYS_futex, 1, EQUALS, 13, ENOSYS},               /* FUTEX_LOCK_PI2, 5.14 */
    {SYS_futex, 1, EQUALS, 13 | 128, ENOSYS},
    {SYS_memfd_create, 1, HAS_BITS, 0x18, EINVAL},     /* MFD_NOEXEC_SEAL, MFD_EXEC, 6.3 */
    {SYS_fcntl, 1, EQUALS, 1024 + 3, EINVAL},          /* F_DUPFD_QUERY, 6.10 */
    {SYS_fcntl, 1, EQUALS, 1024 + 4, EINVAL},          /* F_CREATED_QUERY, 6.12 */
    {SYS_pidfd_open, 1, HAS_BITS, ~04000u, EINVAL},    /* PIDFD_THREAD, 6.9 */
    {SYS_pidfd_send_signal, 3, HAS_BITS, ~0u, EINVAL}, /* PIDFD_SIGNAL_THREAD …, 6.9 */
    {SYS_close_range, 2, HAS_BITS, 4, EINVAL},         /* CLOSE_RANGE_CLOEXEC, 5.11 */
    {SYS_madvise, 2, EQUALS, 22, EINVAL},              /* MADV_POPULATE_READ, 5.14 */
    {SYS_madvise, 2, EQUALS, 23, EINVAL},              /* MADV_POPULATE_WRITE, 5.14 */
    {SYS_madvise, 2, FROM, 102, EINVAL},             /* MADV_GUARD_INSTALL, 6.13, and later ones */
    {SYS_preadv2, 5, HAS_BITS, 8, EOPNOTSUPP},       /* RWF_NOWAIT, of pipes, 6.5 */
    {SYS_pwritev2, 5, HAS_BITS, ~0x1Fu, EOPNOTSUPP}, /* RWF_NOSIGNAL, 6.18, and others */
    {SYS_setsockopt, 2, EQUALS, 76, ENOPROTOOPT},    /* SO_PASSPIDFD, 6.5 */
    {SYS_getsockopt, 2, EQUALS, 77, ENOPROTOOPT},    /* SO_PEERPIDFD, 6.5 */
    {SYS_prctl, 0, EQUALS, 0x53564D41, EINVAL},      /* PR_SET_VMA, 5.17 */
    {SYS_prctl, 0, EQUALS, 62, EINVAL},              /* PR_SCHED_CORE, 5.14 */
    {SYS_prctl, 0, EQUALS, 65, EINVAL},              /* PR_SET_MDWE, 6.3 */
};

/* What the C library believes to be missing for ENOSYS alone; no rules forbid it for long. */
static const struct newer clone3_call = {SYS_clone3, 0, HAS_BITS, ~0u, ENOSYS};

enum { NEWER = sizeof(newer) / sizeof(newer[0]), INSTRUCTIONS = 12 + 5 * NEWER };

static struct sock_fprog filter;
static struct sock_filter code[INSTRUCTIONS];

static void add(unsigned short what, unsigned value, unsigned char if_true, unsigned char if_false)
{
    code[filter.len++] = (struct sock_filter)BPF_JUMP(what, value, if_true, if_false);
}

static void load(size_t offset)
{
    add(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

static void answer(int error)
{
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error, 0, 0);
}

/* Five instructions; which call it is, is loaded each time anew. */
static void add_newer(const struct newer *one)
{
    static const unsigned short jumps[] = {
        [EQUALS] = BPF_JEQ, [HAS_BITS] = BPF_JSET, [FROM] = BPF_JGE};
    load(offsetof(struct seccomp_data, nr));
    add(BPF_JMP | BPF_JEQ | BPF_K, one->call, 0, 3);
    load(offsetof(struct seccomp_data, args) + 8 * one->argument); /* the lower half */
    add((unsigned short)(BPF_JMP | jumps[one->sign] | BPF_K), one->value, 0, 1);
    answer(one->answer);
}

static void add_from(unsigned first_call, int error)
{
    load(offsetof(struct seccomp_data, nr));
    add(BPF_JMP | BPF_JGE | BPF_K, first_call, 0, 1);
    answer(error);
}

static void make_filter(bool old_policy)
{
    filter.filter = code;
    if (old_policy) {
        add_newer(&clone3_call);
        add_from(FIRST_UNKNOWN_CALL, EPERM);
    }
    add_from(FIRST_NEWER_CALL, ENOSYS);
    for (size_t i = 0; i < NEWER; i++)
        add_newer(&newer[i]);
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

int main(int argc, char **argv)
{
    bool old_policy = argc > 1 && strcmp(argv[1], "--old-policy") == 0;
    char **command = argv + 1 + old_policy;
    if (*command == NULL) {
        fprintf(stderr, "usage: like-5.10 [--old-policy] PROGRAM ARGUMENT...\n");
        return 2;
    }
    make_filter(old_policy);
    /* Who is privileged stays so. */
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0 &&
        (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)) {
        perror("like-5.10: no filter could be set");
        return 125;
    }
    execvp(*command, command);
    perror(*command);
    return 127;
}
