/* Random sequences of forks, closes, deaths, writes and reads: Ferry answers each step as the kernel does, and both
 * as the model says. */
#include <stdio.h>

#include "actors.h"

static int find_difference(const struct trace *trace, const struct trace *other)
{
    for (int i = 0; i < trace->count && i < other->count; i++)
        if (trace->answers[i] != other->answers[i] ||
            trace->woken_answers[i] != other->woken_answers[i])
            return i;
    return trace->count == other->count ? -1 : trace->count;
}

static struct trace model_trace(const struct sequence *sequence)
{
    struct trace trace = {.count = sequence->count};
    for (int i = 0; i < sequence->count; i++) {
        trace.answers[i] = sequence->steps[i].answer;
        trace.woken_answers[i] = sequence->steps[i].woken_answer;
    }
    return trace;
}

static void print_until(const struct sequence *sequence, const struct trace *trace, int last)
{
    for (int i = 0; i <= last && i < sequence->count; i++) {
        char text[200];
        sequence_describe(&sequence->steps[i], text, sizeof text);
        fprintf(stderr, "%3d  %s: %lld", i, text, (long long)trace->answers[i]);
        if (sequence->steps[i].woken >= 0)
            fprintf(stderr, " and %lld", (long long)trace->woken_answers[i]);
        fputc('\n', stderr);
    }
}

static void compare(const struct sequence *sequence, const struct back_end *back_end,
                    const struct trace *trace, const char *other_name, const struct trace *other)
{
    int at = find_difference(trace, other);
    if (at < 0)
        return;
    print_until(sequence, trace, at);
    test_fail(__FILE__, __LINE__,
              "at step %d %s answers %lld and %lld, %s %lld and %lld; again: "
              "FERRY_CONFORMANCE_SEED=%u FERRY_CONFORMANCE_COUNT=1",
              at, back_end->name, (long long)trace->answers[at],
              (long long)trace->woken_answers[at], other_name, (long long)other->answers[at],
              (long long)other->woken_answers[at], sequence->seed);
}

static void play(const struct back_end *back_end, uint32_t seed)
{
    struct sequence sequence;
    struct trace trace, oracle;
    sequence_make(&sequence, seed);
    const struct trace model = model_trace(&sequence);
    if (back_end->oracle != NULL) {
        actors_play(&sequence, back_end->oracle, &oracle);
        compare(&sequence, back_end->oracle, &oracle, "the model", &model);
    }
    actors_play(&sequence, back_end, &trace);
    if (back_end->oracle != NULL)
        compare(&sequence, back_end, &trace, back_end->oracle->name, &oracle);
    compare(&sequence, back_end, &trace, "the model", &model);
}

static int how_many(void)
{
    const char *given = getenv("FERRY_CONFORMANCE_COUNT");
    return given ? atoi(given) : test_thorough() ? 10000 : 300;
}

CONFORMANCE_LONG(random_sequences_are_answered_as_by_the_kernel, 900) /* P1 to P11 */
{
    uint32_t random = seed_for(back_end->name, "random_sequences_are_answered_as_by_the_kernel");
    for (int i = 0, count = how_many(); i < count; i++) {
        play(back_end, random);
        next_random(&random);
    }
}
