/* The window: the stretch of a victim's life whose instructions count.
 *
 * It opens on the call of the operation and closes on the operation's return, so that instruction 1
 * is the call itself and the last one is the return.  Both edges are trap instructions in the text
 * of window_call(); a tracer meets the first and stands at window_first, and knows the victim's
 * return by window_last. */
#ifndef KILL_WINDOW_H
#define KILL_WINDOW_H

#include <stdint.h>

/* How far the program counter stands behind a trap instruction that stopped the process, and how
 * far behind it the next instruction is. */
#if defined(__x86_64__)
#define WINDOW_TRAP_REPORTED 1u
#elif defined(__aarch64__)
#define WINDOW_TRAP_REPORTED 0u
#else
#error "The kill harness knows x86-64 and aarch64."
#endif

extern const char window_open[] __attribute__((visibility("hidden")));
extern const char window_first[] __attribute__((visibility("hidden")));
extern const char window_last[] __attribute__((visibility("hidden")));

/* Runs operation(world) between two traps.  Only for a process under ptrace. */
void window_call(void (*operation)(void *world), void *world);

#endif
