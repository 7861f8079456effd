/* Spinning that learns whether it pays (DESIGN, law 7).
 *
 * A spin is worth its time when the partner runs on another core and pure loss when it shares this
 * one.  Nobody can tell beforehand, so each handle keeps a budget: a spin that succeeds lets it
 * grow, one that fails halves it, down to nothing; now and then a small one tries again. */
#ifndef FERRY_SPIN_H
#define FERRY_SPIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct spin {
    _Atomic uint32_t budget; /* turns; learned */
    _Atomic uint32_t waits;  /* to try again now and then */
};

#define SPIN_INIT ((struct spin){.budget = 2048})

/* How many turns this spin may take, and what came of it. */
uint32_t spin_begin(struct spin *spin);
void spin_end(struct spin *spin, bool paid);

/* Tells the processor that this is a spin. */
static inline void spin_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ __volatile__("yield");
#endif
}

/* Spins until the condition holds or the budget is used up; says whether it holds. */
#define SPIN_UNTIL(spin, condition)                                                                \
    __extension__({                                                                                \
        uint32_t turns_ = spin_begin(spin);                                                        \
        bool met_;                                                                                 \
        while (!(met_ = (condition)) && turns_ > 0) {                                              \
            turns_--;                                                                              \
            spin_relax();                                                                          \
        }                                                                                          \
        spin_end(spin, met_);                                                                      \
        met_;                                                                                      \
    })

#endif
