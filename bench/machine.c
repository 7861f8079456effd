/* See machine.h. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/machine.h"

/* The guest's haltpoll governor goes on polling for a while after processors were kept awake. */
#define FORGETTING_NS 700000000L

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The first line of a file without its line break; "" if it cannot be read. */
static void read_line(const char *path, char *ret_line, size_t size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(ret_line, (int)size, file) == NULL)
        ret_line[0] = '\0';
    if (file)
        fclose(file);
    ret_line[strcspn(ret_line, "\n")] = '\0';
}

static void find_processor(char *ret_name, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    snprintf(ret_name, size, "unknown processor");
    while (file && fgets(line, sizeof(line), file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        snprintf(ret_name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (file)
        fclose(file);
}

static bool share_a_core(int a, int b)
{
    char path[96], list[2][64];
    const int cpus[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
                 cpus[i]);
        read_line(path, list[i], sizeof(list[i]));
    }
    return list[0][0] && strcmp(list[0], list[1]) == 0;
}

/* The last two: the first processor serves most interrupts. */
static void pick_pair(struct machine *machine, const cpu_set_t *allowed)
{
    int last = -1;
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
        if (!CPU_ISSET((size_t)cpu, allowed))
            continue;
        if (last < 0) {
            last = machine->cpu[0] = machine->cpu[1] = cpu;
        } else if (machine->cpu[1] == last || machine->siblings) {
            machine->cpu[1] = cpu;
            machine->siblings = share_a_core(last, cpu);
        }
    }
}

/* What idle processors do decides what waking one costs. */
static void describe_idling(struct machine *machine)
{
    char idling[48], scaling[32];
    read_line("/sys/devices/system/cpu/cpuidle/current_governor", idling, sizeof(idling));
    read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", scaling, sizeof(scaling));
    snprintf(machine->note, sizeof(machine->note), "%sidle governor %s%s%s",
             machine->siblings ? "the two processors are threads of one core; " : "",
             idling[0] ? idling : "unknown", scaling[0] ? ", frequency governor " : "", scaling);
}

int machine_look(struct machine *ret_machine, const int wanted[2])
{
    struct machine machine = {.cpus = 0};
    struct utsname name;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0 || uname(&name) < 0)
        return -errno;
    machine.cpus = CPU_COUNT(&allowed);
    pick_pair(&machine, &allowed);
    for (int i = 0; i < 2 && wanted[i] >= 0; i++) {
        if (wanted[i] >= CPU_SETSIZE || !CPU_ISSET((size_t)wanted[i], &allowed))
            return -EINVAL;
        machine.cpu[i] = wanted[i];
    }
    machine.has_pair = machine.cpu[0] != machine.cpu[1];
    machine.siblings = machine.has_pair && share_a_core(machine.cpu[0], machine.cpu[1]);
    machine.can_keep_awake = access("/dev/cpu_dma_latency", W_OK) == 0;
    find_processor(machine.processor, sizeof(machine.processor));
    snprintf(machine.system, sizeof(machine.system), "%.30s %.60s %.30s", name.sysname,
             name.release, name.machine);
    describe_idling(&machine);
    *ret_machine = machine;
    return 0;
}

int machine_keep_awake(void)
{
    const int32_t no_latency_us = 0;
    int hold = open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
    if (hold >= 0 && write(hold, &no_latency_us, sizeof(no_latency_us)) < 0) {
        close(hold);
        return -1;
    }
    return hold;
}

void machine_let_sleep(int hold)
{
    const struct timespec forgetting = {0, FORGETTING_NS};
    if (hold < 0)
        return;
    close(hold);
    nanosleep(&forgetting, NULL);
}

static int64_t used_ns(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000000) +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * INT64_C(1000);
}

struct load load_now(void)
{
    struct load load = {.own_ns = used_ns(RUSAGE_CHILDREN) + used_ns(RUSAGE_SELF),
                        .at_ns = now_ns()};
    char line[256];
    uint64_t user, nice, system, idle, wait, irq, softirq, stolen;
    read_line("/proc/stat", line, sizeof(line));
    if (sscanf(line,
               "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
               " %" SCNu64 " %" SCNu64,
               &user, &nice, &system, &idle, &wait, &irq, &softirq, &stolen) == 8) {
        load.busy = user + nice + system + irq + softirq;
        load.stolen = stolen;
    }
    return load;
}

struct disturbance load_between(const struct load *before, const struct load *after)
{
    double elapsed_ns = (double)(after->at_ns - before->at_ns);
    double tick_ns = 1e9 / (double)sysconf(_SC_CLK_TCK);
    double own_ns = (double)(after->own_ns - before->own_ns);
    double others_ns = (double)(after->busy - before->busy) * tick_ns - own_ns;
    struct disturbance disturbance = {
        .others = others_ns > 0 ? others_ns / elapsed_ns : 0,
        .stolen = (double)(after->stolen - before->stolen) * tick_ns / elapsed_ns,
    };
    return disturbance;
}
