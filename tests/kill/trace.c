/* ptrace(2), and nothing but.
 *
 * Breakpoints are the processor's own (debug registers on x86-64).  They leave the text alone: none
 * can be left behind in it, a forked child inherits none, they work in the vdso, and a hit stops
 * before the instruction, so that there is nothing to put right.  Where they are missing, the
 * victim is stepped all the way. */
#include "trace.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "nap.h"
#include "window.h"

enum {
    STOP_NS = 500 * 1000, /* within which a victim that does not sleep has mostly stopped */
    NAP_NS = 300 * 1000,  /* how long one nap must last to count */
    EXIT_UNTRACED = 97,   /* the victim's exit status where ptrace is forbidden */
};

#if defined(__x86_64__)
#define PROGRAM_COUNTER  rip
#define SYSTEM_CALL      0x050fu /* syscall */
#define SYSTEM_CALL_MASK 0xffffu
#else
#define PROGRAM_COUNTER  pc
#define SYSTEM_CALL      0xd4000001u /* svc #0 */
#define SYSTEM_CALL_MASK 0xffffffffu
#endif

static int read_registers(pid_t pid, struct user_regs_struct *ret_registers)
{
    struct iovec vector = {.iov_base = ret_registers, .iov_len = sizeof(*ret_registers)};
    if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &vector) < 0)
        return -errno;
    return 0;
}

static uintptr_t read_address(pid_t pid)
{
    struct user_regs_struct registers;
    return read_registers(pid, &registers) < 0 ? 0 : (uintptr_t)registers.PROGRAM_COUNTER;
}

static int write_address(pid_t pid, uintptr_t address)
{
    struct user_regs_struct registers;
    int r = read_registers(pid, &registers);
    if (r < 0)
        return r;
    registers.PROGRAM_COUNTER = address;
    struct iovec vector = {.iov_base = &registers, .iov_len = sizeof(registers)};
    return ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &vector) < 0 ? -errno : 0;
}

/* The victim's side. */
static _Noreturn void be_victim(void (*prepare)(void *), void (*operation)(void *), void *world)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (prepare)
        prepare(world);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(EXIT_UNTRACED);
    window_call(operation, world);
    _exit(EXIT_FAILURE);
}

/* Waits for the victim's next change of state.  Once it is gone there is no pid to speak of. */
static int await_change(struct tracee *tracee)
{
    while (waitpid(tracee->pid, &tracee->status, __WALL) < 0)
        if (errno != EINTR)
            return -errno;
    if (WIFSTOPPED(tracee->status))
        return 0;
    tracee->pid = 0;
    bool untraced = WIFEXITED(tracee->status) && WEXITSTATUS(tracee->status) == EXIT_UNTRACED;
    return untraced ? -EPERM : -ECHILD;
}

/* Waits for the window to open.  Signals that come before that are passed on. */
static int await_window(struct tracee *tracee)
{
    for (;;) {
        int r = await_change(tracee);
        if (r < 0)
            return r;
        int signal = WSTOPSIG(tracee->status);
        if (signal == SIGTRAP &&
            read_address(tracee->pid) == (uintptr_t)window_open + WINDOW_TRAP_REPORTED)
            return 0;
        ptrace(PTRACE_CONT, tracee->pid, NULL, (void *)(intptr_t)signal);
    }
}

int tracee_start(struct tracee *ret_tracee, void (*prepare)(void *world),
                 void (*operation)(void *world), void *world)
{
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        be_victim(prepare, operation, world);

    struct tracee tracee = {.pid = pid, .address = (uintptr_t)window_first};
    int r = await_window(&tracee);
    if (r == 0 && ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_EXITKILL) < 0)
        r = -errno;
    if (r == 0)
        r = write_address(pid, tracee.address);
    if (r < 0) {
        tracee_kill(&tracee);
        return r;
    }
    *ret_tracee = tracee;
    return 0;
}

#if defined(__x86_64__)
static int set_debug_register(pid_t pid, size_t number, uintptr_t value)
{
    size_t offset = offsetof(struct user, u_debugreg) + number * sizeof(value);
    return ptrace(PTRACE_POKEUSER, pid, (void *)offset, (void *)value) < 0 ? -errno : 0;
}

int tracee_set_breakpoint(struct tracee *tracee, uintptr_t address)
{
    int r = set_debug_register(tracee->pid, 7, 0);
    if (r == 0 && address)
        r = set_debug_register(tracee->pid, 0, address);
    if (r == 0 && address)
        r = set_debug_register(tracee->pid, 7, 1); /* register 0: on execution, in this process */
    return r;
}
#else
int tracee_set_breakpoint(struct tracee *tracee, uintptr_t address)
{
    (void)tracee;
    (void)address;
    return -EOPNOTSUPP;
}
#endif

/* Lets it go on as it was told to, with the signal that stopped it. */
static void go_on(struct tracee *tracee)
{
    int signal = tracee->signal;
    tracee->signal = 0;
    ptrace(tracee->stepping ? PTRACE_SINGLESTEP : PTRACE_CONT, tracee->pid, NULL,
           (void *)(intptr_t)signal);
}

