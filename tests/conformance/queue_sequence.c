/* See queue_sequence.h. */
#include "queue_sequence.h"

#include <stdio.h>

enum { TRIES = 100 };

struct sleeper {
    int actor;
    bool to_send;
    struct item item;
    struct ferry_choice choice;
    uint32_t room;
};

struct model {
    struct list list;
    struct bounds bounds;
    struct sleeper sleepers[SLEEPERS];
    int sleeper_count;
    bool lives[ACTORS], is_removed;
    unsigned features;
    uint32_t random, number, most_bytes; /* of a message in this sequence */
};

uint64_t sum_of_message(const unsigned char *bytes, uint64_t size, uint64_t type, uint32_t priority)
{
    uint64_t sum = 14695981039346656037u ^ type ^ (uint64_t)priority << 40;
    for (uint64_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * 1099511628211u;
    return sum;
}

static bool may(const struct model *model, unsigned feature)
{
    return (model->features & feature) != 0;
}

static uint32_t below(struct model *model, uint32_t bound)
{
    return random_below(&model->random, bound);
}

/* ---- What calls answer ---- */

static bool has_room(const struct model *model, const struct item *item)
{
    return (!may(model, CAN_COUNT) || model->list.count < model->bounds.messages) &&
           (!may(model, CAN_BYTES) || model->list.bytes + item->size <= model->bounds.bytes);
}

static struct answer answer_send(struct model *model, const struct item *item)
{
    if (item->size > model->bounds.largest)
        return (struct answer){.result = -EMSGSIZE};
    if (!has_room(model, item))
        return (struct answer){.result = -EAGAIN};
    list_add(&model->list, *item);
    return (struct answer){0};
}

static struct answer answer_receive(struct model *model, const struct ferry_choice *choice,
                                    uint32_t room)
{
    unsigned char bytes[LARGEST];
    int index = list_find(&model->list, choice);
    if (index < 0)
        return (struct answer){.result = -EAGAIN};
    if (model->list.items[index].size > room && (choice->flags & FERRY_TRUNCATE) == 0)
        return (struct answer){.result = -EMSGSIZE};
    struct item item = list_take(&model->list, index);
    uint32_t size = item.size < room ? item.size : room;
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = item_byte(&item, i);
    return (struct answer){size, sum_of_message(bytes, size, item.type, item.priority)};
}

static struct answer answer_sleeper(struct model *model, const struct sleeper *sleeper)
{
    if (model->is_removed)
        return (struct answer){.result = -EIDRM};
    return sleeper->to_send ? answer_send(model, &sleeper->item)
                            : answer_receive(model, &sleeper->choice, sleeper->room);
}

/* ---- Sleepers ---- */

static int find_sleeper(const struct model *model, int actor)
{
    for (int i = 0; i < model->sleeper_count; i++)
        if (model->sleepers[i].actor == actor)
            return i;
    return -1;
}

static void take_sleeper(struct model *model, int index)
{
    model->sleepers[index] = model->sleepers[--model->sleeper_count];
}

static bool would_go_on(const struct model *model, const struct sleeper *sleeper)
{
    struct model trial = *model;
    return answer_sleeper(&trial, sleeper).result != -EAGAIN;
}

/* One after the other, as long as it is clear whose turn it is. */
static bool wake(struct model *model, struct step *step)
{
    for (;;) {
        int who = -1;
        for (int i = 0; i < model->sleeper_count; i++)
            if (would_go_on(model, &model->sleepers[i])) {
                if (who >= 0 && !model->is_removed)
                    return false;
                who = i;
            }
        if (who < 0)
            return true;
        step->woken[step->woken_count] = model->sleepers[who].actor;
        step->woken_answers[step->woken_count++] = answer_sleeper(model, &model->sleepers[who]);
        take_sleeper(model, who);
    }
}

/* ---- Steps ---- */

static bool somebody_waits_to_send(const struct model *model)
{
    for (int i = 0; i < model->sleeper_count; i++)
        if (model->sleepers[i].to_send)
            return true;
    return false;
}

static bool plan_wait(struct model *model, struct step *step)
{
    struct sleeper sleeper = {.actor = step->actor,
                              .to_send = step->kind == STEP_WAIT_TO_SEND,
                              .item = step->item,
                              .choice = step->choice,
                              .room = step->room};
    if (model->sleeper_count == SLEEPERS || would_go_on(model, &sleeper) ||
        (sleeper.to_send && somebody_waits_to_send(model)))
        return false;
    model->sleepers[model->sleeper_count++] = sleeper;
    return true;
}

static bool plan_kill(struct model *model, struct step *step)
{
    int sleeper = find_sleeper(model, step->actor);
    if (sleeper >= 0)
        take_sleeper(model, sleeper);
    model->lives[step->actor] = false;
    return true;
}

static bool plan(struct model *model, struct step *step)
{
    switch (step->kind) {
    case STEP_SEND:
        step->answer = answer_send(model, &step->item);
        return true;
    case STEP_RECEIVE:
        step->answer = answer_receive(model, &step->choice, step->room);
        return true;
    case STEP_KILL:
        return plan_kill(model, step);
    case STEP_REMOVE:
        model->is_removed = true;
        return may(model, CAN_TELL_REMOVAL);
    default:
        return plan_wait(model, step);
    }
}

static enum kind random_kind(uint32_t *random)
{
    static const unsigned char often[KINDS] = {
        [STEP_SEND] = 40,         [STEP_RECEIVE] = 30,
        [STEP_WAIT_TO_SEND] = 15, [STEP_WAIT_TO_RECEIVE] = 15,
        [STEP_KILL] = 1,          [STEP_REMOVE] = 1};
    uint32_t lot = random_below(random, 102);
    enum kind kind = STEP_SEND;
    while (lot >= often[kind])
        lot -= often[kind++];
    return kind;
}

static uint32_t random_size(struct model *model)
{
    return below(model, 50) == 0 ? model->bounds.largest + 1 + below(model, 20)
                                 : below(model, model->most_bytes + 1);
}

static struct item random_item(struct model *model)
{
    return (struct item){.number = ++model->number,
                         .size = random_size(model),
                         .type = may(model, CAN_TYPES) ? below(model, 5) : 0,
                         .priority = may(model, CAN_PRIORITIES) ? below(model, 4) : 0};
}

static struct ferry_choice random_choice(struct model *model)
{
    struct ferry_choice choice = {0};
    if (may(model, CAN_TYPES))
        choice = (struct ferry_choice){.selection = below(model, 4), .type = below(model, 5)};
    if (may(model, CAN_TRUNCATE) && below(model, 4) == 0)
        choice.flags = FERRY_TRUNCATE;
    return choice;
}

static uint32_t random_room(struct model *model)
{
    return may(model, CAN_SHORT_BUFFER) && below(model, 3) == 0
               ? below(model, model->most_bytes + 1)
               : LARGEST;
}

/* Tries one; on success it is in the model and in *step. */
static bool try_step(struct model *model, struct step *step)
{
    struct model before = *model;
    *step = (struct step){.kind = random_kind(&model->random),
                          .actor = (int)below(model, ACTORS),
                          .item = random_item(model),
                          .choice = random_choice(model),
                          .room = random_room(model)};
    before.random = model->random;
    before.number = model->number;
    bool is_able = model->lives[step->actor] &&
                   (find_sleeper(model, step->actor) < 0 || step->kind == STEP_KILL);
    if (is_able && !model->is_removed && plan(model, step) && wake(model, step))
        return true;
    *model = before;
    return false;
}

static void choose_bounds(struct model *model)
{
    model->bounds = (struct bounds){.messages = 64, .bytes = 16384, .largest = LARGEST};
    if (may(model, CAN_COUNT))
        model->bounds.messages = 1 + below(model, DEFAULT_MESSAGES);
    model->most_bytes = 1u << below(model, 11);
    if (may(model, CAN_BYTES)) {
        model->bounds.bytes = LARGEST + below(model, LARGEST);
        model->most_bytes = model->bounds.bytes / (1 + below(model, 8));
        if (model->most_bytes > LARGEST)
            model->most_bytes = LARGEST;
    }
}

void sequence_make(struct sequence *ret_sequence, uint32_t seed, unsigned features)
{
    struct model model = {.random = seed, .features = features};
    for (int i = 0; i < ACTORS; i++)
        model.lives[i] = true;
    choose_bounds(&model);
    *ret_sequence = (struct sequence){.seed = seed, .bounds = model.bounds};
    for (int tries = 0; tries < TRIES && ret_sequence->count < STEPS; tries++)
        if (try_step(&model, &ret_sequence->steps[ret_sequence->count])) {
            ret_sequence->count++;
            tries = 0;
        }
}

/* ---- For people ---- */

static void describe_choice(const struct ferry_choice *choice, char *ret_text, size_t size_bytes)
{
    static const char *const words[] = {"any", "type", "up to type", "but type"};
    snprintf(ret_text, size_bytes, " %s %llu%s", words[choice->selection],
             (unsigned long long)choice->type,
             (choice->flags & FERRY_TRUNCATE) != 0 ? ", truncated," : "");
}

void sequence_describe(const struct step *step, char *ret_text, size_t size_bytes)
{
    static const char *const verbs[KINDS] = {[STEP_SEND] = "sends",
                                             [STEP_RECEIVE] = "receives",
                                             [STEP_WAIT_TO_SEND] = "waits to send",
                                             [STEP_WAIT_TO_RECEIVE] = "waits to receive",
                                             [STEP_KILL] = "is killed",
                                             [STEP_REMOVE] = "removes the queue"};
    char what[96] = "", who[96] = "";
    if (step->kind == STEP_SEND || step->kind == STEP_WAIT_TO_SEND) {
        snprintf(what, sizeof what, " %u bytes, type %llu, priority %u", step->item.size,
                 (unsigned long long)step->item.type, step->item.priority);
    } else if (step->kind == STEP_RECEIVE || step->kind == STEP_WAIT_TO_RECEIVE) {
        char choice[64];
        describe_choice(&step->choice, choice, sizeof choice);
        snprintf(what, sizeof what, "%s into %u bytes", choice, step->room);
    }
    for (int i = 0, length = 0; i < step->woken_count && length < 80; i++)
        length += snprintf(who + length, sizeof who - (size_t)length, "%s %d",
                           i == 0 ? ", which wakes up" : ",", step->woken[i]);
    snprintf(ret_text, size_bytes, "actor %d %s%s%s", step->actor, verbs[step->kind], what, who);
}
