/* See holders.h. */
#include "holders.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char stay_variable[] = "FERRY_CONFORMANCE_STAY";

__attribute__((noreturn)) static void stay(void)
{
    for (;;)
        pause();
}

/* ---- Ends of processes ---- */

void adopt_orphans(void)
{
    CHECK_ERRNO(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

void reap_all(void)
{
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
}

void await_death(pid_t pid)
{
    int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
    CHECK_ERRNO(descriptor);
    struct pollfd death = {.fd = descriptor, .events = POLLIN};
    CHECK_EQ(poll(&death, 1, 60000), 1);
    close(descriptor);
}

void kill_and_await(pid_t pid)
{
    CHECK(pid > 0);
    CHECK_ERRNO(kill(pid, SIGKILL));
    await_death(pid);
}

void exec_and_stay(int hello)
{
    char number[16];
    snprintf(number, sizeof number, "%d", hello);
    CHECK_ERRNO(setenv(stay_variable, number, 1));
    CHECK_ERRNO(fcntl(hello, F_SETFD, 0));
    execl("/proc/self/exe", "stay", (char *)NULL);
    test_fail(__FILE__, __LINE__, "cannot execute this program again");
}

/* In the program that was executed. */
__attribute__((constructor)) static void say_hello_and_stay(void)
{
    const char *number = getenv(stay_variable);
    if (number == NULL)
        return;
    if (write(atoi(number), "!", 1) == 1)
        stay();
    _exit(1);
}

/* ---- In a holder ---- */

static struct end *end_of(const struct ends *ends, unsigned role)
{
    return role == FERRY_READ ? ends->reading : ends->writing;
}

static void close_role(struct ends *ends, unsigned role)
{
    if (role == FERRY_READ)
        ends_close_reading(ends);
    else
        ends_close_writing(ends);
}

static unsigned other_role(unsigned role)
{
    return role == FERRY_READ ? FERRY_WRITE : FERRY_READ;
}

static void let_go(struct holders *holders, struct holder *self)
{
    switch (self->way) {
    case BY_EXITING:
        _exit(0);
    case BY_EXEC:
        exec_and_stay(holders->hello[1]);
    case BY_CLOSING:
        close_role(&holders->ends, holders->role);
        break;
    default:
        break; /* as soon as it has said that it is done */
    }
    test_gate_open(&self->done);
    stay();
}

static void hold(struct holders *holders, int index);

static void hold_first(void *context)
{
    hold(context, 0);
}

static void hold_second(void *context)
{
    hold(context, 1);
}

static void hold_third(void *context)
{
    hold(context, 2);
}

static void hold(struct holders *holders, int index)
{
    struct holder *self = &holders->each[index];
    const char letter = (char)('A' + index);
    if (index == 0)
        test_child(hold_second, holders);
    close_role(&holders->ends, other_role(holders->role));
    atomic_store(&self->pid, getpid());
    test_gate_open(&self->ready);
    test_gate_wait(&self->go);
    if (holders->role == FERRY_WRITE)
        CHECK_EQ(end_write(holders->ends.writing, &letter, 1, FERRY_NOW), 1);
    let_go(holders, self);
}

/* ---- In the case ---- */

void holders_init(struct holders *holders)
{
    adopt_orphans();
    holders->each = test_shared(HOLDERS * sizeof *holders->each);
    CHECK_ERRNO(pipe2(holders->hello, O_CLOEXEC));
}

void holders_deinit(struct holders *holders)
{
    close(holders->hello[0]);
    close(holders->hello[1]);
}

void holders_start(struct holders *holders, const struct back_end *back_end, unsigned role)
{
    memset(holders->each, 0, HOLDERS * sizeof *holders->each);
    holders->ends = ends_make(back_end);
    holders->role = role;
    CHECK(end_of(&holders->ends, role) != NULL);
    test_child(hold_first, holders);
    test_child(hold_third, holders);
    for (int i = 0; i < HOLDERS; i++)
        test_gate_wait(&holders->each[i].ready);
}

static void await_hello(struct holders *holders)
{
    char byte;
    struct pollfd hello = {.fd = holders->hello[0], .events = POLLIN};
    CHECK_EQ(poll(&hello, 1, 60000), 1);
    CHECK_EQ(read(holders->hello[0], &byte, 1), 1);
}

void holders_let_go(struct holders *holders, int index, enum way way)
{
    struct holder *holder = &holders->each[index];
    holder->way = way;
    test_gate_open(&holder->go);
    if (way == BY_EXEC) {
        await_hello(holders);
    } else if (way == BY_EXITING) {
        await_death(holder->pid);
    } else {
        test_gate_wait(&holder->done);
        if (way == BY_BEING_KILLED)
            kill_and_await(holder->pid);
    }
}

void holders_finish(struct holders *holders)
{
    for (int i = 0; i < HOLDERS; i++)
        CHECK_ERRNO(kill(holders->each[i].pid, SIGKILL));
    reap_all();
    ends_close(&holders->ends);
}