/* What a change of state reported by waitpid() means. */
static enum trace_event understand(struct tracee *tracee)
{
    if (!WIFSTOPPED(tracee->status)) {
        tracee->pid = 0;
        return TRACE_GONE;
    }
    tracee->address = read_address(tracee->pid);
    if (WSTOPSIG(tracee->status) != SIGTRAP) {
        tracee->signal = WSTOPSIG(tracee->status);
        return TRACE_STANDS;
    }
    if (tracee->address != (uintptr_t)window_last &&
        tracee->address != (uintptr_t)window_last + WINDOW_TRAP_REPORTED)
        return TRACE_STANDS;
    tracee->address = (uintptr_t)window_last;
    return TRACE_RETURNED;
}

/* Is it in a nap that has not been reported?  Takes a moment to tell a nap from a blink. */
static bool naps(struct tracee *tracee)
{
    struct nap before = nap_look(tracee->pid);
    if (!before.asleep || before.number == tracee->last_nap)
        return false;
    nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    struct nap now = nap_look(tracee->pid);
    if (!now.asleep || now.number != before.number)
        return false;
    tracee->last_nap = now.number;
    return true;
}

/* Has it stopped, or ended?  A signal that stopped it is passed on, and it has not. */
static bool has_stopped(struct tracee *tracee, enum trace_event *ret_event)
{
    pid_t pid = waitpid(tracee->pid, &tracee->status, WNOHANG | __WALL);
    if (pid == 0 || (pid < 0 && errno == EINTR))
        return false;
    enum trace_event event = pid < 0 ? TRACE_GONE : understand(tracee);
    if (event == TRACE_STANDS && tracee->signal != 0) {
        go_on(tracee);
        return false;
    }
    *ret_event = event;
    return true;
}

/* SIGCHLD tells of a stop.  It is blocked here, so that none is missed between looking and waiting;
 * yielding the processor instead would be slower by far where many want it. */
enum trace_event tracee_await(struct tracee *tracee)
{
    enum trace_event event;
    sigset_t stops, original;
    sigemptyset(&stops);
    sigaddset(&stops, SIGCHLD);
    sigprocmask(SIG_BLOCK, &stops, &original);
    while (!has_stopped(tracee, &event)) {
        int r = sigtimedwait(&stops, NULL, &(struct timespec){.tv_nsec = STOP_NS});
        if (r < 0 && errno == EAGAIN && naps(tracee)) {
            event = TRACE_ASLEEP;
            break;
        }
    }
    sigprocmask(SIG_SETMASK, &original, NULL);
    return event;
}

/* ---- The vdso ---- */

/* The kernel's own code in every process, at the same place in a fork.  Its size is in its ELF
 * header. */
static bool is_in_vdso(uintptr_t address)
{
    uintptr_t start = getauxval(AT_SYSINFO_EHDR);
    if (start == 0 || address < start)
        return false;
    const Elf64_Ehdr *header = (const void *)start;
    const Elf64_Phdr *segments = (const void *)(start + header->e_phoff);
    for (size_t i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD && address - start < segments[i].p_memsz)
            return true;
    return false;
}

#if defined(__x86_64__)
/* Where a function returns to that is about to execute its first instruction. */
static uintptr_t find_return(const struct tracee *tracee)
{
    struct user_regs_struct registers;
    if (read_registers(tracee->pid, &registers) < 0)
        return 0;
    return (uintptr_t)ptrace(PTRACE_PEEKDATA, tracee->pid, (void *)registers.rsp, NULL);
}
#else
static uintptr_t find_return(const struct tracee *tracee)
{
    (void)tracee;
    return 0;
}
#endif

static enum trace_event finish_vdso_call(struct tracee *tracee)
{
    uintptr_t back = find_return(tracee);
    if (back == 0 || tracee_set_breakpoint(tracee, back) < 0)
        return TRACE_STANDS;
    enum trace_event event = tracee_run(tracee);
    if (event != TRACE_GONE)
        tracee_set_breakpoint(tracee, 0);
    return event;
}

enum trace_event tracee_step(struct tracee *tracee)
{
    tracee->stepping = true;
    go_on(tracee);
    enum trace_event event = tracee_await(tracee);
    if (event == TRACE_STANDS && is_in_vdso(tracee->address))
        event = finish_vdso_call(tracee);
    return event;
}

enum trace_event tracee_run(struct tracee *tracee)
{
    tracee->stepping = false;
    go_on(tracee);
    return tracee_await(tracee);
}

bool tracee_calls_kernel(const struct tracee *tracee)
{
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, tracee->pid, (void *)tracee->address, NULL);
    return errno == 0 && ((unsigned long)word & SYSTEM_CALL_MASK) == SYSTEM_CALL;
}

void tracee_release(struct tracee *tracee)
{
    int saved = errno;
    tracee->stepping = false;
    go_on(tracee);
    errno = saved;
}

void tracee_kill(struct tracee *tracee)
{
    if (tracee->pid == 0)
        return;
    kill(tracee->pid, SIGKILL);
    while (await_change(tracee) == 0)
        ;
}
