/* The machine that is measured on: which processors, what they are, and how quiet it is. */
#ifndef FERRY_BENCH_MACHINE_H
#define FERRY_BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct machine {
    char processor[96];
    char system[128]; /* "Linux 6.18.44 x86_64" */
    int cpus;         /* that this process may use */
    int cpu[2];       /* the two that are measured on; the same if there is only one */
    bool siblings;    /* they are threads of one core */
    bool has_pair;
    bool can_keep_awake;
    char note[160]; /* what to know when comparing: a virtual machine, an idle state, a governor */
};

/* Finds out, and picks two processors that are not threads of one core if it can.  `wanted` is
 * {-1, -1} or the user's choice: -EINVAL if those may not be used. */
int machine_look(struct machine *ret_machine, const int wanted[2]);

/* Holds all processors out of their idle states until it is let go of: -1 if that is not allowed.
 * Letting go waits until the kernel's idle governor has forgotten it. */
int machine_keep_awake(void);
void machine_let_sleep(int hold);

/* What the processors did up to now, in ticks of all of them together. */
struct load {
    uint64_t busy;
    uint64_t stolen; /* by other virtual machines */
    int64_t own_ns;  /* by the bench's own finished processes */
    int64_t at_ns;
};

struct load load_now(void);

/* Between two looks, in processors: 0.25 is a quarter of one, all the time.  How much others used,
 * and how much the hypervisor took away. */
struct disturbance {
    double others;
    double stolen;
};

struct disturbance load_between(const struct load *before, const struct load *after);

#endif
