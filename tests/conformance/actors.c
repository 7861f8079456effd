/* See actors.h.
 *
 * Orders and answers go through sockets that all of them have, one for each actor.  A step is over when
 * it has been answered, or when whoever ended is dead; and so is the waking up that comes of it. */
#include "actors.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "holders.h"

/* What a stage has in each process. */
struct stage {
    struct ends ends;
    int orders[ACTORS], answers[ACTORS]; /* the case's side, and the actors' */
    int hello[2];                        /* from programs that were executed */
    pid_t pids[ACTORS];
};

/* ---- In an actor ---- */

__attribute__((noreturn)) static void act(struct stage *stage, int self);

static int64_t do_write(struct stage *stage, const struct step *step)
{
    if (step->after_death)
        return end_write_after_death(stage->ends.writing);
    unsigned char *bytes = malloc(step->count);
    CHECK(bytes != NULL);
    for (uint32_t i = 0; i < step->count; i++)
        bytes[i] = byte_at(step->position + i);
    int64_t timeout_ns = step->kind == STEP_WAIT_TO_WRITE ? FERRY_FOREVER : FERRY_NOW;
    int64_t answer = end_write(stage->ends.writing, bytes, step->count, timeout_ns);
    free(bytes);
    return answer;
}

static int64_t do_read(struct stage *stage, const struct step *step)
{
    unsigned char *bytes = malloc(step->count);
    CHECK(bytes != NULL);
    int64_t timeout_ns = step->kind == STEP_WAIT_TO_READ ? FERRY_FOREVER : FERRY_NOW;
    int64_t answer = step->after_death
                         ? end_read_after_death(stage->ends.reading, bytes, step->count)
                         : end_read(stage->ends.reading, bytes, step->count, timeout_ns);
    for (int64_t i = 0; i < answer; i++)
        if (bytes[i] != byte_at(step->position + (uint64_t)i))
            answer = WRONG_BYTES;
    free(bytes);
    return answer;
}

static void close_roles(struct stage *stage, unsigned roles)
{
    if ((roles & FERRY_READ) != 0)
        ends_close_reading(&stage->ends);
    if ((roles & FERRY_WRITE) != 0)
        ends_close_writing(&stage->ends);
}

/* The child says that it is there when it has only what it should. */
static int64_t do_fork(struct stage *stage, const struct step *step)
{
    pid_t pid = fork();
    CHECK_ERRNO(pid);
    if (pid == 0) {
        close_roles(stage, ~step->roles);
        CHECK_ERRNO(send(stage->answers[step->child], &(int64_t){0}, sizeof(int64_t), 0));
        act(stage, step->child);
    }
    return pid;
}

static int64_t do_step(struct stage *stage, const struct step *step)
{
    switch (step->kind) {
    case STEP_WRITE:
    case STEP_WAIT_TO_WRITE:
        return do_write(stage, step);
    case STEP_READ:
    case STEP_WAIT_TO_READ:
        return do_read(stage, step);
    case STEP_FORK:
        return do_fork(stage, step);
    case STEP_EXIT:
        _exit(0);
    case STEP_EXEC:
        exec_and_stay(stage->hello[1]);
    default:
        close_roles(stage, step->roles);
        return 0;
    }
}

static void act(struct stage *stage, int self)
{
    struct step step;
    for (;;) {
        CHECK_EQ(recv(stage->answers[self], &step, sizeof step, 0), sizeof step);
        int64_t answer = do_step(stage, &step);
        CHECK_ERRNO(send(stage->answers[self], &answer, sizeof answer, 0));
    }
}

static void act_first(void *context)
{
    act(context, 0);
}

/* ---- In the case ---- */

static int64_t await_answer(struct stage *stage, int actor)
{
    int64_t answer;
    struct pollfd ready = {.fd = stage->orders[actor], .events = POLLIN};
    if (poll(&ready, 1, 30000) == 0)
        return NO_ANSWER;
    CHECK_EQ(recv(stage->orders[actor], &answer, sizeof answer, 0), sizeof answer);
    return answer;
}

static bool has_answered(struct stage *stage, int actor)
{
    struct pollfd ready = {.fd = stage->orders[actor], .events = POLLIN};
    return poll(&ready, 1, 0) > 0;
}

static void await_hello(struct stage *stage)
{
    char byte;
    struct pollfd hello = {.fd = stage->hello[0], .events = POLLIN};
    CHECK_EQ(poll(&hello, 1, 60000), 1);
    CHECK_EQ(read(stage->hello[0], &byte, 1), 1);
}

static int64_t await_fork(struct stage *stage, const struct step *step)
{
    int64_t pid = await_answer(stage, step->actor);
    CHECK(pid > 0);
    stage->pids[step->child] = (pid_t)pid;
    return await_answer(stage, step->child);
}

static int64_t play_step(struct stage *stage, const struct step *step)
{
    pid_t pid = stage->pids[step->actor];
    if (step->kind == STEP_KILL) {
        kill_and_await(pid);
        return 0;
    }
    CHECK_ERRNO(send(stage->orders[step->actor], step, sizeof *step, 0));
    switch (step->kind) {
    case STEP_WAIT_TO_READ:
    case STEP_WAIT_TO_WRITE:
        test_sleeping(pid);
        return has_answered(stage, step->actor) ? WOKE_UP_EARLY : 0;
    case STEP_FORK:
        return await_fork(stage, step);
    case STEP_EXIT:
        await_death(pid);
        return 0;
    case STEP_EXEC:
        await_hello(stage);
        return 0;
    default:
        return await_answer(stage, step->actor);
    }
}

static void stage_init(struct stage *stage, const struct back_end *back_end)
{
    adopt_orphans();
    *stage = (struct stage){.ends = ends_make(back_end)};
    for (int i = 0; i < ACTORS; i++) {
        int sockets[2];
        CHECK_ERRNO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets));
        stage->orders[i] = sockets[0];
        stage->answers[i] = sockets[1];
    }
    CHECK_ERRNO(pipe2(stage->hello, O_CLOEXEC));
    stage->pids[0] = test_child(act_first, stage);
    ends_close_reading(&stage->ends);
    ends_close_writing(&stage->ends);
}

/* The dead are reaped here, so no number has a new owner. */
static void stage_deinit(struct stage *stage)
{
    for (int i = 0; i < ACTORS; i++) {
        if (stage->pids[i] > 0)
            kill(stage->pids[i], SIGKILL);
        close(stage->orders[i]);
        close(stage->answers[i]);
    }
    reap_all();
    close(stage->hello[0]);
    close(stage->hello[1]);
    ends_close(&stage->ends);
}

void actors_play(const struct sequence *sequence, const struct back_end *back_end,
                 struct trace *ret_trace)
{
    struct stage stage;
    *ret_trace = (struct trace){0};
    stage_init(&stage, back_end);
    for (int i = 0; i < sequence->count; i++) {
        const struct step *step = &sequence->steps[i];
        ret_trace->count = i + 1;
        ret_trace->answers[i] = play_step(&stage, step);
        if (step->woken >= 0)
            ret_trace->woken_answers[i] = await_answer(&stage, step->woken);
        if (ret_trace->answers[i] == NO_ANSWER || ret_trace->woken_answers[i] == NO_ANSWER)
            break;
    }
    stage_deinit(&stage);
}
