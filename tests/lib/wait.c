/* Waiting for other processes with a bound, so that a lost wake-up is a failure with a name and
 * not a test that hangs. */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "settings.h"

int64_t test_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t limit_ns(void)
{
    return (int64_t)(10e9 * settings.time_factor);
}

struct test_patience test_patience_start(void)
{
    return (struct test_patience){.deadline_ns = test_now_ns() + limit_ns()};
}

/* Yields at first, since most waits are short, then naps for up to a millisecond. */
void test_patience_nap(struct test_patience *patience, const char *file, int line,
                       const char *condition)
{
    if (test_now_ns() > patience->deadline_ns)
        test_fail(file, line, "waited %.3g s in vain for: %s", (double)limit_ns() / 1e9, condition);
    if (patience->naps++ < 50) {
        sched_yield();
        return;
    }
    struct timespec nap = {.tv_nsec = patience->naps < 200 ? 50000 : 1000000};
    nanosleep(&nap, NULL);
}

void *test_shared(size_t size_bytes)
{
    void *memory =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

struct test_gate *test_gate_new(void)
{
    return test_shared(sizeof(struct test_gate));
}

void test_gate_open(struct test_gate *gate)
{
    atomic_store(&gate->open, 1);
    syscall(SYS_futex, &gate->open, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void test_gate_wait_at(const char *file, int line, const char *what, struct test_gate *gate)
{
    int64_t deadline_ns = test_now_ns() + limit_ns();
    while (!atomic_load(&gate->open)) {
        int64_t left_ns = deadline_ns - test_now_ns();
        if (left_ns <= 0)
            test_fail(file, line, "waited %.3g s in vain for the gate %s", (double)limit_ns() / 1e9,
                      what);
        struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000),
                                .tv_nsec = (long)(left_ns % 1000000000)};
        syscall(SYS_futex, &gate->open, FUTEX_WAIT, 0, &left, NULL, 0);
    }
}

/* The state letter of one thread, 0 if it is gone. */
static char thread_state(pid_t pid, const char *thread)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/stat", (int)pid, thread);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t bytes = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[bytes] = '\0';
    /* The command's name stands before it in parentheses, and may contain any byte. */
    char *end = strrchr(text, ')');
    return end && end[1] ? end[2] : 0;
}

/* Are all threads asleep?  -1: there is no such process any more. */
static int all_asleep(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (!threads)
        return -1;
    int asleep = 1;
    for (struct dirent *entry; (entry = readdir(threads));) {
        if (entry->d_name[0] == '.')
            continue;
        char state = thread_state(pid, entry->d_name);
        if (state == 'Z' || state == 'X')
            asleep = -1;
        else if (state != 'S' && asleep == 1)
            asleep = 0;
    }
    closedir(threads);
    return asleep;
}

/* Asleep at two looks a millisecond apart, since anyone sleeps for a moment now and then. */
void test_sleeping_at(const char *file, int line, pid_t pid)
{
    struct test_patience patience = test_patience_start();
    const struct timespec millisecond = {.tv_nsec = 1000000};
    for (unsigned looks = 0; looks < 2;) {
        int asleep = all_asleep(pid);
        if (asleep < 0)
            test_fail(file, line, "process %d should be asleep, but it is dead", (int)pid);
        looks = asleep ? looks + 1 : 0;
        if (looks == 1)
            nanosleep(&millisecond, NULL);
        else if (looks == 0)
            test_patience_nap(&patience, file, line, "the process is asleep");
    }
}
