/* Random sequences of sending, choosing, waiting, dying and removing: Ferry answers each step as the kernel's queues do,
 * and all of them as the model says. */
#include <stdio.h>

#include "queue_actors.h"
#include "queue_kernel.h"

static bool is_same(const struct answer *a, const struct answer *b)
{
    return a->result == b->result && a->sum == b->sum;
}

/* At which step; -1: at none. */
static int find_difference(const struct sequence *sequence, const struct trace *trace,
                           const struct trace *other)
{
    for (int i = 0; i < trace->count && i < other->count; i++) {
        if (!is_same(&trace->answers[i], &other->answers[i]))
            return i;
        for (int j = 0; j < sequence->steps[i].woken_count; j++)
            if (!is_same(&trace->woken_answers[i][j], &other->woken_answers[i][j]))
                return i;
    }
    return trace->count == other->count ? -1 : trace->count;
}

static struct trace model_trace(const struct sequence *sequence)
{
    struct trace trace = {.count = sequence->count};
    for (int i = 0; i < sequence->count; i++) {
        trace.answers[i] = sequence->steps[i].answer;
        memcpy(trace.woken_answers[i], sequence->steps[i].woken_answers,
               sizeof trace.woken_answers[i]);
    }
    return trace;
}

static void print_until(const struct sequence *sequence, const struct trace *trace, int last)
{
    fprintf(stderr, "%u messages, %u bytes\n", sequence->bounds.messages, sequence->bounds.bytes);
    for (int i = 0; i <= last && i < sequence->count; i++) {
        char text[300];
        sequence_describe(&sequence->steps[i], text, sizeof text);
        fprintf(stderr, "%3d  %s: %lld", i, text, (long long)trace->answers[i].result);
        for (int j = 0; j < sequence->steps[i].woken_count; j++)
            fprintf(stderr, " and %lld", (long long)trace->woken_answers[i][j].result);
        fputc('\n', stderr);
    }
}

static void compare(const struct sequence *sequence, const struct queue_back_end *back_end,
                    const struct trace *trace, const char *other_name, const struct trace *other)
{
    int at = find_difference(sequence, trace, other);
    if (at < 0)
        return;
    fprintf(stderr, "as %s:\n", other_name);
    print_until(sequence, other, at);
    fprintf(stderr, "as %s:\n", back_end->name);
    print_until(sequence, trace, at);
    test_fail(__FILE__, __LINE__,
              "at step %d %s answers %lld, %s %lld (or to somebody it woke); again: "
              "FERRY_CONFORMANCE_SEED=%u FERRY_CONFORMANCE_COUNT=1",
              at, back_end->name, (long long)trace->answers[at].result, other_name,
              (long long)other->answers[at].result, sequence->seed);
}

/* oracle NULL: the model alone knows. */
static void play(const struct queue_back_end *back_end, const struct queue_back_end *oracle,
                 uint32_t seed)
{
    static struct sequence sequence;
    static struct trace trace, oracle_trace, model;
    sequence_make(&sequence, seed, back_end->can & (oracle != NULL ? oracle->can : CAN_ALL));
    model = model_trace(&sequence);
    if (oracle != NULL) {
        actors_play(&sequence, oracle, &oracle_trace);
        compare(&sequence, oracle, &oracle_trace, "the model", &model);
    }
    actors_play(&sequence, back_end, &trace);
    if (oracle != NULL)
        compare(&sequence, back_end, &trace, oracle->name, &oracle_trace);
    compare(&sequence, back_end, &trace, "the model", &model);
}

static int how_many(void)
{
    const char *given = getenv("FERRY_CONFORMANCE_COUNT");
    return given ? atoi(given) : test_thorough() ? 10000 : 300;
}

/* A queue with types is compared with System V's, one with priorities with POSIX's, each with both in turn, and all with
 * the model where there is more than any of the kernel's has. */
QUEUE_CONFORMANCE_LONG(random_sequences_are_answered_as_by_the_kernel, 0, 900) /* Q1 to Q5, Q8 */
{
    const struct queue_back_end *const oracles[] = {&system_v, &posix, NULL};
    bool is_kernel = back_end->make == system_v_make || back_end->make == posix_mq_make;
    uint32_t random = seed_for(back_end->name, "random_sequences_are_answered_as_by_the_kernel");
    kernel_queues_prepare(); /* before there are actors */
    for (int i = 0, count = how_many(); i < count; i++) {
        play(back_end, is_kernel ? NULL : oracles[random % 3], random);
        next_random(&random);
    }
    actors_end();
}
