/* Reads /proc/PID/status and /proc/PID/syscall.  No call here waits. */
#include "nap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads a file of /proc/PID as a string; "" if it cannot be read. */
static void read_proc(pid_t pid, const char *file, char *ret_text, size_t size_bytes)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);

    ret_text[0] = '\0';
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    ssize_t length = read(descriptor, ret_text, size_bytes - 1);
    close(descriptor);
    ret_text[length > 0 ? length : 0] = '\0';
}

/* What stands behind a label at the start of a line; NULL if there is no such line. */
static const char *find_field(const char *text, const char *label)
{
    const char *found = strstr(text, label);
    return found ? found + strlen(label) : NULL;
}

struct nap nap_look(pid_t pid)
{
    char text[4096];
    read_proc(pid, "status", text, sizeof(text));

    const char *state = find_field(text, "\nState:\t");
    const char *switches = find_field(text, "\nvoluntary_ctxt_switches:\t");
    if (!state || !switches)
        return (struct nap){0};
    return (struct nap){.asleep = *state == 'S', .number = strtoul(switches, NULL, 10)};
}

uintptr_t nap_address(pid_t pid)
{
    char text[256];
    read_proc(pid, "syscall", text, sizeof(text));

    const char *last = strrchr(text, ' ');
    return last ? (uintptr_t)strtoull(last, NULL, 16) : 0;
}
