/* See sequence.h. */
#include "sequence.h"

#include <stdio.h>

#include "packing.h"

enum { TRIES = 100, NOBODY = -1, READ_WRITE = FERRY_READ | FERRY_WRITE };

/* What is known of the pipe and of those who hold it. */
struct model {
    struct packing bytes;
    uint64_t in, out;           /* positions */
    unsigned roles[ACTORS];     /* which ends each has */
    bool lives[ACTORS];         /* and does what it is told */
    int actor_count;            /* all that there have been */
    struct step *sleeper;       /* who waits, and for what; NULL: nobody */
    bool died[READ_WRITE + 1];  /* by role: the last of them to go did not close its end */
    uint32_t random, size_kind; /* what sizes this sequence has */
};

static bool has_any(const struct model *model, unsigned role)
{
    for (int i = 0; i < model->actor_count; i++)
        if ((model->roles[i] & role) != 0)
            return true;
    return false;
}

static bool sleeps(const struct model *model, int actor)
{
    return model->sleeper != NULL && model->sleeper->actor == actor;
}

/* ---- Bytes ---- */

static uint32_t random_count(struct model *model)
{
    uint32_t *random = &model->random;
    switch (model->size_kind) {
    case 0:
        return 1 + random_below(random, 300);
    case 1:
        return PAGE * (1 + random_below(random, PAGES + 1));
    case 2:
        return 1u << random_below(random, 17);
    default:
        return 1 + random_below(random, random_below(random, 2) == 0 ? PAGE : 2 * CAPACITY);
    }
}

/* With somebody asleep, more than fits or more than there is would be a race with who wakes up from it:
 * that one may make room for more, or put in more, while the same call goes on. */
static void leave_no_race(struct model *model, struct step *step)
{
    uint32_t depth = model->bytes.depth;
    if (model->sleeper == NULL)
        return;
    if (step->kind == STEP_WRITE && step->count > CAPACITY)
        step->count = CAPACITY;
    if (step->kind == STEP_READ && step->count > depth && depth > 0)
        step->count = depth;
}

static bool plan_write(struct model *model, struct step *step)
{
    uint32_t written;
    step->position = model->in;
    if (!has_any(model, FERRY_READ)) {
        step->answer = -EPIPE;
        step->after_death = model->died[FERRY_READ];
        return true;
    }
    if (!packing_write(&model->bytes, step->count, &written))
        return false;
    model->in += written;
    step->answer = written > 0 ? (int64_t)written : -EAGAIN;
    return true;
}

static int64_t take(struct model *model, uint32_t count)
{
    uint32_t part = count < model->bytes.depth ? count : model->bytes.depth;
    packing_read(&model->bytes, part);
    model->out += part;
    return part;
}

static bool plan_read(struct model *model, struct step *step)
{
    step->position = model->out;
    if (model->bytes.depth > 0) {
        step->answer = take(model, step->count);
    } else if (has_any(model, FERRY_WRITE)) {
        step->answer = -EAGAIN;
    } else {
        step->answer = 0;
        step->after_death = model->died[FERRY_WRITE];
    }
    return true;
}

static bool plan_wait(struct model *model, struct step *step)
{
    bool to_write = step->kind == STEP_WAIT_TO_WRITE;
    if (model->sleeper != NULL || !has_any(model, to_write ? FERRY_READ : FERRY_WRITE) ||
        model->bytes.depth != (to_write ? CAPACITY : 0))
        return false;
    step->count = 1 + (step->count - 1) % PAGE;
    step->position = to_write ? model->in : model->out;
    model->sleeper = step;
    return true;
}

/* ---- Ends ---- */

static void lose(struct model *model, int actor, unsigned roles, bool by_closing)
{
    unsigned lost = model->roles[actor] & roles;
    model->roles[actor] &= ~roles;
    if ((lost & FERRY_READ) != 0)
        model->died[FERRY_READ] = !by_closing;
    if ((lost & FERRY_WRITE) != 0)
        model->died[FERRY_WRITE] = !by_closing;
}

static bool plan_close(struct model *model, struct step *step)
{
    if ((model->roles[step->actor] & step->roles) == 0)
        return false;
    lose(model, step->actor, step->roles, true);
    return true;
}

static bool plan_fork(struct model *model, struct step *step)
{
    if (model->actor_count == ACTORS)
        return false;
    step->child = model->actor_count++;
    step->roles &= model->roles[step->actor];
    model->lives[step->child] = true;
    model->roles[step->child] = step->roles;
    return true;
}

static bool plan_end(struct model *model, struct step *step)
{
    lose(model, step->actor, READ_WRITE, false);
    model->lives[step->actor] = false;
    if (sleeps(model, step->actor))
        model->sleeper = NULL;
    return true;
}

/* ---- Waking up ---- */

/* Who waits for room goes on with a page, and who waits for bytes with any; both when the other side is gone. */
static int64_t sleeper_answer(struct model *model)
{
    struct step *sleeper = model->sleeper;
    uint32_t written;
    if (sleeper->kind == STEP_WAIT_TO_READ) {
        if (model->bytes.depth > 0)
            return take(model, sleeper->count);
        return has_any(model, FERRY_WRITE) ? -EAGAIN : 0;
    }
    if (!has_any(model, FERRY_READ))
        return -EPIPE;
    if (!packing_has_room(&model->bytes) || !packing_write(&model->bytes, sleeper->count, &written))
        return -EAGAIN;
    model->in += written;
    return written;
}

