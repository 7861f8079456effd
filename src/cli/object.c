/* See object.h. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/new_queue.h"
#include "cli/object.h"
#include "cli/operand.h"
#include "cli/output.h"

struct taking {
    struct listing listing;
    uint64_t kinds;
};

static int take_one(const struct ferry_object *object, void *context)
{
    struct taking *taking = context;
    struct listing *listing = &taking->listing;
    if (taking->kinds && !(taking->kinds & UINT64_C(1) << object->kind))
        return 0;
    listing->objects =
        expect_memory(realloc(listing->objects, (listing->count + 1) * sizeof(*listing->objects)));
    listing->objects[listing->count++] = *object;
    return 0;
}

int listing_take(struct listing *ret_listing, uint64_t kinds)
{
    struct taking taking = {.kinds = kinds};
    int r = ferry_list(take_one, &taking);
    if (r < 0) {
        listing_free(&taking.listing);
        return report(r);
    }
    *ret_listing = taking.listing;
    return 0;
}

void listing_free(struct listing *listing)
{
    free(listing->objects);
    *listing = (struct listing){0};
}

const char *object_title(const struct ferry_object *object)
{
    return object->label[0] ? object->label : object->name;
}

/* A name may pass from one object to the next; its birth does not. */
bool object_is_same(const struct ferry_object *a, const struct ferry_object *b)
{
    return a->kind == b->kind && a->creator_pid == b->creator_pid &&
           a->created_unix_ms == b->created_unix_ms && a->anonymous == b->anonymous &&
           strcmp(a->label, b->label) == 0;
}

struct phrase object_attached(const struct ferry_object *object)
{
    struct phrase phrase;
    if (object->dead)
        snprintf(phrase.text, sizeof(phrase.text), "%u (+%u dead)", object->attached, object->dead);
    else
        snprintf(phrase.text, sizeof(phrase.text), "%u", object->attached);
    return phrase;
}

struct phrase object_owner(const struct ferry_object *object)
{
    struct phrase phrase;
    const struct passwd *user = getpwuid(object->owner);
    if (user)
        snprintf(phrase.text, sizeof(phrase.text), "%.32s", user->pw_name);
    else
        snprintf(phrase.text, sizeof(phrase.text), "%u", (unsigned)object->owner);
    return phrase;
}

struct phrase object_group(const struct ferry_object *object)
{
    struct phrase phrase;
    const struct group *group = getgrgid(object->group);
    if (group)
        snprintf(phrase.text, sizeof(phrase.text), "%.32s", group->gr_name);
    else
        snprintf(phrase.text, sizeof(phrase.text), "%u", (unsigned)object->group);
    return phrase;
}

int64_t object_last_use(const struct ferry_object *object)
{
    int64_t last = object->last_attach_unix_ms;
    if (object->last_detach_unix_ms > last)
        last = object->last_detach_unix_ms;
    return object->changed_unix_ms > last ? object->changed_unix_ms : last;
}

static void add(struct state *state, const char *first, const char *second)
{
    size_t used = strlen(state->text);
    snprintf(state->text + used, sizeof(state->text) - used, "%s%s%s", used ? ", " : "", first,
             second);
}

struct state object_state(const struct ferry_object *object)
{
    struct state state = {""};
    if (object->damaged)
        add(&state, "damaged: ", object->damage);
    if (object->removed)
        add(&state, "removed, still ", object->name);
    if (object->anonymous)
        add(&state, "anonymous", "");
    if (object->temporary)
        add(&state, "temporary", "");
    if (object->condemned)
        add(&state, "given up", "");
    else if (object->lock_owner_dead)
        add(&state, "lock left by the dead", "");
    else if (object->unrepaired)
        add(&state, "unrepaired", "");
    return state;
}

/* A pid or a moment that 0 stands for "none" of. */
static void number_or_null(struct json *json, const char *key, int64_t value)
{
    if (value > 0)
        json_number(json, key, (uint64_t)value);
    else
        json_null(json, key);
}

static void life_to_json(const struct ferry_object *object, struct json *json)
{
    number_or_null(json, "creator_pid", object->creator_pid);
    number_or_null(json, "created_unix_ms", object->created_unix_ms);
    json_number(json, "attached", object->attached);
    json_number(json, "dead", object->dead);
    json_number(json, "attach_count", object->attach_count);
    json_number(json, "detach_count", object->detach_count);
    json_number(json, "death_count", object->death_count);
    number_or_null(json, "last_attach_pid", object->last_attach_pid);
    number_or_null(json, "last_attach_unix_ms", object->last_attach_unix_ms);
    number_or_null(json, "last_detach_pid", object->last_detach_pid);
    number_or_null(json, "last_detach_unix_ms", object->last_detach_unix_ms);
}

static void lock_to_json(const struct ferry_object *object, struct json *json)
{
    number_or_null(json, "lock_owner_pid", object->lock_owner_pid);
    json_bool(json, "lock_owner_dead", object->lock_owner_dead);
    json_bool(json, "unrepaired", object->unrepaired);
    json_number(json, "lock_count", object->lock_count);
    json_number(json, "wait_count", object->wait_count);
}

static void segment_to_json(const struct ferry_object *object, struct json *json)
{
    json_number(json, "version", object->version);
    number_or_null(json, "changed_unix_ms", object->changed_unix_ms);
    lock_to_json(object, json);
}

