/* See show_kinds.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/new_queue.h"
#include "cli/object.h"
#include "cli/output.h"
#include "cli/show_kinds.h"

/* ---- Objects ---------------------------------------------------------------------------------- */

static const char *lock_state(const struct ferry_object *object)
{
    if (object->condemned)
        return "given up: an owner died, and the next one did not repair the data";
    if (object->lock_owner_dead)
        return "its owner is dead, the next taker is told";
    if (object->lock_owner_pid)
        return "held";
    return object->unrepaired ? "free, but its data await repair" : "free";
}

static void print_segment(const struct ferry_object *object)
{
    output_line("  version      %" PRIu32 ", changed %s", object->version,
                phrase_age(object->changed_unix_ms).text);
    output_line("  lock         %s; taken so far: %s, after a wait: %s", lock_state(object),
                phrase_count(object->lock_count).text, phrase_count(object->wait_count).text);
}

static void print_mutex(const struct ferry_object *object)
{
    output_line("  lock         %s%s; taken so far: %s, after a wait: %s", lock_state(object),
                object->recursive ? " (recursive)" : "", phrase_count(object->lock_count).text,
                phrase_count(object->wait_count).text);
}

static void print_rwlock(const struct ferry_object *object)
{
    print_mutex(object);
    output_line("  readers      %s now", phrase_count(object->reader_count).text);
}

static void print_barrier(const struct ferry_object *object)
{
    output_line("  round        %s; %s of %s have come", phrase_count(object->round).text,
                phrase_count(object->arrived_count).text, phrase_count(object->barrier_count).text);
    output_line("  broken       %s rounds, by deaths", phrase_count(object->broken_count).text);
}

static void print_condition(const struct ferry_object *object)
{
    output_line("  mutex        %s", object->mutex_name[0] ? object->mutex_name : "anonymous");
    output_line("  waits        %s so far, %s now", phrase_count(object->wait_count).text,
                phrase_count(object->sleeper_count).text);
}

static void print_pipe(const struct ferry_object *object)
{
    output_line("  depth        %s of %s bytes%s", phrase_count(object->depth_bytes).text,
                phrase_count(object->size_bytes).text, object->keeps_records ? ", in records" : "");
    output_line("  written      %s bytes in %s writes", phrase_count(object->written_bytes).text,
                phrase_count(object->write_count).text);
    output_line("  read         %s bytes in %s reads", phrase_count(object->read_bytes).text,
                phrase_count(object->read_count).text);
}

static void print_queue(const struct ferry_object *object)
{
    unsigned flags = object->queue_flags;
    bool has_age = object->oldest_age_ns >= 0;
    output_line("  manner       %s%s%s; when full: %s",
                flags & FERRY_RENDEZVOUS  ? "rendezvous"
                : flags & FERRY_UNBOUNDED ? "unbounded"
                                          : "bounded",
                flags & FERRY_TYPES ? ", by type" : "",
                flags & FERRY_PRIORITIES ? ", by priority" : "",
                queue_overflow_word(object->overflow));
    output_line("  capacity     %s messages, %s bytes; the largest has %s",
                phrase_count(object->capacity_messages).text,
                phrase_count(object->capacity_bytes).text,
                phrase_count(object->largest_bytes).text);
    output_line("  depth        %s messages, %s bytes%s%s",
                phrase_count(object->depth_messages).text, phrase_count(object->depth_bytes).text,
                has_age ? "; the oldest waits for " : "",
                has_age ? phrase_duration(object->oldest_age_ns).text : "");
    output_line("  at most      %s messages, %s bytes at a time",
                phrase_count(object->most_messages).text, phrase_count(object->most_bytes).text);
    output_line("  sent         %s; received %s", phrase_count(object->sent_count).text,
                phrase_count(object->received_count).text);
    output_line("  dropped      %s oldest, %s newest; refused %s",
                phrase_count(object->dropped_oldest).text,
                phrase_count(object->dropped_newest).text,
                phrase_count(object->refused_count).text);
}

/* As many values as fit on a line. */
static void print_set(const struct ferry_object *object)
{
    enum { MOST = 16 };
    char values[MOST * 12] = "";
    for (uint32_t i = 0; i < object->set_count && i < MOST; i++)
        snprintf(values + strlen(values), sizeof(values) - strlen(values), " %" PRIu32,
                 object->set_values[i]);
    output_line("  set          of %" PRIu32 ":%s%s", object->set_count, values,
                object->set_count > MOST ? " …" : "");
}