static void wake(struct model *model, struct step *step)
{
    if (model->sleeper == NULL || model->sleeper == step)
        return;
    int64_t answer = sleeper_answer(model);
    if (answer == -EAGAIN)
        return;
    step->woken = model->sleeper->actor;
    step->woken_answer = answer;
    model->sleeper = NULL;
}

/* ---- Sequences ---- */

static enum kind random_kind(uint32_t *random)
{
    static const unsigned char often[KINDS] = {
        [STEP_WRITE] = 30,       [STEP_READ] = 25, [STEP_WAIT_TO_WRITE] = 30,
        [STEP_WAIT_TO_READ] = 8, [STEP_CLOSE] = 8, [STEP_FORK] = 10,
        [STEP_EXIT] = 3,         [STEP_KILL] = 3,  [STEP_EXEC] = 1};
    uint32_t lot = random_below(random, 118);
    enum kind kind = STEP_WRITE;
    while (lot >= often[kind])
        lot -= often[kind++];
    return kind;
}

/* Can this actor do it at all? */
static bool is_able(const struct model *model, const struct step *step)
{
    unsigned roles = model->roles[step->actor];
    if (!model->lives[step->actor] || (sleeps(model, step->actor) && step->kind != STEP_KILL))
        return false;
    if (step->kind == STEP_WRITE || step->kind == STEP_WAIT_TO_WRITE)
        return (roles & FERRY_WRITE) != 0;
    if (step->kind == STEP_READ || step->kind == STEP_WAIT_TO_READ)
        return (roles & FERRY_READ) != 0;
    return true;
}

static bool plan(struct model *model, struct step *step)
{
    switch (step->kind) {
    case STEP_WRITE:
        return plan_write(model, step);
    case STEP_READ:
        return plan_read(model, step);
    case STEP_WAIT_TO_WRITE:
    case STEP_WAIT_TO_READ:
        return plan_wait(model, step);
    case STEP_CLOSE:
        return plan_close(model, step);
    case STEP_FORK:
        return plan_fork(model, step);
    default:
        return plan_end(model, step);
    }
}

/* Tries one; on success it is in the model and in *step. */
static bool try_step(struct model *model, struct step *step)
{
    static const unsigned roles[] = {FERRY_READ, FERRY_WRITE, READ_WRITE};
    struct model before = *model;
    *step = (struct step){.kind = random_kind(&model->random),
                          .actor = (int)random_below(&model->random, (uint32_t)model->actor_count),
                          .roles = roles[random_below(&model->random, 3)],
                          .count = random_count(model),
                          .woken = NOBODY};
    before.random = model->random;
    leave_no_race(model, step);
    if (is_able(model, step) && plan(model, step) &&
        (model->sleeper == NULL || model->sleeper->kind == STEP_WAIT_TO_READ ||
         packing_is_clear(&model->bytes))) {
        wake(model, step);
        return true;
    }
    *model = before;
    return false;
}

void sequence_make(struct sequence *ret_sequence, uint32_t seed)
{
    struct model model = {.roles = {READ_WRITE}, .lives = {true}, .actor_count = 1, .random = seed};
    model.size_kind = random_below(&model.random, 4);
    *ret_sequence = (struct sequence){.seed = seed};
    for (int tries = 0; tries < TRIES && ret_sequence->count < STEPS; tries++)
        if (try_step(&model, &ret_sequence->steps[ret_sequence->count])) {
            ret_sequence->count++;
            tries = 0;
        }
}

/* ---- For people ---- */

void sequence_describe(const struct step *step, char *ret_text, size_t size_bytes)
{
    static const char *const verbs[KINDS] = {[STEP_WRITE] = "writes",
                                             [STEP_READ] = "reads",
                                             [STEP_WAIT_TO_WRITE] = "waits to write",
                                             [STEP_WAIT_TO_READ] = "waits to read",
                                             [STEP_CLOSE] = "closes",
                                             [STEP_FORK] = "forks",
                                             [STEP_EXIT] = "exits",
                                             [STEP_KILL] = "is killed",
                                             [STEP_EXEC] = "executes a program"};
    char what[64] = "";
    if (step->kind <= STEP_WAIT_TO_READ)
        snprintf(what, sizeof what, " %u bytes", step->count);
    else if (step->kind <= STEP_FORK)
        snprintf(what, sizeof what, "%s%s%s", step->roles & FERRY_READ ? " reading" : "",
                 step->roles & FERRY_WRITE ? " writing" : "",
                 step->kind == STEP_FORK ? " for" : "");
    int length =
        snprintf(ret_text, size_bytes, "actor %d %s%s", step->actor, verbs[step->kind], what);
    if (step->kind == STEP_FORK && length > 0 && (size_t)length < size_bytes)
        length += snprintf(ret_text + length, size_bytes - (size_t)length, " %d", step->child);
    if (step->woken != NOBODY && length > 0 && (size_t)length < size_bytes)
        snprintf(ret_text + length, size_bytes - (size_t)length, ", which wakes up actor %d",
                 step->woken);
}
