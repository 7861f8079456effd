/* Spinning that learns whether it pays (DESIGN, law 7).
 *
 * A spin is worth its time when the partner runs on another core and pure loss when it shares this
 * one.  Nobody can tell beforehand, so each handle keeps a budget: twice what the spins that paid
 * needed and a margin, lest one interrupt put both to sleep; and halved by each that did not pay,
 * down to nothing.  From there a long trial leads back, for two who both sleep answer each other too
 * slowly for a short one; trials that fail become rare. */
#ifndef FERRY_SPIN_H
#define FERRY_SPIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct spin {
    _Atomic uint32_t budget; /* turns; learned */
    _Atomic uint32_t waits;  /* without a budget, since the last trial */
    _Atomic uint32_t pause;  /* how many of them until the next */
};

enum { SPIN_FIRST = 2048, SPIN_FIRST_PAUSE = 8 };

#define SPIN_INIT ((struct spin){.budget = SPIN_FIRST, .pause = SPIN_FIRST_PAUSE})

/* How many turns this spin may take, and what came of it after how many. */
uint32_t spin_begin(struct spin *spin);
void spin_end(struct spin *spin, uint32_t turns, bool paid);

/* Tells the processor that this is a spin. */
static inline void spin_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ __volatile__("yield");
#endif
}

/* Asks for a line of memory to be had for writing by and by. */
static inline void prefetch_to_write(const void *line)
{
#if defined(__x86_64__) || defined(__i386__)
    /* The compiler would ask for it to be read only, lest the processor be an old one; these ignore it. */
    __asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)line));
#else
    __builtin_prefetch(line, 1);
#endif
}

/* Spins until the condition holds or the budget is used up; says whether it holds.  Where it held
 * from the start nothing was spun, and nothing learned: two processes on one core find each other's
 * work done all the time, and no spin would ever have paid. */
#define SPIN_UNTIL(spin, condition)                                                                \
    __extension__({                                                                                \
        bool met_ = (condition);                                                                   \
        if (!met_) {                                                                               \
            uint32_t turns_ = 0, most_ = spin_begin(spin);                                         \
            for (; !met_ && turns_ < most_; turns_++) {                                            \
                spin_relax();                                                                      \
                met_ = (condition);                                                                \
            }                                                                                      \
            spin_end(spin, turns_, met_);                                                          \
        }                                                                                          \
        met_;                                                                                      \
    })

#endif
