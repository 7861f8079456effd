/* The two traps around an operation, in assembly so that nothing but the call stands between them.
 * The stack stays aligned to 16 bytes across the call. */
#include "window.h"

#define WINDOW_LABEL(name)                                                                         \
    ".globl " #name "\n"                                                                           \
    ".hidden " #name "\n" #name ":\n"

__asm__(".text\n"
        ".balign 16\n"
        ".type window_call, %function\n" WINDOW_LABEL(window_call)
#if defined(__x86_64__)
            "    pushq %rbp\n"
            "    movq %rdi, %rax\n"
            "    movq %rsi, %rdi\n" WINDOW_LABEL(window_open) "    int3\n" WINDOW_LABEL(
                window_first) "    call *%rax\n" WINDOW_LABEL(window_last) "    int3\n"
                                                                           "    popq %rbp\n"
                                                                           "    ret\n"
#else
            "    stp x29, x30, [sp, #-16]!\n"
            "    mov x9, x0\n"
            "    mov x0, x1\n" WINDOW_LABEL(window_open) "    brk #0\n" WINDOW_LABEL(
                window_first) "    blr x9\n" WINDOW_LABEL(window_last) "    brk #0\n"
                                                                       "    ldp x29, x30, [sp], "
                                                                       "#16\n"
                                                                       "    ret\n"
#endif
                                                                           ".size window_call, . - "
                                                                           "window_call\n");