static void print_semaphore(const struct ferry_object *object)
{
    output_line("  value        %s, of at most %s; %s asleep for one",
                phrase_count(object->value).text, phrase_count(object->most_value).text,
                phrase_count(object->sleeper_count).text);
    if (object->set_count > 0)
        print_set(object);
    output_line("  waits        %s that meant to sleep", phrase_count(object->wait_count).text);
}

/* ---- Members ---------------------------------------------------------------------------------- */

/* Whose end waits for what. */
static const char *waits_for(unsigned role, const char *reader, const char *writer,
                             const char *both)
{
    return role == FERRY_READ ? reader : role == FERRY_WRITE ? writer : both;
}

static const char *doing_with_pipe(const struct ferry_member *member)
{
    if (member->opening)
        return waits_for(member->role, "waits for a writer", "waits for a reader", "opens it");
    if (member->holds_lock)
        return waits_for(member->role, "has bytes open", "has room open", "has a part open");
    if (member->waiting)
        return waits_for(member->role, "waits for bytes", "waits for room", "waits");
    return "";
}

static const char *doing_with_queue(const struct ferry_member *member)
{
    if (member->selection != FERRY_ANY)
        return member->selection == FERRY_OF_TYPE ? "waits for type"
               : member->selection == FERRY_UP_TO ? "waits for types up to"
                                                  : "waits for types but";
    if (member->waiting)
        return waits_for(member->role, "waits for messages", "waits for room", "waits");
    return "";
}

static const char *doing_with_segment(const struct ferry_member *member)
{
    if (member->holds_lock)
        return member->waiting ? "holds the lock, waits" : "holds the lock";
    if (member->wants_lock)
        return "waits for the lock";
    return member->waiting ? "waits for a change" : "";
}

static const char *doing_with_mutex(const struct ferry_member *member)
{
    if (member->holds_lock)
        return member->for_children ? "holds it for its command" : "holds it";
    return member->wants_lock ? "waits for it" : "";
}

static const char *doing_with_rwlock(const struct ferry_member *member)
{
    if (member->holds_lock)
        return member->wants_lock     ? "waits for readers to leave"
               : member->for_children ? "writes, for its command"
                                      : "writes";
    if (member->read_holds > 0)
        return member->for_children ? "reads, for its command" : "reads";
    return member->wants_lock ? "waits for it" : "";
}

static const char *doing_with_barrier(const struct ferry_member *member)
{
    return member->waiting ? "waits for the others" : "";
}

static const char *doing_with_condition(const struct ferry_member *member)
{
    return member->waiting ? "waits to be told" : "";
}

static const char *doing_with_semaphore(const struct ferry_member *member)
{
    return member->waiting ? "waits for a unit" : "";
}

/* What is shown of each kind, beside what all have. */
static const struct {
    void (*print)(const struct ferry_object *object);
    const char *(*doing)(const struct ferry_member *member);
} kinds[] = {
    [FERRY_KIND_SEGMENT] = {print_segment, doing_with_segment},
    [FERRY_KIND_PIPE] = {print_pipe, doing_with_pipe},
    [FERRY_KIND_QUEUE] = {print_queue, doing_with_queue},
    [FERRY_KIND_SEMAPHORE] = {print_semaphore, doing_with_semaphore},
    [FERRY_KIND_MUTEX] = {print_mutex, doing_with_mutex},
    [FERRY_KIND_RWLOCK] = {print_rwlock, doing_with_rwlock},
    [FERRY_KIND_BARRIER] = {print_barrier, doing_with_barrier},
    [FERRY_KIND_CONDITION] = {print_condition, doing_with_condition},
};

static bool is_known(int kind)
{
    return kind > 0 && (size_t)kind < sizeof(kinds) / sizeof(kinds[0]) && kinds[kind].print != NULL;
}

void show_kind(const struct ferry_object *object)
{
    if (is_known(object->kind))
        kinds[object->kind].print(object);
}

struct phrase show_doing(int kind, const struct ferry_member *member)
{
    struct phrase phrase;
    const char *text = is_known(kind) ? kinds[kind].doing(member) : "";
    if (member->selection != FERRY_ANY)
        snprintf(phrase.text, sizeof(phrase.text), "%s %" PRIu64, text, member->type);
    else
        snprintf(phrase.text, sizeof(phrase.text), "%s", text);
    return phrase;
}
