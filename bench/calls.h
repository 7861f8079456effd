/* Counts the system calls that near and far make in an operation, by tracing them.
 *
 * A traced process is much slower, so a lap that counts measures nothing else.  The keeper is the
 * tracer; threads that a library starts are followed, further processes are not. */
#ifndef FERRY_BENCH_CALLS_H
#define FERRY_BENCH_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Some libraries have a thread or two for each socket. */
#define CALLS_THREADS 32

/* Who belongs to whom: the keeper's private notes. */
struct calls {
    struct {
        pid_t thread, process;
    } known[CALLS_THREADS];
    int count;
};

/* Begins to trace a process of which nothing is counted yet; it is stopped soon, and goes on after
 * calls_step().  0 or -errno. */
int calls_trace(pid_t pid);

/* Lets a thread that has stopped go on.  Returns the process that is now entering a system call in
 * it, or 0 if it stopped for something else. */
pid_t calls_step(struct calls *calls, pid_t thread, int status);

#endif
