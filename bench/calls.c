/* See calls.h. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "bench/calls.h"

int calls_trace(pid_t pid)
{
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, pid, NULL, options) < 0 ||
        ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
        return -errno;
    return 0;
}

/* The process that a thread belongs to, as /proc says; the thread itself if it does not. */
static pid_t find_process(pid_t thread)
{
    char path[40], line[80];
    long process = thread;
    snprintf(path, sizeof(path), "/proc/%d/status", thread);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "Tgid: %ld", &process) == 1)
            break;
    if (file)
        fclose(file);
    return (pid_t)process;
}

static pid_t process_of(struct calls *calls, pid_t thread)
{
    for (int i = 0; i < calls->count; i++)
        if (calls->known[i].thread == thread)
            return calls->known[i].process;
    pid_t process = find_process(thread);
    if (calls->count < CALLS_THREADS) {
        calls->known[calls->count].thread = thread;
        calls->known[calls->count++].process = process;
    }
    return process;
}

static bool is_entering(pid_t thread, int status)
{
    struct __ptrace_syscall_info info = {0};
    if (WSTOPSIG(status) != (SIGTRAP | 0x80))
        return false;
    return ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof(info), &info) > 0 &&
           info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* A signal on its way is passed on; the tracer's own stops are not signals. */
static long signal_of(int status)
{
    int signal = WSTOPSIG(status);
    bool ours = signal == (SIGTRAP | 0x80) || status >> 16 != 0;
    return ours ? 0 : signal;
}

pid_t calls_step(struct calls *calls, pid_t thread, int status)
{
    pid_t entering = is_entering(thread, status) ? process_of(calls, thread) : 0;
    ptrace(PTRACE_SYSCALL, thread, NULL, signal_of(status));
    return entering;
}