static void mutex_to_json(const struct ferry_object *object, struct json *json)
{
    lock_to_json(object, json);
    json_bool(json, "condemned", object->condemned);
    json_bool(json, "recursive", object->recursive);
    json_bool(json, "inherits", object->inherits);
}

static void rwlock_to_json(const struct ferry_object *object, struct json *json)
{
    mutex_to_json(object, json);
    json_number(json, "reader_count", object->reader_count);
}

static void barrier_to_json(const struct ferry_object *object, struct json *json)
{
    json_number(json, "count", object->barrier_count);
    json_number(json, "arrived_count", object->arrived_count);
    json_number(json, "round", object->round);
    json_number(json, "broken_count", object->broken_count);
    json_number(json, "wait_count", object->wait_count);
}

static void condition_to_json(const struct ferry_object *object, struct json *json)
{
    json_text(json, "mutex", object->mutex_name);
    json_number(json, "sleeper_count", object->sleeper_count);
    json_number(json, "wait_count", object->wait_count);
}

static void pipe_to_json(const struct ferry_object *object, struct json *json)
{
    json_bool(json, "keeps_records", object->keeps_records);
    json_number(json, "depth_bytes", object->depth_bytes);
    json_number(json, "written_bytes", object->written_bytes);
    json_number(json, "read_bytes", object->read_bytes);
    json_number(json, "write_count", object->write_count);
    json_number(json, "read_count", object->read_count);
}

static void queue_to_json(const struct ferry_object *object, struct json *json)
{
    json_bool(json, "typed", (object->queue_flags & FERRY_TYPES) != 0);
    json_bool(json, "priorities", (object->queue_flags & FERRY_PRIORITIES) != 0);
    json_bool(json, "rendezvous", (object->queue_flags & FERRY_RENDEZVOUS) != 0);
    json_bool(json, "unbounded", (object->queue_flags & FERRY_UNBOUNDED) != 0);
    json_text(json, "overflow", queue_overflow_word(object->overflow));
    json_number(json, "capacity_messages", object->capacity_messages);
    json_number(json, "capacity_bytes", object->capacity_bytes);
    json_number(json, "largest_bytes", object->largest_bytes);
    json_number(json, "depth_messages", object->depth_messages);
    json_number(json, "depth_bytes", object->depth_bytes);
    json_number(json, "most_messages", object->most_messages);
    json_number(json, "most_bytes", object->most_bytes);
    json_number(json, "sent_count", object->sent_count);
    json_number(json, "received_count", object->received_count);
    json_number(json, "dropped_oldest", object->dropped_oldest);
    json_number(json, "dropped_newest", object->dropped_newest);
    json_number(json, "refused_count", object->refused_count);
    if (object->oldest_age_ns >= 0)
        json_number(json, "oldest_age_ns", (uint64_t)object->oldest_age_ns);
    else
        json_null(json, "oldest_age_ns");
}

static void semaphore_to_json(const struct ferry_object *object, struct json *json)
{
    json_number(json, "value", object->value);
    json_number(json, "most_value", object->most_value);
    json_number(json, "sleeper_count", object->sleeper_count);
    json_open(json, "set", '[');
    for (uint32_t i = 0; i < object->set_count; i++)
        json_number(json, NULL, object->set_values[i]);
    json_close(json, ']');
    json_number(json, "wait_count", object->wait_count);
}

static void rights_to_json(const struct ferry_object *object, struct json *json)
{
    char mode[8];
    snprintf(mode, sizeof(mode), "%04o", object->mode & 07777);
    json_number(json, "owner", object->owner);
    json_text(json, "owner_name", object_owner(object).text);
    json_number(json, "group", object->group);
    json_text(json, "group_name", object_group(object).text);
    json_text(json, "mode", mode);
}

/* A damaged object has no fields that could be trusted behind "damage". */
void object_to_json(const struct ferry_object *object, struct json *json)
{
    json_text(json, "name", object->name);
    json_text(json, "label", object->label);
    json_text(json, "kind", ferry_kind_name(object->kind));
    json_bool(json, "temporary", object->temporary);
    json_bool(json, "removed", object->removed);
    json_bool(json, "anonymous", object->anonymous);
    json_bool(json, "damaged", object->damaged);
    if (object->damaged) {
        json_text(json, "damage", object->damage);
        return;
    }
    json_null(json, "damage");
    rights_to_json(object, json);
    json_number(json, "size_bytes", object->size_bytes);
    json_number(json, "reserved_bytes", object->reserved_bytes);
    life_to_json(object, json);
    if (object->kind == FERRY_KIND_SEGMENT)
        segment_to_json(object, json);
    if (object->kind == FERRY_KIND_PIPE)
        pipe_to_json(object, json);
    if (object->kind == FERRY_KIND_QUEUE)
        queue_to_json(object, json);
    if (object->kind == FERRY_KIND_SEMAPHORE)
        semaphore_to_json(object, json);
    if (object->kind == FERRY_KIND_MUTEX)
        mutex_to_json(object, json);
    if (object->kind == FERRY_KIND_RWLOCK)
        rwlock_to_json(object, json);
    if (object->kind == FERRY_KIND_BARRIER)
        barrier_to_json(object, json);
    if (object->kind == FERRY_KIND_CONDITION)
        condition_to_json(object, json);
}
