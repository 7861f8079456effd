/* See story.h. */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "cli/output.h"
#include "cli/story.h"
#include "cli/text.h"
#include "cli/verb.h"

enum { LEFT_COLUMNS = 56, NS_PER_MS = 1000000 };

int64_t story_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void story_heading(const char *title)
{
    const char *bold = output_has_colour() ? "\033[1m" : "";
    printf("\n%s%s%s\n", bold, title, bold[0] ? "\033[0m" : "");
}

void story_tell(const char *outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = safe_text(format, arguments);
    va_end(arguments);
    int padding = LEFT_COLUMNS - (int)text_width(text);
    if (outcome[0])
        printf("  %s%*s  %s\n", text, padding > 0 ? padding : 0, "", outcome);
    else
        printf("  %s\n", text);
    fflush(stdout);
    free(text);
}

void story_expect(bool so, const char *what)
{
    if (so)
        return;
    fflush(stdout);
    complain("this did not happen as told: %s", what);
    _exit(STATUS_FAILED);
}

void story_must(int r, const char *what)
{
    if (r >= 0)
        return;
    fflush(stdout);
    complain("%s: %s", what, ferry_explain());
    _exit(STATUS_FAILED);
}

/* ---- Actors ---------------------------------------------------------------------------------- */

static bool is_actor;

__attribute__((noreturn)) static void act(pid_t narrator, void (*play)(int, void *), int stage,
                                          void *context)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != narrator) /* it died before it could be watched */
        _exit(STATUS_FAILED);
    is_actor = true;
    play(stage, context);
    _exit(STATUS_DONE);
}

struct actor actor_start(void (*play)(int stage, void *context), void *context)
{
    int ends[2];
    int r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
    story_expect(r == 0, "a pair of sockets is there for the asking");
    pid_t narrator = getpid();
    fflush(stdout); /* or the actor would say it again */
    pid_t pid = fork();
    story_expect(pid >= 0, "a process is there for the asking");
    if (pid == 0) {
        close(ends[0]);
        act(narrator, play, ends[1], context);
    }
    close(ends[1]);
    return (struct actor){.pid = pid, .stage = ends[0]};
}

/* A narrator without its actor has a story to correct; an actor without its narrator has none. */
static void expect_other(bool there)
{
    if (!there && is_actor)
        _exit(STATUS_FAILED);
    story_expect(there, "the other process answers");
}

void stage_send(int stage, int64_t number)
{
    expect_other(send(stage, &number, sizeof(number), MSG_NOSIGNAL) == sizeof(number));
}

int64_t stage_receive(int stage)
{
    int64_t number = 0;
    struct pollfd other = {.fd = stage, .events = POLLIN};
    int r = poll(&other, 1, (int)(STORY_PATIENCE_NS / NS_PER_MS));
    expect_other(r == 1 && recv(stage, &number, sizeof(number), 0) == sizeof(number));
    return number;
}

static int reap(struct actor *actor)
{
    int status = -1;
    close(actor->stage);
    waitpid(actor->pid, &status, 0);
    return status;
}

void actor_finish(struct actor *actor)
{
    int status = reap(actor);
    story_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the other process ends well");
}

void actor_bury(struct actor *actor)
{
    int status = reap(actor);
    story_expect(WIFSIGNALED(status), "the other process dies when it is killed");
}
