/* Finding, naming and ending the processes of a case. */
#include "strays.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"
#include "test.h"

struct process {
    pid_t pid;
    pid_t parent;
    pid_t group;
    char state;
    char command[32];
};

void strays_init(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

static size_t read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t bytes = file ? fread(text, 1, size - 1, file) : 0;
    if (file)
        fclose(file);
    text[bytes] = '\0';
    return bytes;
}

static bool read_process(pid_t pid, struct process *ret_process)
{
    char path[64], text[512];
    struct process process = {.pid = pid};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!read_text(path, text, sizeof text))
        return false;
    char *start = strchr(text, '('), *end = strrchr(text, ')');
    if (!start || !end)
        return false;
    *end = '\0';
    snprintf(process.command, sizeof process.command, "%.31s", start + 1);
    if (sscanf(end + 1, " %c %d %d", &process.state, &process.parent, &process.group) != 3)
        return false;
    *ret_process = process;
    return true;
}

static void each_process(void (*visit)(const struct process *process, pid_t group), pid_t group)
{
    DIR *directory = opendir("/proc");
    if (!directory)
        return;
    struct process process;
    for (struct dirent *entry; (entry = readdir(directory));) {
        pid_t pid = atoi(entry->d_name);
        if (pid > 0 && read_process(pid, &process) && process.state != 'Z')
            visit(&process, group);
    }
    closedir(directory);
}

static bool is_child(const struct process *process)
{
    return process->parent == getpid();
}

static void name_stray(const struct process *process, pid_t group)
{
    (void)group;
    if (is_child(process))
        report_fail("left over: process %d, %s", (int)process->pid, process->command);
}

static void describe_process(const struct process *process, pid_t group)
{
    if (!is_child(process) && process->group != group)
        return;
    char path[64], where[128];
    snprintf(path, sizeof path, "/proc/%d/wchan", (int)process->pid);
    read_text(path, where, sizeof where);
    report_say("process %d, %s: state %c in %s", (int)process->pid, process->command,
               process->state, *where ? where : "?");
}

static void kill_child(const struct process *process, pid_t group)
{
    (void)group;
    if (is_child(process))
        kill(process->pid, SIGKILL);
}

/* Reaps the dead.  Is anyone left alive? */
static bool reap_dead(void)
{
    pid_t reaped;
    do
        reaped = waitpid(-1, NULL, WNOHANG);
    while (reaped > 0 || (reaped < 0 && errno == EINTR));
    return reaped == 0;
}

void strays_check(int64_t grace_ns)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    int64_t deadline_ns = test_now_ns() + grace_ns;
    bool alive;
    while ((alive = reap_dead()) && test_now_ns() < deadline_ns)
        nanosleep(&nap, NULL);
    if (alive)
        each_process(name_stray, 0);
}

void strays_describe(pid_t group)
{
    each_process(describe_process, group);
}

void strays_kill(void)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    while (reap_dead()) {
        each_process(kill_child, 0);
        nanosleep(&nap, NULL);
    }
}
