/* The budget of a spin.  Private memory; races between threads of a handle only blur the learning,
 * which is why every access is relaxed. */
#include "shared/spin.h"

enum {
    SPIN_MOST = 4096,  /* turns; some 100 µs, which is what a sleep and a wake cost across cores */
    SPIN_LEAST = 32,   /* below this, not at all */
    SPIN_MARGIN = 512, /* what a spin that paid within a few turns may take next time: some 15 µs */
    SPIN_LAST_PAUSE = 4096, /* a trial in so many waits costs what nobody notices */
};

static uint32_t get(const _Atomic uint32_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void set(_Atomic uint32_t *value, uint32_t wanted)
{
    if (get(value) != wanted) /* a store would take the line from the other threads */
        atomic_store_explicit(value, wanted, memory_order_relaxed);
}

uint32_t spin_begin(struct spin *spin)
{
    uint32_t budget = get(&spin->budget);
    if (budget != 0)
        return budget;
    uint32_t waits = get(&spin->waits) + 1;
    bool trial = waits >= get(&spin->pause);
    set(&spin->waits, trial ? 0 : waits);
    return trial ? SPIN_MOST : 0;
}

static void learn_from_gain(struct spin *spin, uint32_t budget, uint32_t turns)
{
    uint32_t needed = 2 * turns + SPIN_MARGIN;
    if (needed < budget) /* come down slowly: the next may take longer again */
        needed = budget - (budget - needed) / 8;
    set(&spin->budget, needed < SPIN_MOST ? needed : SPIN_MOST);
    set(&spin->pause, SPIN_FIRST_PAUSE);
}

static void learn_from_loss(struct spin *spin, uint32_t budget)
{
    uint32_t pause = get(&spin->pause);
    if (budget == 0)
        set(&spin->pause, pause < SPIN_LAST_PAUSE ? 2 * pause : SPIN_LAST_PAUSE);
    set(&spin->budget, budget / 2 < SPIN_LEAST ? 0 : budget / 2);
}

void spin_end(struct spin *spin, uint32_t turns, bool paid)
{
    uint32_t budget = get(&spin->budget);
    if (paid)
        learn_from_gain(spin, budget, turns);
    else if (turns > 0)
        learn_from_loss(spin, budget);
}
