/* See queue_actors.h.
 *
 * Orders and answers go through sockets, one pair for each actor.  A step is over when it has been answered, and so is
 * the waking up that comes of it.  Actors have handles of their own, opened by name. */
#include "queue_actors.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum verb { OPEN, STEP, CLOSE };

struct order {
    enum verb verb;
    struct queue queue;
    struct step step;
};

static struct actor {
    pid_t pid; /* 0: none */
    int orders;
} actors[ACTORS];

/* ---- In an actor ---- */

static struct answer receive(struct queue *queue, const struct step *step)
{
    unsigned char bytes[LARGEST];
    struct ferry_message message = {.bytes = bytes, .size_bytes = step->room};
    ssize_t size = queue->back_end->receive(queue, &message, &step->choice,
                                            step->kind == STEP_RECEIVE ? FERRY_NOW : FERRY_FOREVER);
    if (size < 0)
        return (struct answer){.result = size};
    return (struct answer){size,
                           sum_of_message(bytes, (uint64_t)size, message.type, message.priority)};
}

static struct answer do_step(struct queue *queue, const struct step *step)
{
    if (step->kind == STEP_RECEIVE || step->kind == STEP_WAIT_TO_RECEIVE)
        return receive(queue, step);
    return (struct answer){
        .result =
            queue_put(queue, step->item, step->kind == STEP_SEND ? FERRY_NOW : FERRY_FOREVER)};
}

static void act(void *context)
{
    int channel = *(int *)context;
    struct order order;
    struct queue queue = {0};
    for (;;) {
        struct answer answer = {0};
        CHECK_EQ(recv(channel, &order, sizeof order, 0), sizeof order);
        if (order.verb == OPEN)
            queue = queue_open(&order.queue);
        else if (order.verb == CLOSE)
            queue_close(&queue);
        else
            answer = do_step(&queue, &order.step);
        CHECK_ERRNO(send(channel, &answer, sizeof answer, 0));
    }
}

/* ---- In the case ---- */

static void actor_start(struct actor *actor)
{
    int sockets[2];
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets));
    actor->pid = test_child(act, &sockets[1]);
    actor->orders = sockets[0];
    close(sockets[1]);
}

static void actor_end(struct actor *actor)
{
    if (actor->pid == 0)
        return;
    test_kill(actor->pid);
    close(actor->orders);
    actor->pid = 0;
}

void actors_end(void)
{
    for (int i = 0; i < ACTORS; i++)
        actor_end(&actors[i]);
}

static bool has_answered(const struct actor *actor, int patience_ms)
{
    struct pollfd ready = {.fd = actor->orders, .events = POLLIN};
    return poll(&ready, 1, patience_ms) > 0;
}

static struct answer await_answer(const struct actor *actor)
{
    struct answer answer = {.result = NO_ANSWER};
    if (has_answered(actor, 20000))
        CHECK_EQ(recv(actor->orders, &answer, sizeof answer, 0), sizeof answer);
    return answer;
}

static void tell(const struct actor *actor, const struct order *order)
{
    CHECK_ERRNO(send(actor->orders, order, sizeof *order, 0));
}

static struct answer play_step(struct queue *queue, const struct step *step)
{
    struct actor *actor = &actors[step->actor];
    if (step->kind == STEP_KILL || step->kind == STEP_REMOVE) {
        if (step->kind == STEP_KILL)
            actor_end(actor);
        else
            queue->back_end->remove(queue);
        return (struct answer){0};
    }
    tell(actor, &(struct order){.verb = STEP, .step = *step});
    if (step->kind == STEP_SEND || step->kind == STEP_RECEIVE)
        return await_answer(actor);
    test_sleeping(actor->pid);
    return (struct answer){.result = has_answered(actor, 0) ? WOKE_UP_EARLY : 0};
}

static bool play_all(struct queue *queue, const struct sequence *sequence, struct trace *ret_trace)
{
    for (int i = 0; i < sequence->count; i++) {
        const struct step *step = &sequence->steps[i];
        ret_trace->count = i + 1;
        ret_trace->answers[i] = play_step(queue, step);
        bool all_answered = ret_trace->answers[i].result > NO_ANSWER + 1;
        for (int j = 0; j < step->woken_count; j++) {
            ret_trace->woken_answers[i][j] = await_answer(&actors[step->woken[j]]);
            all_answered &= ret_trace->woken_answers[i][j].result != NO_ANSWER;
        }
        if (!all_answered)
            return false;
    }
    return true;
}

/* Those who are still asleep in it cannot close. */
static void close_all(const struct sequence *sequence)
{
    bool sleeps[ACTORS] = {false};
    for (int i = 0; i < sequence->count; i++) {
        const struct step *step = &sequence->steps[i];
        sleeps[step->actor] |=
            step->kind == STEP_WAIT_TO_SEND || step->kind == STEP_WAIT_TO_RECEIVE;
        for (int j = 0; j < step->woken_count; j++)
            sleeps[step->woken[j]] = false;
    }
    for (int i = 0; i < ACTORS; i++) {
        if (sleeps[i])
            actor_end(&actors[i]);
        if (actors[i].pid == 0)
            continue;
        tell(&actors[i], &(struct order){.verb = CLOSE});
        await_answer(&actors[i]);
    }
}

void actors_play(const struct sequence *sequence, const struct queue_back_end *back_end,
                 struct trace *ret_trace)
{
    struct queue queue = queue_make(back_end, sequence->bounds);
    *ret_trace = (struct trace){0};
    for (int i = 0; i < ACTORS; i++) {
        if (actors[i].pid == 0)
            actor_start(&actors[i]);
        tell(&actors[i], &(struct order){.verb = OPEN, .queue = queue});
        await_answer(&actors[i]);
    }
    if (play_all(&queue, sequence, ret_trace))
        close_all(sequence);
    else
        actors_end();
    queue_close(&queue);
    if (sequence->count == 0 || sequence->steps[sequence->count - 1].kind != STEP_REMOVE)
        back_end->remove(&queue);
}
