/* The budget of a spin.  Private memory; races between threads of a handle only blur the learning,
 * which is why every access is relaxed. */
#include "shared/spin.h"

enum {
    SPIN_MOST = 4096,  /* turns; some 60 µs, which is what a sleep and a wake cost across cores */
    SPIN_LEAST = 32,   /* below this, not at all */
    SPIN_TRIAL = 256,  /* how long to try again … */
    SPIN_TRIAL_OF = 64 /* … once in so many waits */
};

uint32_t spin_begin(struct spin *spin)
{
    uint32_t budget = atomic_load_explicit(&spin->budget, memory_order_relaxed);
    if (budget != 0)
        return budget;
    uint32_t waits = atomic_fetch_add_explicit(&spin->waits, 1, memory_order_relaxed);
    return waits % SPIN_TRIAL_OF == SPIN_TRIAL_OF - 1 ? SPIN_TRIAL : 0;
}

void spin_end(struct spin *spin, bool paid)
{
    uint32_t budget = atomic_load_explicit(&spin->budget, memory_order_relaxed);
    uint32_t next = paid ? budget + budget / 2 + SPIN_LEAST : budget / 2;
    if (next > SPIN_MOST)
        next = SPIN_MOST;
    if (next < SPIN_LEAST)
        next = 0;
    if (next != budget)
        atomic_store_explicit(&spin->budget, next, memory_order_relaxed);
}
